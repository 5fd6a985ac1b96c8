"""What goes wrong around a real sandbox: Ctrl-C, kill -9. No points are lost, no container is left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

from grader.store import open_store
from grader.store.models import AttemptRow
from tests import course

pytestmark = pytest.mark.docker

PROGRAM = Path(__file__).with_name("sandboxed_run.py")
ROOT = PROGRAM.parents[2]
SLEEPS = "import time\nprint('asleep')\ntime.sleep({})"


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    course.write_rubric(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def engine() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


class Run:
    """A started run, in a process group of its own as a shell gives it."""

    def __init__(self, lab: Path, sandbox: str = "docker", die_at: str = "", **environment: str) -> None:
        arguments = [lab / "submissions", lab / "mini.yaml", lab / "grader.db", sandbox, die_at]
        self._process = subprocess.Popen(
            [sys.executable, PROGRAM, *arguments],
            env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.heard: list[str] = []
        self.pid = self._process.pid

    def wait_for(self, event: str) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.heard.append(line.strip())
            if line.strip() == event:
                return
        pytest.fail(f"{event} was never heard: {self.heard}")

    def press_ctrl_c(self) -> None:
        os.killpg(self.pid, signal.SIGINT)

    def end(self, timeout_s: float = 60) -> int:
        heard, _ = self._process.communicate(timeout=timeout_s)
        self.heard += heard.splitlines()
        return self._process.returncode

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def containers(self, engine: docker.DockerClient) -> list[str]:
        label = f"grader.run=test-{self.pid}"
        return [each.name for each in engine.containers.list(all=True, filters={"label": label})]


Start = Callable[..., Run]


@pytest.fixture
def start(lab: Path) -> Iterator[Start]:
    """Starts runs that do not outlive their test."""
    runs: list[Run] = []

    def begin(*arguments: str, **environment: str) -> Run:
        runs.append(Run(lab, *arguments, **environment))
        return runs[-1]

    yield begin
    for run in runs:
        run.kill()


def outcomes(lab: Path) -> list[str]:
    with open_store(str(lab / "grader.db")) as store, store.reading() as session:
        return [row.outcome for row in session.query(AttemptRow)]


def test_ctrl_c_twice_ends_a_running_submission_at_once(
    lab: Path, start: Start, engine: docker.DockerClient
) -> None:
    course.hand_in(lab / "submissions", "s1", SLEEPS.format(300))
    run = start()
    run.wait_for("CellRunning")
    run.press_ctrl_c()
    run.wait_for("Stopping")
    run.press_ctrl_c()
    assert run.end(timeout_s=20) == 0, run.heard
    assert outcomes(lab) == []
    assert run.containers(engine) == []


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_ctrl_c_once_lets_a_submission_in_bubblewrap_finish(lab: Path, start: Start) -> None:
    course.hand_in(lab / "submissions", "s1", SLEEPS.format(2))
    course.hand_in(lab / "submissions", "s2", course.GOOD)
    run = start("bubblewrap")
    run.wait_for("CellRunning")
    run.press_ctrl_c()
    assert run.end() == 0, run.heard
    assert outcomes(lab) == ["COMPLETED"], run.heard
    assert "Retrying" not in run.heard
