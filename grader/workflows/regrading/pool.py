"""Processes that judge for a program with threads, such as a server, whose fork would copy locked locks.

Each is a program of its own that was started afresh (`judge_child`), behind walls, and judges for one course
only: for one folder of reference answers, which are Python of whoever gives the course. A rubric goes over as
its text and evidence as its bytes; what comes back is JSON, so that nothing of a course runs in here.
"""

from __future__ import annotations

import atexit
import itertools
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import grader
from grader import errors
from grader.errors import GraderError, RubricError, ServiceError
from grader.grading.verdict import Verdict
from grader.store import Store
from grader.store.records import AttemptRecord, RubricText
from grader.workflows.regrading.judging import Judge

__all__ = ["JudgePool", "can_travel", "shared_pool"]

#: Jobs on their way for each process, so that none waits and memory holds few.
_AHEAD = 3
#: By the wall, for one submission with its course's own checks, on a machine that has much else to do.
_LIMIT_S = 1800.0
_READ_BYTES = 64 * 1024
_CHILD = Path(__file__).with_name("judge_child.py")
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "PATH": "/usr/bin:/bin",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}
#: Folder and digest of the reference answers.
_Course = tuple[str, str]


@dataclass(frozen=True)
class _Order:
    """One attempt to judge, as it travels to another process.

    Attributes:
        course: Whose process it is for.
        evidence: Its bytes.
        name: Its digest.
        early: As of `Judge`.
    """

    rubric: RubricText
    course: _Course
    evidence: bytes
    name: str
    early: bool = False


def can_travel(judge: Judge) -> bool:
    """Whether another process can come to the same judge: what is code must lie in a folder."""
    reference = judge.reference
    return bool(reference.folder) or not (reference.functions or reference.architectures or reference.checks)


class _Died(Exception):
    """The process ended before it answered."""


class _Child:
    """A process that judges for a course.

    Attributes:
        held: Which walls stand around it (`confine.confine`).
    """

    def __init__(self, course: _Course) -> None:
        package = Path(grader.__file__).resolve().parent.parent
        command = [sys.executable, "-I", "-B", str(_CHILD), str(package), *course]
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and script
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_ENVIRONMENT,
            cwd="/",
            # Ctrl-C is for whoever asked; this ends with its input.
            start_new_session=True,
        )
        # A thread that watches the clock for each answer would cost more than most of them.
        self._answers = select.poll()
        assert self.process.stdout is not None
        self._answers.register(self.process.stdout, select.POLLIN)
        self._knows: set[tuple[str, str]] = set()
        self.held: list[str] = self._answer()["held"]

    def judge(self, order: _Order) -> dict[str, Any]:
        """What it says to an order; a rubric that it was sent before is only named.

        Raises:
            _Died: Nothing, within the time for it.
        """
        key = order.rubric.key
        head = {
            "rubric": key,
            **({} if key in self._knows else {"text": asdict(order.rubric)}),
            "name": order.name,
            "early": order.early,
            "size": len(order.evidence),
        }
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.write(json.dumps(head).encode() + b"\n" + order.evidence)
            self.process.stdin.flush()
        said = self._answer()
        self._knows.add(key)
        return said

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for end in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                if end is not None:
                    end.close()

    def _answer(self) -> dict[str, Any]:
        try:
            said = json.loads(self._line())
        except ValueError as error:
            self.end()
            raise _Died from error
        assert isinstance(said, dict)
        return said

    def _line(self) -> bytes:
        """Up to the end of the line; less where the process ended, or took too long."""
        assert self.process.stdout is not None
        end, line = time.monotonic() + _LIMIT_S, bytearray()
        while not line.endswith(b"\n"):
            if not self._answers.poll(1000 * max(0.0, end - time.monotonic())):
                break
            more = os.read(self.process.stdout.fileno(), _READ_BYTES)
            if not more:
                break
            line += more
        return bytes(line)


class JudgePool:
    """Processes that judge, for any number of threads at once. They start with the first work.

    Args:
        processes: How many at work at a time; one for each core where none is given.
    """

    def __init__(self, processes: int | None = None) -> None:
        self._size = processes or len(os.sched_getaffinity(0))
        self._change = threading.Condition()
        self._idle: list[tuple[_Course, _Child]] = []
        self._busy = 0
        self._threads: ThreadPoolExecutor | None = None

    def judge(
        self, store: Store, work: Iterable[tuple[Judge, AttemptRecord]]
    ) -> Iterator[Verdict | GraderError]:
        """Judges stored evidence, giving for each attempt in turn its verdict, or why there is none.

        A process that dies is replaced, and what it had is judged again, once.
        """
        orders = (self._order(store, judge, attempt) for judge, attempt in work)
        waiting: deque[Future[Verdict | GraderError]] = deque()
        for order in itertools.chain(orders, itertools.repeat(None)):
            if order is not None:
                waiting.append(self._submit(order))
            if order is None and not waiting:
                return
            if order is None or len(waiting) >= _AHEAD * self._size:
                yield waiting.popleft().result()

    def verdict(self, judge: Judge, evidence: bytes, name: str) -> Verdict:
        """Judges evidence that lies in no store yet, while its caller waits.

        Args:
            judge: Whose folder of reference answers a process can read (`can_travel`).
            evidence: As it is encoded.
            name: Its digest.

        Raises:
            GraderError: Why there is no verdict.
        """
        course = (judge.reference.folder, judge.reference.digest)
        said = self._judged(_Order(judge.rubric.kept, course, evidence, name, judge.early))
        if isinstance(said, GraderError):
            raise said
        return said

    def close(self) -> None:
        """Ends the processes; the next work starts others."""
        with self._change:
            threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(cancel_futures=True)
        with self._change:
            idle, self._idle = self._idle, []
        for _, child in idle:
            child.end()

    def pids(self) -> frozenset[int]:
        """Of the processes that wait for work."""
        with self._change:
            return frozenset(child.process.pid for _, child in self._idle)

    def _order(self, store: Store, judge: Judge, attempt: AttemptRecord) -> _Order | GraderError:
        try:
            raw = store.file(attempt.evidence)
        except GraderError as error:
            return error
        reference = judge.reference
        return _Order(judge.rubric.kept, (reference.folder, reference.digest), raw, attempt.evidence)

    def _submit(self, order: _Order | GraderError) -> Future[Verdict | GraderError]:
        if isinstance(order, GraderError):
            known: Future[Verdict | GraderError] = Future()
            known.set_result(order)
            return known
        with self._change:
            if self._threads is None:
                # They only wait for processes.
                self._threads = ThreadPoolExecutor(self._size, thread_name_prefix="judge")
            return self._threads.submit(self._judged, order)

    def _judged(self, order: _Order) -> Verdict | GraderError:
        for _ in range(2):
            with suppress(_Died):
                return self._ask(order)
        return ServiceError(
            "the process that judged this evidence died twice",
            where=f"evidence {order.name}",
            expected="a verdict",
            todo="look for lack of memory on this machine, then judge again; no mark was changed",
        )

    def _ask(self, order: _Order) -> Verdict | GraderError:
        child = self._take(order.course)
        try:
            said = child.judge(order)
        except BaseException:
            with self._change:
                self._busy -= 1
                self._change.notify()
            raise
        with self._change:
            self._busy -= 1
            self._idle.append((order.course, child))
            self._change.notify()
        return Verdict.model_validate_json(said["verdict"]) if "verdict" in said else _error(said)

    def _take(self, course: _Course) -> _Child:
        """A process of this course: one that waits, else a new one, in place of another course's."""
        with self._change:
            while self._busy >= self._size:
                self._change.wait()
            self._busy += 1
            mine = next((each for each in self._idle if each[0] == course), None)
            if mine is not None:
                self._idle.remove(mine)
                return mine[1]
            gone = [self._idle.pop(0)[1]] if self._busy + len(self._idle) > self._size else []
        for child in gone:
            child.end()
        try:
            return _Child(course)
        except BaseException:
            with self._change:
                self._busy -= 1
                self._change.notify()
            raise


def _error(said: dict[str, Any]) -> GraderError:
    """The error that the process ran into, of its kind."""
    kind = getattr(errors, said["error"], None) if said["error"] in errors.__all__ else None
    if kind is RubricError and said["problems"]:
        return RubricError([str(each) for each in said["problems"]], where=said["where"], todo=said["todo"])
    parts = {name: said.get(name) for name in ("where", "expected", "found", "todo")}
    if isinstance(kind, type) and issubclass(kind, GraderError):
        with suppress(TypeError):
            return kind(str(said["what"]), **parts)
    return ServiceError(
        "this evidence could not be judged",
        found=str(said["what"]),
        todo="tell the maintainers; no mark was changed",
    )


_shared: JudgePool | None = None
_shared_lock = threading.Lock()


def shared_pool() -> JudgePool:
    """The pool of this program, for all of its threads; its processes end with the program."""
    global _shared
    with _shared_lock:
        if _shared is None:
            _shared = JudgePool()
            atexit.register(_shared.close)
        return _shared
