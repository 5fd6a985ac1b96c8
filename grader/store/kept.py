"""Which large things the history names, and which of them are to be gone since their person was erased."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from grader.store.enrolling import book_in
from grader.store.models import AttemptRow, HandInRow, SubmissionRow

__all__ = ["Named", "erased_blobs", "named_blobs"]

_NOTEBOOK, _PLAN, _EVIDENCE = "notebook", "plan", "evidence"
_KEPT: tuple[tuple[str, InstrumentedAttribute[str]], ...] = (
    (_NOTEBOOK, SubmissionRow.notebook),
    (_NOTEBOOK, HandInRow.notebook),
    (_NOTEBOOK, AttemptRow.notebook),
    (_PLAN, AttemptRow.plan),
    (_EVIDENCE, AttemptRow.evidence),
)


@dataclass(frozen=True)
class Named:
    """A piece of evidence by the first row that names it.

    Attributes:
        what: notebook, plan or evidence.
        path: Where a file that was handed in came from; empty of anything else.
    """

    what: str
    student: str
    assignment: str
    row: int
    path: str = ""

    @property
    def whose(self) -> str:
        return f"the {self.what} of {self.student}, {self.assignment} (row {self.row})"


def named_blobs(session: Session) -> dict[str, Named]:
    """Digest of all that marks stand on, with the first row that names it.

    What only erased people handed in is left out; a plan says nothing of anybody, and stays.
    """
    book, found = book_in(session), dict[str, Named]()
    for digest, named in _rows(session):
        if named.what == _PLAN or not book.is_erased(named.student):
            found.setdefault(digest, named)
    return found


def erased_blobs(session: Session) -> dict[str, str]:
    """Digest of all that is to be gone since only erased people handed it in, with the label of one."""
    book, named = book_in(session), named_blobs(session)
    return {
        digest: row.student
        for digest, row in _rows(session)
        if digest not in named and book.is_erased(row.student)
    }


def _rows(session: Session) -> Iterator[tuple[str, Named]]:
    for what, digest in _KEPT:
        row = digest.class_
        path = (row.path,) if row is SubmissionRow else ()
        query = select(digest, row.student, row.assignment, row.seq, *path).order_by(row.seq)
        for name, *named in session.execute(query):
            yield name, Named(what, *named)
