"""Platforms, launches on their way and people whom they bring, on both kinds of database."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from grader.errors import GraderError
from grader.store import Store, open_store
from grader.store.accounts import EnrolmentRecord
from grader.store.arrivals import Arrival, LtiRequest
from grader.store.platforms import ContextRecord, PlatformRecord, SentScore
from grader.store.signed_in import hashed

SCHOOL = PlatformRecord(
    name="school",
    issuer="https://lms.example.org",
    client_id="42",
    deployment="7",
    auth_url="https://lms.example.org/auth",
    token_url="https://lms.example.org/token",
    jwks_url="https://lms.example.org/keys",
    origins=("https://lms.example.org", "https://school.example.org"),
    course="dl",
    enrols=("student", "ta"),
)
HERE = ContextRecord(platform="school", context="c-1", course="dl")
ADA = EnrolmentRecord(course="dl", role="student", student="s1001")


@pytest.fixture
def store(database: str, tmp_path: Path) -> Iterator[Store]:
    with open_store(database, evidence=tmp_path / "evidence") as store:
        store.platforms.add(SCHOOL)
        yield store


def test_a_platform_goes_with_all_that_is_known_of_it(store: Store) -> None:
    assert store.platforms.all() == [SCHOOL] == store.platforms.of(SCHOOL.issuer, "42")
    assert store.platforms.of(SCHOOL.issuer, "43") == [] == store.platforms.of("https://evil.example")
    store.platforms.keep_context(HERE)
    store.platforms.keep_line_item("school", "c-1", "lab2", "https://lms.example.org/columns/1")
    store.platforms.keep_sent(sent("u-1"))
    assert store.platforms.remove("school") and not store.platforms.remove("school")
    assert store.platforms.contexts() == [] and store.platforms.line_item("school", "c-1", "lab2") == ""
    store.platforms.add(SCHOOL)
    assert store.platforms.sent("school", "column") == {}


def sent(subject: str, digest: str = "a") -> SentScore:
    return SentScore(
        platform="school", line_item="column", subject=subject, course="dl", student="s1001", digest=digest
    )


def test_what_a_launch_tells_is_kept_and_nothing_is_forgotten_by_silence(store: Store) -> None:
    store.platforms.keep_context(HERE)
    store.platforms.learn(HERE, memberships="https://lms.example.org/m", line_items="")
    [known] = store.platforms.contexts(course="dl")
    store.platforms.learn(known, memberships="", line_items="https://lms.example.org/c")
    [known] = store.platforms.contexts(course="dl")
    assert (known.memberships, known.line_items) == ("https://lms.example.org/m", "https://lms.example.org/c")
    store.platforms.keep_line_item("school", "c-1", "lab2", "https://lms.example.org/columns/1")
    # Connected with another course: its columns are another's.
    store.platforms.keep_context(ContextRecord(platform="school", context="c-1", course="vision"))
    assert store.platforms.line_item("school", "c-1", "lab2") == ""
    assert store.platforms.contexts(course="dl") == []


def test_the_newest_of_what_was_sent_counts(store: Store) -> None:
    store.platforms.keep_sent(sent("u-1"))
    store.platforms.keep_sent(sent("u-1", "b"))
    store.platforms.keep_sent(sent("u-2"))
    assert store.platforms.sent("school", "column") == {"u-1": "b", "u-2": "a"}
    assert store.platforms.sent("school", "another") == {}


def test_of_two_who_make_keys_at_once_one_does(store: Store) -> None:
    assert store.platforms.keys() == ""
    assert store.platforms.keep_keys("", "first") == "first"
    assert store.platforms.keep_keys("", "second") == "first"
    assert store.platforms.keep_keys("first", "second") == "second" == store.platforms.keys()


def test_a_request_and_an_arrival_are_used_once_by_one_of_many(store: Store) -> None:
    request = LtiRequest(browser=hashed("cookie"), nonce="n", issuer="i", client_id="42", deep=False)
    store.arrivals.keep_request("state", request, store.clock() + timedelta(minutes=1))
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: store.arrivals.use_request("state"), range(8)))
    assert [each for each in found if each is not None] == [request]
    account = store.accounts.add("ada", "", ADA)
    arrival = Arrival(account=account.id, next="/c/dl")
    store.arrivals.keep("ticket", request.browser, arrival, store.clock() + timedelta(minutes=1))
    with ThreadPoolExecutor(8) as threads:
        used = list(threads.map(lambda _: store.arrivals.use("ticket", "cookie"), range(8)))
    assert [each for each in used if each is not None] == [arrival]
    # In another browser it is used up for nothing, and an empty cookie is no browser.
    for browser, cookie in ((hashed("cookie"), "another"), (hashed(""), "")):
        store.arrivals.keep("ticket", browser, arrival, store.clock() + timedelta(minutes=1))
        assert store.arrivals.use("ticket", cookie) is None
        assert store.arrivals.use("ticket", "cookie") is None
    store.arrivals.keep("ticket", request.browser, arrival, store.clock() + timedelta(minutes=1))
    store.accounts.remove(account.id)
    assert store.arrivals.use("ticket", "cookie") is None


def test_who_comes_for_the_first_time_many_times_at_once_has_one_account(store: Store) -> None:
    def come(_: int) -> int | None:
        try:
            found = store.accounts.admit(["ada", "ada-2"], ADA, SCHOOL.issuer, "u-1")
        except GraderError:
            # A server's database tells one of two that the other was faster; they try again.
            found = store.accounts.admit(["ada", "ada-2"], ADA, SCHOOL.issuer, "u-1")
        return None if found is None else found.id

    with ThreadPoolExecutor(4) as threads:
        ids = set(threads.map(come, range(4)))
    assert len(ids) == 1 and None not in ids
    [(account, [enrolment])] = store.accounts.everybody()
    assert (account.login, enrolment) == ("ada", ADA)
    assert store.accounts.subjects(SCHOOL.issuer, "dl") == {"s1001": "u-1"}


def test_nobody_is_made_more_of_and_no_student_is_two_people(store: Store) -> None:
    store.accounts.admit(["ada"], ADA, SCHOOL.issuer, "u-1")
    again = store.accounts.admit(["x"], EnrolmentRecord(course="dl", role="instructor"), SCHOOL.issuer, "u-1")
    assert again is not None and store.accounts.enrolments(again.id)["dl"] == ADA
    assert store.accounts.admit(["eve"], ADA, SCHOOL.issuer, "u-2") is None
    # No login is free: nobody gets somebody else's account by its name.
    bob = EnrolmentRecord(course="dl", role="student", student="s1002")
    assert store.accounts.admit(["ada"], bob, SCHOOL.issuer, "u-2") is None
    assert len(store.accounts.everybody()) == 1
    # The same person in another course.
    other = EnrolmentRecord(course="vision", role="student", student="s1001")
    found = store.accounts.admit(["x"], other, SCHOOL.issuer, "u-1")
    assert found is not None and {*store.accounts.enrolments(found.id)} == {"dl", "vision"}
