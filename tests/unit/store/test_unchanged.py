"""What is held as long as nobody writes: dropped whoever writes, and never one reader's for another's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from grader.store import Store, open_store
from grader.store.engine import connect
from grader.store.past import as_of
from grader.store.unchanged import nothing_held, of_change
from tests import postgresql

_WRITE = (
    "INSERT INTO settings (name, value) VALUES ('told', '{}')"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_ASK = text("SELECT value FROM settings WHERE name = 'told'")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    location, evidence = str(tmp_path / "marks.db"), tmp_path / "evidence"
    if request.param == "postgresql":
        location = postgresql.migrated_database(request.getfixturevalue("postgresql_server"))
    with open_store(location, evidence=evidence) as store:
        yield store


def told(session: Session) -> str | None:
    """What the database says, by what is held."""
    said: str | None = of_change(session, "told", lambda: session.scalar(_ASK))
    return said


@contextmanager
def asked(store: Store) -> Iterator[tuple[Session, Callable[[], int]]]:
    """A reader, and how often it has asked the database itself."""
    times = 0
    with store.database.reading() as session:

        def ask() -> str | None:
            nonlocal times
            times += 1
            said: str | None = session.scalar(_ASK)
            return said

        def number() -> int:
            of_change(session, "told", ask)
            return times

        yield session, number


def write_elsewhere(store: Store, value: str) -> None:
    """As another process does."""
    engine = connect(store.location, busy_timeout_s=60)
    try:
        with engine.execution_options(writes=True).begin() as connection:
            connection.execute(text(_WRITE.format(value)))
    finally:
        engine.dispose()


def write_here(store: Store, value: str) -> None:
    with store.database.writing() as session:
        session.execute(text(_WRITE.format(value)))


def write_queue(store: Store, value: str) -> None:
    with store.database.queueing() as session:
        session.execute(text(_WRITE.format(value)))


WRITERS = (write_elsewhere, write_here, write_queue)


@pytest.mark.parametrize("write", WRITERS)
def test_it_is_asked_once_until_anybody_writes(store: Store, write: Callable[[Store, str], None]) -> None:
    with asked(store) as (_, number):
        assert number() == 1
    with asked(store) as (_, number):
        assert number() == 0
    write(store, "another")
    with asked(store) as (session, number):
        assert number() == 1
        assert told(session) == "another"


def test_a_transaction_that_is_not_kept_changes_nothing(store: Store) -> None:
    write_here(store, "kept")
    with pytest.raises(ZeroDivisionError), store.database.writing() as session:
        session.execute(text(_WRITE.format("not kept")))
        assert told(session) == "not kept"
        raise ZeroDivisionError
    with store.database.reading() as session:
        assert told(session) == "kept"


def test_who_reads_on_sees_their_own_moment_and_leaves_nothing_of_it_to_others(store: Store) -> None:
    write_here(store, "before")
    with store.database.reading() as early:
        assert early.scalar(_ASK) == "before"
        write_elsewhere(store, "after")
        with store.database.reading() as late:
            assert told(late) == "after"
            assert told(early) == "before"
        with store.database.reading() as late:
            assert told(late) == "after"


@pytest.mark.parametrize("seed", range(6))
def test_many_readers_and_writers_at_once_are_told_what_the_database_says(store: Store, seed: int) -> None:
    """Readers begin, ask and end in any order, on whichever connection; each is told what it would read."""
    random, number = Random(seed), 0
    with ExitStack() as last:
        readers: list[tuple[ExitStack, Session]] = []
        for _ in range(60):
            step = random.random()
            if step < 0.3 and len(readers) < 4:
                begun = last.enter_context(ExitStack())
                readers.append((begun, begun.enter_context(store.database.reading())))
            elif step < 0.5 and readers:
                readers.pop(random.randrange(len(readers)))[0].close()
            elif step < 0.7:
                number += 1
                random.choice(WRITERS)(store, str(number))
            for _, session in readers:
                if random.random() < 0.7:
                    assert told(session) == session.scalar(_ASK)


def test_the_past_and_what_is_hidden_have_nothing_of_the_present(store: Store) -> None:
    with store.database.reading() as session:
        assert of_change(session, "name", lambda: "now") == "now"
        with as_of(session, 0):
            assert of_change(session, "name", lambda: "then") == "then"
        with nothing_held(session):
            assert of_change(session, "name", lambda: "hidden") == "hidden"
        assert of_change(session, "name", lambda: "asked again") == "now"


def test_what_fails_is_asked_again(store: Store) -> None:
    with store.database.reading() as session:
        with pytest.raises(ZeroDivisionError):
            of_change(session, "fails", lambda: 1 // 0)
        assert of_change(session, "fails", lambda: 1) == 1
