"""A student's pre-checks by the pages: how many there are, a file that is sent, and what was told of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from grader.errors import UsageError
from grader.grading.times import in_words
from grader.rubric.public import public_part
from grader.store import ANYWHERE, Ask, JobKey, Priority, Store
from grader.store.entering import PRE_CHECK
from grader.store.prechecks import DAY, KEPT, WAITS, NewPreCheck, PreCheckRecord, PreCheckRule
from grader.store.rubrics import LoadedRubric
from grader.workflows.handing_in.assignments import assigned_here
from grader.workflows.handing_in.deadline import deadline
from grader.workflows.handing_in.reading import Readers
from grader.workflows.handing_in.taking import NotTaken, Sent, plain_name, read_apart, whole
from grader.workflows.prechecking.precheck import PreCheck, precheck_plan, without_rest
from grader.workflows.running.keeping import keep_plan
from grader.workflows.running.pausing import is_paused
from grader.workflows.views.known import require_assignment

__all__ = [
    "A_DAY",
    "KEPT_H",
    "MOST_A_DAY",
    "WAITS_H",
    "Looking",
    "Offered",
    "OwnPreChecks",
    "gives_pre_checks",
    "own_pre_checks",
    "pre_check_offer",
    "pre_check_rule",
    "send_for_pre_check",
    "set_pre_check_rule",
]

#: To a student and assignment within 24 hours, where the course says nothing else.
A_DAY = 5
#: No course may give more: each takes as long as a notebook that is handed in.
MOST_A_DAY = 100
#: In hours, for whoever is told: what was said is kept, and what nobody runs.
KEPT_H = KEPT.total_seconds() / 3600
WAITS_H = WAITS.total_seconds() / 3600
_USUAL = PreCheckRule(A_DAY, tells_rest=True)


@dataclass(frozen=True)
class Looking:
    """One pre-check as its student sees it.

    Attributes:
        seen: What may be said; None until it is told, and where it failed.
    """

    record: PreCheckRecord
    seen: PreCheck | None


@dataclass(frozen=True)
class OwnPreChecks:
    """All that the page of one assignment shows.

    Attributes:
        public: Titles of the criteria that are looked at.
        a_day: How many there are within 24 hours.
        left: How many of them are left.
        next_at: When there is one more; None where one is left.
        looks: What was sent, the newest first.
        is_served: Whether anybody is at work who runs notebooks.
        is_over: Whether nothing that is handed in would count any more.
        paused: Whether a file that is sent now is not run before the course goes on running.
    """

    assignment: str
    title: str
    public: tuple[str, ...]
    a_day: int
    left: int
    next_at: datetime | None
    looks: tuple[Looking, ...]
    is_served: bool
    is_over: bool
    paused: bool

    @property
    def is_settled(self) -> bool:
        """Whether nothing will change by waiting."""
        return all(each.record.is_over for each in self.looks)

    @property
    def takes(self) -> bool:
        """Whether a file can be sent now."""
        running = any(each.record.state == "running" for each in self.looks)
        return self.left > 0 and self.is_served and not self.is_over and not running


def pre_check_rule(store: Store, rubric: LoadedRubric) -> PreCheckRule:
    """What holds for an assignment; without a public criterion there is nothing to look at."""
    if not public_part(rubric.rubric).criteria:
        return PreCheckRule(0, tells_rest=False)
    return store.pre_checks.rule(rubric.assignment) or _USUAL


@dataclass(frozen=True)
class Offered:
    """How pre-checks are given for an assignment, for whoever sets it up.

    Attributes:
        public: How many criteria the rubric makes public.
        is_own: Whether it was set for this very assignment.
    """

    rule: PreCheckRule
    public: int
    is_own: bool


def pre_check_offer(store: Store, places: Iterable[Path], assignment: str) -> Offered | None:
    """How they are given; None where no notebooks are handed in for this assignment."""
    try:
        rubric = assigned_here(store, places, assignment)
    except UsageError:
        return None
    number = len(public_part(rubric.rubric).criteria)
    return Offered(pre_check_rule(store, rubric), number, store.pre_checks.has_own_rule(assignment))


def set_pre_check_rule(store: Store, assignment: str, a_day: int | None, *, tells_rest: bool = True) -> None:
    """Says how many pre-checks there are.

    Args:
        store: The course's.
        assignment: For which; empty for all that have no number of their own.
        a_day: To a student within 24 hours, 0 for none; None takes back what was set.
        tells_rest: Whether students are told how many other criteria there are.

    Raises:
        UsageError: So many cannot be, or no assignment is called so.
    """
    if a_day is not None and not 0 <= a_day <= MOST_A_DAY:
        raise UsageError(
            "so many pre-checks a day cannot be given", expected=f"0 to {MOST_A_DAY}", found=str(a_day)
        )
    if assignment:
        with store.reading() as history:
            require_assignment(history, assignment)
    store.pre_checks.set_rule(assignment, None if a_day is None else PreCheckRule(a_day, tells_rest))


def gives_pre_checks(store: Store, places: Iterable[Path], assignment: str) -> bool:
    """Whether an assignment has any; False for one that takes no notebooks."""
    try:
        return pre_check_rule(store, assigned_here(store, places, assignment)).a_day > 0
    except UsageError:
        return False


def own_pre_checks(
    store: Store, places: Iterable[Path], student: str, assignment: str
) -> OwnPreChecks | None:
    """What one student sees; None where the course gives none for this assignment.

    Raises:
        UsageError: No notebooks are handed in for this assignment.
    """
    rubric = assigned_here(store, places, assignment)
    rule = pre_check_rule(store, rubric)
    if not rule.a_day:
        return None
    counted = store.pre_checks.counted(student, assignment)
    with store.reading() as history:
        paused = is_paused(history, assignment)
    left = max(0, rule.a_day - len(counted))
    return OwnPreChecks(
        assignment,
        rubric.rubric.title,
        tuple(criterion.title for criterion in public_part(rubric.rubric).criteria),
        rule.a_day,
        left,
        None if left else counted[-rule.a_day] + DAY,
        tuple(_looking(each, rule) for each in store.pre_checks.of(student, assignment)),
        store.pre_checks.is_served(),
        _is_over(store, rubric, student),
        paused,
    )


def send_for_pre_check(
    store: Store,
    places: Iterable[Path],
    student: str,
    assignment: str,
    sent: Sent,
    *,
    readers: Readers | None = None,
) -> int:
    """Takes a file to be looked at. Nothing of it is handed in, sealed, or ever a mark.

    Args:
        store: The course's history.
        places: Folders in which the course's own rubrics may lie.
        student: Whose it is.
        assignment: For which.
        sent: The file.
        readers: Processes that read it; those of the program where none are given.

    Returns:
        Its number.

    Raises:
        NotTaken: It is no notebook, another assignment's, one too many, or nobody would run it; it counts as
            none.
        UsageError: No notebooks are handed in for this assignment.
        StoreError: It cannot be kept.
        ServiceError: It cannot be read here just now.
    """
    places = tuple(places)
    rubric = assigned_here(store, places, assignment)
    rule = pre_check_rule(store, rubric)
    _require_offer(store, rubric, rule, student)
    read_apart(store, places, rubric, sent, readers)
    raw = whole(sent.content)
    plan = precheck_plan(rubric)
    key = JobKey(
        student, assignment, hashlib.sha256(raw).hexdigest(), keep_plan(store, plan), ANYWHERE, PRE_CHECK
    )
    new = NewPreCheck(
        Ask(key, priority=Priority.PRE_CHECK, gpu=plan.cuda), plain_name(sent.name), raw, sent.at
    )

    with store.writing() as history:
        # Counted where nobody else can add: two servers give together no more than one.
        if history.runs_pre_check(student, assignment):
            raise NotTaken("your last one is being run just now", todo="wait until it was told")
        number = history.add_pre_check(new)
        counted = history.pre_checks_counted(student, assignment, sent.at)
        if len(counted) > rule.a_day:
            raise _none_left(store, rule, counted[:-1])
        return number


def _require_offer(store: Store, rubric: LoadedRubric, rule: PreCheckRule, student: str) -> None:
    if not rule.a_day:
        raise NotTaken("your course gives no pre-checks for this assignment", todo="hand in your notebook")
    if _is_over(store, rubric, student):
        raise NotTaken("the last date has passed", todo="ask your course")
    counted = store.pre_checks.counted(student, rubric.assignment)
    waiting = any(each.state == "queued" for each in store.pre_checks.of(student, rubric.assignment))
    if len(counted) - waiting >= rule.a_day:
        raise _none_left(store, rule, counted)
    if not store.pre_checks.is_served():
        raise NotTaken(
            "nothing that runs notebooks is at work here just now, so it would only wait",
            todo="try again later; to hand in works all the same",
        )


def _none_left(store: Store, rule: PreCheckRule, counted: Sequence[datetime]) -> NotTaken:
    again = in_words(counted[-rule.a_day] + DAY, store.zone)
    return NotTaken(
        f"you had {rule.a_day} within 24 hours, which is all that your course gives",
        todo=f"the next one is there on {again}; to hand in works all the same",
    )


def _is_over(store: Store, rubric: LoadedRubric, student: str) -> bool:
    now = store.clock()
    with store.reading() as history:
        return deadline(history, rubric.rubric, student, now, store.zone).is_over


def _looking(record: PreCheckRecord, rule: PreCheckRule) -> Looking:
    if not record.told:
        return Looking(record, None)
    try:
        seen = PreCheck.model_validate_json(record.told)
    except ValidationError:
        # Told by another version; whoever wants to know sends it again.
        return Looking(record, None)
    return Looking(record, seen if rule.tells_rest else without_rest(seen))
