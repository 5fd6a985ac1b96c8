"""The seats of a worker: each takes a job, runs it, and sends what came of it until the server has it."""

from __future__ import annotations

import base64
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any

from grader.errors import GraderError, SandboxUnavailable
from grader.evidence.codec import Bundle, encode
from grader.evidence.parcel import unpack_parcel
from grader.sandbox.base import Sandbox, image_of
from grader.sandbox.execution import Execution, NoRoom
from grader.worker.room import Room
from grader.worker.server import Answer, Away, Lease, Server

__all__ = ["About", "Seats", "Stop"]

#: Leases last three times as long.
_BEAT_S = 10.0
_POLL_S = 1.0
_WARM_S = 60.0
_ENGINE_PAUSE_S = 2.0
#: So long what was found is kept, and sent again and again, while the server is away.
_KEPT_S = 600.0
#: Evidence that is no longer goes with the end of its job.
_INLINE_BYTES = 128 * 1024
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

    def work(self) -> None:
        """Until a stop is pressed.

        Raises:
            SandboxUnavailable: The token is none any more, or the server is another.
        """
        beats = threading.Thread(target=self._guarded, args=(self._beat,), name="beats")
        beats.start()
        seats: list[threading.Thread] = []
        while self._filled(seats):
            if self._stop.now.wait(0.1):
                self._sandbox.close()
                break
        for thread in seats:
            thread.join()
        self._over.set()
        beats.join()
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
                for each in told.get("stop", ()):
                    self._say(f"job {each['job']}: the lease is lost")
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
                while not self._stop.finishing.is_set():
                    done = self._take(server, execution) if number < self._about().seats else None
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

    def _take(self, server: Server, execution: Execution) -> tuple[Lease, Bundle | None] | None:
        """Takes one job and runs it; None where there was none, no evidence where it came to nothing."""
        wanted = {"image": image_of(self._sandbox), "gpu": self._about().gpus > 0}
        wanted["inline"] = self._inline_bytes > 0
        try:
            answer = server.ask("POST", "claim", wanted)
        except Away:
            return None
        if answer.status != 200:
            return None
        told = answer.told
        lease = Lease(told["course"], told["job"], told["token"])
        with self._lock:
            self._held.add(lease)
        bundle = None
        try:
            bundle = self._run(server, execution, lease, told)
        finally:
            if bundle is None:
                self._let_go(lease)
        return lease, bundle

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
        digest = sha256(raw).hexdigest()
        end: dict[str, Any] = {**vars(lease), "evidence": digest}
        if len(raw) <= self._inline_bytes:
            end["raw"] = base64.b64encode(raw).decode()
        while True:
            if "raw" not in end:
                sent = self._until_answered(server, "PUT", f"blob/{digest}", raw, lease=lease)
                if sent is None or sent.status not in (200, 201):
                    break
            sent = self._until_answered(server, "POST", "finish", end)
            if sent is None or sent.status != 404:
                break
            # The server began anew in between, and has to be sent it once more.
        if sent is None:
            return
        if sent.status == 200:
            self._say(f"job {lease.job}: recorded")
        elif sent.status == 409:
            self._say(f"job {lease.job}: somebody else has it by now; what came of it here is dropped")
        else:
            self._give_up(server, lease, f"the server refused the evidence ({sent.status})")

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
        """Asks again and again; None where it was in vain for ten minutes, or the lease was lost."""
        since, pause_s = time.monotonic(), _PAUSE_S
        while True:
            try:
                return server.ask(method, path, body, lease=lease)
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


def _reason(error: Exception) -> str:
    return error.what if isinstance(error, GraderError) else f"{type(error).__name__}: {error}"
