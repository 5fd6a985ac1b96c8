"""Signing in as an account: by password, by a link, and what ends it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from grader.store import Store
from grader.store.accounts import AccountRecord
from grader.web import limits
from grader.web.app import create_app
from grader.web.limits import Limit, Tries, network_of
from grader.web.pages import entering
from grader.web.pages.entering import own_path
from grader.web.roles import Role
from grader.web.site import Server, Site
from grader.workflows.accounts import passwords, signing_in
from grader.workflows.accounts.people import (
    add_account,
    enrol,
    make_link,
    remove_account,
    set_password,
    sign_out,
)
from tests.unit.web.conftest import SignIn
from tests.unit.web.test_entering import Clock
from tests.web_client import Answer, Client

GOOD = "green horse on the moon"


@pytest.fixture
def store(site: Site) -> Store:
    return site.store


@pytest.fixture
def ben(store: Store) -> AccountRecord:
    account = add_account(store, "ben", Role.TA)
    set_password(store, account, GOOD)
    return account


@pytest.fixture
def browser(both: Server) -> Callable[[], Client]:
    app = create_app(both)
    return lambda: Client(app)


def by_password(client: Client, name: str = "ben", password: str = GOOD, next: str = "/") -> Answer:
    return client.post("/login/password", ("login", name), ("password", password), ("next", next))


@pytest.mark.usefixtures("ben")
def test_a_name_and_its_password_sign_in(browser: Callable[[], Client]) -> None:
    client = browser()
    asked = client.get("/a/cats/waiting")
    assert asked.status == 401 and 'name="next" value="/c/course/a/cats/waiting"' in asked.text
    answer = by_password(client, "Ben", next="/c/course/a/cats/waiting")
    assert (answer.status, answer.headers["location"]) == (303, "/c/course/a/cats/waiting")
    shown = client.get("/a/cats/waiting")
    assert shown.status == 200 and ">ben</a><span" in shown.text


@pytest.mark.usefixtures("ben")
@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ben", "wrong horse on the moon"),
        ("ben", ""),
        ("ben", GOOD + "x" * 200),
        ("cara", GOOD),
        ("not a name", GOOD),
        ("", ""),
        ("new", GOOD),
    ],
)
def test_whatever_is_wrong_is_answered_alike(
    browser: Callable[[], Client], store: Store, name: str, password: str
) -> None:
    add_account(store, "new", Role.TA)
    answer = by_password(browser(), name, password)
    assert answer.status == 401 and answer.cookies == []
    usual = by_password(browser(), "ben", "another wrong one").text
    assert answer.text.replace(f'value="{name}"', 'value="ben"') == usual


@pytest.mark.usefixtures("ben")
def test_an_unknown_name_costs_what_a_wrong_password_costs(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what is worked out, since a clock on a busy machine tells nothing: a hash as hard each time."""
    hasher = passwords._hasher()
    cost: list[str] = []
    verify = type(hasher).verify_and_update

    def watched(self: object, password: str, hashed: str) -> tuple[bool, str | None]:
        cost.append(hashed.rpartition("$")[0].rpartition("$")[0])
        return verify(hasher, password, hashed)

    monkeypatch.setattr(type(hasher), "verify_and_update", watched)
    for name in ("ben", "cara", "not a name", ""):
        assert signing_in.right_password(store, name, "wrong") is None
    assert len(cost) == 4 and len(set(cost)) == 1 and cost[0].startswith("$argon2id$")


@pytest.mark.usefixtures("ben")
def test_after_five_wrong_passwords_even_the_right_one_waits(
    both: Server, browser: Callable[[], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    both.home.store.clock = clock
    monkeypatch.setattr(both, "tries", Tries(clock))
    statuses = [by_password(browser(), "ben", f"wrong password {i}").status for i in range(6)]
    assert statuses == [401] * 5 + [429]
    assert by_password(browser()).status == 429
    # Who is somebody else, or elsewhere, is not concerned.
    assert by_password(browser(), "cara").status == 401
    elsewhere = Client(browser().app, address="192.0.2.7")
    assert by_password(elsewhere).status == 303
    clock.now += timedelta(minutes=15)
    assert by_password(browser()).status == 303
    # What was right counted for nothing.
    assert [by_password(browser()).status for _ in range(6)] == [303] * 6


@pytest.mark.usefixtures("ben")
def test_many_addresses_guess_at_one_account_no_faster(
    both: Server, browser: Callable[[], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entering, "right_password", lambda *_: None)
    app = browser().app
    statuses = [by_password(Client(app, address=f"192.0.2.{i}"), "ben", "wrong").status for i in range(51)]
    assert statuses == [401] * 50 + [429]
    names = [by_password(Client(app, address="198.51.100.1"), f"x{i}", "wrong").status for i in range(61)]
    assert names == [401] * 60 + [429]


def test_a_link_of_an_account_asks_for_a_press_and_works_once(
    browser: Callable[[], Client], store: Store, ben: AccountRecord
) -> None:
    token = make_link(store, ben, sets_password=False)
    for _ in range(2):
        looked = browser().get(f"/login?token={token}")
        assert looked.status == 200 and looked.cookies == [] and "Sign in as ben" in looked.text
    client = browser()
    assert client.post("/login/link", ("token", token)).status == 303
    assert client.get("/a/cats/waiting").status == 200
    assert browser().post("/login/link", ("token", token)).status == 401
    assert browser().get(f"/login?token={token}").status == 401


def test_a_link_that_sets_a_password_keeps_it_and_ends_what_was_before(
    browser: Callable[[], Client], store: Store, ben: AccountRecord
) -> None:
    before = browser()
    by_password(before)
    token, other = (make_link(store, ben, sets_password=True) for _ in range(2))
    client, new = browser(), "eight small boats ahead"
    for password, again, said in ((new, new + "x", "two passwords"), ("short", "short", "too short")):
        refused = client.post("/login/link", ("token", token), ("password", password), ("again", again))
        assert refused.status == 422 and said in refused.text and refused.cookies == []
    assert client.post("/login/link", ("token", token), ("password", new), ("again", new)).status == 303
    assert client.get("/").status == 200
    assert before.get("/").status == 401
    assert by_password(browser()).status == 401
    assert by_password(browser(), password=new).status == 303
    for used in (token, other):
        answer = browser().post("/login/link", ("token", used), ("password", GOOD), ("again", GOOD))
        assert answer.status == 401


@pytest.mark.parametrize(
    "change",
    [
        lambda store: remove_account(store, "ben"),
        lambda store: remove_account(store, "ben", course="course"),
        lambda store: enrol(store, "ben", Role.STUDENT),
        lambda store: enrol(store, "ben", Role.INSTRUCTOR, course="vision"),
        lambda store: sign_out(store, "ben"),
        lambda store: set_password(store, store.accounts.find("ben"), "eight small boats ahead"),
    ],
)
def test_a_session_ends_with_what_it_stood_on(
    enrolled: SignIn, store: Store, change: Callable[[Store], object]
) -> None:
    client = enrolled(Role.TA)
    account = store.accounts.find("ben")
    assert account is not None
    token = make_link(store, account, sets_password=False)
    assert client.get("/a/cats/waiting").status == 200
    change(store)
    assert client.get("/a/cats/waiting").status == 401
    assert client.get(f"/login?token={token}").status == 401


def test_who_is_removed_leaves_nothing_but_their_name_on_marks(enrolled: SignIn, store: Store) -> None:
    enrolled(Role.TA)
    remove_account(store, "ben")
    with store.database.reading() as session:
        for table in ("accounts", "enrolments", "sessions", "sign_in_links", "identities"):
            counted = session.connection().exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
            assert counted == 0, table


@pytest.mark.parametrize("role", [Role.STUDENT, Role.ADMIN])
def test_who_may_not_read_others_work_is_led_past_it(enrolled: SignIn, role: Role) -> None:
    client = enrolled(role)
    assert client.ask("GET", "/").headers["location"] == "/c/course"
    shown = client.get("/")
    if role is Role.STUDENT:
        assert shown.headers["location"] == "/c/course/my"
    else:
        assert shown.status == 200 and "/workers" in shown.text and "cats" not in shown.text
    for path in ("/a/cats/waiting", "/a/cats/s/ben", "/a/cats/summary", "/audit", "/remarks/1"):
        assert client.get(path).status == 403, path


def test_who_is_in_no_course_sees_none(
    browser: Callable[[], Client], store: Store, ben: AccountRecord
) -> None:
    remove_account(store, "ben", course="course")
    client = browser()
    assert by_password(client).status == 303
    first = client.ask("GET", "/")
    assert first.status == 200 and "You are in no course here" in first.text
    assert client.get("/").status == 404


def test_a_form_of_nobodys_has_to_say_where_it_is_from(browser: Callable[[], Client]) -> None:
    for headers in ({}, {"origin": "https://evil.example"}, {"origin": "null"}):
        answer = browser().ask("POST", "/login/password", body=b"login=ben", headers=headers)
        assert answer.status == 403, headers


def test_a_new_sign_in_ends_the_one_before_it_in_this_browser(
    browser: Callable[[], Client], ben: AccountRecord
) -> None:
    client = browser()
    by_password(client)
    kept = dict(client.cookies)
    by_password(client)
    assert client.cookies != kept and client.get("/").status == 200
    client.cookies = kept
    assert client.get("/").status == 401


@pytest.mark.parametrize(
    ("next", "to"),
    [
        ("/c/course/a/cats/waiting?x=1", "/c/course/a/cats/waiting?x=1"),
        ("", "/"),
        ("//evil.example/x", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/x\r\nset-cookie: a=b", "/"),
        ("/login?token=x", "/"),
        ("/logout", "/"),
        ("/é", "/"),
    ],
)
def test_nobody_is_led_elsewhere_after_signing_in(next: str, to: str) -> None:
    assert own_path(next) == to


def test_more_forms_than_a_person_sends_are_refused(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.web.guards.FORMS", Limit(3, timedelta(minutes=1)))
    client = sign_in(Role.TA)
    token = client.get("/").form_token
    statuses = [client.post("/a/cats/give/why", ("form_token", token)).status for _ in range(4)]
    assert 429 not in statuses[:3] and statuses[3] == 429


def test_tries_are_forgotten_after_their_time_and_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_KEYS", 10)
    clock = Clock()
    tries, limit = Tries(clock), Limit(2, timedelta(minutes=1))
    assert [tries.take((limit, ("a",))) for _ in range(3)] == [True, True, False]
    clock.now += timedelta(seconds=59)
    assert not tries.take((limit, ("a",)))
    clock.now += timedelta(seconds=1)
    assert tries.take((limit, ("a",)))
    for number in range(50):
        tries.take((limit, (str(number),)))
    assert len(tries._at) == 10


@pytest.mark.parametrize(
    ("address", "counts_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_an_address_counts_as_the_network_that_one_has(address: str, counts_as: str) -> None:
    assert network_of(address) == counts_as


def test_a_password_is_hashed_by_argon2id_as_strong_as_is_usual(ben: AccountRecord, store: Store) -> None:
    kept = store.accounts.find("ben")
    assert kept is not None
    memory, passes = re.findall(r"m=(\d+),t=(\d+)", kept.password)[0]
    # RFC 9106, 4: 64 MiB and three passes.
    assert kept.password.startswith("$argon2id$") and int(memory) >= 65536 and int(passes) >= 3
