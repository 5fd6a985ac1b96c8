"""A backup comes back on either kind of database: a course that outgrows a file goes on, on a server."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from grader.cli import execute
from grader.errors import StoreError, UsageError
from grader.store import open_store
from grader.store.audit import audit
from grader.store.backup import back_up, restore
from grader.store.models import Base
from grader.store.schema import backup, revision_of, transaction
from tests import postgresql
from tests.damaged import write_class

OLDEST = Path(__file__).parent / "written_by_0001" / "sqlite.sql"


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A class in which everything happened once."""
    folder = tmp_path / "course"
    folder.mkdir()
    write_class(folder, monkeypatch)
    return str(folder / "grader.db")


@pytest.fixture
def on_server(postgresql_server: Path) -> str:
    return postgresql.fresh_database(postgresql_server)


def rows_of(location: str) -> dict[str, list[tuple[Any, ...]]]:
    """What stands in every table, but for where the evidence lies."""
    with transaction(location) as connection:
        return {
            name: sorted(
                (
                    tuple(row)
                    for row in connection.execute(text(f'SELECT {_columns(name)} FROM "{name}"'))
                    if not str(row[0]).startswith("evidence_")
                ),
                key=repr,
            )
            for name in Base.metadata.tables
        }


def _columns(table: str) -> str:
    return ", ".join(f'"{column.name}"' for column in Base.metadata.tables[table].columns)


def moved(source: str, to: str, folder: Path) -> str:
    """A backup of `source`, brought back as `to`; gives its seal."""
    folder.mkdir()
    with open_store(source, create=False) as store:
        made = back_up(store, folder / "one.backup")
    back = restore(folder / "one.backup", to, evidence=str(folder / "evidence"))
    assert (back.seal, back.evidence, made.lacking) == (made.seal, made.evidence, ())
    return back.seal


def test_a_course_moves_to_a_server_and_back_and_every_row_stays(
    course: str, on_server: str, tmp_path: Path
) -> None:
    before = rows_of(course)
    assert sum(bool(rows) for rows in before.values()) >= 20, "tables with something in them"
    seal = moved(course, on_server, tmp_path / "to")
    shutil.rmtree(f"{course}.evidence")
    assert rows_of(on_server) == before
    back = str(tmp_path / "back.db")
    assert moved(on_server, back, tmp_path / "from") == seal
    assert rows_of(back) == before
    for place in (on_server, back):
        with open_store(place, create=False) as store:
            found = audit(store)
            assert found.sound
            assert f"{found.rows}:{found.head}" == seal


def test_work_goes_on_where_a_course_was_moved_to(
    course: str, on_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved(course, on_server, tmp_path / "to")
    monkeypatch.setenv("GRADER_DB", on_server)
    assert execute(("account", "add", "cleo", "--role", "ta")) == 0
    assert execute(("run", "submissions", "--rubric", "mini", "--fresh")) == 0
    assert execute(("mark", "s2", "-a", "mini", "--criterion", "why", "--points", "1")) == 0
    with open_store(on_server, create=False) as store:
        assert audit(store).sound


def test_a_database_with_marks_is_not_written_over(course: str, on_server: str, tmp_path: Path) -> None:
    moved(course, on_server, tmp_path / "to")
    before = rows_of(on_server)
    with pytest.raises(UsageError, match="marks in this database already"):
        moved(course, on_server, tmp_path / "again")
    assert rows_of(on_server) == before


def test_on_a_server_somebody_has_to_say_where_the_evidence_goes(
    course: str, on_server: str, tmp_path: Path
) -> None:
    with open_store(course, create=False) as store:
        back_up(store, tmp_path / "one.backup")
    with pytest.raises(UsageError, match="where the evidence is to lie"):
        restore(tmp_path / "one.backup", on_server)


def test_what_fails_half_way_leaves_the_server_as_it_was(
    course: str, on_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr("grader.store.copying._count_on", fail)
    with pytest.raises(StoreError, match="disk is full"):
        moved(course, on_server, tmp_path / "to")
    with transaction(on_server) as connection:
        assert revision_of(connection) is None


def test_a_servers_database_alone_is_a_file_that_commands_take(
    course: str, on_server: str, tmp_path: Path
) -> None:
    moved(course, on_server, tmp_path / "to")
    copy = backup(on_server, tmp_path / "copy.db")
    assert rows_of(str(copy)) == rows_of(course)
    assert [path.name for path in tmp_path.glob("copy.db*")] == ["copy.db"]


@pytest.fixture(params=["file", "server"])
def either_place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "new.db") if request.param == "file" else request.getfixturevalue("on_server")


def test_a_backup_of_an_older_version_comes_back_as_this_versions(either_place: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "old.db")) as connection:
        connection.executescript(OLDEST.read_text())
    (tmp_path / "about.json").write_text(json.dumps({"format": "grader backup 1", "seal": "as noted"}))
    with tarfile.open(tmp_path / "old.backup", "w") as archive:
        archive.add(tmp_path / "about.json", "about.json")
        archive.add(tmp_path / "old.db", "grader.db")
    restore(tmp_path / "old.backup", either_place, evidence=str(tmp_path / "evidence"))
    with open_store(either_place, create=False) as store:
        assert audit(store, evidence=False).sound
