"""The outputs that a file was handed in with: evidence of what the student saw, kept within caps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from grader.evidence.record import Output
from grader.intake.text import plain_text

__all__ = ["OutputBudget", "read_outputs"]

_MAX_TEXT = 100_000
_MAX_TOTAL = 12 * 1024 * 1024
_MAX_OUTPUTS = 200
_MAX_NAME = 200
_PICTURES = ("image/png", "image/jpeg")
_KINDS: dict[str, Literal["stream", "display_data", "execute_result", "error"]] = {
    "stream": "stream",
    "display_data": "display_data",
    "execute_result": "execute_result",
    "error": "error",
}


class OutputBudget:
    """Characters of output that may still be kept of one notebook."""

    def __init__(self, characters: int = _MAX_TOTAL) -> None:
        self._left = characters

    def cut(self, text: str, limit: int = _MAX_TEXT) -> str:
        """The beginning of a text that fits both limits; what is taken is spent."""
        kept = text[: min(limit, self._left)]
        self._left -= len(kept)
        return kept

    def whole(self, text: str) -> str | None:
        """The text, or None where only a part of it would fit: half a picture is none."""
        if len(text) > self._left:
            return None
        self._left -= len(text)
        return text


def read_outputs(outputs: object, budget: OutputBudget) -> tuple[Output, ...]:
    """Reads a cell's list of outputs; what is malformed or of an unknown kind is left out.

    Text and pictures are kept; HTML and scripts are not, since nobody needs them to judge.
    """
    if not isinstance(outputs, list):
        return ()
    return tuple(_well_formed(outputs[:_MAX_OUTPUTS], budget))


def _well_formed(outputs: list[Any], budget: OutputBudget) -> Iterator[Output]:
    for output in outputs:
        if not isinstance(output, dict):
            continue
        kind = _KINDS.get(str(output.get("output_type")))
        if kind is not None:
            yield _output(kind, output, budget)


def _output(
    kind: Literal["stream", "display_data", "execute_result", "error"],
    output: dict[str, Any],
    budget: OutputBudget,
) -> Output:
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return Output(kind=kind, name=name, text=budget.cut(_joined(output.get("text"))))
    if kind == "error":
        heading = f"{_joined(output.get('ename'))}: {_joined(output.get('evalue'))}"
        traceback = _joined(output.get("traceback"), between="\n")
        name = _joined(output.get("ename"))[:_MAX_NAME]
        return Output(kind=kind, name=name, text=budget.cut(f"{heading}\n{traceback}"))
    bundle = output.get("data")
    data = bundle if isinstance(bundle, dict) else {}
    return Output(kind=kind, text=budget.cut(_joined(data.get("text/plain"))), data=_pictures(data, budget))


def _pictures(data: dict[str, Any], budget: OutputBudget) -> dict[str, str]:
    kept = {}
    for mime in _PICTURES:
        picture = budget.whole(_joined(data.get(mime)))
        if picture:
            kept[mime] = picture
    return kept


def _joined(value: object, *, between: str = "") -> str:
    """Multi-line text of nbformat, as text or a list of lines; anything else is no text."""
    lines = value if isinstance(value, list) else [value]
    return plain_text(between.join(line for line in lines if isinstance(line, str)))
