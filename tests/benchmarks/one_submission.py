"""Where the time of one submission goes: from when it is taken from the queue to when the next one is.

The notebooks are graded as `grader run` does; what passes between its parts is noted by the clock on the way.
What is recorded while the next notebook runs is told apart.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from grader.sandbox.frames import FrameStream
from grader.workflows.running.execution import JobWorker
from grader.workflows.running.recording import Recording
from tests.benchmarks.contenders import ours

__all__ = ["BESIDE", "CELLS", "where_time_goes"]

#: What ends with each phase, in their order: a frame sent or received, or a call that begins or ends.
_ENDS = {
    "taken from the queue": "execute begins",
    "file read, clean copy made": "sent job",
    "notebook read again inside": "received opened",
    "kernel waited for and set up": "received cell_started",
    "the cells, recording included": "received ran",
    "processes killed, files wiped, looked for": "received cleaned",
    "evidence put together, the one before waited for": "execute ends",
}
#: What is done meanwhile for the notebook before, by the moments that it lies between.
BESIDE = {
    "evidence stored, judged": ("judge begins", "judge ends"),
    "written to the history": ("judge ends", "write ends"),
}
#: Of the cells' phase, what passed in the student's own code.
CELLS = "the student's code"


@dataclass
class _Notes:
    """Moments by name, in the order in which they came."""

    moments: list[tuple[str, float]] = field(default_factory=list)

    def note(self, name: str) -> None:
        self.moments.append((name, time.perf_counter()))

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any, **kwargs: Any) -> Any:
            self.note(f"{name} begins")
            try:
                return call(*args, **kwargs)
            finally:
                self.note(f"{name} ends")

        return noted


@contextmanager
def _watched(notes: _Notes) -> Iterator[None]:
    send, receive = FrameStream.send, FrameStream.receive

    def sent(stream: FrameStream, frame: Any, *args: Any) -> None:
        notes.note(f"sent {frame.type}")
        send(stream, frame, *args)

    def received(stream: FrameStream, deadline: float) -> Any:
        frame, arrays = receive(stream, deadline)
        notes.note(f"received {frame.type}")
        return frame, arrays

    with ExitStack() as patches:
        patches.enter_context(patch.object(FrameStream, "send", sent))
        patches.enter_context(patch.object(FrameStream, "receive", received))
        for owner, name in ((JobWorker, "execute"), (Recording, "judge"), (Recording, "write")):
            patches.enter_context(patch.object(owner, name, notes.around(name, getattr(owner, name))))
        yield


def where_time_goes(notebooks: Sequence[bytes], folder: Path) -> dict[str, float]:
    """Seconds of each phase, the median over all but the first of the notebooks."""
    notes = _Notes()
    with _watched(notes):
        told = ours(notebooks, folder)
    begun = [at for at, (name, _) in enumerate(notes.moments) if name == "execute begins"]
    jobs = [
        [("former ends", _end_before(notes.moments, a)), *notes.moments[a:b]]
        for a, b in zip(begun[1:], [*begun[2:], len(notes.moments)], strict=True)
    ]
    each = [dict(_phases(job)) for job in jobs]
    medians = {name: statistics.median(phases[name] for phases in each) for name in _ENDS}
    return {**medians, **dict(_beside(notes.moments)), CELLS: told.cells_s}


def _end_before(moments: list[tuple[str, float]], at: int) -> float:
    return next(when for name, when in reversed(moments[:at]) if name == "execute ends")


def _phases(job: list[tuple[str, float]]) -> Iterator[tuple[str, float]]:
    """From the end of the job before, which is its first moment."""
    before = job[0][1]
    for phase, end in _ENDS.items():
        moment = next(when for name, when in job if name == end and when >= before)
        yield phase, moment - before
        before = moment


def _beside(moments: list[tuple[str, float]]) -> Iterator[tuple[str, float]]:
    for phase, (begin, end) in BESIDE.items():
        begins, ends = ([when for name, when in moments if name == each] for each in (begin, end))
        yield phase, statistics.median(b - a for a, b in zip(begins[1:], ends[1:], strict=True))
