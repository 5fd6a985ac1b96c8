"""Outputs of a cell as they arrive: joined, counted and cut, so that the driver's memory stays flat."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Literal

from grader.evidence.record import CellError, Output
from grader.evidence.text import LEFT_OUT, shortened

__all__ = ["OutputBox", "cell_error", "plain"]

_KINDS = ("stream", "display_data", "execute_result", "error")
_MOST_OUTPUTS = 1000
_TRACEBACK_CHARACTERS = 20_000
_MESSAGE_CHARACTERS = 2_000
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-_]")

Kind = Literal["stream", "display_data", "execute_result", "error"]


class _Draft:
    """An output that may still grow."""

    def __init__(
        self, kind: Kind, name: str = "", text: str = "", data: dict[str, str] | None = None
    ) -> None:
        self.kind = kind
        self.name = name
        self.parts = [text]
        self.data = data or {}

    def finished(self) -> Output:
        return Output(kind=self.kind, name=self.name, text="".join(self.parts), data=self.data)


class OutputBox:
    """Keeps a cell's outputs up to a cap; what comes after is dropped and `cut` is set.

    Args:
        limit_bytes: For all outputs together, as UTF-8 text.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._left = limit_bytes
        self._drafts: list[_Draft] = []
        self._by_display: dict[str, _Draft] = {}
        self._clear_next = False
        self.cut = False

    @property
    def outputs(self) -> tuple[Output, ...]:
        return tuple(draft.finished() for draft in self._drafts)

    def add(self, kind: str, content: Mapping[str, Any]) -> None:
        """Takes one output, in the form of a kernel message's content or of nbformat."""
        if kind not in _KINDS:
            return
        if self._clear_next:
            self.clear(wait=False)
        if kind == "stream":
            self._add_stream(_text(content.get("name")), _text(content.get("text")))
        elif kind == "error":
            self._append(
                _Draft("error", name=_text(content.get("ename")), text=self._take(_traceback(content)))
            )
        else:
            self._add_display(kind, content)  # type: ignore[arg-type]  # narrowed by the tests above

    def update(self, content: Mapping[str, Any]) -> None:
        """Replaces the data of a display that was announced under the same id."""
        draft = self._by_display.get(_display_id(content))
        if draft is not None:
            text, draft.data = self._data(content)
            draft.parts = [text]

    def clear(self, *, wait: bool) -> None:
        """As ``clear_output``: now, or when the next output comes."""
        self._clear_next = wait
        if not wait:
            # What was cleared stays counted: a loop of print and clear must end as well.
            self._drafts.clear()
            self._by_display.clear()

    def _add_stream(self, name: str, text: str) -> None:
        kept = self._take(text)
        last = self._drafts[-1] if self._drafts else None
        if last is not None and last.kind == "stream" and last.name == name:
            last.parts.append(kept)
        elif kept:
            self._append(_Draft("stream", name=name, text=kept))

    def _add_display(self, kind: Kind, content: Mapping[str, Any]) -> None:
        text, data = self._data(content)
        draft = _Draft(kind, text=text, data=data)
        if self._append(draft) and _display_id(content):
            self._by_display[_display_id(content)] = draft

    def _data(self, content: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
        given = content.get("data")
        bundle = given if isinstance(given, dict) else {}
        text = self._take(_text(bundle.get("text/plain")))
        data = {}
        for mime, value in bundle.items():
            if mime != "text/plain" and (whole := self._take_whole(_text(value))):
                data[_text(mime)[:100]] = whole
        return text, data

    def _append(self, draft: _Draft) -> bool:
        if len(self._drafts) >= _MOST_OUTPUTS:
            self.cut = True
            return False
        self._drafts.append(draft)
        return True

    def _take(self, text: str) -> str:
        """As much of the text as the cap allows."""
        raw = text.encode("utf-8", "replace")
        if len(raw) > self._left:
            self.cut = True
        kept = raw[: self._left]
        self._left -= len(kept)
        return kept.decode("utf-8", "ignore")

    def _take_whole(self, text: str) -> str:
        """The text or nothing: half a picture is none."""
        if len(text.encode("utf-8", "replace")) > self._left:
            self.cut = True
            return ""
        return self._take(text)


def cell_error(content: Mapping[str, Any], execution_count: int | None) -> CellError:
    """Describes the exception of an execute reply, with the deepest line of this very cell in it."""
    traceback = plain(_traceback(content))
    return CellError(
        type=_text(content.get("ename"))[:200] or "Exception",
        message=shortened(plain(_text(content.get("evalue"))), _MESSAGE_CHARACTERS),
        line=_line(traceback, execution_count),
        traceback=_end_of(traceback),
    )


def _end_of(traceback: str) -> str:
    if len(traceback) <= _TRACEBACK_CHARACTERS:
        return traceback
    return LEFT_OUT.strip() + traceback[len(LEFT_OUT.strip()) - _TRACEBACK_CHARACTERS :]


def plain(text: str) -> str:
    """Text without terminal escapes and lone surrogates."""
    return _ESCAPES.sub("", text).encode("utf-8", "replace").decode()


def _line(traceback: str, execution_count: int | None) -> int | None:
    found = re.findall(r"Cell In\[(\d+)\], line (\d+)", traceback)
    lines = [int(line) for count, line in found if execution_count is None or int(count) == execution_count]
    return lines[-1] if lines else None


def _traceback(content: Mapping[str, Any]) -> str:
    given = content.get("traceback")
    return "\n".join(map(str, given)) if isinstance(given, list) else _text(given)


def _display_id(content: Mapping[str, Any]) -> str:
    transient = content.get("transient")
    return _text(transient.get("display_id")) if isinstance(transient, dict) else ""


def _text(value: Any) -> str:
    """Nbformat keeps long text as a list of lines, and JSON data as it is."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return _text("".join(value))
    try:
        return "" if value is None else json.dumps(value)
    except RecursionError:
        return "(nested too deeply to be kept)"
