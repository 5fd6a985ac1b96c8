"""Signing in and out in a real browser: by password, by links that work once, without script as with it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from grader.facts.case import Reference
from grader.store import Store, open_store
from grader.web.roles import Role
from grader.web.serve import Opened, listen
from grader.web.sessions import Person
from grader.workflows.accounts.people import add_account, make_link, set_password
from tests.browser.conftest import Opened as Shown
from tests.browser.inspection import serious_barriers

PASSWORD = "green horse on the moon"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A course in which nothing was graded yet, and ben, who is a TA of it."""
    with open_store(str(tmp_path / "grader.db")) as store:
        store.name_course("dl", "Deep Learning")
        set_password(store, add_account(store, "ben", Role.TA), PASSWORD)
        yield store


@pytest.fixture
def desk(store: Store) -> Iterator[Opened]:
    with listen("127.0.0.1", 0) as listening:
        desk = Opened(store, Reference(), listening)
        serving = threading.Thread(target=desk.run, daemon=True)
        serving.start()
        yield desk
        desk.stop()
        serving.join()


@pytest.fixture(params=[True, False], ids=["script", "plain"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=request.param, viewport={"width": 390, "height": 800})
    yield context.new_page()
    context.close()


def sign_in(page: Page, password: str) -> None:
    page.fill("#login", "ben")
    page.fill("#password", password)
    page.press("#password", "Enter")


def test_by_password_in_and_out_again(page: Page, desk: Opened) -> None:
    origin = desk.place.origins[0]
    answer = page.goto(f"{origin}/c/dl")
    assert answer is not None and answer.status == 401
    sign_in(page, "another horse on the moon")
    assert "do not belong together" in page.inner_text("[role=alert]")
    assert page.input_value("#login") == "ben" and page.input_value("#password") == ""
    assert page.context.cookies() == []
    # Where the page wanted to lead is remembered over the mistake.
    sign_in(page, PASSWORD)
    assert page.url == f"{origin}/c/dl"
    assert "ben" in page.inner_text("form.who")
    [cookie] = page.context.cookies()
    assert cookie["httpOnly"] and cookie["sameSite"] == "Lax"
    page.click("text=Sign out")
    assert page.context.cookies() == []
    answer = page.goto(f"{origin}/c/dl")
    assert answer is not None and answer.status == 401


def test_a_link_chooses_a_password_and_is_of_no_use_afterwards(
    page: Page, desk: Opened, store: Store
) -> None:
    account = store.accounts.find("ben")
    assert account is not None
    link = f"{desk.place.origins[0]}/login?token={make_link(store, account, sets_password=True)}"
    page.goto(link)
    page.fill("#password", "eight small boats ahead")
    page.fill("#again", "eight small boats behind")
    page.click("text=Sign in as ben")
    assert "two passwords" in page.inner_text("[role=alert]").lower()
    page.fill("#password", "eight small boats ahead")
    page.fill("#again", "eight small boats ahead")
    page.click("text=Sign in as ben")
    assert page.url == f"{desk.place.origins[0]}/c/dl"
    answer = page.goto(link)
    assert answer is not None and answer.status == 401
    assert "works once" in page.inner_text("main")


def test_a_link_of_the_servers_own_signs_in_once(page: Page, desk: Opened) -> None:
    link = desk.link_for(Person("ann", Role.INSTRUCTOR))
    page.goto(link)
    assert page.url == f"{desk.place.origins[0]}/c/dl"
    page.click("text=Sign out")
    answer = page.goto(link)
    assert answer is not None and answer.status == 401
    assert page.context.cookies() == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_these_pages_have_no_serious_barrier_and_fit_a_phone(
    browser: Browser, desk: Opened, store: Store, dark: bool
) -> None:
    account = store.accounts.find("ben")
    assert account is not None
    token = make_link(store, account, sets_password=True)
    context = browser.new_context(
        color_scheme="dark" if dark else "light", viewport={"width": 320, "height": 700}
    )
    page = context.new_page()
    for path in ("/login", f"/login?token={token}", "/login?token=none", "/c/dl"):
        page.goto(desk.place.origins[0] + path)
        assert serious_barriers(Shown(page)) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
    sign_in(page, "wrong horse on the moon")
    assert serious_barriers(Shown(page)) == []
    context.close()
