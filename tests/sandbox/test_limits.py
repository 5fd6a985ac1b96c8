"""Limits end a submission, never the service; what was recorded before stays.

Several limits share a submission where one does not hide the other: each costs a new sandbox. Containers of
one submission have the driver and the walls of the warm ones: only with GRADER_SOAK they are tried as well.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from grader.evidence.codec import Bundle, encode
from grader.evidence.plan import probe_id
from grader.evidence.record import CellRun, Outcome
from grader.sandbox.base import Worker
from tests.factories import value_probe

from .conftest import MIB, TIGHT, in_sandbox

RunTight = Callable[..., Bundle]

KINDS = ("fork", "container", "bubblewrap") if "GRADER_SOAK" in os.environ else ("fork", "bubblewrap")

#: For cells that end by their output or their memory, on however slow a machine.
GREEDY = TIGHT.model_copy(update={"cell_s": 120.0, "notebook_s": 180.0, "output_bytes": MIB // 4})


@pytest.fixture(scope="module", params=[in_sandbox(kind) for kind in KINDS])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def run_tight(run: Callable[..., Bundle], tight_worker: Worker) -> RunTight:
    """Runs cells under limits that are soon reached."""

    def run_cells(*sources: str, **plan: Any) -> Bundle:
        return run(tight_worker, *sources, **{"limits": TIGHT, **plan})

    return run_cells


def cell_run(bundle: Bundle, index: int) -> CellRun:
    run = bundle.evidence.cells[index].run
    assert run is not None
    return run


def statuses(bundle: Bundle) -> list[str]:
    return [cell.run.status for cell in bundle.evidence.cells if cell.run is not None]


STUBBORN = "import signal, time\nwhile True:\n    try: time.sleep(9)\n    except BaseException: pass"


@pytest.fixture(scope="module")
def overrun(run_tight: RunTight) -> Bundle:
    """Two cells that take too long, the second one deaf to interrupts."""
    return run_tight("print('before')", "while True: pass", "print('later')", STUBBORN, "print('never')")


def test_a_cell_that_takes_too_long_is_interrupted_and_the_next_ones_run(overrun: Bundle) -> None:
    assert overrun.evidence.outcome is Outcome.TIMEOUT
    assert statuses(overrun)[:3] == ["ok", "timeout", "ok"]
    assert cell_run(overrun, 1).error.type == "KeyboardInterrupt"  # type: ignore[union-attr]
    assert "cell 1" in overrun.evidence.outcome_detail


def test_a_cell_that_ignores_interrupts_is_killed(overrun: Bundle) -> None:
    assert overrun.evidence.outcome is Outcome.TIMEOUT
    assert statuses(overrun)[3:] == ["timeout", "not_run"]
    assert cell_run(overrun, 0).outputs[0].text == "before\n"


def test_the_whole_notebook_has_a_limit(run_tight: RunTight) -> None:
    limits = TIGHT.model_copy(update={"notebook_s": 4.0, "cell_s": 60.0})
    # Time that a busy machine took from it is not counted, so that it may come further than its fifth cell.
    bundle = run_tight(*["import time; time.sleep(1.0)"] * 30, limits=limits)
    assert bundle.evidence.outcome is Outcome.TIMEOUT
    assert "the notebook took longer than 4 s" in bundle.evidence.outcome_detail
    assert statuses(bundle)[0] == "ok"
    assert statuses(bundle)[-1] == "not_run"


class Ending(NamedTuple):
    """How a notebook ends whose second cell of three takes too much memory."""

    outcome: Outcome
    statuses: list[str]
    error: str = ""


_KILLED = Ending(Outcome.OUT_OF_MEMORY, ["ok", "died", "not_run"])
ENDINGS = {
    "fork": _KILLED,
    "container": _KILLED,
    # No control group counts there: each process has a limit of its own (RLIMIT_DATA), at which the system
    # refuses and Python raises, so that the notebook goes on.
    "bubblewrap": Ending(Outcome.CELL_ERROR, ["ok", "error", "ok"], "MemoryError"),
}


def test_memory_ends_the_cell_or_the_kernel_never_the_driver(run_tight: RunTight, kind: str) -> None:
    ending = ENDINGS[kind]
    hoard = "kept = []\nwhile True: kept.append(bytearray(50_000_000))"
    bundle = run_tight("x = 1", hoard, "1", limits=GREEDY)
    assert bundle.evidence.outcome is ending.outcome
    assert statuses(bundle) == ending.statuses
    error = cell_run(bundle, 1).error
    assert (error.type if error is not None else "") == ending.error


# They come to the driver by the same ways in every sandbox: each is tried once.
FLOODS = [
    in_sandbox("fork", "while True: print('x' * 100)", name="lines"),
    in_sandbox("fork", "print('x' * 50_000_000)", name="one-line"),
    in_sandbox(
        "fork", "from IPython.display import display\nwhile True: display('x' * 100)", name="displays"
    ),
    in_sandbox("bubblewrap", "import os\nwhile True: os.write(1, b'x' * 1000)", name="descriptor"),
]


@pytest.mark.parametrize(("kind", "flood"), FLOODS, indirect=["kind"])
def test_output_is_cut_at_the_limit(run_tight: RunTight, flood: str) -> None:
    bundle = run_tight("print('before')", flood, limits=GREEDY)
    assert bundle.evidence.outcome is Outcome.OUTPUT_LIMIT
    assert statuses(bundle) == ["ok", "output_limit"]
    assert len(encode(bundle)) < 2_000_000


# The attacks have one that does not even pause.
def test_a_fork_bomb_is_contained(run_tight: RunTight) -> None:
    bomb = "import os, time\nwhile True:\n    try: os.fork()\n    except OSError: time.sleep(0.05)"
    bundle = run_tight("print('before')", bomb)
    assert bundle.evidence.outcome in (Outcome.TIMEOUT, Outcome.OUT_OF_MEMORY, Outcome.KERNEL_DIED)
    assert statuses(bundle)[0] == "ok"


#: bubblewrap's kernel is the first process of its world, whom no signal from inside kills.
_EXIT = "__import__('ctypes').CDLL(None)._exit(0)"
DEATHS = {"fork": "__import__('signal').raise_signal(9)", "container": _EXIT, "bubblewrap": _EXIT}
VALUE = value_probe("kept")


@pytest.fixture(scope="module")
def dead(run_tight: RunTight, kind: str) -> Bundle:
    """A kernel that fills the disk, kills whatever it can, and then itself."""
    return run_tight(
        "kept = 1; print('kept')",
        "file = open('large', 'wb')\nwhile True: file.write(bytes(1 << 20))",
        "import os\nwith open('sparse', 'wb') as sparse: os.truncate(sparse.fileno(), 1 << 40)",
        "try: os.kill(-1, 9)\nexcept OSError: pass",
        "print('well')",
        DEATHS[kind],
        "print('never')",
        probes=(VALUE,),
    )


def test_files_are_no_larger_than_the_work_folder(dead: Bundle) -> None:
    errors = [cell_run(dead, index).error for index in (1, 2)]
    assert [error.type for error in errors if error is not None] == ["OSError", "OSError"]


def test_killing_everything_kills_nobody_else(dead: Bundle) -> None:
    assert cell_run(dead, 3).status == "ok"
    assert cell_run(dead, 4).outputs[0].text == "well\n"


def test_a_dead_kernel_keeps_what_was_recorded(dead: Bundle) -> None:
    assert dead.evidence.outcome is Outcome.KERNEL_DIED
    assert statuses(dead)[5:] == ["died", "not_run"]
    assert cell_run(dead, 0).outputs[0].text == "kept\n"
    assert dead.evidence.probes[probe_id(VALUE)].status == "no_answer"


def test_the_next_submission_is_served_after_every_limit(run_tight: RunTight, dead: Bundle) -> None:
    assert run_tight("print('well')").evidence.outcome is Outcome.COMPLETED
