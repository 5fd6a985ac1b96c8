"""On a machine on which many others work a submission has the limits of an idle one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from grader.evidence.plan import Plan
from grader.evidence.record import Outcome
from grader.sandbox.base import Job

from .conftest import TIGHT, Opened, in_sandbox, notebook

#: Each processor is asked for by so many others.
_OTHERS = 3
LIMITS = TIGHT.model_copy(update={"cell_s": 2.0})
WORKS = (
    "import time\nbegan = time.process_time()\nwhile time.process_time() - began < 1.0: pass\nprint('done')"
)
NEVER_ENDS = "while True: pass"
SLEEPS = "import time; time.sleep(600)"


@pytest.fixture(scope="module")
def others() -> Iterator[None]:
    many = _OTHERS * len(os.sched_getaffinity(0))
    busy = [subprocess.Popen([sys.executable, "-c", NEVER_ENDS]) for _ in range(many)]
    yield
    for process in busy:
        process.kill()
        process.wait()


@pytest.mark.parametrize("kind", [in_sandbox("fork"), in_sandbox("bubblewrap")])
@pytest.mark.parametrize(
    ("source", "outcome"),
    [(WORKS, Outcome.COMPLETED), (NEVER_ENDS, Outcome.TIMEOUT), (SLEEPS, Outcome.TIMEOUT)],
    ids=["works", "never ends", "sleeps"],
)
def test_its_time_is_its_own(opened: Opened, others: None, kind: str, source: str, outcome: Outcome) -> None:
    worker = opened.worker(kind, LIMITS)
    evidence = worker.run(Job("attempt", notebook(source), Plan(assignment="test", limits=LIMITS))).evidence
    assert evidence.outcome is outcome, evidence.outcome_detail
