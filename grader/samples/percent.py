"""Notebooks as plain text in percent format, so that sample notebooks can be read and reviewed.

``# %%`` begins a code cell and ``# %% [markdown]`` a Markdown cell, whose lines begin with ``# ``. A word
after that is the cell's id, by which a student's cell is aligned with the handout's.

Source: the percent format of Jupytext, Spyder and VS Code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["PercentCell", "answered", "notebook_bytes", "notebook_cells", "read_percent"]

_HEAD = re.compile(r"# %%(?P<markdown> \[markdown\])?(?: (?P<id>\S+))?")


@dataclass(frozen=True)
class PercentCell:
    id: str
    kind: Literal["code", "markdown"]
    source: str


def read_percent(text: str) -> list[PercentCell]:
    """Reads cells; a cell without an id is named by its place."""
    heads: list[re.Match[str]] = []
    bodies: list[list[str]] = []
    for line in text.splitlines():
        if head := _HEAD.fullmatch(line):
            heads.append(head)
            bodies.append([])
        elif bodies:
            bodies[-1].append(line)
    return [_cell(place, head, body) for place, (head, body) in enumerate(zip(heads, bodies, strict=True))]


def answered(handout: Sequence[PercentCell], answers: Sequence[PercentCell]) -> list[PercentCell]:
    """The handout with some cells replaced by a student's, matched by id.

    Raises:
        ValueError: An answer's id is none of the handout's.
    """
    by_id = {cell.id: cell for cell in answers}
    unknown = by_id.keys() - {cell.id for cell in handout}
    if unknown:
        raise ValueError(f"no such cells in the handout: {', '.join(sorted(unknown))}")
    return [by_id.get(cell.id, cell) for cell in handout]


def notebook_cells(notebook: Mapping[str, Any]) -> list[PercentCell]:
    """The code and Markdown cells of an nbformat 4.5 notebook, each of which has an id."""
    return [
        PercentCell(cell["id"], cell["cell_type"], "".join(cell["source"]))
        for cell in notebook["cells"]
        if cell["cell_type"] in ("code", "markdown")
    ]


def notebook_bytes(cells: Sequence[PercentCell]) -> bytes:
    """An nbformat 4.5 notebook; like Colab it keeps each cell's id in the cell's metadata too."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "cells": [_nbformat(cell) for cell in cells],
    }
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def _cell(place: int, head: re.Match[str], body: list[str]) -> PercentCell:
    name = head["id"] or f"cell-{place}"
    if head["markdown"] is None:
        return PercentCell(name, "code", "\n".join(body).strip("\n"))
    return PercentCell(name, "markdown", "\n".join(line[2:] for line in body).strip("\n"))


def _nbformat(cell: PercentCell) -> dict[str, Any]:
    fields = {"cell_type": cell.kind, "id": cell.id, "metadata": {"id": cell.id}}
    source = cell.source.splitlines(keepends=True)
    if cell.kind == "markdown":
        return {**fields, "source": source}
    return {**fields, "execution_count": None, "outputs": [], "source": source}
