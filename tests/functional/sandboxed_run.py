"""A run of the grader in a real sandbox that says each of its events on a line; a program for tests.

Usage: sandboxed_run.py SUBMISSIONS RUBRIC DATABASE SANDBOX [DIE_AT]
Ctrl-C works as in `grader run`. With DIE_AT it kills itself with SIGKILL at the first event of that name.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from grader.cli.sandboxed import interruptible
from grader.facts.case import Reference
from grader.intake import find_submissions
from grader.sandbox.select import choose_sandbox
from grader.store import open_store
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.running.planning import plan_work, read_file
from grader.workflows.running.run import run

# What started the tests may ignore it, as a shell does for a job in the background.
signal.signal(signal.SIGINT, signal.default_int_handler)
submissions, rubric_path, database, name, die_at = [*sys.argv[1:], ""][:5]


def tell(event: object) -> None:
    sys.stdout.write(f"{type(event).__name__}\n")
    sys.stdout.flush()
    if type(event).__name__ == die_at:
        os.kill(os.getpid(), signal.SIGKILL)


def open_sandbox():
    return choose_sandbox(
        name, isolation="fork", gpus="none", data_dir=None, run_id=f"test-{os.getpid()}", notify=print
    )


rubric = load_rubric_file(Path(rubric_path))
files = [read_file(item) for item in find_submissions(Path(submissions)).submissions]
with open_store(database) as store, interruptible() as stop:
    run(
        plan_work(files, lambda _: rubric),
        store=store,
        reference=Reference(),
        open_sandbox=open_sandbox,
        notify=tell,
        stop=stop,
        actor="ta",
        jobs=1,
    )
