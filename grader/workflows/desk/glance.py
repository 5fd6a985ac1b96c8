"""The class at a glance as pages show it: worked out once for each state of the history."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakKeyDictionary

from grader.reporting import ClassSummary
from grader.store import Store
from grader.workflows.desk.waiting import require_known
from grader.workflows.views.show import find_results
from grader.workflows.views.summary import class_summary

__all__ = ["AtAGlance", "at_a_glance"]

#: A class up to here is summed up while whoever asks waits; of a larger one they see the last sum meanwhile.
_SMALL = 400


@dataclass(frozen=True)
class AtAGlance:
    """A class summed up.

    Attributes:
        row: The newest row of the history that it knows.
        at: When it was made.
        rows_since: How many came since.
    """

    summary: ClassSummary
    row: int
    at: datetime
    rows_since: int = 0


_MADE: WeakKeyDictionary[Store, dict[str, AtAGlance]] = WeakKeyDictionary()
_BUSY: WeakKeyDictionary[Store, set[str]] = WeakKeyDictionary()
_ONE = threading.Lock()


def at_a_glance(store: Store, assignment: str) -> AtAGlance:
    """Sums up an assignment, unless nothing came since it was summed up last.

    All evidence is read for it. Of a large class the last sum is given at once, and a new one made beside it.

    Raises:
        UsageError: Nothing was judged yet.
        StoreError: The database is out of reach.
    """
    with store.reading() as history:
        require_known(history, assignment)
        newest, size = history.newest_row(), history.size(assignment)
    with _ONE:
        made = _MADE.setdefault(store, {}).get(assignment)
    if made is not None and made.row == newest:
        return made
    if made is None or size <= _SMALL:
        return _sum_up(store, assignment, newest)
    with _ONE:
        busy = _BUSY.setdefault(store, set())
        begin = assignment not in busy
        busy.add(assignment)
    if begin:
        threading.Thread(target=_sum_up_beside, args=(store, assignment, newest), daemon=True).start()
    return AtAGlance(made.summary, made.row, made.at, newest - made.row)


def _sum_up_beside(store: Store, assignment: str, newest: int) -> None:
    try:
        _sum_up(store, assignment, newest)
    finally:
        with _ONE:
            _BUSY[store].discard(assignment)


def _sum_up(store: Store, assignment: str, newest: int) -> AtAGlance:
    summary = class_summary(store, assignment, find_results(store, assignment))
    made = AtAGlance(summary, newest, store.clock())
    with _ONE:
        _MADE.setdefault(store, {})[assignment] = made
    return made
