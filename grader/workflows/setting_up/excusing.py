"""Students who owe no work on an assignment, whether they handed in anything or not.

`grader drop` takes a file out of what counts that should not be there. Who is excused is a student of the
class: exports say so in the words of the course system.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.errors import RefusedError, UsageError
from grader.store import History, Signature, Store
from grader.store.allowances import Excuse, ExcuseRecord
from grader.workflows.setting_up.meant import require_why, students_meant
from grader.workflows.views.known import require_assignment

__all__ = ["excuse", "excuses_of", "take_back_excuse"]


def excuses_of(store: Store, assignment: str) -> dict[str, Excuse]:
    """Who is excused, by name.

    Raises:
        UsageError: No assignment is called so.
    """
    with store.reading() as history:
        require_assignment(history, assignment)
        return dict(sorted(history.excuses(assignment).items()))


def excuse(store: Store, assignment: str, students: Sequence[str], reason: str, *, actor: str) -> list[str]:
    """Excuses students: what they handed in counts nowhere, and nothing is missing of them.

    Returns:
        Their ids.

    Raises:
        RefusedError: One is excused or dropped already, or a remark request of theirs is open.
        UsageError: The assignment or a student is unknown, none is named, or there is no reason.
    """
    why = require_why(reason)
    with store.writing() as history:
        meant = _meant(history, assignment, students)
        gone = history.dropped(assignment)
        for student in meant:
            if student in gone:
                word = "excused" if gone[student].excused else "dropped"
                raise RefusedError(f"{student} is {word} already", todo="nothing was written")
            _refuse_open_requests(history, assignment, student)
            record = ExcuseRecord(student=student, assignment=assignment, excused=True, reason=why)
            history.excuse(record, Signature(actor, store.clock(), "grader excuse"))
    return meant


def take_back_excuse(
    store: Store, assignment: str, students: Sequence[str], reason: str, *, actor: str
) -> list[str]:
    """Lets students owe the work again, all of them or none.

    Raises:
        RefusedError: One is not excused.
        UsageError: As `excuse`.
    """
    why = require_why(reason)
    with store.writing() as history:
        meant = _meant(history, assignment, students)
        held = history.excuses(assignment)
        for student in meant:
            if student not in held:
                raise RefusedError(f"{student} is not excused", todo="nothing was written")
            record = ExcuseRecord(student=student, assignment=assignment, excused=False, reason=why)
            history.excuse(record, Signature(actor, store.clock(), "grader excuse --undo"))
    return meant


def _meant(history: History, assignment: str, students: Sequence[str]) -> list[str]:
    require_assignment(history, assignment)
    meant = students_meant(history, students, assignment)
    if not meant:
        raise UsageError("nobody is named", expected="one or more students")
    return meant


def _refuse_open_requests(history: History, assignment: str, student: str) -> None:
    for remark in history.remarks(assignment=assignment, student=student):
        if remark.state.is_open:
            raise RefusedError(
                f"{student}: remark request {remark.id} on this work is open",
                todo=f"settle it first: grader remark show {remark.id}",
            )
