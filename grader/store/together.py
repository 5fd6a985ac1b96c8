"""Group commit: what several threads have to write goes into one transaction, which is synced once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Generic, TypeVar

from grader.errors import StoreError, StoreUnavailable
from grader.store.writable_history import WritableHistory

__all__ = ["AtOnce", "ResultT", "Together"]

ResultT = TypeVar("ResultT")

#: Does what it can of several actions of its kind at once; gives None for those that it leaves to themselves.
AtOnce = Callable[[WritableHistory, Sequence[Any]], Sequence[ResultT | None]]

#: So many at the most, so that nobody else waits long for the writers' lock.
_MOST = 64


class _Waiting(Generic[ResultT]):
    """One thread's write, and what came of it."""

    def __init__(
        self, action: Callable[[WritableHistory], ResultT], at_once: AtOnce[ResultT] | None = None
    ) -> None:
        self.action, self.at_once = action, at_once
        self.settled = False
        self.error: Exception | None = None
        self._results: list[ResultT] = []

    def settle(self, result: ResultT) -> None:
        self._results = [result]
        self.settled = True

    def fail(self, error: Exception) -> None:
        self.error = error
        self.settled = True

    def outcome(self) -> ResultT:
        if self.error is not None:
            raise self.error
        return self.result

    @property
    def result(self) -> ResultT:
        return self._results[0]


class Together:
    """Writes that wait for the one before them are taken along by the next. Safe to share between threads.

    Args:
        writing: Begins a transaction of the history.
    """

    def __init__(self, writing: Callable[[], AbstractContextManager[WritableHistory]]) -> None:
        self._writing = writing
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._waiting: list[_Waiting[object]] = []

    def write(
        self, action: Callable[[WritableHistory], ResultT], at_once: AtOnce[ResultT] | None = None
    ) -> ResultT:
        """Runs `action` in a transaction, maybe with others, and returns once it is kept.

        Args:
            action: Adds to the history; run again where the transaction of all had to be given up, so that
                one that fails by itself takes no other with it.
            at_once: Asked first, with all that wait and bring the same; what it leaves comes after.

        Raises:
            StoreError: The database failed; nothing was written.
            Exception: What the action raised; nothing of it was written.
        """
        mine = _Waiting(action, at_once)
        self._write([mine])
        return mine.outcome()

    def write_all(
        self,
        actions: Sequence[Callable[[WritableHistory], ResultT]],
        at_once: AtOnce[ResultT] | None = None,
    ) -> list[ResultT | Exception]:
        """Runs several as `write` does each of them, and returns once all are kept.

        Args:
            actions: As of `write`.
            at_once: As of `write`, for all of them.

        Returns:
            What came of each, in their order: its result, or what `write` would have raised.
        """
        mine = [_Waiting(action, at_once) for action in actions]
        self._write(mine)
        return [each.result if each.error is None else each.error for each in mine]

    def _write(self, mine: Sequence[_Waiting[ResultT]]) -> None:
        with self._lock:
            self._waiting += mine  # type: ignore[arg-type]
        with self._turn:
            while not all(each.settled for each in mine):
                self._write_next()

    def _write_next(self) -> None:
        with self._lock:
            taken, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
        try:
            with self._writing() as history:
                results = _all(history, taken)
        except Exception as error:
            # Of a database that is away all hear at once; a row that is damaged may be one's alone.
            if isinstance(error, StoreUnavailable) or (isinstance(error, StoreError) and len(taken) == 1):
                for each in taken:
                    each.fail(error)
            else:
                for each in taken:
                    self._write_alone(each)
        else:
            for each, result in zip(taken, results, strict=True):
                each.settle(result)

    def _write_alone(self, waiting: _Waiting[object]) -> None:
        try:
            with self._writing() as history:
                result = waiting.action(history)
        except Exception as error:
            waiting.fail(error)
        else:
            waiting.settle(result)


def _all(history: WritableHistory, taken: Sequence[_Waiting[object]]) -> list[object]:
    """Runs all of them; gives what came of each, in their order."""
    results: dict[int, object] = {}
    for at_once in dict.fromkeys(each.at_once for each in taken if each.at_once is not None):
        places = [place for place, each in enumerate(taken) if each.at_once == at_once]
        found = at_once(history, [taken[place].action for place in places])
        results |= {place: each for place, each in zip(places, found, strict=True) if each is not None}
    for place, each in enumerate(taken):
        if place not in results:
            results[place] = each.action(history)
    return [results[place] for place in range(len(taken))]
