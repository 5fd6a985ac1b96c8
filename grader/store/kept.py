"""Which large things the history names, and which of them are to be gone: erased, or let go of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from grader.store.enrolling import book_in
from grader.store.models import AttemptRow, Base, HandInRow, SubmissionRow
from grader.store.upkeep_tables import LetGoRow

__all__ = [
    "Named",
    "Naming",
    "erased_blobs",
    "known_digests",
    "let_go_blobs",
    "let_go_since",
    "named_blobs",
    "naming_rows",
]

_NOTEBOOK, _PLAN, _EVIDENCE = "notebook", "plan", "evidence"
#: How columns are called that name a file, in whatever table.
_NAMES = (_NOTEBOOK, _PLAN, _EVIDENCE)
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


@dataclass(frozen=True)
class Naming:
    """That a row names a file, by its digest."""

    digest: str
    student: str
    assignment: str
    row: int


def named_blobs(session: Session) -> dict[str, Named]:
    """Digest of all that marks stand on, with the first row that names it.

    What only erased people handed in is left out, and so is what the course let go of; a plan says nothing of
    anybody, and stays.
    """
    book, found = book_in(session), dict[str, Named]()
    newest = dict[str, int]()
    for digest, named in _rows(session):
        if named.what == _PLAN or not book.is_erased(named.student):
            found.setdefault(digest, named)
            newest[digest] = max(newest.get(digest, 0), named.row)
    gone = let_go_since(session)
    return {digest: named for digest, named in found.items() if gone.get(digest, 0) < newest[digest]}


def erased_blobs(session: Session) -> dict[str, str]:
    """Digest of all that is to be gone since only erased people handed it in, with the label of one."""
    book = book_in(session)
    others = {
        digest for digest, row in _rows(session) if row.what == _PLAN or not book.is_erased(row.student)
    }
    return {
        digest: row.student
        for digest, row in _rows(session)
        if digest not in others and book.is_erased(row.student)
    }


def let_go_blobs(session: Session) -> dict[str, int]:
    """Digest of all that is to be gone since the course let go of it, with the row that says so."""
    named, gone = named_blobs(session), let_go_since(session)
    return {digest: row for digest, row in gone.items() if digest not in named}


def known_digests(session: Session) -> set[str]:
    """Digest of every file that any row names, of the history or of the queue, to be gone or not."""
    named = (table.c[name] for table in Base.metadata.tables.values() for name in _NAMES if name in table.c)
    return {digest for each in named for digest in session.scalars(select(each).distinct()) if digest}


def let_go_since(session: Session) -> dict[str, int]:
    """By digest the newest row by which the course let go of it; one that a later row names is kept again."""
    query = select(LetGoRow.seq, LetGoRow.digests).order_by(LetGoRow.seq)
    return {digest: seq for seq, digests in session.execute(query) for digest in digests}


def naming_rows(session: Session, what: str) -> Iterator[Naming]:
    """Rows that name a notebook or a recording, in no order."""
    for digest, named in _rows(session):
        if named.what == what:
            yield Naming(digest, named.student, named.assignment, named.row)


def _rows(session: Session) -> Iterator[tuple[str, Named]]:
    for what, digest in _KEPT:
        row = digest.class_
        path = (row.path,) if row is SubmissionRow else ()
        query = select(digest, row.student, row.assignment, row.seq, *path).order_by(row.seq)
        for name, *named in session.execute(query):
            yield name, Named(what, *named)
