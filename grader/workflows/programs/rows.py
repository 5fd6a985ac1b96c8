"""Rows of the history by their seals, for whoever keeps a copy of who did what."""

from __future__ import annotations

from dataclasses import dataclass

from grader.store import Head, Store
from grader.store.records import Seal

__all__ = ["RowSealed", "newest_seal", "row_sealed", "rows_page"]


@dataclass(frozen=True)
class RowSealed:
    """One row: who wrote it, the digest of its seal, and the newest seal of the same moment."""

    seal: Seal
    digest: str
    newest: Head


def newest_seal(store: Store) -> Head | None:
    """The newest seal of all; None where nothing was ever written."""
    with store.reading() as history:
        return history.newest_seal()


def row_sealed(store: Store, row: int) -> RowSealed | None:
    """One row by its number; None where there is none."""
    with store.reading() as history:
        seal, head, newest = history.seal(row), history.seal_of(row), history.newest_seal()
    return RowSealed(seal, head.digest, newest) if seal and head and newest else None


def rows_page(store: Store, *, after: int, size: int) -> list[Seal]:
    """The seals of the rows that follow, oldest first.

    Args:
        store: Where the history is.
        after: The number of the last row that is known; 0 for none.
        size: How many.
    """
    with store.reading() as history:
        return history.seals_after(after, size)
