"""Dates, extensions and excuses: what is late by them, on every page and in the standing, at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from grader.grading.late import Dates, policy_for, with_dates
from grader.rubric.model import LatePolicy, Policy
from grader.store import Store, open_store
from grader.store.allowances import DatesRecord, ExcuseRecord, ExtensionRecord
from tests.unit.store.row_by_row import LAB, NOW, SIGNED, Course, act, ask, finding, states

DUE = LatePolicy(due=NOW, per_day=0.1)
TOKENS = LatePolicy(due=NOW, per_day=0.1, tokens=2)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "grader.db"), clock=lambda: NOW) as opened:
        yield opened


def days(number: float) -> datetime:
    return NOW + timedelta(days=number)


def dates(course: Course, lab: str = LAB, **set_: datetime) -> None:
    whole = {name: set_.get(name) for name in Dates._fields}
    course.history.set_dates(DatesRecord(assignment=lab, reason="x", **whole), SIGNED)


def extend(course: Course, student: str, until: datetime | None, lab: str = LAB) -> None:
    record = ExtensionRecord(student=student, assignment=lab, until=until, reason="x")
    course.history.extend(record, SIGNED)


def excuse(course: Course, student: str, *, excused: bool = True) -> None:
    record = ExcuseRecord(student=student, assignment=LAB, excused=excused, reason="x")
    course.history.excuse(record, SIGNED)


def handed_in_late(store: Store, policy: LatePolicy | None = DUE, lab: str = LAB) -> Store:
    """s1 two days late, s2 five; four points each."""
    with store.writing() as history:
        course = Course(history)
        for student, late in (("s1", 2.0), ("s2", 5.0)):
            course.hand_in(student, lab, days=late)
            course.judge(student, finding("a", 4.0), lab=lab, late=policy)
    return store


def points(store: Store, lab: str = LAB) -> dict[str, float]:
    found = ask(store, lambda history: list(history.results(assignment=lab)))
    standing = ask(store, lambda history: history.page(lab))
    marks = {result.student: result.mark.points for result in found}
    assert {each.student: each.points for each in standing if each.state != "dropped"} == marks
    return marks


def test_a_date_that_the_course_sets_makes_others_late_in_the_same_transaction(store: Store) -> None:
    handed_in_late(store)
    assert points(store) == {"s1": 3.2, "s2": 2.0}
    act(store, lambda course: dates(course, due=days(3)))
    assert points(store) == {"s1": 4.0, "s2": 3.2}
    act(store, lambda course: dates(course, due=days(3), until=days(4)))
    assert points(store) == {"s1": 4.0, "s2": 0.0}
    act(store, dates)
    assert points(store) == {"s1": 3.2, "s2": 2.0}


def test_where_the_rubric_has_no_date_who_is_late_is_told_and_loses_nothing(store: Store) -> None:
    handed_in_late(store, None)
    act(store, lambda course: dates(course, due=days(3)))
    assert points(store) == {"s1": 4.0, "s2": 4.0}
    [_, second] = ask(store, lambda history: list(history.results(assignment=LAB)))
    assert second.mark.late.days == 2


def test_an_extension_is_one_students_and_never_to_their_disadvantage(store: Store) -> None:
    handed_in_late(store)
    act(store, lambda course: extend(course, "s2", days(4)))
    assert points(store) == {"s1": 3.2, "s2": 3.6}
    # The class is given more than the one student was.
    act(store, lambda course: dates(course, due=days(6)))
    assert points(store) == {"s1": 4.0, "s2": 4.0}
    act(store, dates, lambda course: extend(course, "s2", None))
    assert points(store) == {"s1": 3.2, "s2": 2.0}


def test_an_extension_before_anything_was_handed_in_counts_once_it_is(store: Store) -> None:
    handed_in_late(store)
    act(store, lambda course: extend(course, "s3", days(9)))
    act(store, lambda course: course.hand_in("s3", days=8))
    act(store, lambda course: course.judge("s3", finding("a", 4.0), late=DUE))
    assert points(store)["s3"] == 4.0
    rule = ask(store, lambda history: history.late_policy_for(LAB, "s3", DUE))
    assert rule.due == days(9)
    assert ask(store, lambda history: history.late_policy_for(LAB, "nobody", DUE)) == DUE


def test_late_tokens_are_spent_by_the_dates_that_hold(store: Store) -> None:
    handed_in_late(store, TOKENS)
    later = TOKENS.model_copy(update={"due": days(20)})
    with store.writing() as history:
        course = Course(history)
        course.hand_in("s1", "next", days=22)
        course.judge("s1", finding("a", 4.0), lab="next", late=later)
    # Both tokens went into the first work: the second is two days late.
    assert points(store, "next") == {"s1": 3.2}
    act(store, lambda course: extend(course, "s1", days(2)))
    assert points(store, "next") == {"s1": 4.0}
    act(store, lambda course: extend(course, "s1", None))
    assert points(store, "next") == {"s1": 3.2}
    act(store, lambda course: dates(course, due=days(1)))
    assert points(store, "next") == {"s1": 3.6}


def test_who_is_excused_counts_nowhere_until_that_is_taken_back(store: Store) -> None:
    handed_in_late(store)
    act(store, lambda course: excuse(course, "s2"), lambda course: excuse(course, "s7"))
    assert states(store) == {"s1": "settled", "s2": "dropped"}
    assert points(store) == {"s1": 3.2}
    assert ask(store, lambda history: history.counts(LAB)).whole["all"] == 1
    assert set(ask(store, lambda history: history.excuses(LAB))) == {"s2", "s7"}
    assert [entry.seal.kind for entry in ask(store, lambda history: history.timeline("s2", LAB))][
        -1
    ] == "excuses"
    act(store, lambda course: excuse(course, "s2", excused=False))
    assert points(store) == {"s1": 3.2, "s2": 2.0}


def test_the_rules_for_remark_requests_go_by_the_courses_dates(store: Store) -> None:
    handed_in_late(store)
    act(store, lambda course: dates(course, remarks_until=days(9)))
    [first, _] = ask(store, lambda history: list(history.results(assignment=LAB)))
    policy = Policy(remarks_open_from=days(1), remarks_open_until=days(2))
    assert first.remark_rules(policy).remarks_open_until == days(9)
    assert first.remark_rules(policy).remarks_open_from == days(1)
    # Nothing else is changed by them.
    assert points(store) == {"s1": 3.2, "s2": 2.0}


def test_a_hard_stop_that_nobody_moved_is_never_before_the_date() -> None:
    policy = LatePolicy(due=NOW, until=days(2), days={"s1": 3, "s2": 0})
    assert with_dates(policy, Dates(due=days(5))).until == days(5)
    assert with_dates(None, Dates(until=days(5))) is None
    own = policy_for(policy, "s1", days(9))
    assert (own.due, own.until, dict(own.days)) == (days(9), days(9), {"s2": 0})
    assert policy_for(policy, "s2", days(9)).days == policy.days
    assert policy_for(policy, "s1", None) is policy
