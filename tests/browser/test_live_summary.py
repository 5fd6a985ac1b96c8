"""The summary in a real browser: its figures stay true while it is looked at."""

from __future__ import annotations

from grader.store import Store
from grader.web.roles import Role
from grader.workflows.marking.marks import MarkOrder, give_marks
from tests.browser.conftest import Opened
from tests.browser.inspection import serious_barriers
from tests.browser.test_desk import STUDENTS, Sit, graded, sit, store
from tests.web_class import WHY

__all__ = ["graded", "sit", "store"]


def test_figures_follow_what_somebody_else_decides_without_a_reload(sit: Sit, store: Store) -> None:
    seat = sit("cara", Role.HEAD_TA)
    page = seat.open("/a/cats/summary")
    open_before = f"#figures dd:text-is('{2 * STUDENTS}')"
    assert page.locator(open_before).count() == 1
    page.evaluate("window.loadedOnce = true")
    assert page.locator("#stale").is_hidden()
    give_marks(store, "cats", [MarkOrder("s1001", WHY, 4.0, "")], actor="ben")
    page.wait_for_selector(f"#figures dd:text-is('{2 * STUDENTS - 1}')")
    assert page.locator(open_before).count() == 0
    assert page.evaluate("window.loadedOnce") is True
    assert page.locator("#stale").is_visible()
    assert serious_barriers(Opened(page)) == []
    page.click("text=Sum up again")
    page.wait_for_selector("#stale", state="hidden")
    assert (seat.asked_for, seat.complaints) == ([], [])


def test_without_script_it_is_a_plain_page(sit: Sit, store: Store) -> None:
    page = sit("cara", Role.HEAD_TA, script=False).open("/a/cats/summary")
    assert page.locator(f"#figures dd:text-is('{2 * STUDENTS}')").count() == 1
    give_marks(store, "cats", [MarkOrder("s1001", WHY, 4.0, "")], actor="ben")
    page.reload()
    assert page.locator(f"#figures dd:text-is('{2 * STUDENTS - 1}')").count() == 1
