"""The calls of a function in a table: what was asked, what came back, what would have been right."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup
from pydantic import JsonValue

from grader.grading.verdict import Finding
from grader.judging.exhibits import Call, CallGroup, Calls, Window, exhibit_of
from grader.reporting.model import ReportInput
from grader.reporting.pages import fragment
from grader.reporting.text import plain, shortened

__all__ = ["draw"]

_CALLS = 12
_CHARACTERS = 120
_STATES = {
    "right": ("good", "✓ right"),
    "printed": ("part", "◐ printed, not returned"),
    "wrong": ("bad", "✗ wrong"),
    "raised": ("bad", "✗ raised an error"),
    "unknown": ("wait", "… not judged"),
}


@dataclass(frozen=True)
class Row:
    call: str
    got: str
    expected: str
    tone: str
    word: str
    mistake: str


@dataclass(frozen=True)
class Group:
    name: str
    rows: tuple[Row, ...]
    left_out: int


def draw(report: ReportInput, finding: Finding, exhibit: Calls) -> Markup | None:
    """Only where a call went wrong, and where no picture says it better."""
    if exhibit_of(finding.exhibits, Window) is not None:
        return None
    shows_expected = report.shows_expected(finding)
    drawn = [_group(group, shows_expected) for group in exhibit.groups if _went_wrong(group)]
    if not drawn:
        return None
    return fragment("calls.html.j2", groups=drawn, shows_expected=shows_expected)


def _went_wrong(group: CallGroup) -> bool:
    return any(call.state != "right" for call in group.calls)


def _group(group: CallGroup, shows_expected: bool) -> Group:
    calls = sorted(group.calls, key=lambda call: call.state == "right")
    rows = tuple(_row(call, shows_expected) for call in calls[:_CALLS])
    return Group(group.name, rows, max(0, len(calls) - _CALLS))


def _row(call: Call, shows_expected: bool) -> Row:
    tone, word = _STATES[call.state]
    return Row(
        # What went in was drawn for this attempt: it is held back with what should have come out.
        call=shortened(call.call, _CHARACTERS) if shows_expected else f"{call.call.partition('(')[0]}(…)",
        got=_written(call.got) if call.state != "raised" else "an error",
        expected=_written(call.expected) if shows_expected else "",
        tone=tone,
        word=word,
        mistake=call.mistake or "" if shows_expected and tone == "bad" else "",
    )


def _written(value: JsonValue) -> str:
    return "None" if value is None else shortened(plain(value), _CHARACTERS)
