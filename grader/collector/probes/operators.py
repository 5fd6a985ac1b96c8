"""What ran while a function was called, seen below Python and in every thread.

A mode on torch's functions sees what Python code calls in its own thread, until that code switches it off.
Here torch's own profiler tells which operators ran, and Python's which functions of NumPy and the like.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import threading
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from torch._C._profiler import _ExperimentalConfig
from torch.autograd import profiler

__all__ = ["Watched"]

#: More than this many operators are not looked through: a function that needs so many loops.
_MOST_EVENTS = 200_000
_MOST_NAMES = 2000
_LONGEST = 120
_LIBRARIES = frozenset({"cv2", "numpy", "scipy", "skimage"})
#: What has work done where it is not seen: by a thread that was there before, or another process.
_ELSEWHERE = frozenset({
    "_multiprocessing", "_posixsubprocess", "_queue", "_socket", "_thread", "asyncio", "concurrent", "joblib",
    "loky", "multiprocess", "multiprocessing", "queue", "socket", "subprocess", "threading",
})  # fmt: skip
_STARTS = ("exec", "fork", "popen", "posix_spawn", "spawn", "system")
_FOLDERS = (
    *(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    Path(__file__).parents[2],
)
_INSTALLED = (*map(str, _FOLDERS), *(str(folder.resolve()) for folder in _FOLDERS), "<frozen")
_A_THREAD = "threading.Thread.run"
_OURS = "grader: the call"
_TORCHS_OWN = "aten::"
_FUNCTION = 0

_SET_PROFILE, _GET_PROFILE = sys.setprofile, sys.getprofile
_FRAMES, _THREAD = sys._current_frames, threading.get_ident
_RECORD = profiler.record_function
_PROFILE = profiler.profile


class Watched:
    """Watches while its block runs.

    Attributes:
        operators: Torch operators that code of this thread called, as ``conv2d``; those that an operator
            calls in its turn are left out. None where they could not be seen.
        elsewhere: The same for all other threads.
        library: Functions of array libraries that were called from outside of these, by dotted name; and what
            the notebook's code called that has work done elsewhere, or switches the look off.
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
        if _others_at_work():
            self._keep(self.library, _A_THREAD)
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
            holder = type(getattr(argument, "__self__", None)).__module__
            module = str(getattr(argument, "__module__", None) or holder)
            caller = frame
            name = str(getattr(argument, "__name__", ""))
        else:
            return
        outside = caller is None or _root(str(caller.f_globals.get("__name__", ""))) not in _LIBRARIES
        handed_on = _is_elsewhere(module, name) and caller is not None and _is_notebooks(caller.f_code)
        if handed_on or (outside and _root(module) in _LIBRARIES):
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


def _is_elsewhere(module: str, name: str) -> bool:
    """Whether a function has work done where it is not seen, or switches off what sees it."""
    if _root(module) in ("os", "posix"):
        return name.startswith(_STARTS)
    return _root(module) in _ELSEWHERE or (module == "sys" and name == "setprofile")


def _is_notebooks(code: CodeType) -> bool:
    """Whether it is neither of Python or a package, nor ours."""
    return not code.co_filename.startswith(_INSTALLED)


def _others_at_work() -> bool:
    """Whether code of the notebook runs in another thread already: Python's look does not reach there."""
    for thread, top in _FRAMES().items():
        frame: FrameType | None = None if thread == _THREAD() else top
        while frame is not None:
            if _is_notebooks(frame.f_code):
                return True
            frame = frame.f_back
    return False


def _is_operator(event: Any) -> bool:
    """Whether torch ran it; what code of the notebook names for a profiler is none."""
    return "::" in event.name() and event.scope() == _FUNCTION


def _root(module: str) -> str:
    return module.partition(".")[0]
