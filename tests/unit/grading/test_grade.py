"""The judge: guards, sums, order, and equal bytes."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.evidence.codec import Bundle
from grader.evidence.record import NOTHING_CAME, Outcome, ShimUse
from grader.facts.case import Case, Reference
from grader.grading.grade import grade
from grader.grading.held import why_not_taken
from grader.grading.marks import Decision, mark_of
from grader.grading.points import add_up, points_of, settle
from grader.judging.check import Check
from grader.judging.exhibits import Exhibit, Pair
from grader.judging.judgement import Judgement, Status
from grader.rubric.model import Criterion, Rubric
from tests import factories


class Fixed(Check):
    check: Literal["fixed"] = "fixed"
    status: Status = Status.PASS
    share: float = 1.0
    open_share: float = 0.0
    raises: str | None = None
    full: bool = False
    exhibits: tuple[Exhibit, ...] = ()

    @property
    def needs_full_training(self) -> bool:
        return self.full

    def judge(self, case: Case) -> Judgement:
        if self.raises is not None:
            raise ZeroDivisionError(self.raises)
        return Judgement(
            status=self.status,
            share=self.share,
            open_share=self.open_share,
            message="judged",
            exhibits=self.exhibits,
        )


def verdict_of(*checks: Check, outcome: Outcome = Outcome.COMPLETED, points: float = 1.0, **more: Any):
    bundle = Bundle(factories.evidence(factories.code_cells("x = 1"), outcome=outcome, **more))
    return grade(factories.rubric(*checks, points=points), bundle, Reference())


def test_a_check_that_raises_is_our_fault_and_costs_nothing():
    verdict = verdict_of(Fixed(raises="first line\nsecond line"), Fixed())
    broken, right = verdict.findings
    assert broken.status is Status.CHECK_ERROR
    assert (broken.points, broken.pending) == (0.0, 1.0)
    assert "ZeroDivisionError: first line" in broken.message
    assert "\n" not in broken.message
    assert right.points == 1.0
    assert (verdict.points, verdict.pending, verdict.out_of) == (1.0, 1.0, 2.0)


def test_a_share_that_is_not_a_number_never_passes():
    finding = verdict_of(Fixed.model_construct(check="fixed", share=math.nan)).findings[0]
    assert finding.status is Status.CHECK_ERROR
    assert (finding.points, finding.pending) == (0.0, 1.0)


def test_when_the_service_could_not_run_it_everything_waits():
    verdict = verdict_of(Fixed(), Fixed(status=Status.FAIL, share=0), outcome=Outcome.SANDBOX_UNAVAILABLE)
    assert {finding.status for finding in verdict.findings} == {Status.MISSING_EVIDENCE}
    assert (verdict.points, verdict.pending) == (0.0, 2.0)


def test_a_file_that_is_no_notebook_waits_for_a_ta_and_says_why():
    verdict = verdict_of(
        Fixed(),
        Fixed(status=Status.FAIL, share=0),
        outcome=Outcome.INVALID_SUBMISSION,
        outcome_detail="a pdf",
    )
    assert {finding.status for finding in verdict.findings} == {Status.NEEDS_TA}
    assert all("a pdf" in finding.message for finding in verdict.findings)
    assert (verdict.points, verdict.pending) == (0.0, 2.0)


@pytest.mark.parametrize("detail", [NOTHING_CAME, "no notebook was handed in; found: nothing"])
def test_nothing_handed_in_is_settled_at_nothing(detail: str):
    verdict = verdict_of(Fixed(), outcome=Outcome.INVALID_SUBMISSION, outcome_detail=detail)
    assert verdict.findings[0].status is Status.FAIL
    assert (verdict.points, verdict.pending) == (0.0, 0.0)
    assert why_not_taken(Outcome.INVALID_SUBMISSION, detail) == ""
    assert mark_of(verdict, ()).held == ""


def test_a_held_mark_is_let_go_by_a_word_on_every_criterion_and_not_before():
    verdict = verdict_of(Fixed(), Fixed(), outcome=Outcome.INVALID_SUBMISSION, outcome_detail="a pdf")
    given = [
        Decision(seq, finding.criterion, 0.0, "ann", datetime(2026, 3, 1, tzinfo=UTC), "nothing in it")
        for seq, finding in enumerate(verdict.findings)
    ]
    why = why_not_taken(Outcome.INVALID_SUBMISSION, "a pdf")
    assert mark_of(verdict, given[:1], not_taken=why).held == "a pdf"
    assert mark_of(verdict, given, not_taken=why).held == ""
    assert why_not_taken(Outcome.INVALID_SUBMISSION, "") == "it is no notebook"
    assert why_not_taken(Outcome.CELL_ERROR, "a pdf") == ""


def test_a_zero_that_an_earlier_version_gave_for_an_unread_file_is_held_before_any_regrade():
    zero = verdict_of(Fixed(status=Status.FAIL, share=0))
    assert mark_of(zero, (), not_taken="a pdf").held == "a pdf"


def test_a_question_about_a_trained_net_waits_where_training_was_cut_short():
    cut = (ShimUse(kind="training_budget"),)
    assert verdict_of(Fixed(full=True), shims=cut).findings[0].status is Status.MISSING_EVIDENCE
    assert verdict_of(Fixed(full=True)).findings[0].status is Status.PASS
    assert verdict_of(Fixed(), shims=cut).findings[0].status is Status.PASS


def test_shares_are_made_to_agree_with_the_status():
    slips = {
        Status.PASS: (0.2, 0.9, 1.0, 0.0),
        Status.FAIL: (0.7, 0.3, 0.0, 0.0),
        Status.PARTIAL: (0.5, 0.5, 0.5, 0.0),
        Status.NEEDS_TA: (0.25, 1.0, 0.25, 0.75),
        Status.MISSING_EVIDENCE: (0.5, 0.0, 0.0, 1.0),
        Status.CHECK_ERROR: (0.5, 0.0, 0.0, 1.0),
    }
    for status, (share, pending, settled_share, settled_pending) in slips.items():
        settled = settle(Judgement(status=status, share=share, open_share=pending, message=""))
        assert (settled.share, settled.open_share) == (settled_share, settled_pending), status


def test_a_third_of_a_point_is_rounded_to_what_is_published():
    judgement = Judgement(status=Status.PARTIAL, share=1 / 3, message="")
    assert points_of(judgement, 1.0) == (0.33, 0.0)
    assert points_of(Judgement(status=Status.PARTIAL, share=0.125, message=""), 1.0) == (0.13, 0.0)
    assert add_up([0.1, 0.2]) == 0.3


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 100))
def test_points_and_pending_never_pass_what_can_be_had(share: float, pending: float, out_of: float):
    judgement = settle(Judgement(status=Status.NEEDS_TA, share=share, open_share=pending, message=""))
    earned, waiting = points_of(judgement, out_of)
    assert 0 <= earned <= out_of
    assert waiting >= 0
    assert add_up([earned, waiting]) <= out_of


@given(st.permutations(range(5)))
def test_the_order_of_criteria_changes_no_finding(order: list[int]):
    checks = [Fixed(), Fixed(status=Status.FAIL), Fixed(raises="x"), Fixed(status=Status.PARTIAL, share=0.5)]
    checks.append(Fixed(status=Status.NEEDS_TA, share=0.5, open_share=0.5))
    criteria = [
        Criterion(id=f"c{place}", title="", points=1 + place / 3, check=check)
        for place, check in enumerate(checks)
    ]
    bundle = Bundle(factories.evidence())
    whole = Rubric(assignment="lab", title="", total=0, criteria=tuple(criteria))
    shuffled = whole.model_copy(update={"criteria": tuple(criteria[place] for place in order)})
    first, second = (grade(each, bundle, Reference()) for each in (whole, shuffled))
    by_id = {finding.criterion: finding for finding in second.findings}
    assert [by_id[finding.criterion] for finding in first.findings] == list(first.findings)
    assert (first.points, first.pending) == (second.points, second.pending)


def test_judging_twice_gives_equal_bytes_with_nan_in_an_exhibit():
    check = Fixed(exhibits=(Pair(found=math.nan, expected=3.0),))
    first, second = verdict_of(check), verdict_of(check)
    assert first.model_dump_json() == second.model_dump_json()
    assert '"NaN"' in first.model_dump_json()


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_gets_a_verdict(outcome: Outcome):
    verdict = verdict_of(Fixed(), Fixed(raises="x"), outcome=outcome)
    assert verdict.points + verdict.pending <= verdict.out_of
