"""A server, workers and the wire between them, which tests may kill, cut and start again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import grader
from grader.intake import Submission
from grader.rubric.plan import plan_for
from grader.store import ANYWHERE, Ask, JobKey, Signature, Store
from grader.store.records import SubmissionRecord
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.running.planning import read_file
from tests import course

__all__ = [
    "WORKERS_PARTS",
    "DeskProcess",
    "Wire",
    "WorkerProcess",
    "fill",
    "free_port",
    "no_network",
    "only_of_worker",
]

#: All that a worker's machine has of the grader.
WORKERS_PARTS = ("evidence", "sandbox", "collector", "worker")
_HERE = Path(__file__).parent / "functional"
_LONG_S = 120.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def no_network() -> Sequence[str]:
    """What a command is begun with so that it has no network; empty where that is not allowed."""
    command = ("unshare", "-rn")
    with suppress(OSError):
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
            return command
    return ()


def only_of_worker(folder: Path) -> Path:
    """Copies what a worker's machine has of the grader into a folder, and the program of `WorkerProcess`."""
    package = Path(grader.__file__).parent
    (folder / "grader").mkdir(parents=True)
    for name in ("__init__.py", "errors.py"):
        shutil.copy(package / name, folder / "grader" / name)
    for name in WORKERS_PARTS:
        shutil.copytree(package / name, folder / "grader" / name)
    shutil.copy(_HERE / "fake_worker.py", folder)
    return folder


class DeskProcess:
    """The server, at one port for as long as the test lasts."""

    def __init__(self, location: str, folder: Path, *, lease_s: float = 30.0) -> None:
        self.port = free_port()
        self._command = [
            sys.executable, str(_HERE / "desk_process.py"),
            location, str(folder), str(self.port), str(lease_s),
        ]  # fmt: skip
        self._log = folder / "desk.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns once it answers."""
        environment = {**os.environ, "PYTHONPATH": str(Path(grader.__file__).parents[1])}
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, env=environment
            )
        assert self.process.stdout is not None
        if self.process.stdout.readline() != b"ready\n":
            self.kill()
            raise RuntimeError(f"the server does not start: {self._log}")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()

    def judges(self) -> list[int]:
        """The processes that judge for it."""
        assert self.process is not None
        try:
            children = Path(f"/proc/{self.process.pid}/task").glob("*/children")
            return [int(pid) for file in children for pid in file.read_text().split()]
        except OSError:
            return []

    def cpu_s(self) -> tuple[float, float]:
        """CPU time of the server so far, and of those that judge for it, in seconds."""
        assert self.process is not None
        return _cpu_s(self.process.pid), sum(map(_cpu_s, self.judges()))

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
        self.kill()


def _cpu_s(pid: int) -> float:
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


class WorkerProcess:
    """`fake_worker.py`, with what a worker's machine has, and with no network but its wire."""

    def __init__(self, machine: Path, wire: Wire, token: str, *, seats: int, seconds: float) -> None:
        self._command = [
            *no_network(), sys.executable, "-P", str(machine / "fake_worker.py"),
            f"http://127.0.0.1:{wire.port}", token, str(seats), str(seconds), str(wire.path),
        ]  # fmt: skip
        self._environment = {"PYTHONPATH": str(machine), "PATH": os.environ["PATH"]}
        self._machine = machine
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self._machine / "worker.log").open("ab") as log:
            self.process = subprocess.Popen(
                self._command,
                stdout=subprocess.PIPE,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=self._environment,
                cwd=self._machine,
            )

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.communicate()

    def stop(self) -> list[tuple[float, float]]:
        """Lets it finish what it has; gives when each of its notebooks began and ended."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        said, _ = self.process.communicate(timeout=_LONG_S)
        assert self.process.returncode == 0, (self._machine / "worker.log").read_text()[-2000:]
        return [(began, ended) for began, ended in json.loads(said)]


class Wire:
    """A socket in a folder that leads to the server's port, and can be cut.

    Attributes:
        path: Of the socket.
        port: The server's.
    """

    def __init__(self, port: int) -> None:
        self._folder = tempfile.mkdtemp(prefix="wire-", dir="/tmp")
        self.path = Path(self._folder, "s")
        self.port = port
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._is_cut = False
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self.path))
        self._listening.listen(256)
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, seconds: float) -> None:
        """Breaks off all that is under way, mid-word, and lets nothing through for so long."""
        with self._lock:
            self._is_cut = True
            cut, self._open = self._open, set()
        for each in cut:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        time.sleep(seconds)
        self._is_cut = False

    def close(self) -> None:
        self._listening.close()
        self.cut(0.0)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._lead, args=(client,), daemon=True).start()

    def _lead(self, client: socket.socket) -> None:
        with client:
            try:
                server = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                return
            with server:
                with self._lock:
                    if self._is_cut:
                        return
                    self._open |= {client, server}
                back = threading.Thread(target=_pass_on, args=(server, client), daemon=True)
                back.start()
                _pass_on(client, server)
                back.join()
                with self._lock:
                    self._open -= {client, server}


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


def fill(store: Store, folder: Path, count: int) -> None:
    """Queues a notebook of each of so many students, as hand-ins would."""
    rubric = load_rubric_file(course.write_rubric(folder / "rubrics"))
    plan = store.blobs.put(plan_for(rubric.rubric).model_dump_json().encode())
    asks: list[Ask] = []
    for number in range(count):
        content = course.notebook(course.GOOD, f"x = {number}")
        student = f"s{number:05d}"
        read = read_file(Submission(student, Path("lab.ipynb"), lambda raw=content: raw))  # type: ignore[misc]
        asks.append(Ask(JobKey(student, rubric.assignment, store.blobs.put(read.raw), plan, ANYWHERE)))
    with store.writing() as history:
        for ask in asks:
            told: dict[str, Any] = {"path": "lab.ipynb", "submitted_at": None, "late": False, "problem": ""}
            record = SubmissionRecord(
                student=ask.key.student, assignment=ask.key.assignment, notebook=ask.key.notebook, **told
            )
            history.hand_in(record, Signature(ask.key.student, store.clock(), "handed in"))
        history.queue(asks, store.clock())
