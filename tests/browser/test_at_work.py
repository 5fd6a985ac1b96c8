"""Pre-checks, groups, workers, queue and near copies in use: by keyboard alone, without script, at 320 px."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page

from grader.facts.case import Reference
from grader.store import Queue, open_store
from grader.web.roles import Role
from grader.web.serve import Opened, listen
from grader.workflows.accounts.people import add_account
from grader.workflows.desk.steering import pause, resume
from grader.workflows.prechecking.online import set_pre_check_rule
from tests import course, web_class
from tests.browser.conftest import Opened as Shown
from tests.browser.inspection import serious_barriers
from tests.browser.sights import Fair, Guest
from tests.browser.test_desk import grade_class
from tests.full_course import ALIKE, RUBRIC, FullCourse, run_what_waits

C, CATS = "/c/course", "/c/course/a/cats"
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
#: Each test has students of its own, so that none finds what another left.
STUDENTS = [f"s{number}" for number in range(2001, 2015)]


@pytest.fixture(scope="module")
def fair(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fair]:
    """A class of three, two of whom wrote alike, a server, and somebody who would run notebooks."""
    folder = tmp_path_factory.mktemp("class")
    class_ = web_class.students_of(3)
    class_[:2] = [replace(each, code=ALIKE.format(name)) for each, name in zip(class_, "ab", strict=False)]
    grade_class(folder, class_)
    course.write_rubric(folder / "rubrics", RUBRIC, "cats.yaml")
    with (
        open_store(str(folder / "grader.db"), evidence=folder / "grader.db.evidence") as store,
        listen("127.0.0.1", 0) as listening,
        Queue(store, serves=True, lease_s=600) as seat,
    ):
        for student in STUDENTS:
            add_account(store, student, Role.STUDENT, course="course", student=student)
        desk = Opened(store, Reference(), listening, places=[folder])
        serving = threading.Thread(target=desk.run, daemon=True)
        serving.start()
        fair = Fair(FullCourse(store, folder, seat), store, desk, browser)
        yield fair
        for context in fair.contexts:
            context.close()
        desk.stop()
        serving.join()


SCRIPT = pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])


def send(page: Page, source: str, name: str) -> None:
    page.set_input_files(
        "#file", {"name": name, "mimeType": "application/json", "buffer": course.notebook(source)}
    )
    page.click("form.drop button")
    page.wait_for_load_state()


def looked_at(guest: Guest, *, script: bool) -> None:
    """It fits, has no barrier, complains of nothing and asks nobody else."""
    assert guest.page.evaluate(TOO_WIDE) <= 0, guest.page.url
    if script:
        assert serious_barriers(Shown(guest.page)) == [], guest.page.url
    assert (guest.asked_for, guest.complaints) == ([], [])


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
        page.wait_for_load_state()


def go_to(page: Page, is_there: str) -> None:
    """Moves on by Tab until what has the focus is what is meant."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate(f"(each => {is_there})(document.activeElement)"):
            return
    raise AssertionError(f"no Tab leads to it: {is_there}")


def enter(page: Page) -> None:
    with page.expect_navigation():
        page.keyboard.press("Enter")


@SCRIPT
def test_a_student_has_a_notebook_looked_at_and_reads_what_is_public_alone(fair: Fair, script: bool) -> None:
    student, other = STUDENTS[0 if script else 1], STUDENTS[2]
    store, folder = fair.made.store, fair.made.folder
    guest = fair.guest(student, script=script, width=320)
    page = guest.open(f"{C}/my/cats/hand-in")
    page.click("text=Look at it first: pre-check")
    assert "5 of 5" in page.inner_text(".facts") and "Nothing so far" in page.inner_text("#progress")
    looked_at(guest, script=script)
    send(page, course.SHADOWING, "mine.ipynb")
    assert "in the queue" in page.inner_text("#progress")
    looked_at(guest, script=script)
    run_what_waits(store, folder, 1)
    if script:
        # The page asks by itself, and says it where a screen reader hears it.
        page.wait_for_selector("#progress[role=status] .pre-check .lines")
    page.reload()
    told = page.inner_text("main")
    assert "Builtins are left alone" in told and "mine.ipynb" in told and "4 of 5" in told
    looked_at(guest, script=script)
    # Nothing of what only graders read, of answers, points or others is in the page, seen or not.
    whole = page.content()
    for hidden in (
        web_class.WHY,
        web_class.CURVES,
        "overfitting hides",
        "validation set",
    ):
        assert hidden not in whole, hidden
    assert "2 other criteria" in told
    elsewhere = fair.guest(other, script=script, width=320).open(f"{C}/my/cats/pre-check")
    assert "Nothing so far" in elsewhere.inner_text("#progress") and student not in elsewhere.content()
    with store.reading() as history:
        assert history.received_from(student, "cats") == []


@SCRIPT
def test_so_many_a_day_and_no_more_with_when_the_next_one_is_there(fair: Fair, script: bool) -> None:
    student = STUDENTS[3 if script else 4]
    set_pre_check_rule(fair.made.store, "cats", 1)
    try:
        guest = fair.guest(student, script=script, width=320)
        page = guest.open(f"{C}/my/cats/pre-check")
        assert "1 of 1" in page.inner_text(".facts")
        send(page, course.GOOD, "mine.ipynb")
        run_what_waits(fair.made.store, fair.made.folder, 1)
        page.reload()
        said = page.inner_text(".facts")
        assert "0 of 1" in said and "the next one is there on" in said
        assert page.locator("#file").count() == 0
        assert page.locator("main >> text=Hand in").count()
        looked_at(guest, script=script)
    finally:
        set_pre_check_rule(fair.made.store, "cats", None)


@contextmanager
def paused(fair: Fair, assignment: str) -> Iterator[None]:
    pause(fair.made.store, assignment, "the cooling broke; ask Eve", actor="cara")
    try:
        yield
    finally:
        resume(fair.made.store, assignment, actor="cara")


@pytest.mark.parametrize("assignment", ["", "cats"], ids=["whole queue", "one assignment"])
@SCRIPT
def test_a_student_is_told_of_a_pause_before_and_after_sending(
    fair: Fair, script: bool, assignment: str
) -> None:
    student = STUDENTS[(5 if script else 6) + (2 if assignment else 0)]
    guest = fair.guest(student, script=script, width=320)
    page = guest.page
    with paused(fair, assignment):
        for path in ("pre-check", "hand-in"):
            guest.open(f"{C}/my/cats/{path}")
            assert "has paused running notebooks" in page.inner_text(".notice"), path
            send(page, "x = 1", "mine.ipynb")
            assert "Your course has paused running for the moment" in page.inner_text("#progress")
            assert "next one" not in page.inner_text("#progress")
            # Who ordered it and why is for staff.
            assert "cooling" not in page.content() and "cara" not in page.content()
            looked_at(guest, script=script)
    for path in ("pre-check", "hand-in"):
        guest.open(f"{C}/my/cats/{path}")
        assert "paused" not in page.inner_text("main")
    run_what_waits(fair.made.store, fair.made.folder, 2)


@SCRIPT
def test_a_group_is_made_one_hands_in_and_each_member_sees_what_they_may(fair: Fair, script: bool) -> None:
    sender, member, alone = STUDENTS[9:12] if script else (STUDENTS[12], STUDENTS[13], STUDENTS[11])
    name = "g1" if script else "g2"
    store = fair.made.store
    for student in (sender, member):
        _come(fair, student, f"y = '{student}'")
    staff = fair.guest(script=script, width=320)
    page = staff.open(f"{CATS}/setup")
    page.click("text=Change groups")
    page.fill("#group", name)
    page.fill("#group-students", f"{sender}\n{member}")
    page.fill("#group-reason", "as they signed up")
    page.click("text=Set the group")
    page.wait_for_load_state()
    assert f"{sender}, {member}" in page.inner_text("section[aria-labelledby=h-groups]")
    looked_at(staff, script=script)

    first = fair.guest(sender, script=script, width=320)
    page = first.open(f"{C}/my/cats/hand-in")
    assert "together with 1 other student" in page.inner_text(".notice")
    send(page, f"together = '{name}'", f"{sender}-and-friends.ipynb")
    assert "this file counts" in page.inner_text("main")
    looked_at(first, script=script)

    second = fair.guest(member, script=script, width=320)
    page = second.open(f"{C}/my/cats/hand-in")
    assert "in the queue" in page.inner_text("#progress")
    page.click(".lines .good a")
    assert "this file counts" in page.inner_text("main")
    # The names of the others are told where the course says so, and what the sender called the file never.
    for text in (page.content(), second.open(f"{C}/my").content()):
        assert sender not in text
    looked_at(second, script=script)
    assert "together with" not in fair.guest(alone, script=script).open(f"{C}/my/cats/hand-in").inner_text(
        "main"
    )
    run_what_waits(store, fair.made.folder, 1)
    for guest in (first, second):
        assert "It was run" in guest.open(f"{C}/my/cats/hand-in").inner_text("#progress")


def _come(fair: Fair, student: str, source: str) -> None:
    """Lets a student hand in by themselves, which is run at once."""
    page = fair.guest(student).open(f"{C}/my/cats/hand-in")
    send(page, source, "alone.ipynb")
    run_what_waits(fair.made.store, fair.made.folder, 1)


@SCRIPT
def test_a_worker_is_let_in_drained_and_sent_away_by_keyboard_alone(fair: Fair, script: bool) -> None:
    name = "gpu-scripted" if script else "gpu-plain"
    guest = fair.guest(script=script, width=320)
    page = guest.open(f"{C}/workers")
    go_to(page, "each.innerText === 'Let a worker in'")
    press(page, "Enter")
    go_to(page, "each.id === 'name'")
    page.keyboard.type(name)
    enter(page)
    assert page.locator(".command").first.inner_text().startswith("gw_")
    looked_at(guest, script=script)
    go_to(page, "each.innerText === 'Back to the workers'")
    enter(page)
    assert "not seen" in page.inner_text("main")
    go_to(page, f"each.getAttribute('aria-label') === 'Drain {name}'")
    enter(page)
    go_to(page, f"each.getAttribute('aria-label') === 'Let {name} take work again'")
    # What lies folded away is reached by opening it, and not before.
    go_to(page, "each.tagName === 'SUMMARY'")
    press(page, "Enter")
    go_to(page, f"each.getAttribute('aria-label') === 'Revoke the token of {name}'")
    enter(page)
    assert name in page.inner_text("main table")
    looked_at(guest, script=script)


@SCRIPT
def test_one_assignment_is_drained_and_resumed_by_keyboard_alone(fair: Fair, script: bool) -> None:
    guest = fair.guest(script=script, width=320)
    page = guest.open(f"{C}/queue")
    go_to(page, "each.id === 'what'")
    page.keyboard.type("cats")
    go_to(page, "each.id === 'why-pause'")
    page.keyboard.type("a new image")
    go_to(page, "each.value === 'drain'")
    enter(page)
    assert "cats is drained" in page.inner_text(".ordered") and "a new image" in page.inner_text(".ordered")
    looked_at(guest, script=script)
    go_to(page, "each.value === 'resume'")
    enter(page)
    assert not page.locator(".ordered").count()
    looked_at(guest, script=script)


@SCRIPT
def test_near_copies_are_looked_for_and_read_by_keyboard_alone(fair: Fair, script: bool) -> None:
    guest = fair.guest(script=script, width=320)
    page = guest.open(f"{CATS}/similar")
    go_to(page, "each.id === 'least'")
    page.keyboard.type("30")
    go_to(page, "each.innerText === 'Look for near copies'")
    enter(page)
    # While it looks the page loads itself anew, with script and without.
    page.locator(".pairs").wait_for()
    go_to(page, "each.closest('.pairs')")
    enter(page)
    assert "s1001 beside s1002" in page.inner_text("#pair")
    frame = page.frame_locator("iframe.frame")
    frame.get_by_text("losses_a", exact=False).first.wait_for()
    assert "This accuses nobody." in page.inner_text("main")
    looked_at(guest, script=script)


def test_a_page_without_what_is_meant_ends_the_search_for_it(fair: Fair) -> None:
    page = fair.guest().open(f"{C}/workers")
    with pytest.raises(AssertionError, match="no Tab leads to it"):
        go_to(page, "each.id === 'nothing'")
