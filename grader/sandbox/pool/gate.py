"""The gateway as whoever has work for the pool sees it: kept alive, asked for evidence, never believed.

What comes from it is read as frames under caps. Where it ends, or sends what is no frame, it is killed and
begun anew, and what was not answered is asked for again; a job that was lost with it too often has failed.
"""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from grader.errors import SandboxUnavailable
from grader.sandbox.pool.wire import Frame, FrameReader, Kind, WireError, write_frame

__all__ = ["Gate", "Start", "Told"]

_TOLD_BYTES, _REASON_BYTES = 64 * 1024, 4096
#: It says every 5 s how the pool stands.
_SILENT_S = 120.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 15.0
#: So long a pool that is away is waited for before what it was to run is given back.
_AWAY_S = 600.0
#: So often a gateway may be lost with a job.
_MOST_LOSSES = 3
_LOG_BYTES = 4000
#: Until a scheduler has answered for the first time; afterwards hosts are waited for, and it may be away.
_CONNECT_S = 60.0
_TELL_S, _LOOK_S = 10.0, 0.5
_WEB = re.compile(r"https?://[A-Za-z0-9._\-\[\]:]+(/[A-Za-z0-9._/\-]*)?")

#: Starts the process, its input and output pipes, and gives the first frame that it is sent.
Start = Callable[[], tuple["subprocess.Popen[bytes]", bytes]]


class Told(BaseModel):
    """How the pool stands, as the gateway says: for people, and for how many notebooks are taken.

    Attributes:
        slots: How many notebooks it can run at a time.
        dashboard: Address of Dask's own pages; empty where it is none that may be shown.
        image: What its hosts run notebooks in; empty while none has said so.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    workers: int = Field(default=0, ge=0, le=100_000)
    slots: int = Field(default=0, ge=-1, le=1_000_000)
    dashboard: str = Field(default="", max_length=200)
    image: str = Field(default="", max_length=200)


@dataclass
class _Asked:
    """A job that is out; written by the reader alone, but for `over` in the end."""

    payload: bytes
    most_bytes: int
    over: threading.Event = field(default_factory=threading.Event)
    answer: bytes | None = None
    reason: str = ""
    losses: int = 0


class Gate:
    """Safe to share between threads.

    Args:
        start: Starts a gateway.
        say: Told, in one line, when the pool is away and when it is back.
        away_s: How long it may be away.
        silent_s: How long a gateway may say nothing before it is taken for dead.
    """

    def __init__(
        self,
        start: Start,
        say: Callable[[str], None],
        *,
        away_s: float = _AWAY_S,
        silent_s: float = _SILENT_S,
    ) -> None:
        self._start = start
        self._say = say
        self._away_s = away_s
        self._silent_s = silent_s
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._numbers = itertools.count(1)
        self._asked: dict[int, _Asked] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._told = Told()
        self._news = threading.Condition(self._lock)
        self._connected = self._ever_connected = False
        self._refused = ""
        self._closed = threading.Event()
        self._log = b""
        self._thread = threading.Thread(target=self._live, name="gateway", daemon=True)
        self._thread.start()

    @property
    def told(self) -> Told:
        """How the pool stood last."""
        return self._told

    @property
    def connected(self) -> bool:
        return self._connected

    def wait_described(self, timeout_s: float, stopped: Callable[[], bool] = lambda: False) -> Told:
        """How the pool stands once a host has said what it runs notebooks in.

        Args:
            timeout_s: How long a host is waited for.
            stopped: Whether it is waited for no longer.

        Raises:
            SandboxUnavailable: No sandbox works there, no scheduler answers, or no host came.
        """
        began, said = time.monotonic(), False
        while not self._told.image:
            waited_s = time.monotonic() - began
            if self._refused:
                raise SandboxUnavailable(
                    "no notebook can be run in the pool", found=self._refused, todo="mend its hosts first"
                )
            if stopped() or waited_s > (timeout_s if self._ever_connected else min(timeout_s, _CONNECT_S)):
                raise self._unanswered()
            if waited_s > _TELL_S and not said:
                said = True
                self._say(f"waits for the pool: {self._standing()}")
            with self._news:
                self._news.wait(_LOOK_S)
        return self._told

    def _unanswered(self) -> SandboxUnavailable:
        return SandboxUnavailable(
            "the pool did not answer",
            expected="a Dask scheduler, and a worker on which this version of the grader is installed",
            found=self._standing(),
            todo="start `dask worker SCHEDULER` on its hosts, with --resources where notebooks ask for any",
        )

    def _standing(self) -> str:
        if not self._connected:
            return self._last_words()
        told = self._told
        return f"{told.workers} workers, with {told.slots} slots for what a notebook asks for"

    def run(self, payload: bytes, most_bytes: int, most_s: float) -> bytes:
        """What a host answered: a digest, and so many bytes.

        Args:
            payload: As `pack_run` gives it.
            most_bytes: How long the answer may be.
            most_s: How long it may take, with all waiting for hosts.

        Raises:
            SandboxUnavailable: The pool failed, was away for too long, or was closed.
        """
        number, asked = next(self._numbers), _Asked(payload, most_bytes)
        with self._lock:
            if self._closed.is_set():
                raise SandboxUnavailable("the pool was closed")
            self._asked[number] = asked
            process = self._process if self._connected else None
        if process is not None:
            self._send(process, number, asked)
        asked.over.wait(most_s)
        with self._lock:
            self._asked.pop(number, None)
        if asked.answer is None:
            raise SandboxUnavailable(asked.reason or f"the pool gave no answer within {most_s:.0f} s")
        return asked.answer

    def close(self) -> None:
        """Ends the gateway; who still waits hears that it was closed. Safe to call twice."""
        self._closed.set()
        with self._lock:
            process = self._process
        if process is not None:
            process.kill()
        self._fail_all("the pool was closed")
        with self._news:
            self._news.notify_all()
        self._thread.join()

    def _live(self) -> None:
        pause_s, since = _FIRST_PAUSE_S, time.monotonic()
        while not self._closed.is_set():
            lived = self._one_life()
            if self._closed.is_set():
                break
            if lived:
                pause_s, since = _FIRST_PAUSE_S, time.monotonic()
                self._say(f"the pool is away: {self._last_words()}")
                self._give_up_lost()
            if time.monotonic() - since > self._away_s:
                self._fail_all(f"the pool is away for too long: {self._last_words()}")
            self._closed.wait(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        self._fail_all("the pool was closed")

    def _one_life(self) -> bool:
        """Of one process; whether it came so far as to be connected."""
        try:
            process, first = self._start()
        except (OSError, SandboxUnavailable) as error:
            self._log = str(error).encode()
            if not self._ever_connected:
                self._refused = str(error)
            return False
        with self._lock:
            self._process = process
        listener = threading.Thread(target=self._listen, args=(process,), daemon=True)
        listener.start()
        connected = False
        try:
            assert process.stdin is not None and process.stdout is not None
            if self._closed.is_set():
                return False
            write_frame(process.stdin.fileno(), Kind.SET_UP, 0, first)
            reader = FrameReader(process.stdout.fileno(), self._most_bytes)
            while (frame := reader.read(self._silent_s)) is not None:
                if not connected:
                    connected = True
                    self._come_back(process)
                self._take(frame)
        except (WireError, OSError) as error:
            self._log = f"the gateway was ended: {error}".encode()
        finally:
            with self._lock:
                self._connected, self._process = False, None
            _end(process)
            listener.join()
            if process.stderr is not None:
                process.stderr.close()
        return connected

    def _come_back(self, process: subprocess.Popen[bytes]) -> None:
        """Asks again for all that was not answered; in a thread, for answers may come meanwhile."""
        with self._lock:
            self._connected = self._ever_connected = True
            open_jobs = list(self._asked.items())
        if not open_jobs:
            return
        self._say("the pool is there")

        def ask_again() -> None:
            for number, asked in open_jobs:
                self._send(process, number, asked)

        threading.Thread(target=ask_again, daemon=True).start()

    def _send(self, process: subprocess.Popen[bytes], number: int, asked: _Asked) -> None:
        assert process.stdin is not None
        # Where it is gone, the reader sees it too, and asks again of the next one.
        with suppress(OSError, ValueError), self._writing:
            write_frame(process.stdin.fileno(), Kind.RUN, number, asked.payload)

    def _most_bytes(self, kind: Kind, number: int) -> int:
        if kind is Kind.TOLD:
            return _TOLD_BYTES
        if kind is Kind.FAILED:
            return _REASON_BYTES
        asked = self._asked.get(number)
        if kind is not Kind.DONE or asked is None:
            raise WireError("a frame that nobody asked for")
        return asked.most_bytes

    def _take(self, frame: Frame) -> None:
        if frame.kind is Kind.TOLD:
            self._hear(frame.payload)
            return
        if frame.number == 0:
            with self._news:
                self._refused = _plain(frame.payload)
                self._news.notify_all()
            return
        asked = self._asked.get(frame.number)
        if asked is None or asked.over.is_set():
            return
        if frame.kind is Kind.DONE:
            asked.answer = frame.payload
        else:
            asked.reason = f"the pool: {_plain(frame.payload)}"
        asked.over.set()

    def _hear(self, payload: bytes) -> None:
        try:
            told = Told.model_validate_json(payload)
        except ValidationError as error:
            raise WireError("it does not say how the pool stands") from error
        shown = told.dashboard if _WEB.fullmatch(told.dashboard) else ""
        image = _plain(told.image.encode())
        with self._news:
            self._told = told.model_copy(update={"dashboard": shown, "image": image})
            self._news.notify_all()

    def _give_up_lost(self) -> None:
        for asked in list(self._asked.values()):
            asked.losses += 1
            if asked.losses >= _MOST_LOSSES and not asked.over.is_set():
                asked.reason = (
                    f"the pool's gateway was lost {asked.losses} times with it: {self._last_words()}"
                )
                asked.over.set()

    def _fail_all(self, reason: str) -> None:
        for asked in list(self._asked.values()):
            if not asked.over.is_set():
                asked.reason = reason
                asked.over.set()

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        """Keeps the end of what it says on its error output."""
        assert process.stderr is not None
        while data := os.read(process.stderr.fileno(), _LOG_BYTES):
            self._log = (self._log + data)[-_LOG_BYTES:]

    def _last_words(self) -> str:
        lines = _plain(self._log).strip().splitlines()
        return lines[-1][:300] if lines else "its gateway said nothing"


def _plain(raw: bytes) -> str:
    """For people: without what moves a terminal's cursor."""
    text = raw.decode("utf-8", "replace")
    return "".join(each if each.isprintable() or each == "\n" else "?" for each in text)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()
