"""Notebooks for acceptance tests, written as plain Python in percent format.

``# %%`` begins a code cell and ``# %% [markdown]`` a Markdown cell, whose lines begin with ``# ``; a word
after it, as in ``# %% conv2d`` or ``# %% [markdown] conv2d-task``, is the id that Colab keeps in the cell's
metadata and by which a cell is aligned with the handout. A line ``# Out: text`` is what the cell printed when
the student ran it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

__all__ = ["from_percent", "notebook_bytes"]

_OUT = "# Out: "
_HEAD = re.compile(r"^# %%(?P<markdown> \[markdown\])?(?: (?P<id>\S+))?$")


def from_percent(text: str) -> dict[str, Any]:
    """Reads percent format as an nbformat 4.5 notebook, with no outputs but those that lines stand for."""
    cells: list[dict[str, Any]] = []
    for line in text.splitlines():
        head = _HEAD.match(line)
        if head:
            cells.append(_cell(head["markdown"] is not None, head["id"], len(cells)))
        elif cells and "outputs" in cells[-1] and line.startswith(_OUT):
            cells[-1]["outputs"].append(_output(line.removeprefix(_OUT)))
        elif cells:
            cells[-1]["source"].append(line)
    for cell in cells:
        cell["source"] = _source(cell)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}


def _cell(markdown: bool, handout_id: str | None, place: int) -> dict[str, Any]:
    metadata = {"id": handout_id} if handout_id else {}
    cell: dict[str, Any] = {"id": handout_id or f"cell-{place}", "metadata": metadata, "source": []}
    if markdown:
        return {"cell_type": "markdown", **cell}
    return {"cell_type": "code", **cell, "execution_count": None, "outputs": []}


def _output(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": f"{text}\n"}


def _source(cell: dict[str, Any]) -> str:
    lines = cell["source"]
    if cell["cell_type"] == "markdown":
        lines = [line[2:] if line.startswith("# ") else line.removeprefix("#") for line in lines]
    return "\n".join(lines).strip("\n")


def notebook_bytes(folder: Path) -> bytes:
    """The notebook of a case: ``notebook.ipynb`` as it is, or ``notebook.py`` read as percent format."""
    ready = folder / "notebook.ipynb"
    if ready.is_file():
        return ready.read_bytes()
    return json.dumps(from_percent((folder / "notebook.py").read_text(encoding="utf-8"))).encode()
