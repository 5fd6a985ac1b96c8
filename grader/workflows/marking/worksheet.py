"""`grader pending --csv`: what waits, as a table that a TA fills in and `grader mark --from` reads."""

from __future__ import annotations

from collections.abc import Sequence

from grader.exports.cells import csv_line, neutralise
from grader.workflows.marking.marks import Pending

__all__ = ["worksheet"]

_HEAD = ("student", "criterion", "points", "comment", "seen", "open", "why", "message", "cells")


def worksheet(items: Sequence[Pending]) -> str:
    """A row for each criterion that waits; `points` and `comment` are empty, `seen` says what was shown.

    Files that could not be taken are left out: `grader mark --zero`, or a new file, settles them.
    """
    rows = [_row(item) for item in items if item.seen is not None]
    return "".join(csv_line([neutralise(cell) for cell in row]) for row in (_HEAD, *rows))


def _row(item: Pending) -> Sequence[object]:
    message = " ".join(item.message.split())
    fixed = (item.student, item.criterion, "", "", str(item.seen), item.points, item.status)
    return (*fixed, message, "; ".join(item.cells))
