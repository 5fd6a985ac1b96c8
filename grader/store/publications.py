"""Which rubric the desk published for an assignment: it counts whatever an older file of the course says.

The rubric's text and the verdicts by it are rows of the history, sealed with who published it, when and why.
What is kept here only points at them, so that whoever judges finds it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from grader.store.models import LedgerRow, RubricRow, SettingRow
from grader.store.records import RubricRecord, Seal
from grader.store.unchanged import of_change

__all__ = ["Publication", "publication", "publish", "supersede"]

# Made once: each end of a job asks it.
_KEPT = select(SettingRow.value).where(SettingRow.name == bindparam("name"))


@dataclass(frozen=True)
class Publication:
    """A rubric that was published.

    Attributes:
        seal: Of the first verdict by it: who published it, when and why.
    """

    rubric: RubricRecord
    seal: Seal

    def __str__(self) -> str:
        return f"published at the desk by {self.seal.actor} on {self.seal.at:%d %B %Y at %H:%M} UTC"

    @property
    def how_to_take_over(self) -> str:
        """The command that makes the course's file say the same."""
        return f"`grader rubric show --row {self.rubric.seq} > rubrics/{self.rubric.name}` takes it over"


def _name(assignment: str) -> str:
    return f"published_rubric {assignment}"


def publication(session: Session, assignment: str) -> Publication | None:
    """The rubric that was published last; None where a file of the course counts."""
    return of_change(session, ("published", assignment), lambda: _publication(session, assignment))


def _publication(session: Session, assignment: str) -> Publication | None:
    kept = session.scalar(_KEPT, {"name": _name(assignment)})
    if kept is None:
        return None
    rubric, verdict = (int(number) for number in kept.split())
    row, seal = session.get(RubricRow, rubric), session.get(LedgerRow, verdict)
    if row is None or seal is None or row.assignment != assignment:
        return None
    return Publication(RubricRecord.of(row), Seal.of(seal))


def publish(session: Session, assignment: str, *, rubric: int, verdict: int) -> None:
    """From now on this rubric counts.

    Args:
        session: A writing transaction.
        assignment: Whose.
        rubric: Its number.
        verdict: The number of a verdict by it, written by whoever published it.
    """
    session.merge(SettingRow(name=_name(assignment), value=f"{rubric} {verdict}"))


def supersede(session: Session, assignment: str) -> None:
    """From now on a file of the course counts again."""
    kept = session.get(SettingRow, _name(assignment))
    if kept is not None:
        session.delete(kept)
