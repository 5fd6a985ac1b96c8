"""Keeps the process with a server's seats alive, and lets it finish what it runs when the server stops."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType

from grader.workflows.serving.child import Task

__all__ = ["Supervisor"]

_COMMAND = (sys.executable, "-m", "grader.workflows.serving.child")
#: Between the end of one process and the start of the next: doubled each time, in seconds.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
#: Who lived so long is begun anew at once.
_SETTLED_S = 60.0
#: So long what runs may take when the server stops; then it is broken off, and runs again later.
_DRAIN_S = 60.0
_BREAK_OFF_S = 20.0


class Supervisor:
    """Use as a context manager: seats work inside it.

    Args:
        task: For the process.
        say: Told of each death, in one line.
        command: What is started.
        first_pause_s: Before the first restart.
        drain_s: How long what runs may take when the server stops.
    """

    def __init__(
        self,
        task: Task,
        say: Callable[[str], None],
        *,
        command: Sequence[str] = _COMMAND,
        first_pause_s: float = _FIRST_PAUSE_S,
        drain_s: float = _DRAIN_S,
    ) -> None:
        self._task = task
        self._say = say
        self._command = command
        self._first_pause_s = first_pause_s
        self._drain_s = drain_s
        self._stopping = threading.Event()
        self._change = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep_alive, name="workers", daemon=True)

    @property
    def pid(self) -> int | None:
        """Of the process that is alive; None between two."""
        with self._change:
            process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def __enter__(self) -> Supervisor:
        self._thread.start()
        return self

    def __exit__(self, _: type[BaseException] | None, __: object, ___: TracebackType | None) -> None:
        """Waits for what runs; a Ctrl-C meanwhile breaks it off, and it runs again later."""
        with self._change:
            self._stopping.set()
            process = self._process
        if process is not None:
            self._drain(process)
        self._thread.join()

    def _drain(self, process: subprocess.Popen[bytes]) -> None:
        _close(process)
        try:
            process.wait(self._drain_s)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
                process.wait(_BREAK_OFF_S)
            process.kill()

    def _keep_alive(self) -> None:
        pause_s = self._first_pause_s
        while not self._stopping.is_set():
            process = self._begin()
            if process is None:
                return
            try:
                process.wait(_SETTLED_S)
            except subprocess.TimeoutExpired:
                pause_s = self._first_pause_s
            code = process.wait()
            _close(process)
            if self._stopping.is_set():
                return
            self._say(f"the process of the workers ended ({_how(code)}); another begins in {pause_s:.0f} s")
            self._stopping.wait(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _begin(self) -> subprocess.Popen[bytes] | None:
        """Starts the process; None where the server is just stopping."""
        with self._change:
            if self._stopping.is_set():
                return None
            process = self._process = subprocess.Popen(  # noqa: S603, our own interpreter and module
                self._command,
                stdin=subprocess.PIPE,
                # Ctrl-C is for the server, which lets this finish what it runs.
                start_new_session=True,
            )
        assert process.stdin is not None
        with suppress(OSError):
            process.stdin.write(self._task.line())
            process.stdin.flush()
        return process


def _close(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    with suppress(OSError):
        process.stdin.close()


def _how(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
