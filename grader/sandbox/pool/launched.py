"""A pool that is launched for as long as it is needed, by a process of its own, which says where it is."""

from __future__ import annotations

import json
import select
import subprocess
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from grader.errors import SandboxUnavailable, UsageError
from grader.sandbox.pool.options import Pool, require_scheduler
from grader.sandbox.pool.wall import environment, launcher_command, wall_trouble

__all__ = ["Launched"]

#: A scheduler may have to be placed by a queue first.
_START_S = 900.0
#: So long jobs of the pool may take to be taken back from whoever shares the machines out.
_STOP_S = 60.0
_LINE_BYTES = 4096


class Launched:
    """Keeps the launcher alive, and is asked where its scheduler is. Safe to share between threads.

    Args:
        pool: What to launch.
        hidden: What the launcher may not see.
        say: Told what it says, in one line each.
    """

    def __init__(
        self,
        pool: Pool,
        hidden: Collection[Path],
        say: Callable[[str], None],
        *,
        command: list[str] | None = None,
    ) -> None:
        if trouble := wall_trouble():
            # A scheduler may run in the launcher, and runs what any of its workers sends it.
            raise SandboxUnavailable(
                "a pool is launched from behind a wall only, and none can stand here",
                found=trouble,
                todo="install bubblewrap; or start scheduler and workers as another user, and use --dask",
            )
        self._pool = pool
        self._command = command or launcher_command(pool.tls, hidden)
        self._say = say
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._address = ""
        self._closed = False

    def scheduler(self) -> str:
        """Its address, launched if it is not there.

        Raises:
            SandboxUnavailable: It did not start.
        """
        with self._lock:
            if self._closed:
                raise SandboxUnavailable("the pool was closed")
            if self._process is not None and self._process.poll() is None:
                return self._address
            if self._process is not None:
                _end(self._process)
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                env=environment(),
                # Ctrl-C is for this process, which ends that one in its own time.
                start_new_session=True,
            )
            process = self._process
        try:
            assert process.stdin is not None
            process.stdin.write(self._pool.to_json() + b"\n")
            self._address = require_scheduler(_told(process))
        except (OSError, ValueError, UsageError) as error:
            _end(process)
            raise SandboxUnavailable(
                f"no pool could be launched by {self._pool.launch}",
                found=str(error),
                todo="its own words stand above; docs/workers.md says what each kind needs",
            ) from error
        self._say(f"a pool is launched by {self._pool.launch}, its scheduler is at {self._address}")
        return self._address

    def close(self) -> None:
        """Takes back what was launched. Safe to call twice."""
        with self._lock:
            self._closed = True
            process, self._process = self._process, None
        if process is not None:
            _end(process)


def _told(process: subprocess.Popen[bytes]) -> str:
    """The line in which it says where the scheduler is.

    Raises:
        ValueError: It ended, said something else, or nothing for too long.
    """
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], _START_S)
    if not ready:
        raise ValueError(f"it said nothing for {_START_S:.0f} s")
    line = process.stdout.read(_LINE_BYTES) or b""
    if not line:
        raise ValueError("it ended")
    told = json.loads(line)
    return str(told["scheduler"]) if isinstance(told, dict) and "scheduler" in told else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None and process.stdout is not None
    with suppress(OSError):
        process.stdin.close()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
