"""The queue as it stands: what waits, runs, failed or is paused, and who ordered what of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from grader.grading.times import lasting
from grader.store import Store
from grader.store.entering import PRE_CHECK
from grader.store.pauses import Ordered, Pause, QueueAction
from grader.store.queue_views import JobsOf, NotRun, Running
from grader.store.turns import Pace
from grader.workflows.handing_in.time_left import beside_of, time_left, usual_length
from grader.workflows.views.show import name_of

__all__ = [
    "AssignmentJobs",
    "JobLine",
    "NotRunLine",
    "OrderLine",
    "QueueView",
    "job_line",
    "queue_view",
]

#: The pace is that of so long a time.
_LATELY = timedelta(minutes=15)
#: So many jobs are listed one by one.
_LISTED = 50
#: So many orders to the queue are told.
_TOLD = 10
_PRE_CHECK = "pre-check"


@dataclass(frozen=True)
class AssignmentJobs:
    """Jobs of an assignment, or the pre-checks of one.

    Attributes:
        name: What a page calls them.
        oldest: How long the oldest of those that wait is in the queue; empty where none waits.
        takes: How long a run takes, by the last ones; empty where none was run.
        held_back: How many of those that wait are not taken, since somebody paused or drains the queue.
        pause: Of this assignment alone; None where there is none.
    """

    name: str
    queued: int
    claimed: int
    oldest: str
    takes: str
    held_back: int = 0
    pause: Pause | None = None


@dataclass(frozen=True)
class JobLine:
    """One job.

    Attributes:
        shown: What to call the student; of a pre-check no one's, for it is nothing that anybody grades.
        where: Host and process that have it; empty where nobody has.
        lapsed: Nobody renews the claim: somebody else will take the job.
    """

    id: int
    shown: str
    assignment: str
    age: str
    tries: int
    error: str
    where: str
    lapsed: bool


@dataclass(frozen=True)
class NotRunLine:
    """A work that our own sandbox failed for good, and why."""

    shown: str
    assignment: str
    why: str


@dataclass(frozen=True)
class OrderLine:
    """What somebody ordered of the queue.

    Attributes:
        what: In words, as ``paused lab2``.
        reason: Empty where it may name a student, and whoever looks is to see no names.
    """

    what: str
    by: str
    at: datetime
    reason: str


@dataclass(frozen=True)
class QueueView:
    """The queue as it stands.

    Attributes:
        jobs: What waits, runs or is paused, by assignment.
        pause: Of the whole queue; None where there is none.
        pace: Runs recorded an hour, by the last quarter.
        left: How long what waits takes, by what the last runs took and by who works now; empty where that
            cannot be told, as of an assignment that was never run.
        running: Jobs that somebody has, the first fifty.
        failed: Jobs that wait after their sandbox failed, the first fifty.
        not_run: Works that were given up by our fault and not asked for again, the first fifty.
        at_work: Processes and hosts that take jobs and were heard of within a lease.
        orders: The newest ones.
        assignments: All that can be paused, by name.
    """

    jobs: tuple[AssignmentJobs, ...]
    pause: Pause | None
    pace: int
    left: str
    running: tuple[JobLine, ...]
    failed: tuple[JobLine, ...]
    not_run: tuple[NotRunLine, ...]
    at_work: int
    orders: tuple[OrderLine, ...]
    assignments: tuple[str, ...]

    @property
    def queued(self) -> int:
        return sum(each.queued for each in self.jobs)

    @property
    def held_back(self) -> int:
        return sum(each.held_back for each in self.jobs)


def queue_view(store: Store, *, anonymous: bool = False, beside: Sequence[Store] = ()) -> QueueView:
    """Reads the queue. Changes nothing.

    Args:
        store: Where it is.
        anonymous: Whether students go by pseudonyms.
        beside: Other courses on the same seats, in the order in which these go on from this one.
    """
    now, name = store.clock(), name_of(store, anonymous)
    with store.reading() as history:
        jobs, workers = history.jobs(), history.workers()
        running, failed = history.running_jobs(_LISTED), history.failing_jobs(_LISTED)
        not_run = history.ended_by_us(_LISTED)
        pauses, paused = {each.assignment: each for each in history.pauses()}, history.paused_jobs()
        orders, assignments = history.queue_orders(_TOLD), history.assignments()
        lately, going, waiting = history.attempts_since(now - _LATELY), history.pace(), history.waiting()
    places = {each.run: each.place for each in workers}
    pace = round(lately * (timedelta(hours=1) / _LATELY))
    others = beside_of(beside)
    left = None if others is None else time_left(going, now, waiting, beside=others)
    return QueueView(
        jobs=_by_assignment(jobs, going, now, pauses, paused),
        pause=pauses.get(""),
        pace=pace,
        left="" if left is None else lasting(left),
        running=tuple(job_line(each, now, name, places) for each in running),
        failed=tuple(job_line(each, now, name, places) for each in failed),
        not_run=tuple(_not_run(each, name) for each in not_run),
        at_work=sum(each.alive for each in workers),
        orders=tuple(_order(each, name, anonymous=anonymous) for each in orders),
        assignments=tuple(sorted({*assignments, *(each.assignment for each in jobs)})),
    )


def job_line(job: Running, now: datetime, name: Callable[[str], str], places: Mapping[str, str]) -> JobLine:
    """One job in words.

    Args:
        job: Which.
        now: The moment that ages are told by.
        name: What to call a student.
        places: Where whoever holds jobs is, by the name of the run.
    """
    return JobLine(
        id=job.id,
        shown=_PRE_CHECK if job.purpose == PRE_CHECK else name(job.student),
        assignment=job.assignment,
        age=lasting(now - job.queued_at),
        tries=job.tries,
        error=job.error,
        where=places.get(job.run, ""),
        lapsed=bool(job.run) and job.left_s < 0,
    )


def _not_run(work: NotRun, name: Callable[[str], str]) -> NotRunLine:
    return NotRunLine(name(work.student), work.assignment, work.why)


_DONE = {
    QueueAction.PAUSE: "paused {}",
    QueueAction.DRAIN: "drains {}",
    QueueAction.RESUME: "resumed {}",
    QueueAction.RERUN: "runs {} again",
}


def _order(ordered: Ordered, name: Callable[[str], str], *, anonymous: bool) -> OrderLine:
    order = ordered.order
    whole = order.assignment or "the queue"
    what = f"{name(order.student)} of {order.assignment}" if order.student is not None else whole
    hidden = anonymous and order.student is not None
    return OrderLine(_DONE[order.action].format(what), ordered.by, ordered.at, "" if hidden else order.reason)


def _by_assignment(
    jobs: list[JobsOf],
    going: Pace,
    now: datetime,
    pauses: Mapping[str, Pause],
    paused: Mapping[tuple[str, str], int],
) -> tuple[AssignmentJobs, ...]:
    found = {(each.assignment, each.purpose, each.state): each for each in jobs}
    kinds = dict.fromkeys((each.assignment, each.purpose) for each in jobs)
    lines = []
    for assignment, purpose in dict.fromkeys([*kinds, *((name, "") for name in pauses if name)]):
        queued, claimed = (found.get((assignment, purpose, state)) for state in ("queued", "claimed"))
        length = usual_length(going, assignment) if queued and not purpose else None
        lines.append(
            AssignmentJobs(
                f"{assignment}, {purpose}s" if purpose else assignment,
                queued=queued.number if queued else 0,
                claimed=claimed.number if claimed else 0,
                oldest=lasting(now - queued.oldest) if queued else "",
                takes="" if length is None else _of_run(length),
                held_back=paused.get((assignment, purpose), 0),
                pause=None if purpose else pauses.get(assignment),
            )
        )
    return tuple(lines)


def _of_run(seconds: float) -> str:
    return "under 1 s" if seconds < 0.5 else lasting(timedelta(seconds=seconds))
