"""A thread beside a seat, where what a notebook left is recorded while the next one runs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

__all__ = ["Aside"]


class Aside:
    """Does one thing at a time beside whoever gives it; for one thread to give.

    Leaving it waits for the last one.

    Args:
        name: Of its thread.
        failed: Told at once what failed there. What is given afterwards is done nevertheless.
    """

    def __init__(self, name: str, failed: Callable[[BaseException], object]) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._failed = failed
        self._begun: Future[None] | None = None

    def __enter__(self) -> Aside:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._thread.shutdown()

    def begin(self, act: Callable[[], object]) -> None:
        """Returns while `act` is still to be done, but not before the one before it was."""
        if self._begun is not None:
            self._begun.result()
        self._begun = self._thread.submit(self._do, act)

    def _do(self, act: Callable[[], object]) -> None:
        try:
            act()
        except BaseException as error:
            self._failed(error)
