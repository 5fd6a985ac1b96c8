"""Tokens of programs, and answers kept for them, on both kinds of database."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.store import Store, open_store
from grader.store.accounts import AccountRecord, EnrolmentRecord
from grader.store.api_answers import KeptAnswer
from grader.store.api_tables import ApiAnswerRow, ApiTokenRow

TA = EnrolmentRecord(course="dl", role="ta")
ANSWER = KeptAnswer(status=200, headers={"etag": '"1"'}, body='{"é": 1}')


@pytest.fixture
def store(database: str, tmp_path: Path) -> Iterator[Store]:
    with open_store(database, evidence=tmp_path / "evidence") as store:
        yield store


@pytest.fixture
def ben(store: Store) -> AccountRecord:
    return store.accounts.add("ben", "", TA)


def add(
    store: Store, ben: AccountRecord, name: str = "t", *, course: str = "", until: datetime | None = None
) -> int:
    store.api_tokens.add(ben.id, name, f"secret {name}", ("read", "mark"), course=course, until=until)
    found = store.api_tokens.of(f"secret {name}")
    return 0 if found is None else found.token.id


def later(store: Store, **passed: int) -> None:
    now = store.clock() + timedelta(**passed)
    store.clock = lambda: now


def test_a_token_says_who_it_acts_for_and_what_they_are_now(store: Store, ben: AccountRecord) -> None:
    add(store, ben)
    found = store.api_tokens.of("secret t")
    assert found is not None
    assert (found.account, found.token.login, found.token.scopes) == (ben.id, "ben", ("read", "mark"))
    assert found.enrolments == {"dl": TA}
    store.accounts.enrol(ben.id, EnrolmentRecord(course="vision", role="head-ta"))
    found = store.api_tokens.of("secret t")
    assert found is not None and set(found.enrolments) == {"dl", "vision"}
    assert store.api_tokens.of("secret") is None and store.api_tokens.of("") is None


def test_a_token_for_one_course_reaches_that_one_alone(store: Store, ben: AccountRecord) -> None:
    store.accounts.enrol(ben.id, EnrolmentRecord(course="vision", role="head-ta"))
    add(store, ben, course="dl")
    found = store.api_tokens.of("secret t")
    assert found is not None and set(found.enrolments) == {"dl"}
    store.accounts.leave(ben.id, "dl")
    found = store.api_tokens.of("secret t")
    assert found is not None and found.enrolments == {}


def test_a_token_ends_when_it_is_said_and_with_its_account(store: Store, ben: AccountRecord) -> None:
    add(store, ben, until=store.clock() + timedelta(hours=1))
    add(store, ben, "other")
    later(store, minutes=59)
    assert store.api_tokens.of("secret t") is not None
    later(store, minutes=1)
    assert store.api_tokens.of("secret t") is None and store.api_tokens.of("secret other") is not None
    assert [each.name for each in store.api_tokens.everyones()] == ["other", "t"]
    store.accounts.remove(ben.id)
    assert store.api_tokens.of("secret other") is None and store.api_tokens.everyones() == []


def test_a_name_is_used_once_and_revoking_gives_it_back(store: Store, ben: AccountRecord) -> None:
    id = add(store, ben)
    store.api_answers.begin(id, "k", "asked")
    with pytest.raises(UsageError, match="token of this name"):
        add(store, ben)
    assert store.api_tokens.revoke(ben.id, "t") and not store.api_tokens.revoke(ben.id, "t")
    assert store.api_tokens.of("secret t") is None
    store.api_tokens.add(ben.id, "t", "another", ("read",), course="", until=None)
    assert store.api_tokens.of("secret t") is None and store.api_tokens.of("another") is not None


def test_when_a_token_was_used_is_told_and_its_secret_is_kept_nowhere(
    store: Store, ben: AccountRecord
) -> None:
    store.api_tokens.add(ben.id, "t", "secret t", ("read",), course="", until=None)
    assert store.api_tokens.everyones(ben.id)[0].used is None
    store.api_tokens.of("secret t")
    first = store.api_tokens.everyones(ben.id)[0].used
    assert first is not None
    later(store, minutes=6)
    store.api_tokens.of("secret t")
    second = store.api_tokens.everyones(ben.id)[0].used
    assert second is not None and second > first
    with store.database.reading() as session:
        assert all("secret t" not in str(vars(row)) for row in session.query(ApiTokenRow))


def test_a_course_that_is_named_anew_takes_its_tokens_along(store: Store) -> None:
    old = store.course.name
    cara = store.accounts.add("cara", "", EnrolmentRecord(course=old, role="ta"))
    add(store, cara, course=old)
    store.name_course("new-name")
    found = store.api_tokens.of("secret t")
    assert found is not None and set(found.enrolments) == {"new-name"}


def test_what_was_answered_is_answered_again_for_a_day(store: Store, ben: AccountRecord) -> None:
    id, other = add(store, ben), add(store, ben, "other")
    assert store.api_answers.begin(id, "k", "asked").is_first
    under_way = store.api_answers.begin(id, "k", "asked")
    assert not under_way.is_first and under_way.answer is None and not under_way.is_other
    store.api_answers.keep(id, "k", ANSWER)
    assert store.api_answers.begin(id, "k", "asked").answer == ANSWER
    assert store.api_answers.begin(id, "k", "something else").is_other
    assert store.api_answers.begin(other, "k", "asked").is_first
    later(store, hours=23)
    assert store.api_answers.begin(id, "k", "asked").answer == ANSWER
    later(store, hours=1)
    assert store.api_answers.begin(id, "k", "something else").is_first
    with store.database.reading() as session:
        assert [row.key for row in session.query(ApiAnswerRow)] == ["k"]


def test_what_was_broken_off_may_be_done_after_a_minute(store: Store, ben: AccountRecord) -> None:
    id = add(store, ben)
    store.api_answers.begin(id, "k", "asked")
    later(store, seconds=61)
    assert store.api_answers.begin(id, "k", "something else").is_other
    assert store.api_answers.begin(id, "k", "asked").is_first
    store.api_answers.forget(id, "k")
    assert store.api_answers.begin(id, "k", "something else").is_first


def test_of_many_at_once_one_does_it(store: Store, ben: AccountRecord) -> None:
    id = add(store, ben)
    with ThreadPoolExecutor(8) as pool:
        begun = list(pool.map(lambda _: store.api_answers.begin(id, "k", "asked"), range(16)))
    assert [each.is_first for each in begun].count(True) == 1
    assert not any(each.is_other or each.answer for each in begun)
