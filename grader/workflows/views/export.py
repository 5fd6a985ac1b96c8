"""`grader export`: marks as JSON and CSV."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from grader.evidence.record import Outcome
from grader.exports.cells import csv_line, neutralise
from grader.grading.late import LateLine
from grader.grading.marks import CriterionMark, Decision
from grader.store.results import Result
from grader.workflows.views.held import why_held

__all__ = ["as_csv", "as_json", "as_plain"]

_HEAD = ("student", "assignment", "attempt", "outcome", "points", "out_of", "pending")


def as_plain(result: Result) -> dict[str, Any]:
    """A result as plain data, in the shape that `grader export json` promises."""
    assert result.attempt is not None
    attempt, mark = result.attempt, result.mark
    plain: dict[str, Any] = {
        "student": result.student,
        "assignment": result.assignment,
        "attempt": attempt.number,
        "outcome": attempt.outcome,
        "points": mark.points if mark else 0.0,
        "out_of": mark.out_of if mark else 0.0,
        "pending": mark.pending if mark else 0.0,
        "criteria": [_criterion(item) for item in mark.criteria] if mark else [],
        "timing": {"wall_time_s": attempt.wall_time_s, "cells_s": attempt.cells_s},
    }
    if reason := why_held(result):
        plain |= {"held": True, "reason": reason}
    if (drop := result.dropped) is not None:
        plain["excused" if drop.excused else "dropped"] = {
            "by": drop.by,
            "at": drop.at.isoformat(),
            "why": drop.reason,
        }
    return plain if mark is None or mark.late is None else {**plain, "late": _lateness(mark.late)}


def _lateness(line: LateLine) -> dict[str, Any]:
    """What handing in late took off; there only for late work."""
    return {
        "days": line.days,
        "tokens": line.tokens,
        "points": 0 - line.points,
        "undecided": line.undecided,
        "why": line.why,
    }


def _criterion(mark: CriterionMark) -> dict[str, Any]:
    finding = json.loads(mark.finding.model_dump_json(include={"status", "message", "where", "exhibits"}))
    plain = {
        "id": mark.criterion,
        "status": mark.status,
        "points": mark.points,
        "out_of": mark.out_of,
        "message": finding["message"] if mark.decision is None else mark.told,
        "where": finding["where"],
        "exhibits": finding["exhibits"],
    }
    if mark.decision is not None:
        return {**plain, "finding_status": finding["status"], "decision": _decision(mark.decision)}
    return {**plain, "open": mark.finding.open} if mark.finding.open else plain


def _decision(decision: Decision) -> dict[str, Any]:
    """What a person decided; there only where somebody did."""
    return {"by": decision.by, "at": decision.at.isoformat(), "why": decision.why}


def as_json(results: Sequence[Result]) -> str:
    """An array with an object for each submission that reached a terminal outcome."""
    plain = [as_plain(result) for result in results if result.attempt is not None]
    return json.dumps(plain, indent=2, ensure_ascii=True) + "\n"


def as_csv(results: Sequence[Result]) -> str:
    """A row for each submission; a column for each criterion, empty where its points wait for a TA.

    What could not be taken has no points until a person decided, nor has what the service failed to run. A
    column `late` says what lateness took off, where anybody was late.
    """
    graded = [result for result in results if result.attempt is not None]
    points = [_settled_points(result) for result in graded]
    names = list(dict.fromkeys(name for row in points for name in row))
    anybody_late = any(result.mark and result.mark.late for result in graded)
    lines = [_line([*_HEAD, *(["late"] if anybody_late else []), *names])]
    for result, row in zip(graded, points, strict=True):
        plain = as_plain(result)
        late = [plain.get("late", {}).get("points", 0.0)] if anybody_late else []
        lines.append(_line([*_standing(result, plain), *late, *(row.get(name, "") for name in names)]))
    return "".join(lines)


def _standing(result: Result, plain: dict[str, Any]) -> list[Any]:
    """What stands under the head; no points where nothing could be read, run or judged yet."""
    assert result.attempt is not None
    unread = bool(why_held(result)) or Outcome(result.attempt.outcome).our_fault or result.mark is None
    return ["" if name == "points" and unread else plain[name] for name in _HEAD]


def _line(cells: Sequence[Any]) -> str:
    return csv_line([neutralise(cell) for cell in cells])


def _settled_points(result: Result) -> dict[str, float | str]:
    """Points of each criterion, empty where some of them wait."""
    criteria = result.mark.criteria if result.mark else ()
    return {item.criterion: "" if item.pending else item.points for item in criteria}
