"""`grader audit`: proves that the history of marks is the one that was written."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from grader.errors import GraderError
from grader.store import Store, ledger
from grader.store.ledger import Break
from grader.store.models import AttemptRow, LedgerRow
from grader.store.protection import missing_guards

__all__ = ["AuditReport", "audit"]


@dataclass(frozen=True)
class AuditReport:
    """What was found.

    Attributes:
        rows: Rows of the history.
        head: Digest of the newest seal; written down elsewhere, it vouches for every row up to `rows`.
        broken: The first row that is not as it was sealed.
        unguarded: Tables whose triggers are gone.
        damaged: Evidence that is gone or was changed, one line each.
        head_differs: The seal that was asked for is not the one in the history.
    """

    rows: int
    head: str
    broken: Break | None
    unguarded: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    head_differs: bool = False

    @property
    def sound(self) -> bool:
        return not (self.broken or self.unguarded or self.damaged or self.head_differs)


def audit(store: Store, *, evidence: bool = True, expected: tuple[int, str] | None = None) -> AuditReport:
    """Checks every seal, the triggers and, unless told otherwise, all stored evidence.

    Args:
        store: What to prove.
        evidence: Whether evidence is read and hashed.
        expected: Row number and digest of a seal that was written down earlier. A whole chain could be
            forged by someone who has both the database and this program; not one that fits a seal
            kept elsewhere.
    """
    with store.reading() as session:
        newest = ledger.head(session)
        differs = False
        if expected is not None:
            sealed = session.get(LedgerRow, expected[0])
            differs = sealed is None or sealed.digest != expected[1]
        broken = ledger.examine(session)
        unguarded = tuple(missing_guards(session))
        digests = list(session.scalars(select(AttemptRow.evidence).distinct())) if evidence else []
    return AuditReport(
        rows=newest.seq if newest else 0,
        head=newest.digest if newest else "",
        broken=broken,
        unguarded=unguarded,
        damaged=tuple(problem for digest in digests if (problem := _damage(store, digest))),
        head_differs=differs,
    )


def _damage(store: Store, digest: str) -> str:
    try:
        store.blobs.get(digest)
    except GraderError as error:
        return str(error)
    return ""
