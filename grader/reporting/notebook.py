"""The executed notebook in nbformat, made from the record of its cells, with everything cut to size.

What a student's file held before stays out: the appendix shows the run that was judged.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from grader.evidence.record import CellRecord, Output
from grader.reporting.bare_pictures import PICTURES, bare_picture
from grader.reporting.markdown import sanitised
from grader.reporting.text import clean, coloured, duration, overwritten, shortened

__all__ = ["as_notebook", "picture"]

_SOURCE_CHARACTERS = 40_000
_PROSE_CHARACTERS = 12_000
_OUTPUT_CHARACTERS = 6_000
_OUTPUTS = 200
_HTML_CHARACTERS = 60_000
_PICTURES_BYTES = 6 * 1024 * 1024

_NOTES = {
    "timeout": "stopped at the time limit",
    "output_limit": "stopped at the output limit",
    "died": "Python stopped here",
    "not_run": "did not run",
}


@dataclass
class _Allowance:
    """Bytes of pictures that one page may still carry."""

    left: int = field(default=_PICTURES_BYTES)

    def takes(self, size: int) -> bool:
        if size > self.left:
            return False
        self.left -= size
        return True


def as_notebook(cells: Iterable[CellRecord]) -> dict[str, Any]:
    """A notebook of version 4.5 whose outputs are those of the service's own run.

    Each cell is called ``cell-N``, and its metadata hold its ``number`` and a ``note`` on its run.
    """
    allowance = _Allowance()
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {},
        "cells": [_cell(cell, allowance) for cell in cells],
    }


def _cell(cell: CellRecord, allowance: _Allowance) -> dict[str, Any]:
    limit = _PROSE_CHARACTERS if cell.kind == "markdown" else _SOURCE_CHARACTERS
    node: dict[str, Any] = {
        "cell_type": cell.kind,
        "id": f"cell-{cell.index}",
        "metadata": {"number": cell.index, "note": _note(cell)},
        "source": shortened(clean(cell.source), limit),
    }
    if cell.kind == "code":
        outputs = cell.run.outputs[:_OUTPUTS] if cell.run else ()
        drawn = (_output(each, allowance) for each in outputs)
        node |= {"execution_count": None, "outputs": [each for each in drawn if each is not None]}
    return node


def _note(cell: CellRecord) -> str:
    run = cell.run
    if run is None or not cell.source.strip():
        return ""
    parts = [_NOTES[run.status]] if run.status in _NOTES else []
    if run.duration_s >= 1:
        parts.append(duration(run.duration_s))
    if run.cut or len(run.outputs) > _OUTPUTS:
        parts.append("output cut")
    return ", ".join(parts)


def _output(output: Output, allowance: _Allowance) -> dict[str, Any] | None:
    """As nbformat has it; None where there is nothing to see."""
    if output.kind not in ("stream", "error"):
        data = _data(output, allowance)
        return {"output_type": "display_data", "metadata": {}, "data": data} if any(data.values()) else None
    text = _text(output.text)
    if not text:
        return None
    if output.kind == "error":
        name = clean(output.name)
        return {"output_type": "error", "ename": name, "evalue": "", "traceback": text.split("\n")}
    return {"output_type": "stream", "name": "stderr" if output.name == "stderr" else "stdout", "text": text}


def _text(text: str) -> str:
    return coloured(shortened(overwritten(text), _OUTPUT_CHARACTERS)).rstrip()


def _data(output: Output, allowance: _Allowance) -> dict[str, str]:
    """The one form in which an output is shown: a picture, a table or other HTML, else its text."""
    for mime in PICTURES:
        encoded = picture(mime, output.data.get(mime, ""))
        if encoded and not allowance.takes(len(encoded)):
            return {"text/plain": "[a picture was left out: the page would grow too large]"}
        if encoded:
            return {mime: encoded}
    html = output.data.get("text/html", "")
    if html and len(html) <= _HTML_CHARACTERS:
        safe = sanitised(html)
        if safe.striptags():
            return {"text/html": str(safe)}
    return {"text/plain": _text(output.text or output.data.get("text/plain", ""))}


def picture(mime: str, encoded: str) -> str:
    """Base64 without line breaks of bytes that really are a picture of this type, else an empty string.

    SVG is never accepted: it can hold scripts and links. What the file says beside the picture is left out.
    """
    if mime not in PICTURES or not encoded:
        return ""
    try:
        raw = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        return ""
    return base64.b64encode(bare_picture(mime, raw)).decode() if raw.startswith(PICTURES[mime]) else ""
