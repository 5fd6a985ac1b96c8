"""How many jobs a worker has in hand: what is begun while a claim is under way, and for moments only."""

from __future__ import annotations

import pytest

from grader.worker.ahead import Ahead, Claimed
from grader.worker.server import Lease


class _Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _jobs(number: int, first: int = 1) -> list[Claimed]:
    return [Claimed(Lease("cnn", job, 1), {}) for job in range(first, first + number)]


def _at_a_rate(a_second: float, *, lasted_s: float) -> tuple[Ahead, _Clock]:
    """After ten seconds of seats that begin so many jobs a second, each by a claim of its own."""
    clock = _Clock()
    ahead = Ahead(clock)
    for _ in range(round(10 * a_second)):
        clock.now += 1 / a_second
        ahead.note_begun()
        ahead.put([], lasted_s=lasted_s)
    clock.now += 0.5 / a_second
    return ahead, clock


@pytest.mark.parametrize(
    ("a_second", "lasted_s", "wanted"),
    [
        # A request brings what half a second needs, where it is answered at once.
        (50, 0.01, 25),
        # Where it takes longer, twice what is begun meanwhile: the next one may take as long again.
        (50, 0.4, 40),
        # However long it takes, no more than two seconds need.
        (50, 9.0, 100),
        (1, 0.01, 1),
        # One job would lie in hand for more than two seconds: whoever else is free is to have it.
        (0.2, 0.01, 0),
    ],
)
def test_in_hand_is_what_seats_begin_while_a_claim_is_under_way(
    a_second: float, lasted_s: float, wanted: int
) -> None:
    ahead, clock = _at_a_rate(a_second, lasted_s=lasted_s)
    assert ahead.lacking() == wanted
    ahead.put(_jobs(wanted), lasted_s=lasted_s)
    assert ahead.lacking() == 0
    # More is asked for once half of it is left.
    for taken in range(wanted):
        assert (ahead.lacking() > 0) == (taken >= wanted / 2)
        clock.now += 1 / a_second
        assert ahead.take() is not None


def test_seats_that_begin_nothing_any_more_have_nothing_in_hand() -> None:
    ahead, clock = _at_a_rate(50, lasted_s=0.1)
    ahead.put(_jobs(3), lasted_s=0.1)
    clock.now += 4.9
    assert (ahead.lacking(), ahead.too_long()) == (0, [])
    clock.now += 0.2
    assert ahead.too_long() == _jobs(3)
    assert (ahead.lacking(), ahead.take()) == (0, None)


def test_first_in_hand_is_first_begun_and_what_was_lost_is_not() -> None:
    ahead = Ahead(_Clock())
    ahead.put(_jobs(4), lasted_s=0.1)
    [lost] = _jobs(1, first=2)
    assert ahead.drop([lost.lease, Lease("other", 1, 1)]) == [lost]
    assert [ahead.take(), *ahead.drop_all(), ahead.take()] == [*_jobs(1), *_jobs(2, first=3), None]
