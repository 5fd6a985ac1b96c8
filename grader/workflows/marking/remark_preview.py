"""What a decision on a remark request would do, before anybody makes it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from grader.errors import GraderError
from grader.grading.marks import Decision, Mark
from grader.grading.remarks import check_decider, check_points, effect_of
from grader.grading.requests import Effect, Kind
from grader.store import Store
from grader.store.remarks import Remark
from grader.store.results import Result
from grader.workflows.marking.marks import graded_result
from grader.workflows.marking.remark import find, policy_of

__all__ = ["Preview", "preview"]


@dataclass(frozen=True)
class Preview:
    """What would count after a decision.

    Attributes:
        before, after: Points of the criterion; of the whole mark for a counting error.
        out_of: What they are out of.
        whole_before, whole_after: The whole mark, lateness included.
        refused: Why it cannot be decided so; empty where it can.
    """

    before: float
    after: float
    out_of: float
    whole_before: float
    whole_after: float
    whole_out_of: float
    refused: str = ""

    @property
    def effect(self) -> Effect:
        return effect_of(self.before, self.after)


def preview(store: Store, id: int, points: float | None, *, actor: str) -> Preview:
    """Works out a decision and writes nothing.

    Args:
        store: Where the request is.
        id: Its number.
        points: Of the criterion; None for a counting error, where the sum is made again.
        actor: Who would decide.

    Raises:
        RefusedError: There is no such request.
        UsageError: There is no verdict on the work any more.
    """
    remark = find(store, id)
    with store.reading() as history:
        result = graded_result(history, remark.student, remark.assignment)
    assert result.mark is not None
    if remark.kind is Kind.COUNTING_ERROR or points is None:
        whole = result.mark.points
        return Preview(remark.points_before, whole, result.mark.out_of, whole, whole, result.mark.out_of)
    after = _decided(store, result, remark, points, actor)
    before = result.mark.criterion(remark.criterion)
    return Preview(
        before=before.points if before else remark.points_before,
        after=points,
        out_of=before.out_of if before else remark.out_of,
        whole_before=result.mark.points,
        whole_after=after.points,
        whole_out_of=after.out_of,
        refused=_why_not(store, result, remark, points, actor),
    )


def _decided(store: Store, result: Result, remark: Remark, points: float, actor: str) -> Mark:
    """The mark as it would be with one more decision, newer than all."""
    newest = max((decision.seq for decision in result.decisions), default=0)
    decision = Decision(newest + 1, remark.criterion, points, actor, store.clock(), "", request=remark.id)
    mark = replace(result, decisions=(*result.decisions, decision)).mark
    assert mark is not None
    return mark


def _why_not(store: Store, result: Result, remark: Remark, points: float, actor: str) -> str:
    """What the course's rules say against it."""
    policy = policy_of(store, result)
    mark = result.mark.criterion(remark.criterion) if result.mark else None
    if mark is None:
        return f"the rubric has no criterion '{remark.criterion}' any more, so it can only be rejected"
    marked_by = {each.by for each in result.decisions if each.criterion == remark.criterion}
    try:
        check_points(policy, points, before=mark.points, out_of=mark.out_of)
        check_decider(policy, actor, marked_by)
    except GraderError as error:
        return f"{error.what}: {error.expected}" if error.expected else error.what
    return ""
