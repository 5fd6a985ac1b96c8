"""A worker whose notebooks take a fixed time; a program of its own, for tests and benchmarks.

Usage: fake_worker.py URL TOKEN SEATS SECONDS SOCKET

It needs of the grader what a worker's machine has, and nothing else. The SOCKET is its only way to the
server, so that it runs where there is no network. On SIGTERM it finishes what it has, and says as JSON when
each of its notebooks began and ended, in seconds since 1970.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import signal
import socket
import sys
import time

from grader.evidence.codec import Bundle
from grader.evidence.record import CellRecord, CellRun, Environment, Evidence, Outcome
from grader.sandbox.base import Job
from grader.sandbox.fake import FakeSandbox
from grader.worker.seats import About, Seats, Stop
from grader.worker.server import Server, Trust

#: Leases of servers in tests are short.
BEAT_S = 0.3
BEAT_LIKE_REAL_S = 10.0


def main(url: str, token: str, seats: str, seconds: str, path: str) -> None:
    stop, ran, lasts = Stop(), list[tuple[float, float]](), float(seconds)
    signal.signal(signal.SIGTERM, lambda *_: stop.press())

    def answer(job: Job) -> Bundle:
        began = time.time()
        time.sleep(lasts)
        ran.append((began, time.time()))
        return Bundle(evidence(job))

    beat_s = BEAT_LIKE_REAL_S if lasts >= 1 else BEAT_S
    about = About(socket.gethostname(), "fake", int(seats), 0)
    Seats(
        lambda: BySocket(url, token, path),
        FakeSandbox(answer),
        lambda: about,
        lambda _: None,
        stop,
        beat_s=beat_s,
    ).work()
    sys.stdout.write(json.dumps(ran))


def evidence(job: Job) -> Evidence:
    """As if every cell had run and printed nothing."""
    cells = [
        CellRecord(index=index, kind=cell["cell_type"], source="".join(cell["source"]))
        for index, cell in enumerate(json.loads(job.notebook)["cells"])
    ]
    return Evidence(
        notebook=hashlib.sha256(job.notebook).hexdigest(),
        plan=job.plan.digest,
        outcome=Outcome.COMPLETED,
        wall_time_s=1.0,
        cells_s=0.5,
        environment=Environment(sandbox="fake", isolation="fork", image="fake-image"),
        cells=tuple(each.model_copy(update={"run": CellRun(status="ok", duration_s=0.5)}) for each in cells),
    )


class BySocket(Server):
    """Its one way to the server is a socket in a folder, which leads on to there."""

    def __init__(self, url: str, token: str, path: str) -> None:
        super().__init__(url, token, Trust())
        self._path = path

    def _new(self) -> http.client.HTTPConnection:
        return _Connection(self._host, self._port or 80, self._path)


class _Connection(http.client.HTTPConnection):
    def __init__(self, host: str, port: int, path: str) -> None:
        super().__init__(host, port, timeout=60.0)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


if __name__ == "__main__":
    main(*sys.argv[1:])
