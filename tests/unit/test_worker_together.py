"""What several seats ask at about the same time goes in one request, and none hears another's answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from grader.worker.together import Together

LONG_S = 60.0


class _Server:
    """Holds the first request until it is let go, so that others come meanwhile."""

    def __init__(self) -> None:
        self.requests: list[list[int]] = []
        self.asked = threading.Event()
        self.let_go = threading.Event()

    def ask(self, numbers: Sequence[int]) -> list[int]:
        self.requests.append(list(numbers))
        self.asked.set()
        assert self.let_go.wait(LONG_S)
        if -1 in numbers:
            raise ConnectionError("the wire is cut")
        return [10 * each for each in numbers]


def _until_waiting(together: Together[int, int], number: int) -> None:
    for _ in range(round(LONG_S / 0.001)):
        if len(together._waiting) == number:
            return
        time.sleep(0.001)
    pytest.fail("it did not come")


def test_what_comes_while_a_request_is_under_way_goes_with_the_next() -> None:
    server = _Server()
    together = Together(server.ask, most=3, most_size=100)
    with ThreadPoolExecutor(8) as threads:
        first = threads.submit(together, 1)
        assert server.asked.wait(LONG_S)
        later = []
        # One after another, so that it is known which go together: three, and then by their size.
        for number, size in ((2, 0), (3, 0), (4, 0), (5, 90), (6, 20), (7, 500)):
            later.append(threads.submit(together, number, size))
            _until_waiting(together, len(later))
        server.let_go.set()
        assert [each.result(LONG_S) for each in (first, *later)] == [10, 20, 30, 40, 50, 60, 70]
    assert server.requests == [[1], [2, 3, 4], [5], [6], [7]]


def test_a_request_that_fails_fails_for_those_in_it_and_for_nobody_else() -> None:
    server = _Server()
    together = Together(server.ask, most=2)
    with ThreadPoolExecutor(8) as threads:
        first = threads.submit(together, 1)
        assert server.asked.wait(LONG_S)
        later = []
        for number in (2, -1, 3):
            later.append(threads.submit(together, number))
            _until_waiting(together, len(later))
        server.let_go.set()
        assert (first.result(LONG_S), later[2].result(LONG_S)) == (10, 30)
        for lost in later[:2]:
            with pytest.raises(ConnectionError):
                lost.result(LONG_S)
