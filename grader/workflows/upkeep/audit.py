"""`grader audit`: proves that the history of marks is the one that was written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.orm import InstrumentedAttribute, Session

from grader.errors import GraderError
from grader.store import Store, ledger
from grader.store.ledger import Break, Head
from grader.store.models import AttemptRow, SubmissionRow
from grader.store.protection import guard_problems

__all__ = ["AuditReport", "audit"]

#: Lines of SQLite's own report; a damaged file gives one for each entry of an index.
_SHOWN = 10


@dataclass(frozen=True)
class AuditReport:
    """What was found.

    Attributes:
        rows: Rows of the history.
        head: Digest of the newest seal; written down elsewhere, it vouches for every row up to `rows`.
        broken: The first row that is not as it was sealed.
        corrupt: What SQLite finds wrong with its file, such as an index that no longer fits its table.
        unguarded: What is wrong with the triggers, one line each.
        damaged: What marks stand on and is gone or was changed, each with the row that names it.
        head_differs: The seal that was asked for is not the one in the history.
    """

    rows: int
    head: str
    broken: Break | None
    corrupt: tuple[str, ...] = ()
    unguarded: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    head_differs: bool = False

    @property
    def sound(self) -> bool:
        return not (self.broken or self.corrupt or self.unguarded or self.damaged or self.head_differs)


def audit(store: Store, *, evidence: bool = True, expected: tuple[int, str] | None = None) -> AuditReport:
    """Checks every seal, the database's own structures, the triggers and, by default, all stored evidence.

    Args:
        store: What to prove.
        evidence: Whether notebooks, plans and evidence are read and hashed.
        expected: Row number and digest of a seal that was written down earlier. A whole chain could be
            forged by someone who has both the database and this program; not one that fits a seal
            kept elsewhere.
    """
    with store.reading() as session:
        newest = ledger.head(session)
        sealed = expected and ledger.head_at(session, expected[0])
        broken = ledger.examine(session)
        corrupt = _corruption(session)
        unguarded = guard_problems(session)
        blobs = _blobs(session) if evidence else {}
    return AuditReport(
        rows=newest.seq if newest else 0,
        head=newest.digest if newest else "",
        broken=broken,
        corrupt=tuple(corrupt),
        unguarded=tuple(unguarded),
        damaged=tuple(_damage(store, blobs)),
        head_differs=expected is not None and sealed != Head(*expected),
    )


def _corruption(session: Session) -> list[str]:
    """Marks are found through indexes, which no seal covers."""
    if session.connection().dialect.name != "sqlite":
        return []
    found = session.scalars(text(f"PRAGMA integrity_check({_SHOWN})")).all()
    return [line for line in found if line != "ok"]


def _blobs(session: Session) -> dict[str, str]:
    """Digest of all that marks stand on, with the first row that names it, in words."""
    found: dict[str, str] = {}
    for what, digest in _KEPT:
        row = digest.class_
        query = select(digest, row.seq, row.student, row.assignment).order_by(row.seq)
        for name, seq, student, assignment in session.execute(query):
            found.setdefault(name, f"the {what} of {student}, {assignment} (row {seq})")
    return found


_KEPT: tuple[tuple[str, InstrumentedAttribute[str]], ...] = (
    ("notebook", SubmissionRow.notebook),
    ("notebook", AttemptRow.notebook),
    ("plan", AttemptRow.plan),
    ("evidence", AttemptRow.evidence),
)


def _damage(store: Store, blobs: dict[str, str]) -> Iterator[str]:
    for digest, whose in blobs.items():
        try:
            store.blobs.get(digest)
        except GraderError as error:
            yield f"{whose}: {error}"
