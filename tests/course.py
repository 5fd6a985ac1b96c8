"""A course in miniature: a rubric, notebooks, and a sandbox that answers without running anything."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from grader.evidence.codec import Bundle
from grader.evidence.record import CellRun, Environment, Evidence, Outcome
from grader.grading.seen import Seen
from grader.intake import parse_notebook
from grader.sandbox.base import Job
from grader.sandbox.fake import FakeSandbox
from grader.store.results import Result
from grader.workflows.marking.seen import seen_in

RUBRIC = """\
assignment: mini
title: A small lab
total: 5
criteria:
  - id: builtin-shadowing
    title: Builtins are left alone
    points: 2
    check: no_builtin_shadowing
  - id: why
    title: Says why
    points: 3
    check: manual
    prompt: any sound reason
"""

#: The same with a check that allows what `RUBRIC` does not.
KINDER = RUBRIC.replace("check: no_builtin_shadowing", "check: no_builtin_shadowing\n    allow: [sum]")

GOOD = "total = 1 + 2"
SHADOWING = "sum = 1 + 2"


def write_rubric(folder: Path, text: str = RUBRIC, name: str = "mini.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def notebook(*sources: str) -> bytes:
    """A notebook of code cells, as Jupyter writes it."""
    cells = [
        {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None}
        for source in sources
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells}).encode()


def hand_in(folder: Path, student: str, *sources: str, raw: bytes | None = None) -> Path:
    """Writes ``<folder>/<student>/lab.ipynb``."""
    path = folder / student / "lab.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(notebook(*sources) if raw is None else raw)
    return path


def answer(job: Job, *, outcome: Outcome = Outcome.COMPLETED, detail: str = "") -> Bundle:
    """Evidence as if every cell had run and printed nothing."""
    cells = tuple(
        cell.model_copy(update={"run": CellRun(status="ok", duration_s=0.5)})
        for cell in parse_notebook(job.notebook)
    )
    return Bundle(
        Evidence(
            notebook=hashlib.sha256(job.notebook).hexdigest(),
            plan=job.plan.digest,
            outcome=outcome,
            outcome_detail=detail,
            wall_time_s=1.0,
            cells_s=0.5,
            environment=Environment(sandbox="fake", isolation="fork", image="fake-image"),
            cells=cells,
        )
    )


def sandbox(reply: Callable[[Job], Bundle | Exception] = answer) -> FakeSandbox:
    return FakeSandbox(reply)


def seen_now(result: Result, criterion: str) -> Seen | None:
    """What whoever is shown this criterion has on screen; None where it has no mark."""
    mark = result.mark.criterion(criterion) if result.mark else None
    return None if mark is None else seen_in(result, mark)
