"""Arithmetic on arrays comes to the cent to what one mark after another comes to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.grading.late import HandedIn
from grader.grading.marks import Mark, mark_of
from grader.grading.verdict import Finding, Verdict
from grader.grading.what_if import Packed, in_no_order, pack, what_if
from grader.judging.judgement import Status
from grader.rubric.model import LatePolicy

DUE = datetime(2026, 3, 10, 12, tzinfo=UTC)
NAMES = ("a", "b", "c")

cents = st.integers(0, 30_000).map(lambda number: number / 100)


def a_mark(
    worth: tuple[float, ...], parts: tuple[float, ...], policy: LatePolicy | None = None, days: float = 0
) -> Mark:
    findings = tuple(
        Finding(
            criterion=name, title=name, status=Status.PARTIAL, points=round(out_of * part, 2), out_of=out_of,
            message="",
        )
        for name, out_of, part in zip(NAMES, worth, parts, strict=True)
    )  # fmt: skip
    verdict = Verdict(assignment="x", findings=findings, points=0, out_of=0, pending=0, late=policy)
    return mark_of(verdict, (), HandedIn("s", DUE + timedelta(days=days)))


def mean_of(mark: Mark, weights: dict[str, float]) -> float:
    packed = Packed(bytes.fromhex(pack(mark)), NAMES, tuple(item.out_of for item in mark.criteria))
    return what_if([packed], weights).after.mean


@given(st.tuples(cents, cents, cents), st.tuples(*[st.floats(0, 1)] * 3))
def test_a_mark_by_its_own_weights_is_the_mark(worth: tuple[float, ...], parts: tuple[float, ...]) -> None:
    mark = a_mark(worth, parts)
    assert mean_of(mark, {}) == pytest.approx(mark.points, abs=1e-9)


@pytest.mark.parametrize("share_of", ["earned", "out_of"])
@pytest.mark.parametrize("days", [0.0, 0.5, 2.0, 9.0, 40.0])
@pytest.mark.parametrize("weights", [{}, {"a": 1.0, "b": 7.5}])
def test_lateness_is_taken_off_by_the_same_rule(
    share_of: str, days: float, weights: dict[str, float]
) -> None:
    policy = LatePolicy(due=DUE, per_day=0.1, share_of=share_of, until=DUE + timedelta(days=30))
    parts = (0.5, 0.25, 1.0)
    worth = tuple(weights.get(name, out_of) for name, out_of in zip(NAMES, (4.0, 8.0, 3.0), strict=True))
    asked = mean_of(a_mark((4.0, 8.0, 3.0), parts, policy, days), weights)
    assert asked == pytest.approx(a_mark(worth, parts, policy, days).points, abs=1e-9)


def test_a_criterion_that_is_worth_nothing_gives_nothing() -> None:
    assert mean_of(a_mark((0.0, 2.0, 2.0), (0.0, 1.0, 0.5)), {"a": 5.0}) == 3.0


def test_marks_in_no_order_come_to_the_same_and_tell_nobodys_place() -> None:
    marks = [a_mark((2.0, 5.0, 5.0), parts) for parts in ((1, 0, 0.5), (0, 1, 1), (1, 1, 0), (0, 0, 0.2))]
    packed, turned = (
        Packed(bytes.fromhex("".join(map(pack, order))), NAMES, (2.0, 5.0, 5.0))
        for order in (marks, marks[::-1])
    )
    assert packed.marks != turned.marks
    assert in_no_order(packed) == in_no_order(turned)
    other = {"a": 4.0}
    assert what_if([in_no_order(packed)], other) == what_if([packed], other)
