"""What ran while a function was called, seen below Python and in every thread.

A mode on torch's functions sees what Python code calls in its own thread, until that code switches it off.
Here torch's own profiler tells which operators ran, and Python's which functions of NumPy and the like.
"""

from __future__ import annotations

import os
import sys
import threading
from types import FrameType
from typing import Any

from torch._C._profiler import _ExperimentalConfig
from torch.autograd import profiler

__all__ = ["Watched"]

#: More than this many operators are not looked through: a function that needs so many loops.
_MOST_EVENTS = 200_000
_MOST_NAMES = 2000
_LONGEST = 120
_LIBRARIES = frozenset({"cv2", "numpy", "scipy", "skimage"})
_OURS = "grader: the call"
_TORCHS_OWN = "aten::"
_FUNCTION = 0

_SET_PROFILE, _GET_PROFILE = sys.setprofile, sys.getprofile
_RECORD = profiler.record_function
_PROFILE = profiler.profile


class Watched:
    """Watches while its block runs.

    Attributes:
        operators: Torch operators that code of this thread called, as ``conv2d``; those that an operator
            calls in its turn are left out. None where they could not be seen.
        elsewhere: The same for all other threads.
        library: Functions of array libraries that were called from outside of these, by dotted name.
        cut: There was more than is kept.
    """

    def __init__(self) -> None:
        self.operators: set[str] | None = None
        self.elsewhere: set[str] = set()
        self.library: set[str] = set()
        self.cut = False
        self._profile: Any = None
        self._mark: Any = None
        self._before: Any = None

    def __enter__(self) -> Watched:
        # Its library reports each start and stop on the kernel's standard error otherwise.
        os.environ.setdefault("KINETO_LOG_LEVEL", "99")
        try:
            every_thread = _ExperimentalConfig(profile_all_threads=True)
            self._profile = _PROFILE(use_kineto=True, experimental_config=every_thread)
            self._profile.__enter__()
            self._mark = _RECORD(_OURS)
            self._mark.__enter__()
        except (RuntimeError, TypeError, AttributeError):
            self._profile = None  # another version's profiler: nothing is known then
        self._before = _GET_PROFILE()
        threading.setprofile(self._called)
        _SET_PROFILE(self._called)
        return self

    def __exit__(self, *exception: Any) -> None:
        _SET_PROFILE(self._before)
        threading.setprofile(None)
        if self._profile is None:
            return
        self._mark.__exit__(None, None, None)
        self._profile.__exit__(None, None, None)
        self._sort(self._profile.kineto_results.events())

    def _called(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            module = str(frame.f_globals.get("__name__", ""))
            caller = frame.f_back
            name = frame.f_code.co_name
        elif event == "c_call":
            module = str(getattr(argument, "__module__", None) or "")
            caller = frame
            name = str(getattr(argument, "__name__", ""))
        else:
            return
        outside = caller is None or _root(str(caller.f_globals.get("__name__", ""))) not in _LIBRARIES
        if outside and _root(module) in _LIBRARIES:
            self._keep(self.library, f"{module}.{name}")

    def _sort(self, events: list[Any]) -> None:
        """Operators by the thread that called them, those within another of torch's own left out."""
        self.operators = set()
        self.cut = self.cut or len(events) > _MOST_EVENTS
        found = [event for event in events[:_MOST_EVENTS] if _is_operator(event) or event.name() == _OURS]
        found.sort(key=lambda event: (event.start_thread_id(), event.start_ns(), -event.duration_ns()))
        here = next((event.start_thread_id() for event in found if event.name() == _OURS), None)
        thread, end = None, 0
        for event in found:
            if event.name() == _OURS:
                continue
            if event.start_thread_id() != thread:
                thread, end = event.start_thread_id(), 0
            if event.start_ns() < end:
                continue
            namespace, _, name = event.name().rpartition("::")
            if f"{namespace}::" == _TORCHS_OWN:
                end = event.start_ns() + event.duration_ns()
            self._keep(self.operators if thread == here else self.elsewhere, name)

    def _keep(self, names: set[str], name: str) -> None:
        if len(names) < _MOST_NAMES and len(name) <= _LONGEST:
            names.add(name)
        else:
            self.cut = self.cut or name not in names


def _is_operator(event: Any) -> bool:
    """Whether torch ran it; what code of the notebook names for a profiler is none."""
    return "::" in event.name() and event.scope() == _FUNCTION


def _root(module: str) -> str:
    return module.partition(".")[0]
