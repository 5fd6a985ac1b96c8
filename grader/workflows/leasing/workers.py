"""Who runs notebooks: hosts with a token and processes beside the database, and who lets hosts in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from grader.errors import UsageError
from grader.grading.times import lasting
from grader.store import Store
from grader.store.leases import LEASE_S
from grader.store.queue_views import Worker
from grader.store.workers import WorkerRecord
from grader.workflows.desk.queueing import JobLine, job_line
from grader.workflows.views.show import name_of

__all__ = ["HostLine", "ProcessLine", "WorkersView", "let_in", "workers_view"]

_LISTED = 200
_LONGEST_NAME = 100


@dataclass(frozen=True)
class HostLine:
    """A host that may take work with a token, or that might.

    Attributes:
        state: ``at work``, ``idle``, ``draining``, ``silent``, ``not seen`` before it ever came, ``revoked``.
        heard: How long ago it was last heard of; empty where it never was.
        seats, gpus, version, host, dashboard: As it says itself, for people to read.
        jobs: Of this course, that it has.
    """

    name: str
    state: str
    host: str
    version: str
    seats: int
    gpus: int
    heard: str
    made: datetime
    made_by: str
    revoked: datetime | None
    revoked_by: str
    draining: bool
    dashboard: str
    jobs: tuple[JobLine, ...]


@dataclass(frozen=True)
class ProcessLine:
    """A process beside the database: a run, or the seats of a server.

    Attributes:
        running: How long ago it began.
        alive: It was heard of within a lease.
    """

    where: str
    running: str
    alive: bool
    jobs: tuple[JobLine, ...]


@dataclass(frozen=True)
class WorkersView:
    """All who take jobs, those at work first.

    Attributes:
        hosts: With a token that holds.
        gone: Whose token was revoked.
    """

    hosts: tuple[HostLine, ...]
    gone: tuple[HostLine, ...]
    processes: tuple[ProcessLine, ...]

    @property
    def at_work(self) -> int:
        busy = sum(each.state in ("at work", "idle", "draining") for each in self.hosts)
        return busy + sum(each.alive for each in self.processes)


def workers_view(store: Store, home: Store, *, anonymous: bool = False) -> WorkersView:
    """Reads who works. Changes nothing.

    Args:
        store: Of the course, whose jobs are shown.
        home: Where tokens are kept: the first course of the server.
        anonymous: Whether students go by pseudonyms.
    """
    now, name = store.clock(), name_of(store, anonymous)
    with store.reading() as history:
        processes, running = history.workers(), history.running_jobs(_LISTED)
    tokens = home.workers.all()
    hosts = {each.run for each in tokens}

    def of(run: str) -> tuple[JobLine, ...]:
        return tuple(job_line(job, now, name, {}) for job in running if job.run == run)

    lines = [_host(each, now, of(each.run)) for each in tokens]
    return WorkersView(
        hosts=tuple(each for each in lines if each.revoked is None),
        gone=tuple(each for each in lines if each.revoked is not None),
        processes=tuple(_process(each, now, of(each.run)) for each in processes if each.run not in hosts),
    )


def let_in(home: Store, name: str, *, actor: str, courses: Sequence[str] = ()) -> str:
    """Lets a worker in: a host that gets notebooks.

    Args:
        home: The first course of the server.
        name: What people call it.
        actor: Who lets it in.
        courses: Whose notebooks it gets; none for every course of the server.

    Returns:
        Its token, which is kept nowhere.

    Raises:
        UsageError: There is one of this name, or it is none.
    """
    plain = " ".join(name.split())
    if not plain or len(plain) > _LONGEST_NAME or not plain.isprintable():
        raise UsageError(
            "a worker needs a name",
            expected=f"up to {_LONGEST_NAME} letters, as gpu-1",
            found=name[:40] or None,
        )
    return home.workers.let_in(plain, actor, courses)


def _address(text: str) -> str:
    """What a worker says is a page of its pool; empty where a browser would not go there by HTTP."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    is_page = parts.scheme in ("http", "https") and parts.hostname and not parts.username
    return text if is_page and text.isprintable() else ""


def _host(worker: WorkerRecord, now: datetime, jobs: tuple[JobLine, ...]) -> HostLine:
    since = now - worker.seen if worker.seen is not None else None
    return HostLine(
        name=worker.name,
        state=_state(worker, since, busy=bool(jobs)),
        host=worker.host,
        version=worker.version,
        seats=worker.seats,
        gpus=worker.gpus,
        heard=lasting(since) if since is not None else "",
        made=worker.made,
        made_by=worker.made_by,
        revoked=worker.revoked,
        revoked_by=worker.revoked_by,
        draining=worker.draining,
        dashboard=_address(worker.dashboard),
        jobs=jobs,
    )


def _state(worker: WorkerRecord, since: timedelta | None, *, busy: bool) -> str:
    if worker.revoked is not None:
        return "revoked"
    if since is None:
        return "not seen"
    if since > timedelta(seconds=LEASE_S):
        return "silent"
    if worker.draining:
        return "draining"
    return "at work" if busy else "idle"


def _process(process: Worker, now: datetime, jobs: tuple[JobLine, ...]) -> ProcessLine:
    return ProcessLine(process.place, lasting(now - process.started_at), process.alive, jobs)
