"""A handout's fingerprint: which cells it has and what they hash to, without any of its wording."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from grader.errors import RubricError

__all__ = ["Handout", "HandoutCell", "fingerprint", "line_digests", "parse_handout", "source_digest"]

_LINE_DIGITS = 12

CellKind = Literal["code", "markdown", "raw"]


class HandoutCell(BaseModel):
    """One cell of the handout.

    Attributes:
        id: Colab's ``metadata.id``, else the nbformat cell id; None where the file has neither.
        sha256: Of the source with every run of white space made one space.
        lines: Beginnings of the same for each line of code, to know them again in a cell that was added to.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str | None = None
    kind: CellKind
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    lines: tuple[str, ...] = ()


class Handout(BaseModel):
    """The cells that students were given, in order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cells: tuple[HandoutCell, ...]

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(cell.id for cell in self.cells if cell.id is not None)


def source_digest(source: str) -> str:
    """Hashes a cell's text so that line ends, indentation and blank lines do not matter."""
    return hashlib.sha256(" ".join(source.split()).encode("utf-8", "replace")).hexdigest()


def line_digests(source: str) -> list[str]:
    """For each line what `HandoutCell.lines` holds of it; empty for a blank one."""
    return [source_digest(line)[:_LINE_DIGITS] if line.strip() else "" for line in source.split("\n")]


def fingerprint(notebook: Any) -> Handout:
    """Describes a handout notebook by ids and hashes only.

    Args:
        notebook: An ``.ipynb`` file as parsed JSON, nbformat 4.

    Raises:
        RubricError: The JSON is no notebook.
    """
    cells = notebook.get("cells") if isinstance(notebook, Mapping) else None
    if not isinstance(cells, list):
        raise RubricError(["the handout is no notebook: it has no list of cells"])
    try:
        return Handout(cells=tuple(_describe(cell) for cell in cells))
    except (ValidationError, AttributeError, TypeError, KeyError) as error:
        raise RubricError([f"the handout is no notebook: {type(error).__name__} in its cells"]) from error


def _describe(cell: Mapping[str, Any]) -> HandoutCell:
    source = cell.get("source", "")
    text = source if isinstance(source, str) else "".join(source)
    given_id = cell.get("metadata", {}).get("id") or cell.get("id")
    kind = cell["cell_type"]
    lines = tuple(dict.fromkeys(filter(None, line_digests(text)))) if kind == "code" else ()
    return HandoutCell(id=given_id, kind=kind, sha256=source_digest(text), lines=lines)


def parse_handout(text: str, *, name: str = "handout") -> Handout:
    """Reads what ``Handout.model_dump_json`` wrote.

    Raises:
        RubricError: The text is no fingerprint of a handout.
    """
    try:
        return Handout.model_validate(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise RubricError(
            [f"{name}: not a handout description: {str(error).splitlines()[0]}"],
            todo="write it again with `grader rubric handout NOTEBOOK`",
        ) from error
