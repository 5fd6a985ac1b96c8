from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from grader.errors import StoreError
from grader.store import Signature, Store, WritableHistory, ledger, open_store
from grader.store.models import MarkRow
from tests.tampering import mark

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def store(database: str, tmp_path: Path) -> Iterator[Store]:
    with open_store(database, evidence=tmp_path / "evidence") as opened:
        yield opened


def adding(name: str):
    def add(history: WritableHistory) -> str:
        ledger.append(history.session, mark(name), Signature("ta", NOW, "test"))
        if name == "bad":
            raise ZeroDivisionError(name)
        return name

    return add


def write_all(store: Store, names: list[str], *, held_up: int) -> dict[str, object]:
    """Each name in a thread of its own, all but `held_up` of them waiting for the first transaction."""
    told: dict[str, object] = {}

    def write(name: str) -> None:
        try:
            told[name] = store.add(adding(name))
        except Exception as error:
            told[name] = error

    threads = [threading.Thread(target=write, args=(name,)) for name in names]
    with store.together._turn:
        for thread in threads:
            thread.start()
        while len(store.together._waiting) < held_up:
            time.sleep(0.01)
    for thread in threads:
        thread.join()
    return told


def students(store: Store) -> list[str]:
    with store.database.reading() as session:
        assert ledger.examine(session) is None
        return sorted(row.student for row in session.query(MarkRow))


def test_what_waits_is_written_in_one_transaction(store: Store) -> None:
    transactions: list[int] = []
    at_end = store.database.at_end
    store.database.at_end = lambda session: transactions.append(1) or at_end(session)
    names = [f"s{number}" for number in range(100, 150)]
    assert write_all(store, names, held_up=50) == {name: name for name in names}
    assert students(store) == names
    assert len(transactions) == 1


def test_one_that_fails_takes_no_other_with_it(store: Store) -> None:
    told = write_all(store, ["a", "bad", "b"], held_up=3)
    assert isinstance(told.pop("bad"), ZeroDivisionError)
    assert told == {"a": "a", "b": "b"}
    assert students(store) == ["a", "b"]


def test_a_database_that_fails_is_told_to_each_and_nothing_is_written(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(store.database, "at_end", full)
        told = write_all(store, ["a", "b", "c"], held_up=3)
    assert [str(error) for error in told.values()] == ["the disk is full"] * 3
    assert students(store) == []
    assert store.add(adding("d")) == "d"
    assert students(store) == ["d"]


def test_what_is_done_at_once_is_told_to_each_and_the_rest_is_left_to_itself(store: Store) -> None:
    asked: list[int] = []

    class Adding:
        def __init__(self, name: str) -> None:
            self.name = name

        def __call__(self, history: WritableHistory) -> str:
            return f"{adding(self.name)(history)} alone"

    def at_once(history: WritableHistory, each: Sequence[Adding]) -> list[str | None]:
        asked.append(len(each))
        return [adding(one.name)(history) if one.name < "c" else None for one in each]

    told: dict[str, str] = {}
    threads = [
        threading.Thread(target=lambda name=name: told.update({name: store.add(Adding(name), at_once)}))
        for name in "abcd"
    ]
    with store.together._turn:
        for thread in threads:
            thread.start()
        while len(store.together._waiting) < 4:
            time.sleep(0.01)
    for thread in threads:
        thread.join()
    assert told == {"a": "a", "b": "b", "c": "c alone", "d": "d alone"}
    assert students(store) == list("abcd")
    assert asked == [4]
