"""A run of the grader that is killed where the caller says; a program of its own, for tests.

Usage: killed_run.py SUBMISSIONS RUBRIC DATABASE EVIDENCE EVENT COUNT
Kills itself with SIGKILL at the COUNT-th event of that name. Further names: ``Answer``, when the fake sandbox
is asked; ``Attempt`` and ``Verdict``, when the row is written and its transaction is not over; ``Blob``, when
the bytes are written and the file has not got its name.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from grader.evidence.codec import Bundle
from grader.facts.case import Reference
from grader.intake import find_submissions
from grader.sandbox.base import Job
from grader.store import WritableHistory, open_store
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.running.planning import plan_work, read_file
from grader.workflows.running.run import run
from grader.workflows.running.stopping import StopSignal
from tests import course

submissions, rubric_path, database, evidence, name, count = sys.argv[1:]
left = int(count)


def die_at(what: str) -> None:
    global left
    left -= what == name
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def dying(what: str, original):
    """`original`, and death after it."""

    def act(*arguments, **more):
        result = original(*arguments, **more)
        die_at(what)
        return result

    return act


def answer(job: Job) -> Bundle:
    die_at("Answer")
    return course.answer(job)


WritableHistory.add_attempt = dying("Attempt", WritableHistory.add_attempt)
WritableHistory.add_verdict = dying("Verdict", WritableHistory.add_verdict)
os.fsync = dying("Blob", os.fsync)
rubric = load_rubric_file(Path(rubric_path))
files = [read_file(item) for item in find_submissions(Path(submissions)).submissions]
with open_store(database, evidence=Path(evidence)) as store:
    run(
        plan_work(files, lambda _: rubric),
        store=store,
        reference=Reference(),
        open_sandbox=lambda: course.sandbox(answer),
        notify=lambda event: die_at(type(event).__name__),
        stop=StopSignal(),
        actor="ta",
        jobs=1,
    )
