"""The queue and who works at it, for pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from grader.store import Store
from grader.store.queue_views import JobsOf, Running, Worker
from grader.workflows.views.show import name_of

__all__ = ["AssignmentJobs", "JobLine", "QueueView", "WorkerLine", "queue_view"]

#: The pace is that of so long a time.
_LATELY = timedelta(minutes=15)
#: So many jobs are listed one by one.
_LISTED = 50
_PRE_CHECK = "pre-check"


@dataclass(frozen=True)
class AssignmentJobs:
    """Jobs of an assignment, or the pre-checks of one.

    Attributes:
        name: What a page calls them.
        oldest: How long the oldest of those that wait is in the queue; empty where none waits.
    """

    name: str
    queued: int
    claimed: int
    oldest: str


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
class WorkerLine:
    """A process that takes jobs.

    Attributes:
        alive: It was heard of within a lease.
        holds: Jobs that it has.
    """

    host: str
    pid: int
    running: str
    alive: bool
    holds: int


@dataclass(frozen=True)
class QueueView:
    """The queue as it stands.

    Attributes:
        jobs: What waits and runs, by assignment.
        pace: Runs recorded an hour, by the last quarter.
        left: How long what waits takes at this pace; empty where nothing was recorded lately.
        running: Jobs that somebody has, the first fifty.
        failed: Jobs that wait after their sandbox failed, the first fifty.
        workers: Those that are at work, and those that were not heard of again.
    """

    jobs: tuple[AssignmentJobs, ...]
    pace: int
    left: str
    running: tuple[JobLine, ...]
    failed: tuple[JobLine, ...]
    workers: tuple[WorkerLine, ...]

    @property
    def queued(self) -> int:
        return sum(each.queued for each in self.jobs)


def queue_view(store: Store, *, anonymous: bool = False) -> QueueView:
    """Reads the queue. Changes nothing.

    Args:
        store: Where it is.
        anonymous: Whether students go by pseudonyms.
    """
    now, name = store.clock(), name_of(store, anonymous)
    with store.reading() as history:
        jobs, workers = history.jobs(), history.workers()
        running, failed = history.running_jobs(_LISTED), history.failing_jobs(_LISTED)
        lately = history.attempts_since(now - _LATELY)
    places = {each.run: f"{each.host}, process {each.pid}" for each in workers}

    def line(job: Running) -> JobLine:
        return JobLine(
            id=job.id,
            shown=_PRE_CHECK if job.purpose else name(job.student),
            assignment=job.assignment,
            age=_lasting(now - job.queued_at),
            tries=job.tries,
            error=job.error,
            where=places.get(job.run, ""),
            lapsed=bool(job.run) and job.left_s < 0,
        )

    pace = round(lately * (timedelta(hours=1) / _LATELY))
    queued = sum(each.number for each in jobs if each.state == "queued")
    return QueueView(
        jobs=_by_assignment(jobs, now),
        pace=pace,
        left=_lasting(timedelta(hours=queued / pace)) if pace and queued else "",
        running=tuple(map(line, running)),
        failed=tuple(map(line, failed)),
        workers=tuple(_worker(each, now) for each in workers),
    )


def _by_assignment(jobs: list[JobsOf], now: datetime) -> tuple[AssignmentJobs, ...]:
    found = {(each.assignment, each.purpose, each.state): each for each in jobs}
    kinds = dict.fromkeys((each.assignment, each.purpose) for each in jobs)
    lines = []
    for assignment, purpose in kinds:
        queued, claimed = (found.get((assignment, purpose, state)) for state in ("queued", "claimed"))
        oldest = _lasting(now - queued.oldest) if queued else ""
        name = f"{assignment}, {_PRE_CHECK}s" if purpose else assignment
        lines.append(
            AssignmentJobs(name, queued.number if queued else 0, claimed.number if claimed else 0, oldest)
        )
    return tuple(lines)


def _worker(worker: Worker, now: datetime) -> WorkerLine:
    return WorkerLine(worker.host, worker.pid, _lasting(now - worker.started_at), worker.alive, worker.holds)


def _lasting(span: timedelta) -> str:
    """``40 s``, ``12 min``, ``3 h 20 min``, ``2 days``."""
    seconds = max(0, round(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours // 24} days"
