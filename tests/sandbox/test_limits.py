"""Limits end a submission, never the service; what was recorded before stays."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from grader.evidence.codec import Bundle, encode
from grader.evidence.plan import ValueProbe, probe_id
from grader.evidence.record import Outcome
from grader.sandbox.base import Worker

pytestmark = pytest.mark.docker

Run = Callable[..., Bundle]


def statuses(bundle: Bundle) -> list[str]:
    return [cell.run.status for cell in bundle.evidence.cells if cell.run is not None]


def test_a_cell_that_takes_too_long_is_interrupted_and_the_next_ones_run(run_tight: Run) -> None:
    bundle = run_tight("x = 1", "while True: pass", "print('later')")
    assert bundle.evidence.outcome is Outcome.TIMEOUT
    assert statuses(bundle) == ["ok", "timeout", "ok"]
    assert "cell 1" in bundle.evidence.outcome_detail


def test_a_cell_that_ignores_interrupts_is_killed(run_tight: Run) -> None:
    stubborn = "import signal, time\nwhile True:\n    try: time.sleep(9)\n    except BaseException: pass"
    bundle = run_tight("print('before')", stubborn, "print('later')")
    assert bundle.evidence.outcome is Outcome.TIMEOUT
    assert statuses(bundle) == ["ok", "timeout", "not_run"]


def test_a_kernel_that_stops_itself_times_out(run_tight: Run) -> None:
    bundle = run_tight("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)")
    assert bundle.evidence.outcome is Outcome.TIMEOUT


def test_the_whole_notebook_has_a_limit(run_tight: Run) -> None:
    bundle = run_tight(*["import time; time.sleep(1.5)"] * 6)
    assert bundle.evidence.outcome is Outcome.TIMEOUT
    assert statuses(bundle)[0] == "ok"
    assert statuses(bundle)[-1] == "not_run"


def test_memory_ends_the_kernel_not_the_driver(run_flooding: Run) -> None:
    bundle = run_flooding("x = 1", "kept = []\nwhile True: kept.append(bytearray(50_000_000))", "1")
    assert bundle.evidence.outcome is Outcome.OUT_OF_MEMORY
    assert statuses(bundle) == ["ok", "died", "not_run"]


@pytest.mark.parametrize(
    "flood",
    [
        "while True: print('x' * 100)",
        "print('x' * 50_000_000)",
        "from IPython.display import display\nwhile True: display('x' * 100)",
        "import os\nwhile True: os.write(1, b'x' * 1000)",
    ],
)
def test_output_is_cut_at_the_limit(run_flooding: Run, flood: str) -> None:
    bundle = run_flooding("print('before')", flood)
    assert bundle.evidence.outcome is Outcome.OUTPUT_LIMIT
    assert statuses(bundle) == ["ok", "output_limit"]
    assert len(encode(bundle)) < 2_000_000


def test_a_long_output_within_the_attempts_limit_is_cut_without_blame(fork_worker: Worker, run: Run) -> None:
    bundle = run(fork_worker, "print('x' * 3_000_000)", "print('next')")
    assert bundle.evidence.outcome is Outcome.COMPLETED
    run = bundle.evidence.cells[0].run
    assert run is not None
    assert run.cut


@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_a_dead_kernel_keeps_what_was_recorded(fork_worker: Worker, run: Run, end: str) -> None:
    probe = ValueProbe(expression="x")
    bundle = run(fork_worker, "print('kept')", f"import os; {end}", "print('never')", probes=(probe,))
    assert bundle.evidence.outcome is Outcome.KERNEL_DIED
    assert statuses(bundle) == ["ok", "died", "not_run"]
    assert bundle.evidence.probes[probe_id(probe)].status == "no_answer"


def test_killing_everything_kills_nobody_else(fork_worker: Worker, run: Run) -> None:
    bundle = run(fork_worker, "import os\ntry: os.kill(-1, 9)\nexcept OSError: pass", "print('well')")
    assert bundle.evidence.outcome is Outcome.COMPLETED


def test_a_fork_bomb_is_contained(run_tight: Run) -> None:
    bundle = run_tight("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass")
    assert bundle.evidence.outcome in (Outcome.TIMEOUT, Outcome.OUT_OF_MEMORY, Outcome.KERNEL_DIED)


def test_the_next_submission_is_served_after_every_limit(run_tight: Run) -> None:
    run_tight("import os; os._exit(3)")
    assert run_tight("print('well')").evidence.outcome is Outcome.COMPLETED
