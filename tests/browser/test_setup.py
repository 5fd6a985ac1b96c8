"""The set-up in a real browser: shares, dates, an extension and an excuse, by forms alone."""

from __future__ import annotations

import pytest

from grader.store import Store
from grader.web.roles import Role
from grader.workflows.setting_up.dates import extensions_of
from grader.workflows.setting_up.excusing import excuses_of
from grader.workflows.setting_up.sharing import who_grades_what
from tests.browser.conftest import Opened
from tests.browser.inspection import serious_barriers
from tests.browser.test_desk import Sit, graded, sit, store

__all__ = ["graded", "sit", "store"]

SETUP = "/a/cats/setup"


@pytest.mark.parametrize("script", [True, False])
def test_an_assignment_is_set_up_and_a_ta_sees_their_share(sit: Sit, store: Store, script: bool) -> None:
    seat = sit("ann", Role.INSTRUCTOR, script=script, width=320)
    page = seat.open(SETUP)
    page.fill("#draw", "ben cara")
    page.click("button[value=draw]")
    page.click("text=Change dates")
    page.fill("#due", "2026-03-10T23:59")
    page.fill("#dates-reason", "the hall was closed")
    page.click("text=Set dates")
    for student, step in (("s1001", "extend"), ("s1002", "excuse")):
        page.click("text=Extend or excuse")
        page.fill("#own-students", student)
        page.fill("#own-until", "2026-03-20T12:00")
        page.fill("#own-reason", "ill")
        page.click(f"button[value={step}]")
    assert page.locator("text=2026-03-10 23:59 UTC").count() == 1
    assert {line.grader for line in who_grades_what(store, "cats").lines} == {"ben", "cara"}
    assert list(extensions_of(store, "cats")) == ["s1001"] and list(excuses_of(store, "cats")) == ["s1002"]
    if script:
        # axe is itself a script.
        page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        assert serious_barriers(Opened(page)) == []
        too_wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(too_wide) <= 0
    share = len(next(line for line in who_grades_what(store, "cats").lines if line.grader == "ben").students)
    ben = sit("ben", Role.ASSIGNED_TA, script=script).open("/a/cats/students")
    assert ben.locator("tbody tr").count() == share
    assert (seat.asked_for, seat.complaints) == ([], [])
