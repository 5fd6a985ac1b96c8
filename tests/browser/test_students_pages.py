"""From the release to the answer on a phone: with script and without, at 320 px, and axe finds nothing."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from grader.cli import execute
from grader.facts.case import Reference
from grader.store import Store, open_store
from grader.store.accounts import AccountRecord
from grader.web.roles import Role
from grader.web.serve import Opened, listen
from grader.web.sessions import Person
from grader.workflows.accounts.people import add_account, make_link
from grader.workflows.marking.marks import MarkOrder, give_marks
from tests import web_class
from tests.browser.conftest import Opened as Shown
from tests.browser.inspection import serious_barriers

WHY = web_class.WHY


@dataclass
class Course:
    store: Store
    desk: Opened
    account: AccountRecord

    @property
    def origin(self) -> str:
        return self.desk.place.origins[0]


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Course]:
    """Two students of a class, one answer of whom is marked, and nothing released."""
    web_class.write_class(tmp_path, web_class.students_of(2))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRADER_USER", "ann")
    monkeypatch.setattr("grader.sandbox.select.choose_sandbox", lambda *_, **__: web_class.sandbox())
    assert execute(["run", "submissions", "--rubric", "cats", "--jobs", "1"]) == 0
    with open_store(str(tmp_path / "grader.db")) as store:
        give_marks(store, "cats", [MarkOrder("s1001", WHY, 2.0, "the danger is missing")], actor="ben")
        account = add_account(store, "ada", Role.STUDENT, student="s1001")
        with listen("127.0.0.1", 0) as listening:
            desk = Opened(store, Reference(), listening)
            serving = threading.Thread(target=desk.run, daemon=True)
            serving.start()
            yield Course(store, desk, account)
            desk.stop()
            serving.join()


def entered(browser: Browser, course: Course, link: str, *, script: bool, width: int) -> Page:
    context = browser.new_context(java_script_enabled=script, viewport={"width": width, "height": 720})
    # A machine that runs all tests at once may take its time.
    context.set_default_timeout(120_000)
    page = context.new_page()
    page.goto(f"{course.origin}/login?token={link}")
    if page.locator("main button").count():
        page.click("main button")
    return page


def says(page: Page, text: str) -> None:
    """Waits until a page that was asked for is there and says so."""
    page.get_by_text(text).first.wait_for()


def fits(page: Page, name: str, *, script: bool) -> None:
    """No scrolling sideways, and with script nothing that keeps anybody from reading."""
    if folder := os.environ.get("GRADER_PICTURES"):
        page.screenshot(path=f"{folder}/{name}-{page.viewport_size['width']}.png", full_page=True)
    # The driver runs this in a world of its own, also where the page may run nothing.
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, name
    if script:
        assert serious_barriers(Shown(page)) == [], name


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_a_student_reads_asks_and_reads_the_answer(browser: Browser, course: Course, script: bool) -> None:
    desk, store = course.desk, course.store
    student = entered(
        browser, course, make_link(store, course.account, sets_password=False), script=script, width=320
    )
    ann = desk.sessions.link_for(Person("ann", Role.INSTRUCTOR))
    teacher = entered(browser, course, ann, script=script, width=1280)
    student.goto(f"{course.origin}/c/course/my")
    says(student, "not released")
    fits(student, "my-before", script=script)

    teacher.goto(f"{course.origin}/c/course/a/cats/release")
    fits(teacher, "release", script=script)
    teacher.fill("#why-now", "as announced")
    teacher.click("text=Release as of now")
    says(teacher, "as announced")

    student.reload()
    student.click("h2 a")
    says(student, "the danger is missing")
    fits(student, "feedback", script=script)
    student.click(f"#c-{WHY} .ask a")
    says(student, "up, down, or stay")
    fits(student, "ask", script=script)
    student.fill("textarea", "The second sentence of my answer says it.")
    student.check("input[name=accept]")
    student.click("text=Ask for it")
    says(student, "waits for a TA")
    fits(student, "asked", script=script)

    teacher.goto(f"{course.origin}/c/course/a/cats/remarks")
    teacher.click("main h2 a")
    teacher.fill("#points", "4")
    teacher.fill("#reason", "It does; I had not read so far.")
    fits(teacher, "remark", script=script)
    teacher.click("button[value=decide]")
    says(teacher, "is shown the answer")

    student.reload()
    says(student, "I had not read so far")
    fits(student, "answered", script=script)
    student.click("nav[aria-label='Where you are'] a:has-text('Cats')")
    student.locator(".total .big:text-is('6')").wait_for()
    student.fill("#as-of", "2020-01-01")
    student.click("text=Show >> nth=-1")
    says(student, "Nothing was shown")
    for page in (student, teacher):
        page.context.close()
