"""A regrade that kills itself with SIGKILL while it writes its COUNT-th verdict; a program for tests.

Usage: killed_regrade.py RUBRIC DATABASE EVIDENCE COUNT
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from grader.facts.case import Reference
from grader.store import WritableHistory, open_store
from grader.workflows.regrading.judging import Judge
from grader.workflows.regrading.regrade import regrade
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.views.show import find_results

rubric, database, evidence, count = sys.argv[1:]
left = int(count)
add_verdict = WritableHistory.add_verdict


def dying(*arguments, **more):
    """Dies after the row is written and before the transaction is over."""
    global left
    row = add_verdict(*arguments, **more)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return row


WritableHistory.add_verdict = dying
judge = Judge(load_rubric_file(Path(rubric)), Reference())
with open_store(database, evidence=Path(evidence)) as store:
    regrade(store, find_results(store, "mini"), lambda _: judge, actor="ta")
