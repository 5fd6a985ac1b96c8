"""Rows of the history by their seals, for whoever keeps a copy of who did what."""

from __future__ import annotations

from grader.store import Store
from grader.store.records import Seal

__all__ = ["rows_page"]


def rows_page(store: Store, *, after: int, size: int) -> list[Seal]:
    """The seals of the rows that follow, oldest first.

    Args:
        store: Where the history is.
        after: The number of the last row that is known; 0 for none.
        size: How many.
    """
    with store.reading() as history:
        return history.seals_after(after, size)
