"""The calls of a function in a table: what was asked, what came back, what would have been right.

Reads the groups that `grader.checks` leaves under ``data["groups"]``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from grader.grading.verdict import Finding
from grader.reporting.model import ReportInput
from grader.reporting.pages import fragment
from grader.reporting.text import plain, shortened
from grader.rubric.model import Criterion

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


def draw(report: ReportInput, finding: Finding, criterion: Criterion | None) -> Markup | None:
    """Only where a call went wrong, and where no picture says it better."""
    groups = finding.data.get("groups")
    if not isinstance(groups, list) or finding.data.get("picture"):
        return None
    shows_expected = report.shows_expected(finding)
    drawn = [_group(group, shows_expected) for group in groups if _went_wrong(group)]
    if not drawn:
        return None
    return fragment("calls.html.j2", groups=drawn, shows_expected=shows_expected)


def _went_wrong(group: Any) -> bool:
    calls = group.get("calls") if isinstance(group, Mapping) else None
    return isinstance(calls, list) and any(call.get("state") != "right" for call in calls)


def _group(group: Mapping[str, Any], shows_expected: bool) -> Group:
    calls = sorted(group["calls"], key=lambda call: call.get("state") == "right")
    rows = tuple(_row(call, shows_expected) for call in calls[:_CALLS])
    return Group(str(group.get("name", "")), rows, max(0, len(calls) - _CALLS))


def _row(call: Mapping[str, Any], shows_expected: bool) -> Row:
    tone, word = _STATES.get(str(call.get("state")), _STATES["unknown"])
    return Row(
        call=shortened(str(call.get("call", "")), _CHARACTERS),
        got=_written(call.get("got")) if call.get("state") != "raised" else "an error",
        expected=_written(call.get("expected")) if shows_expected else "",
        tone=tone,
        word=word,
        mistake=str(call.get("mistake") or "") if shows_expected and tone == "bad" else "",
    )


def _written(value: Any) -> str:
    return "None" if value is None else shortened(plain(value), _CHARACTERS)
