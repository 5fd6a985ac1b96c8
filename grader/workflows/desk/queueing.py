"""The queue and who works at it, for pages."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from grader.grading.times import lasting
from grader.store import Store
from grader.store.queue_views import JobsOf, Pace, Running, Worker
from grader.workflows.handing_in.time_left import time_left, usual_length
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
        takes: How long a run takes, by the last ones; empty where none was run.
    """

    name: str
    queued: int
    claimed: int
    oldest: str
    takes: str


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
        left: How long what waits takes, by what the last runs took and by who works now; empty where that
            cannot be told.
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
        lately, going = history.attempts_since(now - _LATELY), history.pace()
    places = {each.run: f"{each.host}, process {each.pid}" for each in workers}

    def line(job: Running) -> JobLine:
        return JobLine(
            id=job.id,
            shown=_PRE_CHECK if job.purpose else name(job.student),
            assignment=job.assignment,
            age=lasting(now - job.queued_at),
            tries=job.tries,
            error=job.error,
            where=places.get(job.run, ""),
            lapsed=bool(job.run) and job.left_s < 0,
        )

    pace = round(lately * (timedelta(hours=1) / _LATELY))
    queued: Counter[str] = Counter()
    for each in jobs:
        queued[each.assignment] += each.number if each.state == "queued" else 0
    left = time_left(going, now, far=queued) if queued.total() else None
    return QueueView(
        jobs=_by_assignment(jobs, going, now),
        pace=pace,
        left="" if left is None else lasting(left),
        running=tuple(map(line, running)),
        failed=tuple(map(line, failed)),
        workers=tuple(_worker(each, now) for each in workers),
    )


def _by_assignment(jobs: list[JobsOf], going: Pace, now: datetime) -> tuple[AssignmentJobs, ...]:
    found = {(each.assignment, each.purpose, each.state): each for each in jobs}
    kinds = dict.fromkeys((each.assignment, each.purpose) for each in jobs)
    lines = []
    for assignment, purpose in kinds:
        queued, claimed = (found.get((assignment, purpose, state)) for state in ("queued", "claimed"))
        oldest = lasting(now - queued.oldest) if queued else ""
        name = f"{assignment}, {_PRE_CHECK}s" if purpose else assignment
        length = usual_length(going, assignment) if queued and not purpose else None
        lines.append(
            AssignmentJobs(
                name,
                queued.number if queued else 0,
                claimed.number if claimed else 0,
                oldest,
                "" if length is None else lasting(timedelta(seconds=length)),
            )
        )
    return tuple(lines)


def _worker(worker: Worker, now: datetime) -> WorkerLine:
    return WorkerLine(worker.host, worker.pid, lasting(now - worker.started_at), worker.alive, worker.holds)
