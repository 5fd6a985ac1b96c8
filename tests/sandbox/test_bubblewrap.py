"""What is bubblewrap's own: one uid, a world within a world, this machine's Python, no engine."""

from __future__ import annotations

import gc
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.errors import SandboxUnavailable
from grader.evidence.codec import Bundle
from grader.evidence.plan import Limits, Plan
from grader.evidence.record import Outcome
from grader.sandbox.base import Job, Sandbox, Worker
from grader.sandbox.bubblewrap import BubbleSpec, BubblewrapSandbox, bubblewrap_command
from grader.sandbox.select import choose_sandbox

from .conftest import MIB, TIGHT, notebook

Run = Callable[..., Bundle]


def printed(bundle: Bundle, index: int) -> str:
    run = bundle.evidence.cells[index].run
    assert run is not None
    return "".join(output.text for output in run.outputs)


def test_the_kernel_can_signal_nothing_but_its_own_threads(bubblewrap_worker: Worker, run: Run) -> None:
    bundle = run(
        bubblewrap_worker,
        "import os\n"
        "def exists(pid):\n"
        "    try: os.kill(pid, 0); return True\n"
        "    except OSError: return False\n"
        "tasks = [open(f'/proc/self/task/{each}/status').read() for each in os.listdir('/proc/self/task')]\n"
        "lines = [line for text in tasks for line in text.splitlines() if line.startswith('NSpid')]\n"
        "mine = {int(line.split()[-1]) for line in lines}\n"
        "print({pid for pid in range(1, 2000) if exists(pid)} <= mine, os.getppid())",
    )
    assert printed(bundle, 0) == "True 0\n"


def test_rubrics_reference_answers_and_the_checkout_are_not_there(
    bubblewrap_worker: Worker, run: Run
) -> None:
    checkout = Path(__file__).resolve().parents[2]
    bundle = run(
        bubblewrap_worker,
        f"import importlib, os\nprint([name for name in ('rubrics', 'reference', 'tests', 'grader', '.git')"
        f" if os.path.exists({str(checkout)!r} + '/' + name)])",
        "for name in ('reference', 'grader.rubric', 'grader.grading', 'grader.bundled'):\n"
        "    try: importlib.import_module(name); print(name)\n"
        "    except ImportError: pass",
    )
    assert printed(bundle, 0) == "[]\n"
    assert printed(bundle, 1) == ""


def test_every_submission_gets_a_sandbox_of_its_own(bubblewrap_worker: Worker, run: Run) -> None:
    leave = "open('/tmp/left', 'w').close(); print(open('/proc/self/mountinfo').read())"
    first = run(bubblewrap_worker, leave)
    second = run(bubblewrap_worker, "import os; print(os.path.exists('/tmp/left'))")
    assert "/content" in printed(first, 0)
    assert printed(second, 0) == "False\n"


def test_limits_hold_without_an_engine(bubblewrap_sandbox: Sandbox) -> None:
    worker = bubblewrap_sandbox.open(Plan(assignment="test", limits=TIGHT))
    sources = (
        "print('kept')",
        "hoard = []\nwhile True: hoard.append(bytearray(64 << 20))",
        "del hoard\nfile = open('/content/large', 'wb')\nwhile True: file.write(bytes(1 << 20))",
        "import os\nos.truncate('/tmp/sparse', 1 << 40) if open('/tmp/sparse', 'w') else 0",
        "while True: pass",
    )
    evidence = worker.run(Job("attempt", notebook(*sources), Plan(assignment="test", limits=TIGHT))).evidence
    errors = [cell.run.error.type for cell in evidence.cells if cell.run and cell.run.error]
    assert evidence.outcome is Outcome.TIMEOUT
    assert errors[:3] == ["MemoryError", "OSError", "OSError"]
    worker.close()


def test_a_fork_bomb_is_contained_without_an_engine(bubblewrap_sandbox: Sandbox) -> None:
    limits = TIGHT.model_copy(update={"pids": 64})
    worker = bubblewrap_sandbox.open(Plan(assignment="test", limits=limits))
    bomb = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    evidence = worker.run(Job("attempt", notebook(bomb), Plan(assignment="test", limits=limits))).evidence
    assert evidence.outcome in (Outcome.TIMEOUT, Outcome.KERNEL_DIED)
    worker.close()


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


def test_a_missing_program_is_said_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SandboxUnavailable, match="bwrap and prlimit not found"):
        BubblewrapSandbox()


def test_the_command_mounts_nothing_writable_but_memory(tmp_path: Path) -> None:
    limits = Limits(work_bytes=7 * MIB)
    command = bubblewrap_command(BubbleSpec(limits=limits, code=tmp_path, data_dir=tmp_path))
    assert not {"--bind", "--dev-bind", "--share-net", "--bind-try"} & set(command)
    assert json.dumps(["--size", str(7 * MIB), "--tmpfs", "/content"])[1:-1] in json.dumps(command)
    assert {"--unshare-all", "--die-with-parent", "--new-session", "--clearenv"} <= set(command)
