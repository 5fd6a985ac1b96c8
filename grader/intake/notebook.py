"""A submitted notebook as cell records, and as the clean copy that the sandbox runs."""

from __future__ import annotations

import json
import re
from typing import Any, Literal

from grader.errors import SubmissionError
from grader.evidence.record import CellRecord, Submitted
from grader.intake.notebook_json import LEFT_OUT, notebook_cells
from grader.intake.submitted_outputs import OutputBudget, read_outputs
from grader.intake.text import plain_text
from grader.intake.unpack import unpacked

__all__ = ["normalise_notebook", "parse_notebook"]

_MAX_ID = 200
_MAX_COUNT = 2**31
_MAX_SOURCE = 1_000_000
_NEWLINE = re.compile(r"\r\n?")


def parse_notebook(raw: bytes) -> tuple[CellRecord, ...]:
    """Reads a student's file as cells, with the outputs and execution counts that it was handed in with.

    Line ends become line feeds and lone surrogates U+FFFD, so that every source is text that can be stored.
    A damaged cell is kept in its place without what is damaged, and says so; the others are as they were.

    Args:
        raw: The file's bytes as handed in; of a zip or gzip file, the notebook in it is read.

    Raises:
        SubmissionError: The file is no notebook with code in it.
    """
    budget = OutputBudget()
    cells = tuple(_record(index, cell, budget) for index, cell in enumerate(notebook_cells(unpacked(raw))))
    if not any(cell.kind == "code" and cell.source.strip() for cell in cells):
        raise SubmissionError(
            "the notebook has no code",
            expected="at least one code cell that is not blank",
            found="1 cell without code" if len(cells) == 1 else f"{len(cells)} cells without code",
            todo="check that the right file was handed in",
        )
    return cells


def normalise_notebook(cells: tuple[CellRecord, ...]) -> bytes:
    """Gives a notebook as the sandbox gets it: sources and handout ids only.

    Format 4.5 with ids ``cell-0``, ``cell-1``, ...; the python3 kernel; no outputs, no foreign metadata.
    Equal sources give equal bytes.

    Args:
        cells: As `parse_notebook` gives them.
    """
    notebook = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "cells": [_clean(cell) for cell in cells],
    }
    return json.dumps(notebook, ensure_ascii=True, sort_keys=True).encode()


def _record(index: int, cell: dict[str, Any], budget: OutputBudget) -> CellRecord:
    kind = _kind(cell)
    source, damage = _source(cell)
    left_out = "; ".join(part for part in (damage, _outputs_left_out(cell)) if part)
    submitted = Submitted(left_out=left_out)
    if kind == "code":
        outputs = read_outputs(cell.get("outputs"), budget)
        count = _count(cell.get("execution_count"))
        submitted = Submitted(execution_count=count, outputs=outputs, left_out=left_out)
    return CellRecord(
        index=index, kind=kind, source=source, handout_id=_handout_id(cell), submitted=submitted
    )


def _kind(cell: dict[str, Any]) -> Literal["code", "markdown", "raw"]:
    """Of a cell that does not say, what only code cells have tells."""
    cell_type = cell.get("cell_type")
    if cell_type == "code" or (cell_type is None and {"outputs", "execution_count"} & set(cell)):
        return "code"
    return "markdown" if cell_type in ("markdown", "heading") else "raw"


def _source(cell: dict[str, Any]) -> tuple[str, str]:
    """The source, and what is wrong with it; one that is text in part only would mislead, so it is none."""
    source = cell.get("source", "")
    lines = source if isinstance(source, list) else [source]
    if not all(isinstance(line, str) for line in lines):
        return "", "the cell's source is not text"
    text = plain_text(_NEWLINE.sub("\n", "".join(lines)))
    return text[:_MAX_SOURCE], "" if len(
        text
    ) <= _MAX_SOURCE else "the end of the cell's source, which is too long"


def _outputs_left_out(cell: dict[str, Any]) -> str:
    size = _count(cell.get(LEFT_OUT))
    return f"outputs of {size / 1024**2:.1f} MB" if size else ""


def _handout_id(cell: dict[str, Any]) -> str | None:
    metadata = cell.get("metadata")
    candidates = (metadata.get("id") if isinstance(metadata, dict) else None, cell.get("id"))
    for candidate in candidates:
        if isinstance(candidate, str) and 0 < len(candidate) <= _MAX_ID:
            return plain_text(candidate)
    return None


def _count(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MAX_COUNT:
        return value
    return None


def _clean(cell: CellRecord) -> dict[str, Any]:
    clean: dict[str, Any] = {
        "cell_type": cell.kind,
        "id": f"cell-{cell.index}",
        "metadata": {"id": cell.handout_id} if cell.handout_id else {},
        "source": cell.source,
    }
    if cell.kind == "code":
        clean |= {"execution_count": None, "outputs": []}
    return clean
