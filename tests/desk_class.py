"""A class whose work waits for TAs: a lab with a handout, answers in prose, in code and in plots."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from grader.evidence.codec import Bundle
from grader.evidence.record import CellRun, Environment, Evidence, Outcome, Output, ShimKind, ShimUse
from grader.facts.case import Reference
from grader.facts.handout import fingerprint
from grader.intake import find_submissions, parse_notebook
from grader.sandbox.base import Job
from grader.store import Store, open_store
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.running.planning import plan_work, read_file
from grader.workflows.running.run import run
from grader.workflows.running.stopping import StopSignal
from tests import course

__all__ = ["HANDOUT", "PNG", "RUBRIC", "grade", "notebook", "work"]

RUBRIC = """\
assignment: lab
title: A lab to read
total: 12
handout: handout.json
sections:
  why: {title: Why, heading: ^Why}
  curves: {title: Curves, heading: ^Curves}
  split: {title: Split, heading: ^Split}
criteria:
  - id: builtin-shadowing
    title: Builtins are left alone
    points: 2
    check: no_builtin_shadowing
  - id: why-validation
    title: Why a validation set is needed
    points: 3
    section: why
    check: manual
    prompt: Settings are chosen on it.
    asks: Say why a validation set is needed.
    guide: 1 for what it is for, 2 for the danger without it.
  - id: curves-described
    title: The curves are described
    points: 4
    section: curves
    check: manual
    prompt: Where they part.
  - id: split-written
    title: A split is written
    points: 3
    section: split
    beside: [curves]
    check: manual
    prompt: Any sound way to split.
"""

#: The least that begins as a picture does.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

Cell = tuple[str, str] | tuple[str, str, Sequence[Mapping[str, Any]]]

HANDOUT: tuple[Cell, ...] = (
    ("markdown", "# Why\nWhy is a validation set needed?"),
    ("markdown", ""),
    ("markdown", "# Curves\nPlot and describe."),
    ("code", "import matplotlib.pyplot as plt\nlosses = [3, 2, 1]\n# YOUR CODE HERE"),
    ("markdown", "# Split"),
    ("code", "# YOUR CODE HERE"),
)


def notebook(cells: Sequence[Cell]) -> bytes:
    """A notebook as Jupyter writes it; each cell has the id of the handout's cell at its place."""
    return json.dumps({
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {},
        "cells": [_cell(place, *cell) for place, cell in enumerate(cells)],
    }).encode()  # fmt: skip


def _cell(place: int, kind: str, source: str, outputs: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    cell = {"cell_type": kind, "id": f"given-{place}", "metadata": {}, "source": source}
    more = {"outputs": list(outputs), "execution_count": place + 1 if outputs else None}
    return {**cell, **more} if kind == "code" else cell


def work(why: str = "", described: str = "", split: str = "", *, first: str = "") -> bytes:
    """A student's file: answers in place of what the handout left open; what is empty stays as given.

    The plot was shown to the student; `first` is code before all.
    """
    plot = {
        "output_type": "display_data",
        "metadata": {},
        "data": {"image/png": PNG, "text/plain": "<Figure>"},
    }
    printed = {"output_type": "stream", "name": "stdout", "text": "Epoch 30: 0.1\n"}
    cells: list[Cell] = list(HANDOUT)
    if why:
        cells[1] = ("markdown", why)
    if described:
        code = f"{HANDOUT[3][1]}\nplt.plot(losses)\n# {described}"
        cells[3] = ("code", code, [printed, plot])
    if split:
        cells[5] = ("code", split)
    return notebook([("code", first), *cells] if first else cells)


def grade(
    folder: Path, clock: Callable[[], datetime], works: Mapping[str, bytes], *, database: str | None = None
) -> Store:
    """A store with these files graded."""
    place = course.write_rubric(folder, RUBRIC, "lab.yaml")
    (folder / "handout.json").write_text(fingerprint(json.loads(notebook(HANDOUT))).model_dump_json())
    for student, raw in works.items():
        course.hand_in(folder / "submissions", student, raw=raw)
    loaded = load_rubric_file(place)
    files = [read_file(item) for item in find_submissions(folder / "submissions").submissions]
    kept = folder / "grader.db.evidence"
    store = open_store(database or str(folder / "grader.db"), evidence=kept, clock=clock)
    run(
        plan_work(files, lambda _: loaded),
        store=store,
        reference=Reference(),
        open_sandbox=lambda: course.sandbox(_ran),
        notify=lambda _: None,
        stop=StopSignal(),
        actor="grader",
        jobs=1,
    )
    return store


def _ran(job: Job) -> Bundle:
    """Evidence as if every code cell had run and printed two batches."""
    cells = tuple(
        cell.model_copy(update={"run": _run_of(cell.source)}) if cell.kind == "code" else cell
        for cell in parse_notebook(job.notebook)
    )
    return Bundle(
        Evidence(
            notebook=hashlib.sha256(job.notebook).hexdigest(),
            plan=job.plan.digest,
            outcome=Outcome.COMPLETED,
            environment=Environment(sandbox="fake", isolation="fork", image="fake-image"),
            cells=cells,
            shims=(ShimUse(kind=ShimKind.TRAINING_BUDGET),),
        )
    )


def _run_of(source: str) -> CellRun:
    printed = (Output(kind="stream", name="stdout", text="Epoch 1: 0.7\n"),) if "plot" in source else ()
    return CellRun(status="ok", duration_s=0.5, outputs=printed)
