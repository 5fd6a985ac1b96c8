"""What is bubblewrap's own: one uid, a world within a world, this machine's Python, no engine."""

from __future__ import annotations

import gc
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.errors import SandboxUnavailable
from grader.evidence.codec import Bundle
from grader.evidence.plan import Limits
from grader.evidence.record import Outcome
from grader.sandbox.base import Worker
from grader.sandbox.bubblewrap import BubbleSpec, bubblewrap_command
from grader.sandbox.select import choose_sandbox

from .conftest import MIB

Run = Callable[..., Bundle]


def printed(bundle: Bundle, index: int) -> str:
    run = bundle.evidence.cells[index].run
    assert run is not None
    return "".join(output.text for output in run.outputs)


CHECKOUT = Path(__file__).resolve().parents[2]
LOOKS = (
    "import os, signal\n"
    "def exists(pid):\n"
    "    try: os.kill(pid, 0); return True\n"
    "    except OSError: return False\n"
    "tasks = [open(f'/proc/self/task/{each}/status').read() for each in os.listdir('/proc/self/task')]\n"
    "lines = [line for text in tasks for line in text.splitlines() if line.startswith('NSpid')]\n"
    "mine = {int(line.split()[-1]) for line in lines}\n"
    "print({pid for pid in range(1, 2000) if exists(pid)} <= mine, os.getppid())",
    "for number in (signal.SIGSTOP, signal.SIGKILL): signal.raise_signal(number)\nprint('goes on')",
    "import importlib, os\n"
    "print([name for name in ('rubrics', 'reference', 'tests', 'grader', '.git')"
    f" if os.path.exists({str(CHECKOUT)!r} + '/' + name)])",
    "for name in ('reference', 'grader.rubric', 'grader.grading', 'grader.bundled'):\n"
    "    try: importlib.import_module(name); print(name)\n"
    "    except ImportError: pass",
)


@pytest.fixture(scope="module")
def seen(bubblewrap_worker: Worker, run: Run) -> Bundle:
    return run(bubblewrap_worker, *LOOKS)


def test_the_kernel_can_signal_nothing_but_its_own_threads(seen: Bundle) -> None:
    assert printed(seen, 0) == "True 0\n"


def test_the_kernel_is_the_first_process_of_its_world_and_can_neither_stop_nor_kill_itself(
    seen: Bundle,
) -> None:
    assert printed(seen, 1) == "goes on\n"


def test_rubrics_reference_answers_and_the_checkout_are_not_there(seen: Bundle) -> None:
    assert seen.evidence.outcome is Outcome.COMPLETED
    assert printed(seen, 2) == "[]\n"
    assert printed(seen, 3) == ""


# docker-py leaves a socket to the garbage collector where it cannot connect.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_auto_takes_bubblewrap_where_no_engine_answers_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed here")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent.sock")
    said: list[str] = []
    options = {"isolation": "fork", "data_dir": None, "run_id": "test", "notify": said.append}
    sandbox = choose_sandbox("auto", gpus="none", **options)  # type: ignore[arg-type]
    assert sandbox.name == "bubblewrap"
    assert said == ["Sandbox: bubblewrap, since no Docker engine answers"]
    sandbox.close()
    with pytest.raises(SandboxUnavailable, match="no Docker engine"):
        choose_sandbox("docker", gpus="none", **options)  # type: ignore[arg-type]
    with pytest.raises(SandboxUnavailable, match="no GPU"):
        choose_sandbox("auto", gpus="all", **options)  # type: ignore[arg-type]
    gc.collect()


def test_a_python_behind_a_link_is_shown_where_the_link_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real")
    monkeypatch.setattr(sys, "prefix", str(link))
    command = bubblewrap_command(BubbleSpec(limits=Limits(), code=tmp_path))
    assert command[command.index(str(link)) - 1] == "--ro-bind"
    system = Path("/bin")
    assert command[command.index(str(system)) - 2] == "--symlink" or not system.is_symlink()


def test_the_command_mounts_nothing_writable_but_memory(tmp_path: Path) -> None:
    limits = Limits(work_bytes=7 * MIB)
    command = bubblewrap_command(BubbleSpec(limits=limits, code=tmp_path, data_dir=tmp_path))
    assert not {"--bind", "--dev-bind", "--share-net", "--bind-try"} & set(command)
    assert json.dumps(["--size", str(7 * MIB), "--tmpfs", "/content"])[1:-1] in json.dumps(command)
    assert {"--unshare-all", "--die-with-parent", "--new-session", "--clearenv"} <= set(command)
