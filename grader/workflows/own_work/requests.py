"""A student's own remark requests: what may be asked by when, asking, withdrawing, asking for a last look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from grader.errors import RefusedError, UsageError
from grader.grading.marks import CriterionMark
from grader.grading.requests import Action, Kind, State
from grader.rubric.model import Policy
from grader.store import Store
from grader.store.remarks import Remark
from grader.workflows.marking.remark import Request, act, open_request
from grader.workflows.own_work.feedback import rules_for
from grader.workflows.releasing.shown import ANSWERS, Shown, requests_shown, shown_work

__all__ = [
    "LONGEST",
    "OwnRequest",
    "OwnRequests",
    "Window",
    "ask",
    "may_ask",
    "own_requests",
    "step_on",
    "window_of",
]

#: No reason is longer: it is sealed, and a person reads it.
LONGEST = 4000


class Window(StrEnum):
    """Whether requests are taken."""

    EARLY = "early"
    OPEN = "open"
    OVER = "over"


@dataclass(frozen=True)
class OwnRequest:
    """A request as its student sees it.

    Attributes:
        title: Of the criterion; empty for one about the sum.
        answer: What was written to the student last; None while nothing is shown.
        points: That an answer gave the criterion; None where it gave none.
    """

    remark: Remark
    title: str
    answer: str | None
    points: float | None

    @property
    def can_withdraw(self) -> bool:
        return self.remark.state in (State.SUBMITTED, State.UNDER_REVIEW)

    @property
    def can_escalate(self) -> bool:
        return self.remark.state is State.RESOLVED


@dataclass(frozen=True)
class OwnRequests:
    """What the page of requests shows.

    Attributes:
        can_ask: Criteria that may be asked about now, with what is shown of them.
        sum_too: Whether the sum may be asked about.
    """

    title: str
    shown: Shown | None
    rules: Policy
    window: Window
    can_ask: tuple[CriterionMark, ...]
    sum_too: bool
    requests: tuple[OwnRequest, ...]


def window_of(rules: Policy, now: datetime) -> Window:
    """Whether requests are taken at a moment."""
    if rules.remarks_open_from is not None and now < rules.remarks_open_from:
        return Window.EARLY
    over = rules.remarks_open_until is not None and now > rules.remarks_open_until
    return Window.OVER if over else Window.OPEN


def may_ask(shown: Shown, window: Window) -> tuple[CriterionMark, ...]:
    """Criteria that may be asked about: shown, settled, not asked about already, not settled for good."""
    mark = shown.result.mark
    if mark is None or mark.held or window is not Window.OPEN:
        return ()
    asked = {remark.criterion for remark in shown.requests if _is_in_the_way(remark)}
    return tuple(
        item for item in mark.criteria if item.out_of and not item.pending and item.criterion not in asked
    )


def _is_in_the_way(remark: Remark) -> bool:
    return remark.kind is Kind.JUDGEMENT and (remark.state.is_open or remark.state is State.FINAL)


def own_requests(store: Store, assignment: str, student: str) -> OwnRequests:
    """A student's requests on one assignment, and what they may ask.

    Raises:
        UsageError: They handed in nothing for it.
    """
    with store.reading() as history:
        live = next(iter(history.results(assignment=assignment, students=[student], with_dropped=True)), None)
        if live is None:
            raise UsageError("nothing was handed in for this assignment")
        shown = shown_work(history, assignment, student)
        remarks = requests_shown(history, assignment, student)
    rules = rules_for(store, live)
    window = window_of(rules, store.clock())
    rubric = store.rubric(live.rubric).rubric if live.rubric is not None else None
    titles = {} if rubric is None else {each.id: each.title for each in rubric.criteria}
    open_sum = any(each.kind is Kind.COUNTING_ERROR and each.state.is_open for each in remarks)
    return OwnRequests(
        title=assignment if rubric is None else rubric.title,
        shown=shown,
        rules=rules,
        window=window,
        can_ask=may_ask(shown, window) if shown else (),
        sum_too=shown is not None and window is Window.OPEN and not open_sum,
        requests=tuple(_own(remark, titles.get(remark.criterion, remark.criterion)) for remark in remarks),
    )


def _own(remark: Remark, title: str) -> OwnRequest:
    answers = [step for step in remark.steps if step.action in ANSWERS]
    # Of a sum no points: what was written down is the whole mark as it stood then, shown or not.
    decided = remark.decision if remark.kind is Kind.JUDGEMENT else None
    return OwnRequest(
        remark=remark,
        title=title,
        answer=answers[-1].reason if answers else None,
        points=decided.points if decided else None,
    )


def ask(store: Store, assignment: str, student: str, *, criterion: str, reason: str, accepted: bool) -> int:
    """Asks for a remark on one criterion, or where none is named for the points to be added up again.

    Returns:
        The request's number.

    Raises:
        RefusedError: The marks are not released, the course takes no requests now, or this one is refused.
        UsageError: There is no such work or criterion.
    """
    with store.reading() as history:
        shown = shown_work(history, assignment, student)
        remarks = requests_shown(history, assignment, student)
    if shown is None:
        raise RefusedError("your mark is not released, so there is nothing to ask about yet")
    if len(reason) > LONGEST:
        raise RefusedError("this reason is too long", expected=f"{LONGEST} characters at most")
    kind = Kind.JUDGEMENT if criterion else Kind.COUNTING_ERROR
    if any(each.about == (kind, criterion) and each.state.is_open for each in remarks):
        raise RefusedError("you have asked about this already, and it waits for an answer")
    request = Request(student, assignment, criterion, kind, reason, accepted)
    [opened] = open_request(store, [request], actor=student)
    return opened.id


def step_on(store: Store, assignment: str, student: str, id: int, action: Action, reason: str = "") -> None:
    """Withdraws an own request, or asks for a last look at its answer.

    Raises:
        UsageError: It is none of theirs.
        RefusedError: What they are shown of it does not allow this.
    """
    with store.reading() as history:
        own = {each.id: each for each in requests_shown(history, assignment, student)}
        live = history.remark(id)
    if id not in own or live is None:
        raise UsageError("this is none of your requests")
    found = _own(own[id], "")
    if len(reason) > LONGEST:
        raise RefusedError("this reason is too long", expected=f"{LONGEST} characters at most")
    if action is Action.WITHDRAW and live.state is not own[id].state:
        raise RefusedError("a TA is answering this request, so it cannot be withdrawn any more")
    if action is Action.ESCALATE and not found.can_escalate:
        raise RefusedError("only an answer that you were shown can be looked at once more")
    if action not in (Action.WITHDRAW, Action.ESCALATE):
        raise RefusedError("this is for whoever decides requests")
    act(store, id, action, actor=student, reason=reason)
