"""Who grades what as a CSV of student and TA: written, and read back."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from pathlib import Path

from grader.errors import UsageError
from grader.files.named import write_text
from grader.files.tabular import read_table
from grader.store import Store
from grader.workflows.setting_up.held import set_up
from grader.workflows.setting_up.sharing import Sharing, sharing_of
from grader.workflows.views.known import require_assignment

__all__ = ["read_shares", "shares_csv", "write_shares"]

_COLUMNS = ("student", "ta")


def shares_csv(store: Store, assignment: str) -> str:
    """As `write_shares` writes it.

    Raises:
        UsageError: No assignment is called so.
    """
    with store.moment():
        with store.reading() as history:
            require_assignment(history, assignment)
        with set_up(store, assignment) as held:
            return held.made("shares.csv", lambda: _as_csv(sharing_of(held)))


def _as_csv(found: Sharing) -> str:
    """Each student with whose they are; empty for nobody's."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    rows = [(student, line.grader) for line in found.lines for student in line.students]
    writer.writerows(sorted([*rows, *((student, "") for student in found.rest)]))
    return text.getvalue()


def write_shares(path: Path, found: Sharing) -> None:
    """Writes the table.

    Raises:
        UsageError: It cannot be written.
    """
    write_text(path, _as_csv(found))


def read_shares(path: Path) -> dict[str, list[str]]:
    """Students by TA; rows without a TA say nothing.

    Raises:
        UsageError: It is no such table, or names no student in a row.
    """
    wanted: dict[str, list[str]] = defaultdict(list)
    for line, row in read_table(path, required=_COLUMNS):
        if not row["student"]:
            raise UsageError("a row names no student", where=f"{path}:{line}")
        if row["ta"]:
            wanted[row["ta"]].append(row["student"])
    return dict(wanted)
