"""Texts of rubrics that people tried last, by person and assignment; no part of the history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from grader.store.desk_tables import RubricDraftRow

__all__ = ["RubricDraft", "find_draft", "keep_draft"]


@dataclass(frozen=True)
class RubricDraft:
    """A text with when it was tried last, in UTC."""

    text: str
    at: datetime


def keep_draft(session: Session, owner: str, assignment: str, draft: RubricDraft | None) -> None:
    """Puts a text in place of the one that this person tried before; None leaves none."""
    theirs = (RubricDraftRow.owner == owner, RubricDraftRow.assignment == assignment)
    session.execute(delete(RubricDraftRow).where(*theirs))
    if draft is not None:
        session.add(RubricDraftRow(owner=owner, assignment=assignment, text=draft.text, at=draft.at))


def find_draft(session: Session, owner: str, assignment: str) -> RubricDraft | None:
    """What this person tried last; None for nothing."""
    row = session.get(RubricDraftRow, (owner, assignment))
    return None if row is None else RubricDraft(row.text, row.at)
