"""One's own account: the password is changed by who knows it, and other sessions are seen and ended."""

from __future__ import annotations

import re

import pytest

from grader.store import Store
from grader.store.signed_in import Comer
from grader.web.app import create_app
from grader.web.limits import PASSWORDS
from grader.web.roles import Role
from grader.web.site import Site
from grader.workflows.accounts.people import add_account, set_password
from grader.workflows.accounts.signing_in import right_password
from tests.unit.web.conftest import SignIn
from tests.web_client import Answer, Client

OLD, NEW = "correct horse battery", "staple and then some"


@pytest.fixture
def ben(site: Site) -> Client:
    account = add_account(site.store, "ben", Role.STUDENT)
    set_password(site.store, account, OLD)
    return come_in(site)


def come_in(site: Site) -> Client:
    account = site.store.accounts.find("ben")
    assert account is not None
    client = Client(create_app(site))
    client.cookies[site.place.cookie] = site.sessions.begin(Comer(account=account.id))
    return client


def change(client: Client, old: str = OLD, new: str = NEW, again: str = "") -> Answer:
    token = client.get("/account").form_token
    fields = (("form_token", token), ("old", old), ("password", new), ("again", again or new))
    return client.post("/account/password", *fields)


def knows(store: Store, password: str) -> bool:
    return right_password(store, "ben", password) is not None


def test_who_knows_the_password_changes_it_and_stays_here_alone(site: Site, ben: Client) -> None:
    elsewhere = come_in(site)
    answer = change(ben)
    assert (answer.status, answer.headers["location"]) == (303, "/account?done=password")
    assert "is changed" in ben.get("/account?done=password").text
    assert elsewhere.get("/account").status == 401
    assert knows(site.store, NEW) and not knows(site.store, OLD)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"old": "wrong one here"}, "not your password"),
        ({"again": "another password"}, "two passwords"),
        ({"new": "short"}, "characters"),
        ({"new": "ben"}, ""),
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(
    site: Site, ben: Client, given: dict[str, str], said: str
) -> None:
    answer = change(ben, **given)
    assert answer.status == 422 and said in answer.text
    assert knows(site.store, OLD)


def test_the_old_password_is_guessed_no_faster_than_at_the_door(site: Site, ben: Client) -> None:
    answers = [change(ben, old=f"guess number {number}").status for number in range(PASSWORDS[0].most + 1)]
    assert answers == [422] * PASSWORDS[0].most + [429]
    assert change(ben).status == 429
    assert knows(site.store, OLD)


def test_other_sessions_are_seen_and_ended_one_or_all(site: Site, ben: Client) -> None:
    second, third = come_in(site), come_in(site)
    shown = ben.get("/account")
    keys = re.findall(r'name="session" value="(\w+)"', shown.text)
    assert len(keys) == 2 and "Sign out everywhere else" in shown.text
    token = ("form_token", shown.form_token)
    assert ben.post("/account/sessions", token, ("session", keys[0])).status == 303
    assert sorted(client.get("/account").status for client in (second, third)) == [200, 401]
    assert ben.post("/account/sessions", token, ("step", "all")).status == 303
    assert [client.get("/account").status for client in (ben, second, third)] == [200, 401, 401]


def test_nobody_ends_anothers_session(site: Site, ben: Client) -> None:
    account = add_account(site.store, "cara", Role.TA)
    cara = Client(create_app(site))
    cara.cookies[site.place.cookie] = site.sessions.begin(Comer(account=account.id))
    come_in(site)
    [key] = re.findall(r'name="session" value="(\w+)"', ben.get("/account").text)
    token = ("form_token", cara.get("/account").form_token)
    cara.post("/account/sessions", token, ("session", key))
    assert len(re.findall(r'name="session" value="', ben.get("/account").text)) == 1
    assert "has no password" in cara.get("/account").text


def test_who_came_by_a_link_is_told_that_there_is_no_account(sign_in: SignIn) -> None:
    client = sign_in(Role.TA)
    shown = client.get("/account")
    assert shown.status == 200 and "no account" in shown.text
    token = ("form_token", shown.form_token)
    assert client.post("/account/password", token, ("old", "x")).status == 422
    assert client.post("/account/sessions", token, ("step", "all")).status == 422
