"""Which cell runs now, and which line of it led to the code that runs now."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from inspect import CO_NEWLOCALS
from types import CodeType, FrameType, TracebackType
from typing import Any, NamedTuple

__all__ = ["Cells", "Place"]

#: IPython compiles the body of `%%time` under this name, without the magic's own line.
_TIMED = "<timed exec>"
_MAX_FRAMES = 2000
_OURS = "grader.collector."


class Place(NamedTuple):
    """Cell counted over all cells of the file, line of that cell from 1."""

    cell: int | None
    line: int | None


class Cells:
    """Keeps the running cell and the file names that IPython compiled each cell under.

    Args:
        namespace: The student's globals; frames that run in it belong to the notebook.
    """

    def __init__(self, namespace: dict[str, Any]) -> None:
        self.namespace = namespace
        self.current: int | None = None
        self._by_filename: dict[str, int] = {}
        self._blank: dict[str, int] = {}
        self._blank_now = 0

    def begin(self, index: int) -> None:
        self.current = index

    def compiled(self, filename: str, source: str) -> None:
        """Notes that the running cell's code has this file name; IPython drops its leading blank lines."""
        if self.current is not None:
            self._by_filename[filename] = self.current
            self._blank_now = _leading_blank_lines(source)
            self._blank[filename] = self._blank_now

    def of_code(self, code: CodeType) -> int | None:
        """The cell that a function or class body was written in."""
        return self._by_filename.get(code.co_filename)

    def frames(self) -> Iterator[FrameType]:
        """Frames from here outwards, the collector's own left out, ending with the running cell's."""
        frame: FrameType | None = sys._getframe(1)
        for _ in range(_MAX_FRAMES):
            if frame is None:
                return
            if not str(frame.f_globals.get("__name__", "")).startswith(_OURS):
                yield frame
            if self._is_top_level(frame):
                return
            frame = frame.f_back

    def place(self) -> Place:
        """The line of the running cell from which the present call came."""
        for frame in self.frames():
            if self._is_top_level(frame):
                return Place(self.current, self._line(frame.f_code, frame.f_lineno))
        return Place(self.current, None)

    def callers(self) -> list[FrameType]:
        """Frames of the notebook's functions that led to the present call, outermost first."""
        found = [
            frame
            for frame in self.frames()
            if frame.f_globals is self.namespace and not self._is_top_level(frame)
        ]
        return found[::-1]

    def line_of(self, traceback: TracebackType | None) -> int | None:
        """The innermost line of notebook code in a traceback, from 1."""
        line = None
        while traceback is not None:
            if traceback.tb_frame.f_globals is self.namespace:
                line = self._line(traceback.tb_frame.f_code, traceback.tb_lineno)
            traceback = traceback.tb_next
        return line

    def _line(self, code: CodeType, line: int) -> int:
        """The line as the student counts it."""
        if code.co_filename == _TIMED:
            return line + 1 + self._blank_now
        return line + self._blank.get(code.co_filename, 0)

    def _is_top_level(self, frame: FrameType) -> bool:
        return (
            frame.f_globals is self.namespace
            and not frame.f_code.co_flags & CO_NEWLOCALS
            and frame.f_locals is self.namespace
        )


def _leading_blank_lines(source: str) -> int:
    lines = source.splitlines()
    return next((number for number, line in enumerate(lines) if line.strip()), 0)
