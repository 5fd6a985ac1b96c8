"""Accounts, sessions and links on both kinds of database: what happens once happens once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from grader.errors import GraderError, UsageError
from grader.store import Store, open_store
from grader.store.accounts import AccountRecord, EnrolmentRecord
from grader.store.signed_in import Comer, OidcRequest

TA, HEAD = EnrolmentRecord(course="dl", role="ta"), EnrolmentRecord(course="vision", role="head-ta")


@pytest.fixture
def store(database: str, tmp_path: Path) -> Iterator[Store]:
    with open_store(database, evidence=tmp_path / "evidence") as store:
        yield store


@pytest.fixture
def ben(store: Store) -> AccountRecord:
    return store.accounts.add("ben", "ben@example.org", TA)


def soon(store: Store) -> datetime:
    return store.clock() + timedelta(hours=1)


def begin(store: Store, id: str, comer: Comer) -> None:
    store.signed_in.begin(id, comer, store.clock() + timedelta(hours=1))


def test_a_session_says_who_it_is_and_what_they_are_now(store: Store, ben: AccountRecord) -> None:
    begin(store, "first", Comer(account=ben.id))
    found = store.signed_in.of("first")
    assert found is not None
    assert (found.account, found.name, found.role, found.enrolments) == (ben.id, "ben", "", {"dl": TA})
    begin(store, "second", Comer(name="añn \x1a", role="instructor"))
    found = store.signed_in.of("second")
    assert found is not None
    assert (found.account, found.name, found.role) == (None, "añn \x1a", "instructor")
    assert store.signed_in.of("third") is None


def test_what_an_account_is_in_one_course_is_replaced_and_in_others_kept(
    store: Store, ben: AccountRecord
) -> None:
    store.accounts.enrol(ben.id, HEAD)
    store.accounts.enrol(ben.id, EnrolmentRecord(course="dl", role="student", student="s1"))
    roles = {course: each.role for course, each in store.accounts.enrolments(ben.id).items()}
    assert roles == {"dl": "student", "vision": "head-ta"}
    assert store.accounts.leave(ben.id, "vision") and not store.accounts.leave(ben.id, "vision")
    [(account, [enrolment])] = store.accounts.everybody()
    assert (account, enrolment.student) == (ben, "s1")


def test_a_removed_account_takes_everything_of_it_along_and_nothing_else(
    store: Store, ben: AccountRecord
) -> None:
    cara = store.accounts.add("cara", "", TA)
    for account in (ben, cara):
        begin(store, account.login, Comer(account=account.id))
        store.signed_in.keep_link(f"link of {account.login}", Comer(account=account.id), soon(store))
        assert store.accounts.link_identity(account.id, "https://idp", account.login)
    store.accounts.remove(ben.id)
    assert store.signed_in.of("ben") is None and store.signed_in.link("link of ben") is None
    assert store.accounts.known_as("https://idp", "ben") is None
    assert store.signed_in.of("cara") is not None and store.signed_in.link("link of cara") is not None
    assert store.accounts.known_as("https://idp", "cara") == cara
    with pytest.raises(UsageError, match="an account of this name"):
        store.accounts.add("cara", "")


def test_of_many_at_once_one_uses_a_link_a_way_back_or_a_subject(store: Store, ben: AccountRecord) -> None:
    accounts = [ben, *(store.accounts.add(f"ta{number}", "", TA) for number in range(5))]
    store.signed_in.keep_link("link", Comer(account=ben.id), soon(store))
    store.signed_in.keep_oidc("state", "browser", OidcRequest(nonce="n", verifier="v", next="/"), soon(store))

    def link_identity(account: AccountRecord) -> bool:
        try:
            return store.accounts.link_identity(account.id, "https://idp", "one")
        except GraderError:
            return False

    with ThreadPoolExecutor(6) as pool:
        links = list(pool.map(store.signed_in.use_link, ["link"] * 6))
        ways = list(pool.map(store.signed_in.use_oidc, ["state"] * 6, ["browser"] * 6))
        linked = list(pool.map(link_identity, accounts))
    assert [sum(map(bool, each)) for each in (links, ways, linked)] == [1, 1, 1]
    known = store.accounts.known_as("https://idp", "one")
    assert known == accounts[linked.index(True)]
    # An account has one subject of a provider, and keeps it.
    assert not store.accounts.link_identity(known.id, "https://idp", "another")
    assert store.accounts.link_identity(known.id, "https://other-idp", "another")


def test_a_password_is_refreshed_only_where_it_is_still_the_same(store: Store, ben: AccountRecord) -> None:
    store.accounts.set_password(ben.id, "old")
    begin(store, "first", Comer(account=ben.id))
    store.accounts.refresh_password(ben.id, "older", "stale")
    assert store.accounts.find("ben").password == "old"  # type: ignore[union-attr]
    store.accounts.refresh_password(ben.id, "old", "stronger")
    assert store.accounts.by_id(ben.id).password == "stronger"  # type: ignore[union-attr]
    assert store.signed_in.of("first") is not None
    store.accounts.set_password(ben.id, "new")
    assert store.signed_in.of("first") is None


def test_who_came_by_a_link_of_the_servers_own_is_signed_out_by_name(
    store: Store, ben: AccountRecord
) -> None:
    begin(store, "account", Comer(account=ben.id))
    begin(store, "link", Comer(name="ben", role="ta"))
    begin(store, "other", Comer(name="ann", role="ta"))
    store.signed_in.keep_link("unused", Comer(name="ben", role="ta"), soon(store))
    assert store.signed_in.end_named("ben") == 1
    signed_in = [id for id in ("account", "link", "other") if store.signed_in.of(id)]
    assert signed_in == ["account", "other"] and store.signed_in.link("unused") is None


def test_a_course_has_a_name_and_the_server_a_place(store: Store) -> None:
    assert (store.course.name, store.course.title, store.desk_url) == (
        "course",
        "course",
        "http://127.0.0.1:8310",
    )
    store.name_course("dl-2026", "Deep Learning 2026")
    store.name_course("dl", " Deep Learning ")
    store.keep_desk_url("https://desk.example.org")
    store.keep_desk_url("https://desk2.example.org")
    assert (store.course.name, store.course.title) == ("dl", "Deep Learning")
    assert store.desk_url == "https://desk2.example.org"


def test_a_course_that_gets_a_name_takes_along_who_is_in_it(store: Store, ben: AccountRecord) -> None:
    here = [EnrolmentRecord(course="course", role=role) for role in ("instructor", "auditor")]
    cara, dora = (
        store.accounts.add(name, "", each) for name, each in zip(("cara", "dora"), here, strict=True)
    )
    store.accounts.enrol(dora.id, EnrolmentRecord(course="dl", role="head-ta"))
    store.name_course("dl", "Deep Learning")
    store.name_course("dl", "Deeper Learning")
    roles = {
        account.login: {each.course: each.role for each in enrolments}
        for account, enrolments in store.accounts.everybody()
    }
    assert roles == {"ben": {"dl": "ta"}, "cara": {"dl": "instructor"}, "dora": {"dl": "head-ta"}}
    assert store.course.title == "Deeper Learning" and cara.login == "cara"
