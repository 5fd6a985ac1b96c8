"""A database that an older version wrote: refused until it is brought up, then as good as new."""

from __future__ import annotations

import functools
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from grader.errors import StoreError, UsageError
from grader.store import Signature, ledger, open_store, schema, standing_check
from grader.store.audit import audit
from grader.store.models import Base, JobRow, MarkRow
from grader.store.schema import backup, upgrade
from tests import postgresql
from tests.schemas import differences
from tests.tampering import mark, write

#: Dumps of a database with a row in each table, written by the code of the first schema (commit 9e6bae1).
WRITTEN = Path(__file__).with_name("written_by_0001")
STUDENT = "s\u00fc\ud800 1"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "grader.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((WRITTEN / "sqlite.sql").read_text())
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def either_old(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return str(request.getfixturevalue("old"))
    location = postgresql.fresh_database(request.getfixturevalue("postgresql_server"))
    postgresql.run_script(location, (WRITTEN / "postgresql.sql").read_text())
    return location


def test_an_older_database_is_refused_with_the_command_that_helps(old: Path) -> None:
    with pytest.raises(StoreError, match="older version") as raised:
        open_store(str(old))
    assert raised.value.todo == "run `grader db upgrade`"


def test_an_upgrade_keeps_every_row_every_seal_and_every_guard(either_old: str, tmp_path: Path) -> None:
    assert upgrade(either_old)[:2] == ("0001", schema.REVISIONS[-1])
    with open_store(either_old, evidence=tmp_path, create=False) as store:
        report = audit(store, evidence=False)
        assert report.sound
        assert (report.rows, report.head) == (
            7,
            "2afc0b7782de8c3b2935d883540ced9882efaf8e6e3cf1f005168ec72b156b5e",
        )
        write(store, mark(STUDENT, 3.0))
        assert audit(store, evidence=False).sound


def test_marks_of_an_older_version_count_after_the_upgrade(either_old: str, tmp_path: Path) -> None:
    upgrade(either_old)
    with open_store(either_old, evidence=tmp_path, create=False) as store, store.reading() as history:
        [result] = history.results()
        assert (result.student, result.attempt.wall_time_s) == (STUDENT, 0.1 + 0.2)
        assert [criterion.points for criterion in result.mark.criteria] == [2.0, 1 / 3]
        decisions = [(decision.points, decision.why) for decision in result.decisions]
        assert decisions == [(2.5, "sound\x00"), (None, ""), (1 / 3, "half")]
        assert len(history.timeline(STUDENT, "lab2")) == 6
        assert [job.state for job in history.session.query(JobRow).order_by(JobRow.id)] == ["done", "claimed"]


def test_an_upgraded_schema_is_that_of_the_models(either_old: str) -> None:
    upgrade(either_old)
    with open_store(either_old) as store, store.database.engine.connect() as connection:
        assert differences(connection, Base.metadata) == []


def test_an_upgrade_writes_the_standing(either_old: str) -> None:
    upgrade(either_old)
    with open_store(either_old) as store, store.reading() as history:
        assert list(standing_check.differences(history.session)) == []
        [result] = history.results(students=[STUDENT])
        [shown] = history.page("lab2")
        assert (shown.student, shown.points, shown.marked) == (STUDENT, result.mark.points, 1)


def test_the_backup_is_the_database_as_it_was(old: Path) -> None:
    _, _, kept = upgrade(str(old))
    with sqlite3.connect(kept) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
        assert connection.execute("SELECT points FROM marks").fetchall() == [(2.5,), (None,), (1 / 3,)]
    connection.close()


def test_a_database_that_is_new_enough_is_left_alone(old: Path) -> None:
    upgrade(str(old))
    before = old.read_bytes()
    assert upgrade(str(old)) == (schema.REVISIONS[-1], schema.REVISIONS[-1], None)
    assert old.read_bytes() == before


def test_a_newer_database_is_not_touched(old: Path) -> None:
    with sqlite3.connect(old) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreError, match="newer version"):
        upgrade(str(old))


def test_an_upgrade_that_fails_changes_nothing(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("alembic.op.add_column", fail)
        with pytest.raises(ZeroDivisionError):
            upgrade(str(old))
    with sqlite3.connect(old) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    connection.close()
    assert "remark_requests" not in names
    name = f"grader.db.before-{schema.REVISIONS[-1]}"
    assert (old.parent / name).exists()
    assert upgrade(str(old))[1:] == (schema.REVISIONS[-1], old.parent / f"{name}.2")


def test_a_backup_is_whole_while_somebody_writes(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "grader.db")) as store, store.database.writing() as session:
        ledger.append(session, mark(), Signature("ta", store.clock(), "x"))
        copy = backup(store.location, tmp_path / "copy.db")
    with open_store(str(copy), create=False) as store, store.database.reading() as session:
        assert ledger.examine(session) is None
        assert session.query(MarkRow).count() == 0


@pytest.mark.parametrize(
    ("location", "target"),
    [("absent.db", "x"), ("grader.db", "there"), ("grader.db", "nowhere/x")],
)
def test_a_backup_that_cannot_be_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str, target: str
) -> None:
    monkeypatch.chdir(tmp_path)
    open_store("grader.db").close()
    (tmp_path / "there").write_text("kept")
    with pytest.raises(UsageError):
        backup(location, Path(target))
    assert (tmp_path / "there").read_text() == "kept"


def test_a_backup_that_is_interrupted_leaves_no_file(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(sqlite3.Connection):
        def backup(self, target: sqlite3.Connection, **_: object) -> None:
            target.execute("CREATE TABLE half (done)")
            assert not copy.exists()
            raise KeyboardInterrupt

    copy = old.parent / "copy.db"
    monkeypatch.setattr(sqlite3, "connect", functools.partial(sqlite3.connect, factory=Interrupted))
    with pytest.raises(KeyboardInterrupt):
        backup(str(old), copy)
    assert list(old.parent.iterdir()) == [old]
