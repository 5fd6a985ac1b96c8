"""The seats of a worker: each takes a job, runs it, and sends what came of it until the server has it."""

from __future__ import annotations

import base64
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, TypeVar

from grader.errors import GraderError, SandboxUnavailable
from grader.evidence.codec import Bundle, encode
from grader.evidence.parcel import unpack_parcel
from grader.sandbox.base import Sandbox, image_of
from grader.sandbox.execution import Execution, NoRoom
from grader.worker.ahead import Ahead, Claimed
from grader.worker.room import Room
from grader.worker.server import Answer, Away, Lease, Server
from grader.worker.together import Together

__all__ = ["About", "Seats", "Stop"]

ToldT = TypeVar("ToldT")

#: Leases last three times as long.
_BEAT_S = 10.0
_POLL_S = 1.0
_WARM_S = 60.0
_ENGINE_PAUSE_S = 2.0
#: So long what was found is kept, and sent again and again, while the server is away.
_KEPT_S = 600.0
#: Evidence that is no longer, all of a request together, goes with the end of its job.
_INLINE_BYTES = 128 * 1024
#: Jobs in one request.
_MOST_AT_ONCE = 32
_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 15.0


@dataclass(frozen=True)
class About:
    """What people are shown of this worker.

    Attributes:
        seats: How many notebooks it takes at a time.
        dashboard: Address of Dask's own pages, where it works by a pool.
    """

    host: str
    version: str
    seats: int
    gpus: int
    dashboard: str = ""


class Stop:
    """Pressed once: finish what runs. Twice: break it off, and let others have it."""

    def __init__(self) -> None:
        self.finishing = threading.Event()
        self.now = threading.Event()

    def press(self) -> None:
        (self.now if self.finishing.is_set() else self.finishing).set()


class Seats:
    """All seats of this machine.

    Args:
        connect: Makes a connection for one thread.
        sandbox: What notebooks run in.
        about: Gives what people are shown; asked anew, for a pool grows and shrinks.
        say: Told what happens, in one line; no student is known here.
        stop: Pressed by whoever wants to stop.
        beat_s: How often leases are renewed.
        kept_s: How long evidence is kept while the server is away.
        room: The memory that all seats share; None sets no bound.
        inline_bytes: What is no longer goes with claims and ends; 0 gives everything a request of its own.
    """

    def __init__(
        self,
        connect: Callable[[], Server],
        sandbox: Sandbox,
        about: Callable[[], About],
        say: Callable[[str], None],
        stop: Stop,
        *,
        beat_s: float = _BEAT_S,
        kept_s: float = _KEPT_S,
        room: Room | None = None,
        inline_bytes: int = _INLINE_BYTES,
    ) -> None:
        self._connect = connect
        self._sandbox = sandbox
        self._about = about
        self._say = say
        self._stop = stop
        self._beat_s = beat_s
        self._kept_s = kept_s
        self._inline_bytes = inline_bytes
        self._room = room or Room(sys.maxsize)
        self._lock = threading.Lock()
        self._held: set[Lease] = set()
        self._over = threading.Event()
        self._failure: BaseException | None = None
        self._in_vain = -_POLL_S
        # Seats that begin and end jobs at the same time share requests.
        self._for_claims, self._for_ends = connect(), connect()
        self._claim = Together(self._claim_all, most=_MOST_AT_ONCE, most_size=_MOST_AT_ONCE)
        self._end = Together(self._end_all, most=_MOST_AT_ONCE, most_size=inline_bytes)
        self._ahead = Ahead()

    def work(self) -> None:
        """Until a stop is pressed.

        Raises:
            SandboxUnavailable: The token is none any more, or the server is another.
        """
        beats = threading.Thread(target=self._guarded, args=(self._beat,), name="beats")
        beats.start()
        ahead = threading.Thread(target=self._guarded, args=(self._claim_ahead,), name="ahead")
        ahead.start()
        seats: list[threading.Thread] = []
        while self._filled(seats):
            if self._stop.now.wait(0.1):
                self._sandbox.close()
                break
        for thread in (*seats, ahead):
            thread.join()
        self._over.set()
        beats.join()
        self._for_claims.close()
        self._for_ends.close()
        if self._failure is not None:
            raise self._failure

    def _filled(self, seats: list[threading.Thread]) -> bool:
        """Adds seats where there are more than before; whether anybody works, or is to."""
        while not self._stop.finishing.is_set() and len(seats) < self._about().seats:
            serve = partial(self._serve, len(seats))
            seats.append(threading.Thread(target=self._guarded, args=(serve,), name=f"seat-{len(seats)}"))
            seats[-1].start()
        return any(thread.is_alive() for thread in seats)

    def _guarded(self, act: Callable[[Server], None]) -> None:
        server = self._connect()
        try:
            act(server)
        except BaseException as error:
            self._failure = self._failure or error
            self._stop.finishing.set()
        finally:
            server.close()

    def _beat(self, server: Server) -> None:
        """Says what is held. What was lost runs on: its end will be refused, and nothing was lost by it."""
        while True:
            with self._lock:
                held = sorted(self._held)
            try:
                leases = [vars(each) for each in held]
                told = server.ask("POST", "beat", {"about": vars(self._about()), "leases": leases}).told
                lost = [_lease_of(each) for each in told.get("stop", ())]
                for lease in lost:
                    self._say(f"job {lease.job}: the lease is lost")
                for job in self._ahead.drop(lost):
                    self._let_go(job.lease)
                if told.get("drain"):
                    self._hand_back(server, self._ahead.drop_all())
            except Away as error:
                self._say(f"the server is away: {error}")
            if self._over.wait(self._beat_s):
                return

    def _serve(self, number: int, server: Server) -> None:
        """One seat, which takes nothing while there are fewer than its number.

        What came of a job is sent while the next one runs already: one is on its way at most.
        """
        execution = Execution(
            self._sandbox,
            take=lambda size_bytes: self._room.take(size_bytes, self._stop.finishing.is_set),
            give_back=self._room.give_back,
        )
        sender = self._connect()
        idle_since = time.monotonic()
        try:
            with ThreadPoolExecutor(
                1, thread_name_prefix=f"{threading.current_thread().name}-sends"
            ) as sending:
                sent: Future[None] | None = None
                was_idle = False
                while not self._stop.finishing.is_set():
                    done = None
                    if number < self._about().seats:
                        done = self._take(server, execution, was_idle=was_idle)
                    was_idle = done is None
                    if done is not None:
                        if sent is not None:
                            sent.result()
                        lease, bundle = done
                        if bundle is None:
                            self._wait_for_sandbox()
                        sent = (
                            None if bundle is None else sending.submit(self._deliver, sender, lease, bundle)
                        )
                        idle_since = time.monotonic()
                        continue
                    if time.monotonic() - idle_since > _WARM_S:
                        execution.close()
                    self._stop.finishing.wait(_POLL_S)
                if sent is not None:
                    sent.result()
        finally:
            sender.close()
            execution.close()

    def _take(
        self, server: Server, execution: Execution, *, was_idle: bool
    ) -> tuple[Lease, Bundle | None] | None:
        """Takes one job and runs it; None where there was none, no evidence where it came to nothing."""
        job = self._next_job(was_idle=was_idle)
        if job is None:
            return None
        bundle = None
        try:
            bundle = self._run(server, execution, job.lease, job.told)
        finally:
            if bundle is None:
                self._let_go(job.lease)
        return job.lease, bundle

    def _next_job(self, *, was_idle: bool) -> Claimed | None:
        """One that is in hand, or is claimed now."""
        job = self._ahead.take()
        if job is not None or (was_idle and self._was_in_vain()):
            # In vain another seat has just asked for all of them.
            return job
        try:
            claimed = self._claim(1, 1)
        except Away:
            return None
        for job in claimed:
            self._ahead.note_begun()
            return job
        return None

    def _was_in_vain(self) -> bool:
        """Whether the server has just had fewer jobs than it was asked for."""
        return time.monotonic() - self._in_vain < _POLL_S

    def _claim_ahead(self, server: Server) -> None:
        """Has jobs in hand before seats are free, while there are more of them; gives back what is left."""
        try:
            while not self._stop.finishing.is_set():
                self._hand_back(server, self._ahead.too_long())
                number = 0 if self._was_in_vain() else min(self._ahead.lacking(), _MOST_AT_ONCE)
                if number:
                    began = time.monotonic()
                    with suppress(Away):
                        jobs = self._claim(number, number)
                        self._ahead.put(jobs, lasted_s=time.monotonic() - began)
                self._ahead.wait(_POLL_S)
        finally:
            self._hand_back(server, self._ahead.drop_all())

    def _hand_back(self, server: Server, jobs: Sequence[Claimed]) -> None:
        """Lets others have what was not begun, at once where the server answers; else its lease lapses."""
        for job in jobs:
            self._let_go(job.lease)
            self._say(f"job {job.lease.job}: given back before it was begun")
            with suppress(Away):
                server.ask("POST", "fail", {**vars(job.lease), "reason": ""})

    def _claim_all(self, asked: Sequence[int]) -> list[list[Claimed]]:
        """So many jobs for each who asks; where there are fewer, seats that are free come first."""
        wanted = {"image": image_of(self._sandbox), "gpu": self._about().gpus > 0, "most": sum(asked)}
        wanted["inline"] = self._inline_bytes > 0
        answer = self._for_claims.ask("POST", "claim", wanted)
        told = answer.told["jobs"] if answer.status == 200 else []
        if len(told) < sum(asked):
            self._in_vain = time.monotonic()
        jobs = deque(Claimed(_lease_of(each), each) for each in told)
        with self._lock:
            self._held.update(job.lease for job in jobs)
        found: list[list[Claimed]] = [[] for _ in asked]
        for place in sorted(range(len(asked)), key=asked.__getitem__):
            found[place] = [jobs.popleft() for _ in range(min(asked[place], len(jobs)))]
        return found

    def _let_go(self, lease: Lease) -> None:
        with self._lock:
            self._held.discard(lease)

    def _run(self, server: Server, execution: Execution, lease: Lease, told: dict[str, Any]) -> Bundle | None:
        try:
            raw = self._work(server, lease, told)
            if raw is None:
                return None
            if sha256(raw).hexdigest() != told["sha256"]:
                raise SandboxUnavailable("the work is not what its digest says")
            parcel = unpack_parcel(raw)
            return execution.run(parcel.notebook, parcel.plan, files=parcel.files)
        except NoRoom:
            self._give_up(server, lease, "")
            return None
        except Exception as error:  # whatever it was, it was not the student
            self._discard(execution)
            self._give_up(server, lease, _reason(error))
            return None

    def _wait_for_sandbox(self) -> None:
        """Takes nothing that would fail as well, and use up a try, while an engine or a pool is away."""
        while not self._stop.finishing.is_set() and not self._sandbox.answers():
            self._stop.finishing.wait(_ENGINE_PAUSE_S)

    def _work(self, server: Server, lease: Lease, told: dict[str, Any]) -> bytes | None:
        """What is to be run; None where the lease was lost meanwhile."""
        if "work" in told:
            return base64.b64decode(told["work"], validate=True)
        answer = self._until_answered(server, "GET", "work", lease=lease)
        return answer.body if answer is not None and answer.status == 200 else None

    def _deliver(self, server: Server, lease: Lease, bundle: Bundle) -> None:
        """Sends evidence and ends the job; asked twice, the server says that it was recorded before."""
        try:
            self._send(server, lease, encode(bundle))
        finally:
            self._let_go(lease)

    def _send(self, server: Server, lease: Lease, raw: bytes) -> None:
        digest, inline = sha256(raw).hexdigest(), len(raw) <= self._inline_bytes
        end: dict[str, Any] = {**vars(lease), "evidence": digest}
        if inline:
            end["raw"] = base64.b64encode(raw).decode()
        while True:
            if not inline:
                sent = self._until_answered(server, "PUT", f"blob/{digest}", raw, lease=lease)
                if sent is None or sent.status not in (200, 201):
                    status = None if sent is None else sent.status
                    break
            status = self._persist(lambda: self._status_of(end, len(raw) if inline else 0))
            if status != 404:
                break
            # The server began anew in between, and has to be sent it once more.
        if status is None:
            return
        if status == 200:
            self._say(f"job {lease.job}: recorded")
        elif status == 409:
            self._say(f"job {lease.job}: somebody else has it by now; what came of it here is dropped")
        else:
            self._give_up(server, lease, f"the server refused the evidence ({status})")

    def _status_of(self, end: dict[str, Any], size: int) -> int:
        """What the server says to the end of a job.

        Raises:
            Away: To say it again later.
        """
        status = self._end(end, size)
        if status >= 500:
            raise Away(f"the server answered {status}")
        return status

    def _end_all(self, ends: Sequence[dict[str, Any]]) -> list[int]:
        answer = self._for_ends.ask("POST", "finish", {"ends": list(ends)})
        if answer.status == 200:
            return [each["status"] for each in answer.told["ended"]]
        # A request that is refused as a whole says nothing of what else was in it.
        return [answer.status] if len(ends) == 1 else [self._end_all([end])[0] for end in ends]

    def _give_up(self, server: Server, lease: Lease, reason: str) -> None:
        """Lets others have a job; without a reason where this worker was only stopped."""
        stopped = self._stop.now.is_set() or not reason
        self._say(f"job {lease.job}: given back" if stopped else f"job {lease.job}: {reason}")
        self._until_answered(
            server, "POST", "fail", {**vars(lease), "reason": "" if stopped else reason[:500]}
        )

    def _until_answered(
        self,
        server: Server,
        method: str,
        path: str,
        body: bytes | dict[str, Any] | None = None,
        *,
        lease: Lease | None = None,
    ) -> Answer | None:
        """`_persist` with one request."""
        return self._persist(lambda: server.ask(method, path, body, lease=lease))

    def _persist(self, ask: Callable[[], ToldT]) -> ToldT | None:
        """Asks again and again; None where it was in vain for ten minutes."""
        since, pause_s = time.monotonic(), _PAUSE_S
        while True:
            try:
                return ask()
            except Away as error:
                if time.monotonic() - since > self._kept_s:
                    self._say(f"what came of a job is dropped, for the server is away for too long: {error}")
                    return None
                self._stop.now.wait(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _discard(self, execution: Execution) -> None:
        try:
            execution.close()
        except Exception as error:
            self._say(f"a sandbox could not be closed: {_reason(error)}")


def _lease_of(told: dict[str, Any]) -> Lease:
    return Lease(told["course"], told["job"], told["token"])


def _reason(error: Exception) -> str:
    return error.what if isinstance(error, GraderError) else f"{type(error).__name__}: {error}"
