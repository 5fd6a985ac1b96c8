"""`grader export`: marks as JSON and CSV."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from grader.evidence.record import Outcome
from grader.exports.cells import csv_line, neutralise
from grader.grading.late import LateLine
from grader.grading.marks import CriterionMark, Decision, Mark
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


def as_json(results: Iterable[Result]) -> Iterator[str]:
    """An array with an object for each submission that reached a terminal outcome, in parts."""
    parts = (
        json.dumps(as_plain(result), indent=2, ensure_ascii=True).replace("\n", "\n  ")
        for result in results
        if result.attempt is not None
    )
    first = next(parts, None)
    if first is None:
        yield "[]\n"
        return
    yield f"[\n  {first}"
    for part in parts:
        yield f",\n  {part}"
    yield "\n]\n"


@dataclass(frozen=True, slots=True)
class _Row:
    """What a submission's row says, without what was found: rows of a class are held for their columns."""

    standing: tuple[object, ...]
    late: float | None
    criteria: tuple[str, ...]
    points: tuple[float | str, ...]


def as_csv(results: Iterable[Result]) -> str:
    """A row for each submission; a column for each criterion, empty where its points wait for a TA.

    What could not be taken has no points until a person decided, nor has what the service failed to run. A
    column `late` says what lateness took off, where anybody was late.
    """
    # The names of criteria, and points, are the same for many.
    shared: dict[tuple[object, ...], Any] = {}
    rows = [_row(result, shared) for result in results if result.attempt is not None]
    names = list(dict.fromkeys(name for row in rows for name in row.criteria))
    anybody_late = any(row.late is not None for row in rows)
    lines = [_line([*_HEAD, *(["late"] if anybody_late else []), *names])]
    for row in rows:
        points = dict(zip(row.criteria, row.points, strict=True))
        late = [0.0 if row.late is None else row.late] if anybody_late else []
        lines.append(_line([*row.standing, *late, *(points.get(name, "") for name in names)]))
    return "".join(lines)


def _row(result: Result, shared: dict[tuple[object, ...], Any]) -> _Row:
    mark = result.mark
    settled = _settled_points(mark)
    names, points = tuple(settled), tuple(settled.values())
    return _Row(
        _standing(result, mark),
        0 - mark.late.points if mark and mark.late else None,
        shared.setdefault(names, names),
        shared.setdefault(points, points),
    )


def _standing(result: Result, mark: Mark | None) -> tuple[object, ...]:
    """What stands under the head; no points where nothing could be read, run or judged yet."""
    attempt = result.attempt
    assert attempt is not None
    unread = bool(why_held(result)) or Outcome(attempt.outcome).our_fault or mark is None
    return (
        result.student,
        sys.intern(result.assignment),
        attempt.number,
        sys.intern(attempt.outcome),
        "" if unread or mark is None else mark.points,
        mark.out_of if mark else 0.0,
        mark.pending if mark else 0.0,
    )


def _line(cells: Sequence[object]) -> str:
    return csv_line([neutralise(cell) for cell in cells])


def _settled_points(mark: Mark | None) -> dict[str, float | str]:
    """Points of each criterion, empty where some of them wait."""
    return {item.criterion: "" if item.pending else item.points for item in (mark.criteria if mark else ())}
