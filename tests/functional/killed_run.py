"""A run of the grader that is killed where the caller says; a program of its own, for tests.

Usage: killed_run.py SUBMISSIONS RUBRIC DATABASE EVIDENCE EVENT COUNT
Kills itself with SIGKILL at the COUNT-th event of that name. Further names: ``Answer``, when the fake sandbox
is asked; ``Attempt`` and ``Verdict``, when the row is written and its transaction is not over; ``Blob``, when
the bytes are written and the file has not got its name.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grader.checks import registry
from grader.evidence.codec import Bundle
from grader.facts.case import Reference
from grader.intake import find_submissions
from grader.sandbox.base import Job
from grader.store import open_store
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.running.planning import plan_work, read_file
from grader.workflows.running.run import run
from grader.workflows.running.stopping import StopSignal
from tests import course
from tests.functional.rows_written import tell_of_rows

# What a run would import when it comes to it: here once for all that are forked from this process.
registry()
importlib.import_module("alembic.command")
importlib.import_module("sqlalchemy.dialects.postgresql.psycopg")


class Death:
    """Comes at the `count`-th event called `name`."""

    def __init__(self, name: str, count: int) -> None:
        self._name = name
        self._left = count

    def at(self, what: str) -> None:
        self._left -= what == self._name
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def after(self, what: str, original: Callable[..., Any]) -> Callable[..., Any]:
        """`original`, and death after it."""

        def act(*arguments: Any, **more: Any) -> Any:
            result = original(*arguments, **more)
            self.at(what)
            return result

        return act


def main(submissions: str, rubric_path: str, database: str, evidence: str, name: str, count: str) -> None:
    """Changes this process for good: it is to serve this one run."""
    death = Death(name, int(count))

    def answer(job: Job) -> Bundle:
        death.at("Answer")
        return course.answer(job)

    tell_of_rows(death.at)
    os.fsync = death.after("Blob", os.fsync)
    rubric = load_rubric_file(Path(rubric_path))
    files = [read_file(item) for item in find_submissions(Path(submissions)).submissions]
    with open_store(database, evidence=Path(evidence)) as store:
        run(
            plan_work(files, lambda _: rubric),
            store=store,
            reference=Reference(),
            open_sandbox=lambda: course.sandbox(answer),
            notify=lambda event: death.at(type(event).__name__),
            stop=StopSignal(),
            actor="ta",
            jobs=1,
            lease_s=1.0,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
