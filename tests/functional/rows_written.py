"""Moments of the history for tests: a row is written, and its transaction is not over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from grader.store import ledger
from grader.store.models import AttemptRow, VerdictRow

__all__ = ["tell_of_rows"]

_NAMES = {AttemptRow: "Attempt", VerdictRow: "Verdict"}


def tell_of_rows(tell: Callable[[str], None]) -> None:
    """Tells the kind of each row from now on, written alone or with others; changes this process for good."""
    append, append_all = ledger.append, ledger.append_all

    def append_and_tell(session: Any, row: Any, signature: Any) -> Any:
        written = append(session, row, signature)
        tell(_NAMES.get(type(row), ""))
        return written

    def append_all_and_tell(session: Any, rows: Any, noted: Any) -> Any:
        written = append_all(session, rows, noted)
        for row, _ in rows:
            tell(_NAMES.get(type(row), ""))
        return written

    ledger.append, ledger.append_all = append_and_tell, append_all_and_tell
