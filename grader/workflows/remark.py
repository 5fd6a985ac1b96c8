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
from grader.workflows.identity import shown_as
from grader.workflows.marking import criterion_mark, graded_result
from grader.workflows.rubrics import recall_rubric

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


def act(store: Store, id: int, action: Action, *, actor: str, reason: str = "") -> Remark:
    """Takes a request under review, rejects, withdraws or escalates it.

    Raises:
        RefusedError: There is no such request, or its state does not allow this.
    """
    with store.writing() as session:
        remark = _require(session, id)
        signature = Signature(actor, store.clock(), f"grader remark {action}")
        if action is Action.REJECT:
            check_decider(_policy(session, remark), actor, _marked_by(session, remark))
            remark = _take_up(session, remark, signature)
        if action in (Action.REJECT, Action.ESCALATE) and not reason.strip():
            raise RefusedError(f"to {action} a request needs a reason", todo="--reason TEXT")
        next_state(remark.state, action)
        _add(session, remark, action, signature, reason=reason)
        return _require(session, id)


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
        after = _decided_points(session, remark, points, actor)
        _add(session, remark, Action.DECIDE, signature, points=after, reason=reason)
        if remark.kind is Kind.JUDGEMENT:
            _write_mark(session, remark, after, reason, signature)
        return Decided(_require(session, id), remark.row.points_before, after)


def _decided_points(session: Session, remark: Remark, points: float | None, actor: str) -> float:
    result = graded_result(session, remark.row.student, remark.row.assignment)
    assert result.mark is not None
    if remark.kind is Kind.COUNTING_ERROR:
        if points is not None:
            raise RefusedError("a counting error only adds the points up again", todo="leave --points out")
        return result.mark.points
    if points is None:
        raise RefusedError(
            "a decision needs points", todo="--points P, or --reject to leave the mark as it is"
        )
    mark, policy = criterion_mark(result, remark.row.criterion), policy_of(result)
    check_points(policy, points, before=mark.points, out_of=mark.out_of)
    check_decider(policy, actor, mark.decision.by if mark.decision else None)
    return points


def _policy(session: Session, remark: Remark) -> Policy:
    return policy_of(graded_result(session, remark.row.student, remark.row.assignment))


def _marked_by(session: Session, remark: Remark) -> str | None:
    """Who made the mark that a request is about; None where that is the grader."""
    mark = graded_result(session, remark.row.student, remark.row.assignment).mark
    criterion = mark.criterion(remark.row.criterion) if mark else None
    return criterion.decision.by if criterion and criterion.decision else None


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


def _write_mark(session: Session, remark: Remark, points: float, reason: str, signature: Signature) -> None:
    row = MarkRow(
        student=remark.row.student,
        assignment=remark.row.assignment,
        criterion=remark.row.criterion,
        points=points,
        comment=reason,
        verdict=remark.row.verdict,
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
