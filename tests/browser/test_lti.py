"""From a course system's frame to the desk in a real browser that lets no page in a frame keep cookies."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, sync_playwright

from grader.facts.case import Reference
from grader.intake.roster import RosterEntry, roster_from
from grader.store import Store, open_store
from grader.web.serve import Opened, listen
from grader.workflows.desk.roster import keep_roster
from grader.workflows.lti.platforms import add_platform, connect
from grader.workflows.lti.tool_keys import tool_keys
from tests import web_class
from tests.browser.conftest import Opened as Shown
from tests.browser.conftest import chromium
from tests.browser.inspection import serious_barriers
from tests.browser.test_desk import grade_class
from tests.lti_platform import CLAIM, CONTEXT, DL, INSTRUCTOR, LEARNER, Platform, platform
from tests.tokens import rsa_key

#: Another site than the desk, which is at 127.0.0.1.
LMS_HOST = "localhost"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A small class that was graded, with one student on the roster."""
    folder = grade_class(tmp_path, web_class.students_of(2))
    with open_store(str(folder / "grader.db"), evidence=folder / "grader.db.evidence") as store:
        keep_roster(store, roster_from([RosterEntry("s1001", "Ada Lovelace", number="1001", line=1)]))
        store.platforms.keep_keys("", json.dumps([rsa_key("ours").as_dict(private=True)]))
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


@pytest.fixture
def lms(store: Store, desk: Opened, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with platform(LMS_HOST) as made:
        made.tool, made.tool_keys = desk.place.origins[0], tool_keys(store).public
        add_platform(store, "school", **made.addresses, enrols=["student", "instructor"])
        connect(store, "school", CONTEXT)
        yield made


@pytest.fixture
def context(tmp_path: Path) -> Iterator[BrowserContext]:
    """A browser that blocks cookies of third parties, as its own settings do."""
    profile = tmp_path / "profile"
    (profile / "Default").mkdir(parents=True)
    blocked = {"profile": {"block_third_party_cookies": True, "cookie_controls_mode": 1}}
    (profile / "Default" / "Preferences").write_text(json.dumps(blocked))
    with sync_playwright() as playwright:
        executable, arguments = chromium()
        context = playwright.chromium.launch_persistent_context(
            str(profile),
            executable_path=executable,
            args=[*arguments, "--test-third-party-cookie-phaseout"],
            viewport={"width": 390, "height": 800},
        )
        yield context
        context.close()


def test_from_a_frame_that_keeps_no_cookies_to_the_desk_in_a_tab(
    context: BrowserContext, desk: Opened, lms: Platform
) -> None:
    origin = desk.place.origins[0]
    lms.user = {"sub": "u-3", "roles": [INSTRUCTOR], f"{CLAIM}custom": {"assignment": "cats"}}
    page = context.new_page()
    page.goto(f"{lms.origin}/frame")
    button = page.frame_locator("iframe").first.get_by_text("Open in a new tab")
    with context.expect_page() as opened:
        button.click()
    tab = opened.value
    tab.wait_for_url(f"{origin}/c/course/a/cats/waiting")
    assert "instructor" in tab.inner_text("form.who")
    assert {each["sameSite"] for each in context.cookies(origin)} == {"Lax"}
    # What somebody who is signed in sees is in nobody's frame.
    page.evaluate("url => { document.querySelector('iframe').src = url }", tab.url)
    page.wait_for_function("document.querySelector('iframe').contentDocument === null")
    assert all(each.url != tab.url for each in page.frames)


def test_an_assignment_is_chosen_in_the_frame(context: BrowserContext, desk: Opened, lms: Platform) -> None:
    lms.user = {"sub": "u-3", "roles": [INSTRUCTOR]}
    page = context.new_page()
    page.goto(f"{lms.origin}/frame-deep")
    frame = page.frame_locator("iframe")
    frame.get_by_role("button", name="Lab 2: Cats and dogs").click()
    frame.get_by_text("Linked").wait_for()
    [answer] = lms.answers
    assert answer[f"{DL}content_items"][0]["custom"] == {"assignment": "cats"}
    assert context.cookies() == []


def test_pages_in_frames_and_of_refusals_have_no_serious_barrier_and_fit_a_phone(
    context: BrowserContext, desk: Opened, lms: Platform
) -> None:
    page = context.new_page()
    page.set_viewport_size({"width": 320, "height": 700})
    for user, path, said in (
        ({"sub": "u-3", "roles": [INSTRUCTOR]}, "frame", "tab of its own"),
        ({"sub": "u-3", "roles": [INSTRUCTOR]}, "frame-deep", "Choose an assignment"),
        ({"sub": "u-1", "roles": [LEARNER]}, "frame-deep", "cannot come in"),
    ):
        lms.user = user
        page.goto(f"{lms.origin}/{path}")
        page.frame_locator("iframe").get_by_text(said).first.wait_for()
        # What the frame shows, in a page of its own, as far as it needs no answer of the platform.
        shown = page.frames[1]
        assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert [each for each in serious_barriers(Shown(page)) if "iframe" not in str(each)] == [], path
