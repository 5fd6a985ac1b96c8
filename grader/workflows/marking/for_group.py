"""For whom else a mark is: the others of a group whose work stands exactly as that of the one marked."""

from __future__ import annotations

from collections.abc import Collection

from grader.grading.marks import CriterionMark
from grader.grading.seen import same_finding
from grader.store import History, Result
from grader.store.marks import About
from grader.workflows.marking.seen import seen_in

__all__ = ["marked_alike"]


def marked_alike(
    history: History, result: Result, mark: CriterionMark, named: Collection[tuple[str, str]] = ()
) -> tuple[About, ...]:
    """Others for whom the same file counts, and whose criterion stands exactly as this one's.

    Args:
        history: To read in.
        result: Of the one that is marked.
        mark: What stands for the criterion.
        named: Students and criteria to leave out.
    """
    assignment, criterion = result.assignment, mark.criterion
    students = history.sharers(assignment, result.student, result.submission.notebook)
    if not students:
        return ()
    asked = {
        remark.student
        for remark in history.remarks(assignment=assignment)
        if remark.criterion == criterion and remark.state.is_open
    }
    found = []
    for other in history.results(assignment=assignment, students=students):
        theirs = other.mark.criterion(criterion) if other.mark and not other.damaged else None
        same_file = other.submission.notebook == result.submission.notebook
        left_out = other.student in asked or (other.student, criterion) in named
        if theirs is None or not same_file or left_out:
            continue
        same_row = _decided_by(theirs) == _decided_by(mark)
        if same_row and same_finding(theirs.finding, mark.finding):
            seen = seen_in(other, theirs)
            found.append(About(other.student, seen.verdict, seen.mark))
    return tuple(found)


def _decided_by(mark: CriterionMark) -> int | None:
    return None if mark.decision is None else mark.decision.seq
