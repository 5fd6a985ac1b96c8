"""What goes wrong around a real sandbox: no points are lost, nothing counts twice, no container is left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
from docker.utils import parse_host

from grader.sandbox.reaper import remove_orphans
from grader.store import open_store
from grader.store.models import AttemptRow
from tests import course, graded_once

from .proxy import EngineProxy

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

    def end(self, timeout_s: float = 300) -> int:
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
    with open_store(str(lab / "grader.db")) as store, store.database.reading() as session:
        return [row.outcome for row in session.query(AttemptRow)]


def check_that_each_is_graded_once(lab: Path) -> None:
    with open_store(str(lab / "grader.db")) as store:
        graded_once.check(store, lab / "submissions", lab / "mini.yaml", measured=True)


def test_ctrl_c_twice_ends_a_running_submission_at_once(
    lab: Path, start: Start, engine: docker.DockerClient
) -> None:
    course.hand_in(lab / "submissions", "s1", SLEEPS.format(3600))
    run = start()
    run.wait_for("CellRunning")
    run.press_ctrl_c()
    run.wait_for("Stopping")
    run.press_ctrl_c()
    assert run.end(timeout_s=600) == 0, run.heard  # Long before the cell would have ended.
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


def test_a_container_killed_from_outside_costs_a_try_and_no_points(
    lab: Path, start: Start, engine: docker.DockerClient
) -> None:
    course.hand_in(lab / "submissions", "s1", SLEEPS.format(3))
    run = start()
    run.wait_for("CellRunning")
    (name,) = run.containers(engine)
    engine.containers.get(name).kill()
    run.wait_for("Retrying")
    assert run.end() == 0, run.heard
    check_that_each_is_graded_once(lab)
    assert run.containers(engine) == []


def test_a_run_killed_with_a_container_at_work_is_completed_by_the_next_which_removes_it(
    lab: Path, start: Start, engine: docker.DockerClient
) -> None:
    course.hand_in(lab / "submissions", "s1", SLEEPS.format(2))
    killed = start("docker", "CellRunning")
    assert killed.end() == -signal.SIGKILL, killed.heard
    assert len(killed.containers(engine)) == 1
    run = start()
    assert run.end() == 0, run.heard
    check_that_each_is_graded_once(lab)
    assert killed.containers(engine) == run.containers(engine) == []


def test_an_engine_restarted_in_mid_run_costs_a_try_and_no_points(
    lab: Path, start: Start, engine: docker.DockerClient, tmp_path: Path
) -> None:
    path = parse_host(os.environ.get("DOCKER_HOST")).removeprefix("http+unix://")
    if not path.startswith("/"):
        pytest.skip("the engine is not on this machine")
    course.hand_in(lab / "submissions", "s1", SLEEPS.format(3))
    course.hand_in(lab / "submissions", "s2", course.GOOD)
    proxy = EngineProxy(tmp_path / "engine.sock", path)
    run = start(DOCKER_HOST=proxy.address)
    run.wait_for("CellRunning")
    proxy.stop()
    time.sleep(2.5)  # Longer than three tries would last.
    proxy.start()
    run.wait_for("Retrying")
    assert run.end() == 0, run.heard
    proxy.stop()
    check_that_each_is_graded_once(lab)
    # What could not be removed while the engine was away goes when the next run begins.
    remove_orphans(engine)
    assert run.containers(engine) == []
