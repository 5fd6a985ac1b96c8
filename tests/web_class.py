"""A class for the desk: many students, two questions that only people can judge, plots of theirs and of ours.

Nothing is run: the sandbox is a fake whose evidence says what the test asks for.
"""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.evidence.codec import Bundle
from grader.evidence.record import CellRecord, CellRun, Output, ShimKind, ShimUse
from grader.sandbox.base import Job
from grader.sandbox.fake import FakeSandbox
from tests import course

__all__ = [
    "ANSWERS",
    "CURVES",
    "RUBRIC",
    "WHY",
    "Handed",
    "answer",
    "chart",
    "sandbox",
    "students_of",
    "write_class",
]

WHY, CURVES = "why-validation", "curves-described"

RUBRIC = """\
assignment: cats
title: "Lab 2: Cats and dogs"
total: 12
sections:
  names: {title: Part 1, heading: '^Part 1\\b'}
  why: {title: Part 2, heading: '^Part 2\\b'}
  curves: {title: Part 3, heading: '^Part 3\\b'}
criteria:
  - id: builtin-shadowing
    title: Builtins are left alone
    points: 2
    check: no_builtin_shadowing
    section: names
  - id: why-validation
    title: Why a validation set is needed
    points: 5
    section: why
    beside: [curves]
    check: manual
    asks: Say why a validation set is needed, and what goes wrong with the *training* error alone.
    prompt: Settings are chosen on data that the network was not fitted to; else overfitting hides.
  - id: curves-described
    title: The curves are described
    points: 5
    section: curves
    check: manual
    asks: Plot the training curves, and say where they underfit and where they overfit.
    prompt: How the curves differ, and where underfitting and overfitting show.
"""

#: What students write, from good to nothing; others are mixed from these.
ANSWERS = (
    "A validation set tells how well the network does on data it was **not** trained on. If one picks the "
    "model with the lowest training error, one picks what memorised most: $E_{train} \\to 0$ says nothing.",
    "Because you need it to tune the *hyperparameters*. The training error is too optimistic.",
    "To validate the model.",
    "",
)


@dataclass(frozen=True)
class Handed:
    """What one student handed in.

    Attributes:
        why: Their answer in words.
        code: Of the first cell.
        shows: HTML that this cell put out, in the file and in our run.
        described: What they say of their plot.
    """

    student: str
    why: str
    code: str = "total = 1 + 2\nprint('total', total)"
    shows: str = ""
    described: str = "The training loss falls all the time; from epoch 12 on the validation loss rises again."


def students_of(number: int) -> list[Handed]:
    """A class: every fourth leaves the answer empty, and every fifth shadows a builtin."""
    return [
        Handed(
            f"s{1001 + place}",
            ANSWERS[place % len(ANSWERS)],
            "sum = 1 + 2\nprint('sum', sum)" if place % 5 == 4 else "total = 1 + 2\nprint('total', total)",
        )
        for place in range(number)
    ]


def chart(seed: int, width: int = 240, height: int = 150) -> str:
    """A picture of two curves as base64 of a PNG."""
    rows = []
    for y in range(height):
        row = bytearray()
        for x in range(width):
            falling = height - 20 - int((height - 40) * (1 - 2.718 ** (-x / (40 + 5 * (seed % 7)))))
            falling = height - falling
            rising = falling - 8 - max(0, x - 120) * (seed % 5) // 12
            if x < 3 or y > height - 3:
                row += b"\x40\x40\x40"
            elif abs(y - falling) < 2:
                row += b"\x1f\x77\xb4"
            elif abs(y - rising) < 2:
                row += b"\xff\x7f\x0e"
            else:
                row += b"\xff\xff\xff"
        rows.append(b"\0" + bytes(row))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(b"".join(rows), 9)), (b"IEND", b""))
    data = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + data).decode()


_PLOT = "plt.plot(train_loss)\nplt.plot(validation_loss)\nplt.title('Loss of small_net')\nplt.show()"


def _markdown(text: str) -> dict[str, object]:
    return {"cell_type": "markdown", "source": text, "metadata": {}}


def _code(source: str, *outputs: dict[str, object]) -> dict[str, object]:
    return {
        "cell_type": "code",
        "source": source,
        "metadata": {},
        "outputs": list(outputs),
        "execution_count": 1,
    }


def _html(text: str) -> dict[str, object]:
    return {"output_type": "display_data", "metadata": {}, "data": {"text/html": text, "text/plain": text}}


def _notebook(handed: Handed, seed: int) -> bytes:
    picture = {
        "output_type": "display_data",
        "metadata": {},
        "data": {"image/png": chart(seed), "text/plain": "<Figure>"},
    }
    printed = {"output_type": "stream", "name": "stdout", "text": "total 3\n"}
    cells = [
        _markdown("# Cats and dogs"),
        _markdown("## Part 1\nAdd up."),
        _code(handed.code, printed, *([_html(handed.shows)] if handed.shows else [])),
        _markdown("## Part 2\nWhy is a validation set needed?"),
        *([_markdown(handed.why)] if handed.why else []),
        _markdown("## Part 3\nPlot and describe."),
        _code(_PLOT, picture),
        _markdown(handed.described),
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells}).encode()


def write_class(folder: Path, class_: Sequence[Handed]) -> None:
    """Writes ``rubrics/cats.yaml`` and ``submissions/<student>/lab.ipynb``."""
    course.write_rubric(folder / "rubrics", RUBRIC, "cats.yaml")
    for seed, handed in enumerate(class_):
        course.hand_in(folder / "submissions", handed.student, raw=_notebook(handed, seed))


def sandbox() -> FakeSandbox:
    """As if every cell had run, drawn another picture than the student's, and printed what it prints."""
    return FakeSandbox(answer)


def answer(job: Job) -> Bundle:
    """Evidence as if every cell had run, drawn another picture, and printed what it prints."""
    bundle = course.answer(job)
    cut = (ShimUse(kind=ShimKind.TRAINING_BUDGET),)
    cells = tuple(
        cell.model_copy(update={"run": CellRun(status="ok", duration_s=0.5, outputs=tuple(_ours(cell)))})
        if cell.kind == "code"
        else cell
        for cell in bundle.evidence.cells
    )
    return Bundle(bundle.evidence.model_copy(update={"cells": cells, "shims": cut}), bundle.arrays)


def _ours(cell: CellRecord) -> list[Output]:
    shown = [output for output in cell.submitted.outputs if "text/html" in output.data]
    if "plt.plot" in cell.source:
        return [Output(kind="display_data", text="<Figure>", data={"image/png": chart(3, 200, 120)})]
    return [Output(kind="stream", name="stdout", text="total 3\n"), *shown]
