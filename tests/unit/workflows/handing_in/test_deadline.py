"""What a student is told before they hand in, at each moment around the dates."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from grader.store import Signature, Store
from grader.store.allowances import ExtensionRecord
from grader.workflows.handing_in.deadline import Deadline
from grader.workflows.handing_in.overview import handing_in, offers
from tests import course
from tests.unit.workflows.conftest import Clock


def told(store: Store, folder: Path, student: str = "s1") -> Deadline:
    return handing_in(store, [folder], student, "mini").deadline


@pytest.mark.parametrize(
    ("day", "hour", "said", "over"),
    [
        (11, 11, "in time", False),
        (11, 13, "1 day late, -10 %", False),
        (13, 13, "3 days late, -30 %", False),
        (14, 13, "it would count for nothing any more", True),
    ],
)
def test_what_handing_in_would_cost_is_told_before(
    store: Store, folder: Path, clock: Clock, day: int, hour: int, said: str, over: bool
) -> None:
    clock.now = datetime(2026, 3, day, hour, tzinfo=UTC)
    dates = told(store, folder)
    assert (dates.if_now, dates.is_over) == (said, over)
    assert (dates.due, dates.until) == ("2026-03-11 12:00 UTC", "2026-03-14 12:00 UTC")
    assert dates.rule == "10 % of the points that could be had for each day begun"
    [offer] = offers(store, [folder], "s1")
    assert (offer.assignment, offer.deadline.if_now, offer.received) == ("mini", said, 0)


def test_an_extension_is_one_students_alone(store: Store, folder: Path, clock: Clock) -> None:
    with store.writing() as history:
        until = datetime(2026, 3, 20, 12, tzinfo=UTC)
        given = ExtensionRecord(student="s1", assignment="mini", until=until, reason="ill")
        history.extend(given, Signature("ann", store.clock(), "x"))
    clock.now = datetime(2026, 3, 15, 12, tzinfo=UTC)
    assert told(store, folder).if_now == "in time"
    assert told(store, folder, "s2").is_over


def test_where_nothing_is_late_nothing_is_said(store: Store, folder: Path) -> None:
    course.write_rubric(folder / "rubrics")
    dates = told(store, folder)
    assert (dates.due, dates.until, dates.rule, dates.if_now, dates.is_over) == ("", "", "", "", False)


def test_late_days_that_are_for_nothing_are_said_to_be_used(store: Store, folder: Path, clock: Clock) -> None:
    late = 'late: {due: "2026-03-11T12:00+00:00", per_day: 0.1, tokens: 2, grace_minutes: 5}\n'
    course.write_rubric(folder / "rubrics", course.RUBRIC + late)
    clock.now = datetime(2026, 3, 13, 13, tzinfo=UTC)
    dates = told(store, folder)
    assert dates.if_now == "3 days late, 2 late days of yours used, -10 %"
    assert "once it is 5 minutes late; 2 late days of the course are for nothing" in dates.rule
