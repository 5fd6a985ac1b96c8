"""A TA's marks that were given on another file than the one that counts now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from grader.store.history import Result
from grader.store.models import AttemptRow, MarkRow, VerdictRow

__all__ = ["EarlierMarks", "marks_on_earlier_files"]

#: Criteria by assignment and student.
EarlierMarks = Mapping[tuple[str, str], Sequence[str]]


def marks_on_earlier_files(session: Session, results: Sequence[Result]) -> EarlierMarks:
    """Criteria whose standing mark answers a verdict on a file that the student has replaced since.

    The mark counts all the same (docs/decisions/0010), so a TA has to know of it.
    """
    read_on = _notebooks(session, {result.assignment for result in results})
    found = {
        (result.assignment, result.student): [
            item.criterion
            for item in (result.mark.criteria if result.mark else ())
            if item.decision
            and read_on.get(item.decision.seq, result.submission.notebook) != result.submission.notebook
        ]
        for result in results
        if result.decisions
    }
    return {key: names for key, names in found.items() if names}


def _notebooks(session: Session, assignments: set[str]) -> dict[int, str]:
    """Of each mark, the digest of the file that its giver had before them."""
    query = (
        select(MarkRow.seq, AttemptRow.notebook)
        .join(VerdictRow, VerdictRow.seq == MarkRow.verdict)
        .join(AttemptRow, AttemptRow.seq == VerdictRow.attempt)
        .where(MarkRow.assignment.in_(assignments))
    )
    return {row.seq: row.notebook for row in session.execute(query)}
