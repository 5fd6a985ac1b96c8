"""On a machine on which many others work a submission has the limits of an idle one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from grader.evidence.plan import Plan
from grader.evidence.record import Outcome
from grader.sandbox.base import Job, Worker

from .conftest import TIGHT, Opened, in_sandbox, notebook

#: Each processor is asked for by so many others.
_OTHERS = 3
LIMITS = TIGHT.model_copy(update={"cell_s": 2.0})
WORKS = (
    "import time\nbegan = time.process_time()\nwhile time.process_time() - began < 1.0: pass\nprint('done')"
)
NEVER_ENDS = "while True: pass"
SLEEPS = "import time; time.sleep(600)"


@contextmanager
def _others() -> Iterator[None]:
    many = _OTHERS * len(os.sched_getaffinity(0))
    busy = [subprocess.Popen([sys.executable, "-c", NEVER_ENDS]) for _ in range(many)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


@pytest.fixture
def ready(opened: Opened, kind: str) -> Iterator[Worker]:
    """A worker whose sandbox is up: how long that takes under load is not what a submission is limited by."""
    worker = opened.sandbox(kind).open(Plan(assignment="test", limits=LIMITS))
    yield worker
    worker.close()


@pytest.mark.parametrize("kind", [in_sandbox("fork"), in_sandbox("bubblewrap")])
@pytest.mark.parametrize(
    ("source", "outcome"),
    [(WORKS, Outcome.COMPLETED), (NEVER_ENDS, Outcome.TIMEOUT), (SLEEPS, Outcome.TIMEOUT)],
    ids=["works", "never ends", "sleeps"],
)
def test_its_time_is_its_own(ready: Worker, source: str, outcome: Outcome) -> None:
    job = Job("attempt", notebook(source), Plan(assignment="test", limits=LIMITS))
    with _others():
        evidence = ready.run(job).evidence
    assert evidence.outcome is outcome, evidence.outcome_detail
