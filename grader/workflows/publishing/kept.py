"""The text of a rubric that somebody tries is kept, so that it outlives the server and their browser."""

from __future__ import annotations

from grader.rubric.text import MAX_CHARACTERS
from grader.store import Store
from grader.store.drafts import RubricDraft
from grader.workflows.publishing.draft import Draft

__all__ = ["forget_text", "keep_text", "kept_text"]


def keep_text(store: Store, assignment: str, draft: Draft, *, owner: str) -> None:
    """Keeps what somebody tries, one text for each assignment; what stands already is no draft.

    The history has nothing of it, and nothing counts by it.
    """
    if len(draft.text) > MAX_CHARACTERS:
        return
    kept = None if draft.same else RubricDraft(draft.text, store.clock())
    store.add(lambda history: history.keep_draft(owner, assignment, kept))


def forget_text(store: Store, assignment: str, *, owner: str) -> None:
    """Once it counts, or its owner gave it up."""
    store.add(lambda history: history.keep_draft(owner, assignment, None))


def kept_text(store: Store, assignment: str, *, owner: str) -> RubricDraft | None:
    """What this person tried last; None where there is nothing that differs from what stood then."""
    with store.reading() as history:
        return history.draft(owner, assignment)
