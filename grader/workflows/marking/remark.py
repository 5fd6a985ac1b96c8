"""Remark requests: opened by the course's rules, decided once, escalated at most once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from grader.errors import RefusedError
from grader.grading.remarks import (
    Action,
    Effect,
    Kind,
    State,
    check_decider,
    check_points,
    check_window,
    effect_of,
    is_late,
    next_state,
)
from grader.rubric.model import Policy
from grader.store import Signature, Store, ledger
from grader.store.history import Result
from grader.store.models import MarkRow, RemarkActionRow, RemarkRow
from grader.store.remarks import Remark, find_remark, remarks
from grader.workflows.marking.marks import criterion_mark, graded_result
from grader.workflows.regrading.rubrics import recall_rubric
from grader.workflows.views.identity import shown_as

__all__ = [
    "Decided",
    "Request",
    "act",
    "decide",
    "find",
    "open_request",
    "policy_of",
]


@dataclass(frozen=True)
class Request:
    """What a student asks for.

    Attributes:
        criterion: Empty for a counting error.
        accepted: Whether the requester accepts the policy's sentence.
        late_because: Why a TA takes it after the date; kept only where it came after it.
        submitted: When the student handed it in, where that is known; else it is now.
        source: The file that it came in; empty for the command line.
    """

    student: str
    assignment: str
    criterion: str
    kind: Kind
    reason: str
    accepted: bool
    late_because: str = ""
    submitted: datetime | None = None
    source: str = ""

    @property
    def why(self) -> str:
        """For the seal: by what it came, and when it was handed in."""
        if self.submitted is None:
            return f"grader remark {'import ' + self.source if self.source else 'open'}"
        time = self.submitted.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        return f"grader remark import {self.source}: handed in {time}"


@dataclass(frozen=True)
class Decided:
    """What a decision came to."""

    remark: Remark
    before: float
    after: float

    @property
    def effect(self) -> Effect:
        return effect_of(self.before, self.after)


def policy_of(result: Result) -> Policy:
    """The course's rules, as the rubric of the student's verdict has them."""
    assert result.rubric is not None
    return recall_rubric(result.rubric).rubric.remarks


def open_request(store: Store, requests: Sequence[Request], *, actor: str) -> list[Remark]:
    """Opens requests, all of them or none.

    Raises:
        RefusedError: The policy forbids one: too early or late, not accepted, one is open already.
        UsageError: Student, assignment or criterion is unknown.
    """
    with store.writing() as session:
        now = store.clock()
        ids = [
            _open(session, request, Signature(actor, now, request.why), request.submitted or now)
            for request in requests
        ]
        return [_require(session, id) for id in ids]


def _open(session: Session, request: Request, signature: Signature, came: datetime) -> int:
    result = graded_result(session, request.student, request.assignment)
    assert result.verdict_row is not None
    policy = policy_of(result)
    if not request.reason.strip():
        raise RefusedError("a remark request needs a reason", todo="--reason TEXT")
    if not request.accepted:
        raise RefusedError(
            "the requester has to accept the course's rule first", expected=policy.sentence, todo="--accept"
        )
    if came > signature.at:
        raise RefusedError("this request was handed in in the future", found=came.isoformat())
    check_window(policy, came, request.late_because)
    before, out_of = _in_question(result, request)
    _refuse_second(session, result, request)
    _refuse_settled(session, result, request.criterion)
    row = RemarkRow(
        student=result.student,
        assignment=result.assignment,
        criterion=request.criterion,
        kind=request.kind.value,
        reason=request.reason,
        sentence=policy.sentence,
        late_because=request.late_because if is_late(policy, came) else "",
        points_before=before,
        out_of=out_of,
        verdict=result.verdict_row.seq,
    )
    return ledger.append(session, row, signature).seq


def _in_question(result: Result, request: Request) -> tuple[float, float]:
    """Points, and what they are out of, that a request is about."""
    assert result.mark is not None
    if request.kind is Kind.COUNTING_ERROR:
        if request.criterion:
            raise RefusedError(
                "a counting error concerns the sum, no criterion",
                todo="leave --criterion out, or ask for a judgement",
            )
        return result.mark.points, result.mark.out_of
    if not request.criterion:
        raise RefusedError("a judgement request names its criterion", todo="--criterion C")
    mark = criterion_mark(result, request.criterion)
    if mark.pending:
        raise RefusedError(
            f"'{request.criterion}' has no mark yet: it still waits for a TA", todo="grader pending lists it"
        )
    return mark.points, mark.out_of


def _refuse_second(session: Session, result: Result, request: Request) -> None:
    for other in remarks(session, assignment=result.assignment, student=result.student):
        same = (other.kind, other.row.criterion) == (request.kind, request.criterion)
        if same and other.state.is_open:
            about = f"'{request.criterion}'" if request.criterion else "the sum"
            name = shown_as(request.student, result.student)
            raise RefusedError(
                f"request {other.id} on {about} of {name} is open already",
                todo="decide or withdraw it first",
            )


def _refuse_settled(session: Session, result: Result, criterion: str) -> None:
    """A final decision is answered by no further request, unless a TA has marked the criterion since."""
    mark = result.mark.criterion(criterion) if result.mark else None
    if mark is None or mark.decision is None or mark.decision.request is None:
        return
    answered = find_remark(session, mark.decision.request)
    if answered is not None and answered.state is State.FINAL:
        raise RefusedError(
            f"request {answered.id} settled '{criterion}' for good",
            todo="a TA who finds the mark wrong all the same corrects it with `grader mark`",
        )


def act(store: Store, id: int, action: Action, *, actor: str, reason: str = "") -> Remark:
    """Takes a request under review, rejects, withdraws or escalates it.

    Raises:
        RefusedError: There is no such request, or its state does not allow this.
    """
    with store.writing() as session:
        remark = _require(session, id)
        signature = Signature(actor, store.clock(), f"grader remark {action}")
        if action is Action.REJECT:
            _check_decider(session, remark, actor)
            remark = _take_up(session, remark, signature)
        if action in (Action.REJECT, Action.ESCALATE) and not reason.strip():
            raise RefusedError(f"to {action} a request needs a reason", todo="--reason TEXT")
        next_state(remark.state, action)
        if action is Action.ESCALATE:
            _refuse_beside_another(session, remark)
        _add(session, remark, action, signature, reason=reason)
        return _require(session, id)


def _refuse_beside_another(session: Session, remark: Remark) -> None:
    """One open request for each criterion: one that was answered may not come back beside a newer one."""
    row = remark.row
    for other in remarks(session, assignment=row.assignment, student=row.student):
        same = (other.kind, other.row.criterion) == (remark.kind, row.criterion)
        if same and other.id != remark.id and other.state.is_open:
            raise RefusedError(
                f"request {other.id} on the same is open already",
                todo=f"decide or withdraw request {other.id}, then escalate this one",
            )


def decide(store: Store, id: int, *, points: float | None, reason: str, actor: str) -> Decided:
    """Decides a request; whether the mark rises, falls or stays follows from the points.

    Args:
        store: Where it is.
        id: The request's number.
        points: Of the criterion; None for a counting error, where the sum is made again.
        reason: For the student.
        actor: Who decides.

    Raises:
        RefusedError: The request is closed, the points are out of range, the policy wants somebody else, or
            points were given for a counting error.
    """
    with store.writing() as session:
        remark = _require(session, id)
        signature = Signature(actor, store.clock(), "grader remark decide")
        if remark.state is not State.ESCALATED:
            remark = _take_up(session, remark, signature)
        next_state(remark.state, Action.DECIDE)
        if not reason.strip():
            raise RefusedError("a decision needs a reason", todo="--reason TEXT")
        result = graded_result(session, remark.row.student, remark.row.assignment)
        after = _decided_points(result, remark, points)
        _check_decider(session, remark, actor)
        _add(session, remark, Action.DECIDE, signature, points=after, reason=reason)
        if remark.kind is Kind.JUDGEMENT:
            _write_mark(session, remark, result, after, reason, signature)
        return Decided(_require(session, id), remark.row.points_before, after)


def _decided_points(result: Result, remark: Remark, points: float | None) -> float:
    assert result.mark is not None
    if remark.kind is Kind.COUNTING_ERROR:
        if points is not None:
            raise RefusedError("a counting error only adds the points up again", todo="leave --points out")
        return result.mark.points
    if points is None:
        raise RefusedError(
            "a decision needs points", todo="--points P, or --reject to leave the mark as it is"
        )
    mark = result.mark.criterion(remark.row.criterion)
    if mark is None:
        raise RefusedError(
            f"the rubric has no criterion '{remark.row.criterion}' any more, so it can be given no points",
            todo="--reject, with the reason",
        )
    check_points(policy_of(result), points, before=mark.points, out_of=mark.out_of)
    return points


def _check_decider(session: Session, remark: Remark, actor: str) -> None:
    """Adding up again is no judgement, so anybody may."""
    if remark.kind is Kind.JUDGEMENT:
        result = graded_result(session, remark.row.student, remark.row.assignment)
        marked_by = {each.by for each in result.decisions if each.criterion == remark.row.criterion}
        check_decider(policy_of(result), actor, marked_by)


def _take_up(session: Session, remark: Remark, signature: Signature) -> Remark:
    """Whoever decides a request that nobody reviewed has reviewed it."""
    if remark.state is not State.SUBMITTED:
        return remark
    _add(session, remark, Action.REVIEW, signature)
    return _require(session, remark.id)


def _add(
    session: Session,
    remark: Remark,
    action: Action,
    signature: Signature,
    *,
    points: float | None = None,
    reason: str = "",
) -> None:
    row = RemarkActionRow(request=remark.id, action=action.value, points=points, reason=reason)
    ledger.append(session, row, signature)


def _write_mark(
    session: Session, remark: Remark, result: Result, points: float, reason: str, signature: Signature
) -> None:
    """The mark stands on the newest verdict, which is what its giver had before them."""
    assert result.verdict_row is not None
    row = MarkRow(
        student=remark.row.student,
        assignment=remark.row.assignment,
        criterion=remark.row.criterion,
        points=points,
        comment=reason,
        verdict=result.verdict_row.seq,
        request=remark.id,
    )
    ledger.append(session, row, signature)


def find(store: Store, id: int) -> Remark:
    """One request.

    Raises:
        RefusedError: There is none of this number.
    """
    with store.reading() as session:
        return _require(session, id)


def _require(session: Session, id: int) -> Remark:
    remark = find_remark(session, id)
    if remark is None:
        raise RefusedError(f"there is no remark request {id}", todo="`grader remark list` shows them")
    return remark
