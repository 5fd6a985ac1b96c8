"""Python looks for circular garbage seldom while a server answers, and as before once none does."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from grader.web.collecting import fewer_collections


@pytest.fixture(autouse=True)
def thresholds() -> Iterator[None]:
    """Python's own, whatever a library that another test imported has set."""
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


def test_it_is_as_before_once_the_last_server_has_ended() -> None:
    before = gc.get_threshold()
    first, second = fewer_collections(), fewer_collections()
    with first:
        seldom = gc.get_threshold()
        assert seldom[0] > before[0]
        with second:
            assert gc.get_threshold() == seldom
        assert gc.get_threshold() == seldom
    assert gc.get_threshold() == before and gc.get_freeze_count() == 0


def test_servers_may_end_in_the_order_in_which_they_began() -> None:
    before = gc.get_threshold()
    first, second = fewer_collections(), fewer_collections()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.get_threshold() != before
    second.__exit__(None, None, None)
    assert gc.get_threshold() == before


def test_what_goes_round_in_circles_is_freed_all_the_same() -> None:
    class Circle:
        freed = 0

        def __init__(self) -> None:
            self.own = self

        def __del__(self) -> None:
            Circle.freed += 1

    with fewer_collections():
        for _ in range(120_000):
            Circle()
        assert Circle.freed


@pytest.mark.parametrize("set_by_others", [(200_000, 30, 30), (0, 10, 10)])
def test_a_process_that_looks_more_seldom_already_does_not_look_more_often(
    set_by_others: tuple[int, int, int],
) -> None:
    gc.set_threshold(*set_by_others)
    with fewer_collections():
        assert gc.get_threshold() == set_by_others
    assert gc.get_threshold() == set_by_others


def test_each_of_the_three_is_the_more_seldom_one() -> None:
    gc.set_threshold(200_000, 5, 30)
    with fewer_collections():
        assert gc.get_threshold() == (200_000, 20, 30)
