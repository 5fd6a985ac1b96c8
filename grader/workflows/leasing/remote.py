"""What workers on other machines may do with the queue: take a job, keep it, send what came of it, end it.

A worker is believed nothing but the bytes of evidence, and these no more than a sandbox's: they are read
under caps, have to be of the very notebook and plan that were leased, and are judged here, in processes
behind walls. Whose end of a job counts is decided by the fencing token, in the transaction that writes the
attempt.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

from grader.errors import EvidenceError, StoreError, StoreUnavailable, UsageError
from grader.evidence.codec import Bundle, decode
from grader.evidence.parcel import Parcel, pack_parcel
from grader.evidence.record import Outcome
from grader.facts.case import Reference
from grader.intake import normalise_notebook
from grader.store import Queue, Store
from grader.store.entering import PRE_CHECK
from grader.store.leases import LEASE_S
from grader.store.queue import Claim, HeldClaim, Reach
from grader.store.workers import Said, WorkerRecord
from grader.workflows.leasing.spool import Spool
from grader.workflows.leasing.works import Work, Works
from grader.workflows.prechecking.ending import Telling
from grader.workflows.regrading.judging import without_run
from grader.workflows.regrading.pool import JudgePool
from grader.workflows.running.execution import MAX_TRIES, Order
from grader.workflows.running.planning import File, read_file
from grader.workflows.running.recording import (
    Ending,
    Prepared,
    Recording,
    as_handed_in,
    written_at_once,
)
from grader.workflows.serving.orders import ROUNDS, CourseFiles, QueuedOrders, files_of

__all__ = ["End", "Ended", "Lease", "LeaseLost", "Leased", "NotSent", "RemoteDesk"]

_ASIDE_S = 60.0
#: Between two looks for what is no longer needed.
_TIDY_S = 600.0
_WHY = "run by the worker {}"
#: Beyond the evidence itself: headers of arrays, and the notebook's cells, which count for nothing there.
_ROOM_BYTES = 1024 * 1024
#: A worker that says so has sent no evidence: these are the server's own to say.
_NOT_A_WORKERS = (Outcome.INVALID_SUBMISSION, Outcome.SANDBOX_UNAVAILABLE)
#: No attempt takes longer, whatever its plan says.
_LONGEST_S = 1e7
#: Jobs that need no worker are ended in one go, so many at the most.
_WITHOUT_RUN = 20
#: So many ends are judged at a time.
_AT_ONCE = 4

#: By course and assignment, of how many attempts one is run twice.
_OneIn = dict[str, Mapping[str, int]]


class LeaseLost(Exception):
    """The job is somebody else's by now, or has ended, or never was this worker's."""


class NotSent(Exception):
    """The evidence that is named is not here: it has to be sent, once more where the server began anew."""


@dataclass(frozen=True, order=True)
class Lease:
    """Names one claim of one job; worth nothing to a worker that does not hold it."""

    course: str
    job: int
    token: int

    def __str__(self) -> str:
        return f"{self.course}/{self.job}/{self.token}"


@dataclass(frozen=True)
class Leased:
    """A job for a worker.

    Attributes:
        sha256: Of the parcel.
        parcel: What is needed to run it.
        lease_s: How long it holds without a beat.
    """

    lease: Lease
    sha256: str
    parcel: bytes
    lease_s: float


@dataclass(frozen=True)
class End:
    """What a worker says at the end of a job.

    Attributes:
        evidence: SHA-256 of it.
        raw: The evidence; None where it was sent before.
    """

    lease: Lease
    evidence: str
    raw: bytes | None = None


@dataclass(frozen=True)
class Ended:
    """What became of a job: `again` where this very end was recorded before."""

    again: bool


class RemoteDesk:
    """The queues of all courses, as workers elsewhere see them. Safe to share between threads.

    Args:
        stores: By course, the home course first.
        reference: The home course's own answers.
        places: Folders in which its rubrics may lie.
        pool: Judges.
        own: The same of further courses, by name.
        lease_s: How long a claim holds without a beat.
    """

    def __init__(
        self,
        stores: Mapping[str, Store],
        reference: Reference,
        places: Iterable[Path],
        *,
        pool: JudgePool,
        own: Mapping[str, CourseFiles] = MappingProxyType({}),
        lease_s: float = LEASE_S,
    ) -> None:
        self._stores = stores
        self._pool = pool
        self._lease_s = lease_s
        self._spool = Spool()
        self._works = Works()
        # What data sets there are is known where they are read.
        files = files_of(list(stores.values()), reference, places, own)
        self._orders = {
            name: QueuedOrders(store, each.reference, each.places, needs_data=False)
            for (name, store), each in zip(stores.items(), files, strict=True)
        }
        self._lock = threading.Lock()
        self._aside: dict[tuple[str, str], float] = {}
        self._judging = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="ends")
        self._turn = 0
        self._tidy_at = 0.0
        self._signed_on: set[str] = set()

    def hear(self, worker: WorkerRecord, said: Said) -> None:
        """Notes that a worker is there."""
        self._home.workers.hear(worker.id, said)

    def claim(self, worker: WorkerRecord, *, image: str, gpu: bool, most: int = 1) -> list[Leased]:
        """The next jobs that a worker can run; none where there are none, or it is to take none.

        Args:
            worker: Whose token was brought.
            image: What it runs notebooks in.
            gpu: Whether it has a GPU to give.
            most: How many it can begin at once.

        Raises:
            StoreError: A database failed.
        """
        if worker.draining:
            return []
        self._sign_on(worker)
        courses, found = self._courses_by_turn(worker), list[Leased]()
        # Of several courses, what any of them waits to be marked comes before pre-checks of another, and
        # these before second runs.
        for but_no, second_runs in ROUNDS if len(courses) > 1 else ROUNDS[-1:]:
            waiting = courses
            while waiting and len(found) < most:
                # Each has its share; what one does not use is the others'.
                share = -(-(most - len(found)) // len(waiting))
                left = list[str]()
                for course in waiting:
                    number = min(share, most - len(found))
                    reach = replace(self._reach(course, image, gpu), but_no=but_no, second_runs=second_runs)
                    leased = self._next(course, worker, reach, number) if number else []
                    found += leased
                    left += [course] if leased and len(leased) == number else []
                waiting = left
        if not found:
            self._tidy()
        return found

    def parcel(self, worker: WorkerRecord, lease: Lease) -> bytes:
        """What a worker needs to run a job that it holds.

        Raises:
            LeaseLost: It does not hold it.
            StoreError: What was handed in is gone.
        """
        return self._work(lease, self._held(worker, lease)).parcel

    def beat(self, worker: WorkerRecord, leases: Sequence[Lease]) -> list[Lease]:
        """Renews leases; gives those that still hold. What is missing is to be stopped."""
        kept: list[Lease] = []
        for course, store in self._stores.items():
            asked = {(each.job, each.token) for each in leases if each.course == course}
            queue = Queue(store, lease_s=self._lease_s, run=worker.run)
            kept += [Lease(course, job, token) for job, token in sorted(queue.renew(asked))]
        return kept

    def most_bytes(self, worker: WorkerRecord, lease: Lease) -> int:
        """How much may be sent of a job.

        Raises:
            LeaseLost: It is not held.
        """
        return _most_bytes(self._work(lease, self._held(worker, lease)).order)

    def send(self, worker: WorkerRecord, lease: Lease, digest: str, raw: bytes) -> bool:
        """Keeps evidence until its job is ended with it.

        Args:
            worker: Who sends it. Whether it holds the lease was asked by `most_bytes` before a byte was
                read, and is asked again at the end.
            lease: Of which job.
            digest: SHA-256 of it.
            raw: No longer than `most_bytes` allows.

        Returns:
            Whether it was there already.

        Raises:
            EvidenceError: It is not what its digest says; nothing is kept.
        """
        return self._spool.keep(_Sent(worker.run, lease, worker), digest, raw)

    def finish(self, worker: WorkerRecord, end: End) -> Ended:
        """Ends a job with evidence, and judges it.

        Raises:
            LeaseLost: Another claim of the job is newer, or another worker's; nothing is written.
            NotSent: The evidence is not here.
            EvidenceError: It is none, or of something else; nothing is written.
            StoreError: The database failed; nothing was written.
        """
        [ended] = self.finish_all(worker, [end])
        if isinstance(ended, Exception):
            raise ended
        return ended

    def finish_all(self, worker: WorkerRecord, ends: Sequence[End]) -> list[Ended | Exception]:
        """Ends several jobs, written in one transaction for each course.

        Returns:
            What came of each, in their order: what `finish` gives, or would have raised.
        """
        known, one_in = self._known(worker, ends)
        told: list[Ended | Exception] = [LeaseLost() for _ in ends]
        ready: list[tuple[int, str, Ending, Prepared]] = []
        for place, found in enumerate(self._all_prepared(worker, ends, known, one_in)):
            if isinstance(found, tuple):
                ready.append((place, ends[place].lease.course, *found))
            else:
                told[place] = found
        for course in {course for _, course, *_ in ready}:
            ours = [(place, ending, result) for place, of, ending, result in ready if of == course]
            actions = [ending.written(result) for _, ending, result in ours]
            written = self._stores[course].add_all(actions, written_at_once)
            for (place, *_), stands in zip(ours, written, strict=True):
                told[place] = stands if isinstance(stands, Exception) else self._told(stands)
        for end, ended in zip(ends, told, strict=True):
            if isinstance(ended, Ended):
                self._spool.forget(_Sent(worker.run, end.lease, worker))
                self._works.forget(end.lease)
        return told

    @staticmethod
    def _told(stands: bool) -> Ended | Exception:
        return Ended(again=False) if stands else LeaseLost()

    def _known(self, worker: WorkerRecord, ends: Sequence[End]) -> tuple[dict[Lease, HeldClaim], _OneIn]:
        """The claims that these ends are of, and of how many attempts one is run twice."""
        found: dict[Lease, HeldClaim] = {}
        one_in: _OneIn = {}
        for course in {end.lease.course for end in ends}:
            if course in self._stores and worker.serves(course):
                store = self._stores[course]
                asked = [(end.lease.job, end.lease.token) for end in ends if end.lease.course == course]
                with store.moment():
                    known = self._queue(course, worker).known(asked)
                    one_in[course] = _one_in(store, {each.claim.key.assignment for each in known})
                found |= {Lease(course, each.claim.id, each.claim.token): each for each in known}
        return found, one_in

    def _all_prepared(
        self, worker: WorkerRecord, ends: Sequence[End], known: Mapping[Lease, HeldClaim], one_in: _OneIn
    ) -> Iterable[Ended | tuple[Ending, Prepared] | Exception]:
        def prepared(end: End) -> Ended | tuple[Ending, Prepared] | Exception:
            try:
                return self._prepared(worker, end, known.get(end.lease), one_in.get(end.lease.course, {}))
            except Exception as error:  # of this end alone
                return error

        if len(ends) == 1:
            return [prepared(ends[0])]
        # Each of them waits for a disk and for a process that judges.
        return list(self._judging.map(prepared, ends))

    def _prepared(
        self, worker: WorkerRecord, end: End, known: HeldClaim | None, one_in: Mapping[str, int]
    ) -> Ended | tuple[Ending, Prepared]:
        """What is to be written of a job that ends, or that it was written before."""
        if known is None:
            raise LeaseLost
        if known.has_ended:
            return Ended(again=True)
        raw, lease = end.raw, end.lease
        if raw is None:
            raw = self._spool.read(_Sent(worker.run, lease, worker), end.evidence)
            if raw is None:
                raise NotSent
        elif sha256(raw).hexdigest() != end.evidence:
            raise EvidenceError("this is not what its digest says", expected=end.evidence)
        work = self._work(lease, known.claim)
        ending = self._ending(lease.course, worker, known.claim, one_in)
        return ending, ending.judge(known.claim, _believed(raw, known.claim, work), work.order.judge)

    def fail(self, worker: WorkerRecord, lease: Lease, reason: str) -> None:
        """Notes that a worker's sandbox failed a job, and lets others have it; too often, and nobody does.

        Raises:
            LeaseLost: The job is not held.
            StoreError: The database failed.
        """
        claim, queue = self._held(worker, lease), self._queue(lease.course, worker)
        tries = queue.retry(claim, reason)
        if not tries:
            raise LeaseLost
        if tries < MAX_TRIES:
            queue.give_back(claim)
            return
        order, _ = self._read(lease.course, claim)
        ended = without_run(claim.key.notebook, claim.key.plan, Outcome.SANDBOX_UNAVAILABLE, reason)
        self._record(lease.course, worker, claim, order, ended)

    def give_back(self, worker: WorkerRecord, lease: Lease) -> None:
        """Puts a job back that a worker was stopped at.

        Raises:
            LeaseLost: The job is not held.
        """
        self._queue(lease.course, worker).give_back(self._held(worker, lease))

    @property
    def _home(self) -> Store:
        return next(iter(self._stores.values()))

    def _sign_on(self, worker: WorkerRecord) -> None:
        """Lets a worker hold jobs, in each course."""
        with self._lock:
            known = worker.run in self._signed_on
        if not known:
            for course in self._stores:
                self._queue(course, worker).sign_on(worker.name, 0)
            with self._lock:
                self._signed_on.add(worker.run)

    def _queue(self, course: str, worker: WorkerRecord) -> Queue:
        return Queue(self._stores[course], lease_s=self._lease_s, run=worker.run, serves=True)

    def _courses_by_turn(self, worker: WorkerRecord) -> list[str]:
        names = [name for name in self._stores if worker.serves(name)]
        with self._lock:
            self._turn += 1
            at = self._turn % max(1, len(names))
        return names[at:] + names[:at]

    def _reach(self, course: str, image: str, gpu: bool) -> Reach:
        now = time.monotonic()
        with self._lock:
            left_out = tuple(
                name for (at, name), until in self._aside.items() if at == course and until > now
            )
        return Reach(images=(image,), gpu=gpu, but_not=left_out)

    def _next(self, course: str, worker: WorkerRecord, reach: Reach, most: int) -> list[Leased]:
        """The next jobs of a course that have to be run; what needs no run is ended on the way."""
        found: list[Leased] = []
        for _ in range(_WITHOUT_RUN):
            claims = self._queue(course, worker).claim_up_to(most - len(found), reach)
            with self._stores[course].moment():
                each = [self._leased(course, worker, claim) for claim in claims]
            found += [leased for leased in each if leased is not None]
            if len(found) == most or not claims:
                break
        return found

    def _tidy(self) -> None:
        """Once in a while, what nobody needs any more goes: of pre-checks, and of leases that were lost."""
        now = time.monotonic()
        with self._lock:
            due = now >= self._tidy_at
            self._tidy_at = now + _TIDY_S if due else self._tidy_at
        for store in self._stores.values() if due else ():
            store.pre_checks.remove_old()
        if due:
            self._spool.sweep(self._can_end)

    def _can_end(self, sent: Hashable) -> bool:
        """Whether a job can still be ended by it: a lease that lapsed holds until a newer claim."""
        assert isinstance(sent, _Sent)
        lease = sent.lease
        known = self._queue(lease.course, sent.worker).known([(lease.job, lease.token)])
        return any(not each.has_ended for each in known)

    def _held(self, worker: WorkerRecord, lease: Lease) -> Claim:
        if lease.course not in self._stores or not worker.serves(lease.course):
            raise LeaseLost
        claim = self._queue(lease.course, worker).held(lease.job, lease.token)
        if claim is None:
            raise LeaseLost
        return claim

    def _leased(self, course: str, worker: WorkerRecord, claim: Claim) -> Leased | None:
        """A claimed job for its worker; None where it was ended, or put aside, without one."""
        try:
            order, file = self._read(course, claim)
        except StoreUnavailable:
            raise
        except UsageError:
            with self._lock:
                self._aside[course, claim.key.assignment] = time.monotonic() + _ASIDE_S
            self._queue(course, worker).give_back(claim)
            return None
        except StoreError as error:
            lost = without_run(claim.key.notebook, claim.key.plan, Outcome.SANDBOX_UNAVAILABLE, error.what)
            self._record(course, worker, claim, None, lost)
            return None
        problem = order.problem or file.problem
        if problem:
            held = without_run(claim.key.notebook, claim.key.plan, Outcome.INVALID_SUBMISSION, problem)
            self._record(course, worker, claim, order, held)
            return None
        lease, work = Lease(course, claim.id, claim.token), _work(order, file)
        self._works.keep(lease, work)
        return Leased(lease, sha256(work.parcel).hexdigest(), work.parcel, self._lease_s)

    def _work(self, lease: Lease, claim: Claim) -> Work:
        """What a lease that holds is about, read once; what the desk published since judges all the same."""
        known = self._works.of(lease)
        if known is None:
            known = _work(*self._read(lease.course, claim))
            self._works.keep(lease, known)
        return known

    def _read(self, course: str, claim: Claim) -> tuple[Order, File]:
        order = self._orders[course](claim)
        if order.problem:
            return order, File(order.submission, b"", (), order.problem)
        raw = order.content() if order.content else self._stores[course].blobs.get(claim.key.notebook)
        return order, read_file(replace(order.submission, read=lambda: raw))

    def _record(
        self, course: str, worker: WorkerRecord, claim: Claim, order: Order | None, bundle: Bundle
    ) -> None:
        """Judges and writes, all in one transaction; raises LeaseLost where another claim is newer."""
        ending = self._ending(course, worker, claim)
        if not ending.write(ending.judge(claim, bundle, order.judge if order else None)):
            raise LeaseLost

    def _ending(
        self,
        course: str,
        worker: WorkerRecord,
        claim: Claim,
        one_in: Mapping[str, int] = MappingProxyType({}),
    ) -> Ending:
        store, queue, by_process = self._stores[course], self._queue(course, worker), self._pool.verdict
        if claim.key.purpose == PRE_CHECK:
            return Telling(store, queue, by_process)
        why = _WHY.format(worker.name)
        return Recording(store, queue, worker.name, why, by_process, audits=True, one_in=one_in)


@dataclass(frozen=True)
class _Sent:
    """What a worker sent by a lease; what was told of the worker meanwhile makes it no other."""

    run: str
    lease: Lease
    worker: WorkerRecord = field(compare=False)

    def __str__(self) -> str:
        return f"{self.run}/{self.lease}"


def _one_in(store: Store, assignments: Iterable[str]) -> Mapping[str, int]:
    # Whatever is wrong with the look at ourselves, attempts stand.
    with suppress(Exception), store.reading() as history:
        return {assignment: history.one_in(assignment) for assignment in assignments}
    return {}


def _work(order: Order, file: File) -> Work:
    clean = normalise_notebook(file.cells)
    parcel = pack_parcel(Parcel(order.plan, clean, file.beside.files))
    return Work(order, file.cells, sha256(clean).hexdigest(), parcel)


def _most_bytes(order: Order) -> int:
    return order.plan.limits.evidence_bytes + _ROOM_BYTES


def _believed(raw: bytes, claim: Claim, work: Work) -> Bundle:
    """Evidence that is of this job, on the file that was handed in.

    Raises:
        EvidenceError: It is of another one, or says what only the server can say.
    """
    plan = work.order.plan
    bundle = decode(raw, limit_bytes=_most_bytes(work.order))
    evidence = bundle.evidence
    if evidence.notebook != work.clean or evidence.plan != plan.digest:
        raise EvidenceError(
            "this evidence is of another job",
            expected=f"notebook {work.clean[:12]}, plan {plan.digest[:12]}",
            found=f"notebook {evidence.notebook[:12]}, plan {evidence.plan[:12]}",
        )
    times = (evidence.wall_time_s, evidence.cells_s)
    if not all(0 <= each < _LONGEST_S for each in times) or abs(evidence.environment.seed) >= 2**62:
        raise EvidenceError("a time or seed of this evidence is none", found=str(times))
    if evidence.outcome in _NOT_A_WORKERS or evidence.outcome.our_fault:
        raise EvidenceError("a worker cannot say this of a job", found=evidence.outcome.value)
    return as_handed_in(bundle, claim.key.notebook, work.cells)
