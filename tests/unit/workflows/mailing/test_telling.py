"""What is told by mail: to whom, once, and together with what it tells or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from grader.intake.roster import RosterEntry, roster_from
from grader.store import Store, open_store
from grader.store.mails import Mailing
from grader.workflows.desk.roster import keep_roster
from grader.workflows.mailing.telling import Came, tell_answered, tell_handed_in, tell_released

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    people = [
        RosterEntry("ann", email="ann@uni.example", number="1001", line=2),
        RosterEntry("ben", email="ben@uni.example\nBcc: all@uni.example", line=3),
        RosterEntry("cara", line=4),
    ]
    with open_store(str(tmp_path / "grader.db"), create=True) as opened:
        keep_roster(opened, roster_from(people))
        with opened.writing() as history:
            history.set_mailing(Mailing("course@uni.example"))
        yield opened


def subjects(store: Store) -> list[tuple[str, str]]:
    with store.reading() as history:
        return [(each.student, each.subject) for each in history.mails()]


def test_only_who_has_a_plain_address_is_written_to(store: Store) -> None:
    with store.writing() as history:
        assert tell_released(history, "lab2", ["1001", "ben", "cara", "stranger"], NOW) == 1
    assert subjects(store) == [("1001", "lab2: marks are released")]


def test_a_request_and_a_file_are_told_of_once_each(store: Store) -> None:
    with store.writing() as history:
        for _ in range(2):
            tell_answered(history, "lab2", "ann", 7, NOW)
            tell_handed_in(history, [Came("lab2", "ann", 9, "ab" * 32, NOW)])
        tell_answered(history, "lab2", "ann", 8, NOW)
    told = ["your remark request is answered", "your file is here", "your remark request is answered"]
    assert subjects(store) == [("ann", f"lab2: {each}") for each in told]
    with store.reading() as history:
        assert f"Receipt 9, SHA-256 {'ab' * 32}." in history.mails()[1].text


def test_what_is_rolled_back_is_not_told(store: Store) -> None:
    def broken() -> None:
        with store.writing() as history:
            tell_answered(history, "lab2", "ann", 7, NOW)
            raise RuntimeError("what it tells was not written")

    with pytest.raises(RuntimeError):
        broken()
    assert subjects(store) == []
