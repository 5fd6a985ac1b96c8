"""What a sandbox has started, so that closing it reaches all of it: warm, at work, or still starting."""

from __future__ import annotations

import threading
from contextlib import suppress
from weakref import WeakSet

from grader.errors import GraderError, SandboxUnavailable
from grader.sandbox.base import Box

__all__ = ["Boxes"]


class Boxes:
    """Used by several threads. Boxes that nobody holds any more drop out by themselves."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._boxes: WeakSet[Box] = WeakSet()
        self._closed = False

    @property
    def closed(self) -> bool:
        return self._closed

    def add(self, box: Box) -> None:
        """Takes in a box that has just been started.

        Raises:
            SandboxUnavailable: Everything is being closed; the box is gone again.
        """
        with self._lock:
            if not self._closed:
                self._boxes.add(box)
                return
        box.remove()
        self.require_open()

    def require_open(self) -> None:
        """Raises SandboxUnavailable where nothing may be started or used any more."""
        if self._closed:
            raise SandboxUnavailable("the run was broken off", todo="run again to go on")

    def close(self) -> None:
        """Lets nothing be started any more and ends all that is there; who uses it sees it end."""
        with self._lock:
            self._closed = True
            boxes = list(self._boxes)
        for box in boxes:
            with suppress(GraderError, OSError):
                box.kill()
