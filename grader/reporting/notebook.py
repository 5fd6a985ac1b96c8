"""The executed notebook as an appendix, drawn from the record of its cells.

Why not nbconvert: see docs/decisions. What is shown is what the sandbox recorded, already size-capped;
pictures are re-checked here, and HTML is reduced to text and tables.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass, field

from markupsafe import Markup

from grader.evidence.record import CellRecord, Output
from grader.reporting.markdown import markdown, sanitised
from grader.reporting.text import clean, duration, shortened, terminal

__all__ = ["CellView", "OutputView", "appendix", "picture_uri"]

_NOTHING = Markup("")

_SOURCE_CHARACTERS = 40_000
_PROSE_CHARACTERS = 12_000
_OUTPUT_CHARACTERS = 6_000
_HTML_CHARACTERS = 60_000
_PICTURES_BYTES = 6 * 1024 * 1024

# What a picture's bytes must begin with to be shown as this type.
_MAGIC = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff", "image/gif": b"GIF8"}


@dataclass(frozen=True)
class OutputView:
    """One output: text, a picture's data URI, or sanitised HTML. `kind` is also its class in the page."""

    kind: str
    text: str = ""
    picture: str = ""
    html: Markup = _NOTHING


@dataclass(frozen=True)
class CellView:
    """One cell; `note` says what was unusual about its run."""

    index: int
    kind: str
    source: str = ""
    prose: Markup = _NOTHING
    outputs: tuple[OutputView, ...] = ()
    note: str = ""


@dataclass
class _Allowance:
    """Bytes of pictures that one page may still carry."""

    left: int = field(default=_PICTURES_BYTES)

    def takes(self, size: int) -> bool:
        if size > self.left:
            return False
        self.left -= size
        return True


def appendix(cells: Iterable[CellRecord]) -> tuple[CellView, ...]:
    """All cells with what they put out when the service ran them."""
    allowance = _Allowance()
    return tuple(_cell(cell, allowance) for cell in cells)


def _cell(cell: CellRecord, allowance: _Allowance) -> CellView:
    if cell.kind == "markdown":
        return CellView(cell.index, cell.kind, prose=markdown(shortened(cell.source, _PROSE_CHARACTERS)))
    source = shortened(clean(cell.source), _SOURCE_CHARACTERS)
    if cell.run is None:
        return CellView(cell.index, cell.kind, source)
    outputs = [_output(output, allowance) for output in cell.run.outputs]
    shown = tuple(output for output in outputs if output is not None)
    return CellView(cell.index, cell.kind, source, outputs=shown, note=_note(cell))


def _note(cell: CellRecord) -> str:
    run = cell.run
    if run is None or not cell.source.strip():
        return ""
    notes = {
        "timeout": "stopped at the time limit",
        "output_limit": "stopped at the output limit",
        "died": "Python stopped here",
        "not_run": "did not run",
    }
    parts = [notes[run.status]] if run.status in notes else []
    if run.duration_s >= 1:
        parts.append(duration(run.duration_s))
    if run.cut:
        parts.append("output cut")
    return ", ".join(parts)


def _output(output: Output, allowance: _Allowance) -> OutputView | None:
    if output.kind in ("stream", "error"):
        kind = "error" if output.kind == "error" else ("stderr" if output.name == "stderr" else "stdout")
        return _text(kind, output.text)
    return _picture(output, allowance) or _html(output) or _text("result", output.text or _plain(output))


def _plain(output: Output) -> str:
    return output.data.get("text/plain", "")


def _text(kind: str, text: str) -> OutputView | None:
    shown = shortened(terminal(text), _OUTPUT_CHARACTERS).rstrip()
    return OutputView(kind, text=shown) if shown else None


def _picture(output: Output, allowance: _Allowance) -> OutputView | None:
    for mime in _MAGIC:
        uri = picture_uri(mime, output.data.get(mime, ""))
        if uri and not allowance.takes(len(uri)):
            return OutputView("result", text="[a picture was left out: the page would grow too large]")
        if uri:
            return OutputView("picture", picture=uri)
    return None


def picture_uri(mime: str, encoded: str) -> str:
    """A data URI for base64 that really is a picture of this type, else an empty string.

    SVG is never accepted: it can hold scripts and links.
    """
    if mime not in _MAGIC or not encoded:
        return ""
    try:
        raw = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        return ""
    if not raw.startswith(_MAGIC[mime]):
        return ""
    return f"data:{mime};base64,{base64.b64encode(raw).decode()}"


def _html(output: Output) -> OutputView | None:
    html = output.data.get("text/html", "")
    if not html or len(html) > _HTML_CHARACTERS:
        return None
    safe = sanitised(html)
    return OutputView("html", html=safe) if safe.striptags() else None
