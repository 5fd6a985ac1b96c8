"""What several threads ask at about the same time goes to the server in one request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

__all__ = ["Together"]

AskedT = TypeVar("AskedT")
ToldT = TypeVar("ToldT")


class _Waiting(Generic[AskedT, ToldT]):
    """What one thread asks, and what it was told."""

    def __init__(self, asked: AskedT, size: int) -> None:
        self.asked = asked
        self.size = size
        self.told: list[ToldT] = []
        self.error: BaseException | None = None


class Together(Generic[AskedT, ToldT]):
    """Questions that come while a request is under way go with the next one. Safe to share between threads.

    Args:
        ask: Asks several at once, by one thread at a time; gives an answer to each, in their order.
        most: So many in one request.
        most_size: So much in one request, of what has a size, unless a single one is more.
    """

    def __init__(
        self, ask: Callable[[Sequence[AskedT]], Sequence[ToldT]], *, most: int, most_size: int = 0
    ) -> None:
        self._ask = ask
        self._most = most
        self._most_size = most_size
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._waiting: list[_Waiting[AskedT, ToldT]] = []

    def __call__(self, asked: AskedT, size: int = 0) -> ToldT:
        """The answer to one question of this size.

        Raises:
            BaseException: What the request that it went with raised.
        """
        mine = _Waiting[AskedT, ToldT](asked, size)
        with self._lock:
            self._waiting.append(mine)
        with self._turn:
            while not mine.told and mine.error is None:
                self._ask_next()
        if mine.error is not None:
            raise mine.error
        return mine.told[0]

    def _ask_next(self) -> None:
        taken = self._taken()
        try:
            answers = self._ask([each.asked for each in taken])
            for each, told in zip(taken, answers, strict=True):
                each.told = [told]
        except BaseException as error:
            # Whoever of them was told nothing hears of it.
            for each in taken:
                if not each.told:
                    each.error = error

    def _taken(self) -> list[_Waiting[AskedT, ToldT]]:
        with self._lock:
            number, size = 1, self._waiting[0].size
            for each in self._waiting[1 : self._most]:
                size += each.size
                if size > self._most_size and each.size:
                    break
                number += 1
            taken, self._waiting = self._waiting[:number], self._waiting[number:]
            return taken
