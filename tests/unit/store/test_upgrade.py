"""A database that an older version wrote: refused until it is brought up, then as good as new."""

from __future__ import annotations

import functools
import sqlite3
from pathlib import Path

import pytest

from grader.errors import StoreError, UsageError
from grader.store import Signature, ledger, open_store, schema
from grader.store.engine import connect
from grader.store.models import MarkRow
from grader.store.store import utc_now
from grader.workflows.databases import backup, upgrade


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A database of the first schema with one mark, sealed as the first version sealed it."""
    path = tmp_path / "grader.db"
    engine = connect(str(path), busy_timeout_s=1)
    with engine.execution_options(writes=True).begin() as connection:
        schema.upgrade(connection, to="0001")
    engine.dispose()
    row = {
        "seq": 1,
        "student": "s1",
        "assignment": "lab2",
        "criterion": "why",
        "points": 2.0,
        "comment": "sound",
    }
    entry = {
        "seq": 1,
        "kind": "marks",
        "at": "2026-03-01T12:00:00.000000+00:00",
        "actor": "ta",
        "why": "x",
        "previous": "",
    }
    with sqlite3.connect(path) as connection:
        insert(connection, "ledger", entry | {"digest": ledger.seal(entry, row)})
        insert(connection, "marks", row)
    connection.close()
    return path


def insert(connection: sqlite3.Connection, table: str, row: dict[str, object]) -> None:
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))


def test_an_older_database_is_refused_with_the_command_that_helps(old: Path) -> None:
    with pytest.raises(StoreError, match="older version") as raised:
        open_store(str(old))
    assert raised.value.todo == "run `grader db upgrade`"


def test_an_upgrade_keeps_every_row_and_every_seal(old: Path) -> None:
    before, after, kept = upgrade(str(old))
    assert (before, after) == ("0001", schema.REVISIONS[-1])
    assert kept is not None and kept.exists()
    with open_store(str(old), create=False) as store:
        with store.writing() as session:
            mark = MarkRow(
                student="s1", assignment="lab2", criterion="why", points=3.0, comment="", verdict=None
            )
            ledger.append(session, mark, Signature("ta", utc_now(), "x"))
        with store.reading() as session:
            assert ledger.examine(session) is None
            assert [row.points for row in session.query(MarkRow)] == [2.0, 3.0]


def test_the_backup_is_the_database_as_it_was(old: Path) -> None:
    _, _, kept = upgrade(str(old))
    with sqlite3.connect(kept) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
        assert connection.execute("SELECT points FROM marks").fetchall() == [(2.0,)]
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
    with open_store(str(tmp_path / "grader.db")) as store, store.writing() as session:
        mark = MarkRow(student="s1", assignment="lab2", criterion="why", points=3.0, comment="", verdict=None)
        ledger.append(session, mark, Signature("ta", utc_now(), "x"))
        copy = backup(store.location, tmp_path / "copy.db")
    with open_store(str(copy), create=False) as store, store.reading() as session:
        assert ledger.examine(session) is None
        assert session.query(MarkRow).count() == 0


@pytest.mark.parametrize(
    ("location", "target"),
    [("absent.db", "x"), ("grader.db", "there"), ("grader.db", "nowhere/x"), ("postgresql://h/x", "x")],
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
