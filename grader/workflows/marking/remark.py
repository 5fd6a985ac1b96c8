"""Remark requests: opened by the course's rules, decided once, escalated at most once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from grader.errors import RefusedError
from grader.grading.remarks import (
    check_decider,
    check_points,
    check_window,
    effect_of,
    is_late,
    next_state,
)
from grader.grading.requests import Action, Effect, Kind, State
from grader.grading.seen import Seen
from grader.rubric.model import Policy
from grader.store import History, Signature, Store, WritableHistory
from grader.store.marks import BulkMarkRecord, MarkRecord
from grader.store.records import RubricRecord
from grader.store.remarks import Remark, RemarkRecord, StepRecord
from grader.store.results import Result
from grader.workflows.marking.for_group import marked_alike
from grader.workflows.marking.marks import criterion_mark, graded_result
from grader.workflows.marking.seen import refuse_overtaken
from grader.workflows.releasing.release import show_in
from grader.workflows.releasing.shown import shown_work
from grader.workflows.views.identity import real_names, shown_as

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
    """What a decision came to.

    Attributes:
        kept_back: Why the student is not shown it yet; empty where they are.
    """

    remark: Remark
    before: float
    after: float
    kept_back: str = ""

    @property
    def effect(self) -> Effect:
        return effect_of(self.before, self.after)


def policy_of(store: Store, result: Result) -> Policy:
    """The course's rules, as the rubric of the student's verdict has them."""
    assert result.rubric is not None
    return result.remark_rules(store.rubric(result.rubric).rubric.remarks)


@dataclass(frozen=True)
class _Hearing:
    """The history while nobody else can add to it, with the rules by which requests are heard.

    Attributes:
        rules: By the rubric's key.
    """

    history: WritableHistory
    rules: Mapping[tuple[str, str], Policy]

    def policy(self, result: Result) -> Policy:
        assert result.rubric is not None
        return result.remark_rules(self.rules[result.rubric.key])

    def remark(self, id: int) -> Remark:
        return _require(self.history, id)


@contextmanager
def _hearing(store: Store, works: Collection[tuple[str, str]]) -> Iterator[_Hearing]:
    """Knows the rules for works (assignment and student) before it keeps others from writing.

    Reading a rubric takes longer than anybody should wait. Where a verdict by another one came meanwhile,
    that one is read as well.
    """
    while True:
        with store.reading() as history:
            rubrics = list(_rubrics(history, works))
        rules = {rubric.key: store.rubric(rubric).rubric.remarks for rubric in rubrics}
        with store.writing() as history:
            if all(rubric.key in rules for rubric in _rubrics(history, works)):
                yield _Hearing(history, rules)
                return


def _rubrics(history: History, works: Collection[tuple[str, str]]) -> Iterator[RubricRecord]:
    for assignment, student in works:
        names = real_names(history, assignment, [student])
        for result in history.results(assignment=assignment, students=names):
            if result.rubric is not None:
                yield result.rubric


def open_request(store: Store, requests: Sequence[Request], *, actor: str) -> list[Remark]:
    """Opens requests, all of them or none.

    Raises:
        RefusedError: The policy forbids one: too early or late, not accepted, one is open already.
        UsageError: Student, assignment or criterion is unknown.
    """
    works = {(request.assignment, request.student) for request in requests}
    with _hearing(store, works) as hearing:
        now = store.clock()
        ids = [
            _open(hearing, request, Signature(actor, now, request.why), request.submitted or now)
            for request in requests
        ]
        return [hearing.remark(id) for id in ids]


def _open(hearing: _Hearing, request: Request, signature: Signature, came: datetime) -> int:
    result = graded_result(hearing.history, request.student, request.assignment)
    assert result.verdict_record is not None
    policy = hearing.policy(result)
    if not request.reason.strip():
        raise RefusedError("a remark request needs a reason", todo="--reason TEXT")
    if not request.accepted:
        raise RefusedError(
            "the requester has to accept the course's rule first", expected=policy.sentence, todo="--accept"
        )
    if came > signature.at:
        raise RefusedError("this request was handed in in the future", found=came.isoformat())
    check_window(policy, came, request.late_because, zone=result.zone)
    asked = _asked_about(hearing.history, result)
    assert asked.verdict_record is not None
    before, out_of = _in_question(asked, request)
    _refuse_second(hearing.history, result, request)
    _refuse_settled(hearing.history, result, request.criterion)
    remark = RemarkRecord(
        student=result.student,
        assignment=result.assignment,
        criterion=request.criterion,
        kind=request.kind,
        reason=request.reason,
        sentence=policy.sentence,
        late_because=request.late_because if is_late(policy, came) else "",
        points_before=before,
        out_of=out_of,
        verdict=asked.verdict_record.seq,
    )
    return hearing.history.open_remark(remark, signature)


def _asked_about(history: History, result: Result) -> Result:
    """The work as its student is shown it, since they ask about that; else as it stands."""
    shown = shown_work(history, result.assignment, result.student)
    return result if shown is None else shown.result


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


def _refuse_second(history: History, result: Result, request: Request) -> None:
    for other in history.remarks(assignment=result.assignment, student=result.student):
        if other.about == (request.kind, request.criterion) and other.state.is_open:
            about = f"'{request.criterion}'" if request.criterion else "the sum"
            name = shown_as(request.student, result.student)
            raise RefusedError(
                f"request {other.id} on {about} of {name} is open already",
                todo="decide or withdraw it first",
            )


def _refuse_settled(history: History, result: Result, criterion: str) -> None:
    """A final decision is answered by no further request, unless a TA has marked the criterion since."""
    mark = result.mark.criterion(criterion) if result.mark else None
    if mark is None or mark.decision is None or mark.decision.request is None:
        return
    answered = history.remark(mark.decision.request)
    if answered is not None and answered.state is State.FINAL:
        raise RefusedError(
            f"request {answered.id} settled '{criterion}' for good",
            todo="a TA who finds the mark wrong all the same corrects it with `grader mark`",
        )


def act(store: Store, id: int, action: Action, *, actor: str, reason: str = "", show: bool = True) -> Remark:
    """Takes a request under review, rejects, withdraws or escalates it.

    Args:
        store: Where it is.
        id: The request's number.
        action: What is done with it.
        actor: Who does it.
        reason: For the student; needed to reject and to escalate.
        show: Whether a rejection is shown to the student at once, where marks are released.

    Raises:
        RefusedError: There is no such request, or its state does not allow this.
    """
    with _hearing(store, [_work(store, id)] if action is Action.REJECT else []) as hearing:
        history, remark = hearing.history, hearing.remark(id)
        signature = Signature(actor, store.clock(), f"grader remark {action}")
        if action is Action.REJECT:
            _check_decider(hearing, remark, actor)
            remark = _take_up(hearing, remark, signature)
        if action in (Action.REJECT, Action.ESCALATE) and not reason.strip():
            raise RefusedError(f"to {action} a request needs a reason", todo="--reason TEXT")
        next_state(remark.state, action)
        if action is Action.ESCALATE:
            _refuse_beside_another(history, remark)
        history.add_step(StepRecord(request=id, action=action, reason=reason), signature)
        if action is Action.REJECT and show:
            show_in(history, hearing.remark(id), signature)
        return hearing.remark(id)


def _work(store: Store, id: int) -> tuple[str, str]:
    """The assignment and the student that a request is about."""
    remark = find(store, id)
    return remark.assignment, remark.student


def _refuse_beside_another(history: History, remark: Remark) -> None:
    """One open request for each criterion: one that was answered may not come back beside a newer one."""
    for other in history.remarks(assignment=remark.assignment, student=remark.student):
        if other.about == remark.about and other.id != remark.id and other.state.is_open:
            raise RefusedError(
                f"request {other.id} on the same is open already",
                todo=f"decide or withdraw request {other.id}, then escalate this one",
            )


def decide(
    store: Store,
    id: int,
    *,
    points: float | None,
    reason: str,
    actor: str,
    seen: Seen | None = None,
    show: bool = True,
) -> Decided:
    """Decides a request; whether the mark rises, falls or stays follows from the points.

    Args:
        store: Where it is.
        id: The request's number.
        points: Of the criterion; None for a counting error, where the sum is made again.
        reason: For the student.
        actor: Who decides.
        seen: What of the criterion they had on screen; None where they do not say.
        show: Whether the answer is shown to the student at once, where marks are released.

    Raises:
        OvertakenError: Something else stands than what was seen.
        RefusedError: The request is closed, the points are out of range, the policy wants somebody else, or
            points were given for a counting error.
    """
    with _hearing(store, [_work(store, id)]) as hearing:
        history, remark = hearing.history, hearing.remark(id)
        signature = Signature(actor, store.clock(), "grader remark decide")
        if remark.state is not State.ESCALATED:
            remark = _take_up(hearing, remark, signature)
        next_state(remark.state, Action.DECIDE)
        if not reason.strip():
            raise RefusedError("a decision needs a reason", todo="--reason TEXT")
        result = graded_result(history, remark.student, remark.assignment)
        _refuse_overtaken(history, result, remark, seen, actor)
        after = _decided_points(hearing, result, remark, points)
        _check_decider(hearing, remark, actor)
        step = StepRecord(request=id, action=Action.DECIDE, points=after, reason=reason)
        history.add_step(step, signature)
        if remark.kind is Kind.JUDGEMENT:
            history.give_mark(_mark_by(remark, result, after, reason, seen), signature)
            _give_group(history, result, remark, after, signature)
        remark = hearing.remark(id)
        kept_back = show_in(history, remark, signature) if show else "whoever decided it keeps it back"
        return Decided(remark, remark.points_before, after, kept_back)


def _give_group(
    history: WritableHistory, result: Result, remark: Remark, points: float, signature: Signature
) -> None:
    """The same points for the others of a group whose criterion stood as this one's; shown with a release."""
    mark = result.mark.criterion(remark.criterion) if result.mark else None
    fellows = marked_alike(history, result, mark) if mark is not None else ()
    if fellows:
        given = BulkMarkRecord(
            assignment=remark.assignment,
            criterion=remark.criterion,
            points=points,
            comment="as decided on a remark request of the group",
            about=fellows,
        )
        history.give_alike(given, replace(signature, why=f"{signature.why}, for a group"))


def _refuse_overtaken(
    history: History, result: Result, remark: Remark, seen: Seen | None, actor: str
) -> None:
    """An open request keeps others from marking: who says nothing replaces only what it is about."""
    assert result.mark is not None
    mark = result.mark.criterion(remark.criterion)
    if seen is not None and mark is not None:
        refuse_overtaken(history, result, mark, seen, actor=actor, name=f"request {remark.id}")


def _decided_points(hearing: _Hearing, result: Result, remark: Remark, points: float | None) -> float:
    assert result.mark is not None
    if remark.kind is Kind.COUNTING_ERROR:
        if points is not None:
            raise RefusedError("a counting error only adds the points up again", todo="leave --points out")
        return result.mark.points
    if points is None:
        raise RefusedError(
            "a decision needs points", todo="--points P, or --reject to leave the mark as it is"
        )
    mark = result.mark.criterion(remark.criterion)
    if mark is None:
        raise RefusedError(
            f"the rubric has no criterion '{remark.criterion}' any more, so it can be given no points",
            todo="--reject, with the reason",
        )
    check_points(hearing.policy(result), points, before=mark.points, out_of=mark.out_of)
    return points


def _check_decider(hearing: _Hearing, remark: Remark, actor: str) -> None:
    """Adding up again is no judgement, so anybody may."""
    if remark.kind is Kind.JUDGEMENT:
        result = graded_result(hearing.history, remark.student, remark.assignment)
        marked_by = {each.by for each in result.decisions if each.criterion == remark.criterion}
        check_decider(hearing.policy(result), actor, marked_by)


def _take_up(hearing: _Hearing, remark: Remark, signature: Signature) -> Remark:
    """Whoever decides a request that nobody reviewed has reviewed it."""
    if remark.state is not State.SUBMITTED:
        return remark
    hearing.history.add_step(StepRecord(request=remark.id, action=Action.REVIEW), signature)
    return hearing.remark(remark.id)


def _mark_by(remark: Remark, result: Result, points: float, reason: str, seen: Seen | None) -> MarkRecord:
    """The mark stands on the newest verdict."""
    assert result.verdict_record is not None
    return MarkRecord(
        student=remark.student,
        assignment=remark.assignment,
        criterion=remark.criterion,
        points=points,
        comment=reason,
        verdict=result.verdict_record.seq,
        request=remark.id,
        seen_verdict=seen.verdict if seen else None,
        seen_mark=seen.mark if seen else None,
    )


def find(store: Store, id: int) -> Remark:
    """One request.

    Raises:
        RefusedError: There is none of this number.
    """
    with store.reading() as history:
        return _require(history, id)


def _require(history: History, id: int) -> Remark:
    remark = history.remark(id)
    if remark is None:
        raise RefusedError(f"there is no remark request {id}", todo="`grader remark list` shows them")
    return remark
