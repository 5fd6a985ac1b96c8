"""Links that sign in once, sessions, and forms that somebody else made."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from grader.store.account_tables import SessionRow
from grader.store.engine import Database
from grader.store.signed_in import IDLE
from grader.web.app import create_app
from grader.web.roles import Role
from grader.web.sessions import LASTS, Person, Sessions
from grader.web.site import Site
from tests.unit.web.conftest import SignIn
from tests.web_client import Client

ANN = Person("ann", Role.TA)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 29, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(site: Site, clock: Clock) -> Sessions:
    site.store.clock = clock
    return Sessions(site.store)


def test_a_link_works_once_and_each_session_has_an_id_of_its_own(sessions: Sessions) -> None:
    link = sessions.link_for(ANN)
    first = sessions.enter(link)
    assert first is not None
    assert sessions.enter(link) is None
    second = sessions.enter(sessions.link_for(ANN))
    assert second not in (None, first)
    session = sessions.of(first)
    assert session is not None and (session.name, session.role_in("any")) == ("ann", Role.TA)
    assert sessions.enter("") is None and sessions.of("") is None


def test_neither_ids_nor_tokens_are_kept(sessions: Sessions, site: Site) -> None:
    unused, used = sessions.link_for(ANN), sessions.link_for(ANN)
    id = sessions.enter(used)
    session = sessions.of(id)
    assert id is not None and len(id) >= 40 and session is not None
    files = sorted(Path(site.store.location).parent.glob("grader.db*"))
    kept = b"".join(file.read_bytes() for file in files if file.is_file())
    assert b"sign_in_links" in kept
    assert not any(secret.encode() in kept for secret in (unused, used, id, session.form_token))


def test_sessions_and_links_end_and_are_taken_away(sessions: Sessions, clock: Clock, site: Site) -> None:
    id, unused = sessions.enter(sessions.link_for(ANN)), sessions.link_for(ANN)
    started = clock.now
    while clock.now + IDLE - timedelta(minutes=1) < started + LASTS:
        clock.now += IDLE - timedelta(minutes=1)
        assert sessions.of(id) is not None
    clock.now = started + LASTS - timedelta(seconds=1)
    assert sessions.of(id) is not None
    clock.now += timedelta(seconds=1)
    assert sessions.of(id) is None
    assert sessions.enter(unused) is None
    sessions.enter(sessions.link_for(ANN))
    with site.store.reading() as history:
        kept = history.session.scalars(select(SessionRow)).all()
        assert [row.began for row in kept] == [clock.now]


def test_who_does_nothing_for_long_is_signed_out(sessions: Sessions, clock: Clock) -> None:
    id = sessions.enter(sessions.link_for(ANN))
    clock.now += IDLE - timedelta(seconds=1)
    assert sessions.of(id) is not None
    clock.now += IDLE
    assert sessions.of(id) is None


def test_a_new_start_of_the_server_keeps_who_is_signed_in(sign_in: SignIn, site: Site) -> None:
    client = sign_in(Role.TA, "ben")
    again = dataclasses.replace(site, sessions=Sessions(site.store))
    client.app = create_app(again)
    assert client.get("/").status == 200 and "ben" in client.get("/").text


def test_of_two_who_use_a_link_at_once_one_comes_in(sessions: Sessions) -> None:
    link = sessions.link_for(ANN)
    with ThreadPoolExecutor(4) as pool:
        entered = list(pool.map(sessions.enter, [link] * 4))
    assert sum(id is not None for id in entered) == 1


def test_a_history_that_cannot_be_written_is_shown_to_who_has_a_link(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Database, "read_only", True)
    sessions = Sessions(site.store)
    session = sessions.of(sessions.enter(sessions.link_for(ANN)))
    assert session is not None and session.name == "ann"
    with site.store.reading() as history:
        assert history.session.scalars(select(SessionRow)).all() == []


def test_after_ten_failures_in_a_minute_no_link_is_looked_at(site: Site) -> None:
    client = Client(create_app(site))
    assert [client.get(f"/login?token=guess{i}").status for i in range(11)] == [401] * 10 + [429]
    link = site.sessions.link_for(ANN)
    assert client.get(f"/login?token={link}").status == 429
    assert client.cookies == {}


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(site: Site) -> None:
    answer = Client(create_app(site)).get(f"/login?token={site.sessions.link_for(ANN)}")
    [cookie] = answer.cookies
    assert cookie.startswith("grader-8310=")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}


def test_signing_out_ends_the_session_for_whoever_kept_the_cookie(sign_in: SignIn) -> None:
    client = sign_in(Role.TA)
    kept = dict(client.cookies)
    token = client.get("/").form_token
    assert client.post("/logout", ("form_token", token)).status == 303
    client.cookies = kept
    assert client.get("/").status == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none"},
    ],
)
def test_a_form_from_elsewhere_is_refused_even_with_the_right_token(
    sign_in: SignIn, headers: dict[str, str]
) -> None:
    client = sign_in(Role.TA)
    token = client.get("/").form_token
    assert client.post("/logout", ("form_token", token), **headers).status == 403
    assert client.get("/").status == 200


def test_a_form_with_a_foreign_or_no_token_is_refused(sign_in: SignIn) -> None:
    client, other = sign_in(Role.TA), sign_in(Role.TA, "ben")
    foreign = other.get("/").form_token
    for fields in ([], [("form_token", "")], [("form_token", foreign)], [("form_token", "é")]):
        assert client.post("/logout", *fields).status == 403
    assert client.get("/").status == 200


def test_a_name_that_was_pointed_at_this_machine_reads_nothing(sign_in: SignIn) -> None:
    client = sign_in(Role.INSTRUCTOR)
    for host in ("evil.example:8310", "127.0.0.1", "127.0.0.1:80"):
        answer = client.get("/", host=host)
        assert answer.status == 421 and "Lab 2" not in answer.text
    assert client.get("/", host="localhost:8310").status == 200


def test_a_form_that_is_too_long_is_not_read(sign_in: SignIn) -> None:
    client = sign_in(Role.TA)
    token = client.get("/").form_token
    answer = client.post("/logout", ("form_token", token), ("more", "x" * 300_000))
    assert answer.status == 413
