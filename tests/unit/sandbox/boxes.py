"""Boxes without an engine, for tests of what opens and closes them."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import numpy as np

from grader.evidence.frames import Cleaned, Finish, Frame, Job, Opened, Ran, Ready
from grader.evidence.plan import Limits
from grader.evidence.record import Environment, Outcome
from grader.sandbox.frames import StreamEnded


class PlayedStream:
    """Plays a driver that runs empty notebooks; `hang` keeps the answer to a job until it is closed."""

    def __init__(self, *, hang: bool = False) -> None:
        self.received_bytes = 0
        self.jobs = 0
        self._hang = hang
        self._answers: list[Frame] = []
        self._ended = threading.Event()
        self.waited_for = threading.Event()

    def send(self, frame: Frame, arrays: Sequence[np.ndarray] = ()) -> None:
        self.jobs += isinstance(frame, Job)
        if isinstance(frame, Job) and not self._hang:
            end = Ran(outcome=Outcome.COMPLETED, cells=(), cells_s=0.0, kernel_alive=True)
            self._answers += [Opened(cells=()), end]
        elif isinstance(frame, Finish):
            self._answers.append(Cleaned())

    def receive(self, deadline: float) -> tuple[Frame, list[np.ndarray]]:
        if not self._answers:
            self.waited_for.set()
            self._ended.wait(max(0.0, deadline - time.monotonic()))
            raise StreamEnded("ended")
        return self._answers.pop(0), []

    def log(self) -> str:
        return ""

    def close(self) -> None:
        self._ended.set()


class PlayedBox:
    """A box around a played driver.

    Attributes:
        ended: Whether it was killed or removed.
    """

    def __init__(self, limits: Limits, *, hang: bool = False) -> None:
        self.name = "played"
        self.limits = limits
        self.environment = Environment()
        self.expires = time.monotonic() + 3 * 3600
        self.stream = PlayedStream(hang=hang)
        self.ended = False

    def wait_until_ready(self) -> Ready:
        """As a container does, but for ever."""
        self.stream.receive(time.monotonic() + 60)
        raise AssertionError("unreachable")

    def fault(self) -> str:
        return ""

    def memory_ran_out(self) -> bool:
        return False

    def kill(self) -> None:
        self.ended = True
        self.stream.close()

    def remove(self) -> None:
        self.kill()
