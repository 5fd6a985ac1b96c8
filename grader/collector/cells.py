"""The submitted file as cell records: sources, handout ids, and what it already showed."""

from __future__ import annotations

import json
import warnings
from typing import Any

import nbformat

from grader.collector.outputs import OutputBox
from grader.evidence.plan import Limits
from grader.evidence.record import CellRecord, Submitted

__all__ = ["UnreadableNotebook", "read_cells"]

_KINDS = ("code", "markdown", "raw")
_SOURCE_CHARACTERS = 1_000_000


class UnreadableNotebook(Exception):
    """The bytes are not a notebook that can be run."""


def read_cells(raw: bytes, limits: Limits) -> tuple[CellRecord, ...]:
    """Reads a notebook of any version.

    Raises:
        UnreadableNotebook: No JSON, or no notebook; says what is wrong.
    """
    try:
        document = json.loads(raw.decode("utf-8-sig"))
        notebook = _upgrade(document)
    except Exception as error:
        # nbformat raises whatever its walk over a malformed document runs into.
        raise UnreadableNotebook(f"{type(error).__name__}: {error}"[:300]) from error
    given = document.get("cells")
    originals = given if isinstance(given, list) else []
    return tuple(
        _record(index, cell, originals[index] if index < len(originals) else {}, limits)
        for index, cell in enumerate(notebook["cells"])
    )


def _upgrade(document: Any) -> Any:
    if not isinstance(document, dict):
        raise ValueError("the file is JSON, but not an object")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Through text: what nbformat cannot write cannot be a notebook.
        return nbformat.reads(json.dumps(document), as_version=4)


def _record(index: int, cell: Any, original: Any, limits: Limits) -> CellRecord:
    kind = str(cell.get("cell_type"))
    source = cell.get("source", "")
    text = "".join(map(str, source)) if isinstance(source, list) else str(source)
    return CellRecord(
        index=index,
        kind=kind if kind in _KINDS else "raw",
        source=_printable(text)[:_SOURCE_CHARACTERS],
        source_cut=len(text) > _SOURCE_CHARACTERS,
        handout_id=_handout_id(original),
        submitted=_submitted(cell, limits) if kind == "code" else Submitted(),
    )


def _printable(text: str) -> str:
    """Replaces lone surrogates, which neither UTF-8 nor SQLite can hold."""
    return text.encode("utf-8", "replace").decode()


def _handout_id(original: Any) -> str | None:
    """Colab's id, which copies of a handout keep, else the file's own cell id."""
    if not isinstance(original, dict):
        return None
    metadata = original.get("metadata")
    candidates = (metadata.get("id") if isinstance(metadata, dict) else None, original.get("id"))
    return next((_printable(name)[:200] for name in candidates if isinstance(name, str) and name), None)


def _submitted(cell: Any, limits: Limits) -> Submitted:
    count = cell.get("execution_count")
    box = OutputBox(limits.cell_output_bytes)
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else []:
        if isinstance(output, dict):
            box.add(str(output.get("output_type")), output)
    executed = count if isinstance(count, int) and not isinstance(count, bool) else None
    return Submitted(execution_count=executed, outputs=box.outputs, cut=box.cut)
