"""Flags: what a TA asks the head TA to look at."""

from __future__ import annotations

from grader.errors import RefusedError, UsageError
from grader.store import Signature, Store
from grader.store.flags import Flag, FlagRecord
from grader.workflows.marking.marks import criterion_mark, graded_result

__all__ = ["flags_of", "raise_flag", "settle_flag"]


def raise_flag(store: Store, assignment: str, student: str, criterion: str, note: str, *, actor: str) -> None:
    """Asks the head TA to look at one criterion of a submission; a flag that stands gets the new words.

    Raises:
        RefusedError: The submission is dropped.
        UsageError: Student or criterion is unknown, or there are no words.
    """
    if not note.strip():
        raise UsageError("a flag needs a word what to look at", expected="a note")
    _write(store, assignment, student, criterion, note.strip(), actor=actor, raised=True)


def settle_flag(
    store: Store, assignment: str, student: str, criterion: str, note: str = "", *, actor: str
) -> None:
    """Takes a flag down.

    Raises:
        RefusedError: None stands.
        UsageError: Student or criterion is unknown.
    """
    _write(store, assignment, student, criterion, note.strip(), actor=actor, raised=False)


def _write(
    store: Store, assignment: str, student: str, criterion: str, note: str, *, actor: str, raised: bool
) -> None:
    with store.writing() as history:
        result = graded_result(history, student, assignment, with_dropped=not raised)
        criterion_mark(result, criterion)
        standing = history.flags(assignment=assignment, student=result.student)
        if not raised and all(flag.criterion != criterion for flag in standing):
            raise RefusedError(f"no flag stands on '{criterion}' of {student}", todo="nothing was written")
        flag = FlagRecord(
            student=result.student, assignment=assignment, criterion=criterion, note=note, raised=raised
        )
        history.flag(flag, Signature(actor, store.clock(), "flag for the head TA"))


def flags_of(store: Store, assignment: str | None = None) -> list[Flag]:
    """Flags that nobody has settled, oldest first."""
    with store.reading() as history:
        return history.flags(assignment=assignment)
