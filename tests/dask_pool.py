"""A Dask pool on this machine for tests: a scheduler and workers, each a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.pool_host import LOADED

__all__ = ["LONG_S", "DaskPool", "until"]

ROOT = Path(__file__).parents[1]
LONG_S = 300.0


def until(has_come: Callable[[], bool]) -> None:
    for _ in range(round(LONG_S / 0.05)):
        if has_come():
            return
        time.sleep(0.05)
    pytest.fail("it did not come")


class DaskPool:
    """Give `close` its processes back.

    Args:
        folder: For its files.
        workers: How many.
        preload: What each worker imports first; None lets them run notebooks as they are.
        tls: Options of Dask's commands for certificates.
        protocol: ``tcp`` or ``tls``.
    """

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 2,
        preload: str | None = "tests.pool_host",
        tls: Sequence[str] = (),
        protocol: str = "tcp",
    ) -> None:
        self.folder = folder
        self.loaded = folder / "loaded.txt"
        self._preload, self._tls = preload, tls
        (folder / "held").mkdir()
        told = folder / "scheduler.json"
        self.scheduler = self._start(
            *("scheduler", "--host", "127.0.0.1", "--port", "0", "--protocol", protocol),
            *("--scheduler-file", str(told), "--dashboard-address", "127.0.0.1:0", *tls),
        )  # fmt: skip
        self.workers: list[subprocess.Popen[bytes]] = []
        until(lambda: (told.exists() and bool(told.read_text().strip())) or self.scheduler.poll() is not None)
        assert self.scheduler.poll() is None, self.log()
        self.address = str(json.loads(told.read_text())["address"])
        for _ in range(workers):
            self.add_worker()

    def add_worker(self, resources: str = "GPU=1") -> subprocess.Popen[bytes]:
        """Without a nanny, so that its process is the one that is killed."""
        preload = () if self._preload is None else ("--preload", self._preload)
        self.workers.append(
            self._start(
                *("worker", self.address, "--nthreads", "1", "--resources", resources, "--no-nanny"),
                *("--no-dashboard", "--name", f"w{len(self.workers)}", "--local-directory", str(self.folder)),
                *(*preload, *self._tls),
            )
        )  # fmt: skip
        return self.workers[-1]

    def kill(self, pid: int) -> None:
        """Kills one of the workers, as a machine that lost its power."""
        assert pid in {each.pid for each in self.workers}
        os.kill(pid, signal.SIGKILL)

    def who_loaded(self) -> str:
        """What processes loaded a pickle that runs something."""
        return self.loaded.read_text() if self.loaded.exists() else ""

    def log(self) -> str:
        return "\n".join(each.read_text()[-2000:] for each in sorted(self.folder.glob("*.log")))

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        log = (self.folder / f"{words[0]}-{time.monotonic_ns()}.log").open("wb")
        with log:
            return subprocess.Popen(
                [str(Path(sys.executable).with_name("dask")), *words],
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": str(ROOT), LOADED: str(self.loaded)},
                stdout=log,
                stderr=log,
            )
