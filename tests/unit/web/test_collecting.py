"""Python looks for circular garbage seldom while a server answers, and as before once none does."""

from __future__ import annotations

import gc

from grader.web.collecting import fewer_collections


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
