from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Index, MetaData, text

from grader.errors import StoreError, StoreUnavailable, UsageError
from grader.store import Signature, Store, engine, ledger, open_store, schema
from grader.store.engine import connect
from grader.store.models import Base, MarkRow, SettingRow
from grader.store.schema import backup, upgrade
from tests import postgresql
from tests.schemas import differences
from tests.shortcuts import PRAGMAS
from tests.tampering import mark, write


def test_a_new_database_has_the_pragmas_that_keep_marks_safe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_PRAGMAS", PRAGMAS)
    with open_store(str(tmp_path / "grader.db")) as store, store.database.reading() as session:
        found = {
            name: session.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "recursive_triggers": 1}


def test_a_rush_of_writes_does_not_wait_for_the_log_to_be_put_into_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_PRAGMAS", PRAGMAS)
    with open_store(str(tmp_path / "grader.db")) as store:
        before = (tmp_path / "grader.db").stat().st_size
        for each in range(2):
            with store.database.writing() as session:
                session.add(SettingRow(name=f"{each}", value="x" * 4 * 2**20))
        assert (tmp_path / "grader.db-wal").stat().st_size > 8 * 2**20
        assert (tmp_path / "grader.db").stat().st_size == before


def test_the_migrated_schema_is_that_of_the_models(empty_database: str) -> None:
    with open_store(empty_database) as store, store.database.engine.connect() as connection:
        assert differences(connection, Base.metadata) == []


def test_every_table_is_strict(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "grader.db")) as store, store.database.reading() as session:
        tables = session.execute(text("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'"))
        loose = {name for name, strict in tables if not strict}
    assert {name for name in loose if not name.startswith("sqlite_")} == {"alembic_version"}


def test_the_known_revisions_are_alembics() -> None:
    config = Config()
    config.set_main_option("script_location", "grader.store:migrations")
    scripts = list(ScriptDirectory.from_config(config).walk_revisions())
    assert tuple(script.revision for script in reversed(scripts)) == schema.REVISIONS


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "grader.db"
    open_store(str(path)).close()
    before = path.read_bytes()
    open_store(str(path), create=False).close()
    assert path.read_bytes() == before


def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "grader.db"
    open_store(str(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="newer version") as raised:
        open_store(str(path))
    assert path.read_bytes() == before
    assert raised.value.found == "schema 9999"
    assert raised.value.exit_code == 2


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (id)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        open_store(str(path))
    with pytest.raises(StoreError, match="another program"):
        upgrade(str(path))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("marks are in my other notebook " * 100)
    with pytest.raises(StoreError, match="no database"):
        open_store(str(path))


def test_a_locked_database_says_so(tmp_path: Path) -> None:
    path = tmp_path / "grader.db"
    open_store(str(path)).close()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with open_store(str(path), busy_timeout_s=0.05) as store, pytest.raises(StoreError) as raised:
        store.writing().__enter__()
    assert "locked by another program" in raised.value.what
    holder.close()


def test_a_new_database_that_another_program_holds_says_so(tmp_path: Path) -> None:
    path = tmp_path / "grader.db"
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked by another program"):
        open_store(str(path), busy_timeout_s=0.05)
    holder.close()


def test_readers_are_not_stopped_by_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "grader.db"
    open_store(str(path)).close()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with open_store(str(path), busy_timeout_s=0.05) as store, store.database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM ledger")) == 0
    holder.close()


def test_no_database_is_made_where_none_may_be(tmp_path: Path) -> None:
    path = tmp_path / "grader.db"
    with pytest.raises(UsageError, match="no database"):
        open_store(str(path), create=False)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_stays_empty_where_no_database_may_be_made(tmp_path: Path) -> None:
    path = tmp_path / "grader.db"
    path.touch()
    with pytest.raises(UsageError, match="no database"):
        open_store(str(path), create=False)
    assert path.read_bytes() == b""


@pytest.mark.parametrize("driver", ["sqlite", "sqlite+pysqlite"])
def test_a_sqlite_url_is_taken_as_its_file(tmp_path: Path, driver: str) -> None:
    url = f"{driver}:///{tmp_path / 'grader.db'}"
    with pytest.raises(UsageError, match="no database"):
        open_store(url, create=False)
    assert list(tmp_path.iterdir()) == []
    with open_store(url) as store:
        assert store.location == str(tmp_path / "grader.db")
        assert store.blobs.root == tmp_path / "grader.db.evidence"
    assert backup(url, tmp_path / "copy.db").exists()
    assert upgrade(url)[2] is None


@pytest.mark.parametrize(
    "location",
    ["nowhere/grader.db", "sqlite:///nowhere/grader.db", ".", "nonsense://x", "postgresql+nothing://x/y"],
)
def test_a_place_that_cannot_be_is_a_usage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError):
        open_store(location)


def test_a_password_in_the_url_is_in_no_message(tmp_path: Path) -> None:
    with pytest.raises((StoreError, UsageError)) as raised:
        open_store("postgresql+nothing://ta:secret@host/marks")
    assert "secret" not in str(raised.value)


def test_processes_that_make_a_database_at_once_all_get_it(empty_database: str) -> None:
    location, failures = empty_database, []

    def make() -> None:
        try:
            open_store(location).close()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://ta:secret@/marks?host=/nonexistent",
        "postgresql+psycopg:///marks?host=/nonexistent&user=ta&password=secret",
    ],
)
def test_a_server_that_is_not_there_is_named_without_the_password(url: str) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StoreError, match="does not answer") as raised:
        open_store(url)
    assert "secret" not in str(raised.value)
    assert raised.value.where.startswith("/marks?host=")


@pytest.mark.parametrize("named", ["nobody@/postgres", "grader@/no_such_database"])
def test_a_server_that_refuses_is_told_from_one_that_is_away(postgresql_server: Path, named: str) -> None:
    with pytest.raises(StoreError, match="lets nobody in") as raised:
        open_store(f"postgresql+psycopg://{named}?host={postgresql_server}")
    assert not isinstance(raised.value, StoreUnavailable)
    assert "does not exist" in raised.value.found


def test_another_writer_on_a_server_is_waited_for_and_then_named(postgresql_server: Path) -> None:
    location = postgresql.migrated_database(postgresql_server)
    hasty = open_store(location, busy_timeout_s=0.05)
    with (
        open_store(location) as store,
        store.writing(),
        pytest.raises(StoreError, match="locked by another program"),
    ):
        hasty.writing().__enter__()
    hasty.close()


@pytest.mark.parametrize("default", ["repeatable read", "serializable"])
def test_a_writer_that_waited_sees_what_the_other_wrote_whatever_the_servers_default(
    postgresql_server: Path, default: str
) -> None:
    location = postgresql.migrated_database(postgresql_server)
    engine = connect(location, busy_timeout_s=30)
    with engine.begin() as connection:
        name = connection.scalar(text("SELECT current_database()"))
        connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_isolation TO '{default}'"))
    engine.dispose()
    with open_store(location) as first, open_store(location) as second:
        with first.database.writing() as session:
            waiting = threading.Thread(target=write, args=(second, mark("s2")))
            waiting.start()
            _wait_for_a_waiter(first)
            ledger.append(session, mark("s1"), Signature("ta", first.clock(), "test"))
        waiting.join()
        with first.database.reading() as session:
            assert [row.student for row in session.query(MarkRow).order_by(MarkRow.seq)] == ["s1", "s2"]


def _wait_for_a_waiter(store: Store) -> None:
    """Until another connection stands in the queue for the writers' lock."""
    for _ in range(3000):
        with store.database.reading() as session:
            if session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
                return
        time.sleep(0.02)
    raise TimeoutError("nobody waits for the lock")


def test_an_index_for_one_database_is_missed_there_and_nowhere_else(empty_database: str) -> None:
    models = MetaData()
    for table in Base.metadata.tables.values():
        table.to_metadata(models)
    ledger = models.tables["ledger"]
    Index("ix_for_one_database", ledger.c.why, info={"only": "postgresql"})
    with open_store(empty_database) as store, store.database.engine.connect() as connection:
        missed = [kind for kind, _ in differences(connection, models)]
        assert missed == (["add_index"] if connection.dialect.name == "postgresql" else [])


def test_a_servers_database_that_cannot_hold_every_name_is_refused_with_what_to_do(
    postgresql_server: Path,
) -> None:
    location = postgresql.fresh_database(postgresql_server, encoding="SQL_ASCII")
    with pytest.raises(StoreError, match="cannot hold every name") as raised:
        open_store(location)
    assert "--encoding UTF8" in str(raised.value)
