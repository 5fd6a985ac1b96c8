"""How long a sandbox is waited for: by its own time, and on a busy machine not for ever."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from grader import own_time
from grader.evidence.frames import Cleaned, Frame, Ready
from grader.evidence.record import Environment
from grader.sandbox import starting
from grader.sandbox.frames import StreamEnded
from grader.sandbox.starting import LATEST_S, READY_S, NotUp, await_ready


class Start:
    """A start on a played machine: its first frame comes after some seconds by the wall.

    Args:
        frame_at: When; None for never.
        of_a_processor: How much of each second it works, and waits for a processor.
    """

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        *,
        frame_at: float | None,
        of_a_processor: tuple[float, float] = (0.0, 0.0),
        first: Frame | None = None,
    ) -> None:
        self.wall = 0.0
        self._frame_at = frame_at
        self._first = first or Ready(environment=Environment(python="3.12"))
        works, waits = of_a_processor
        clock = SimpleNamespace(monotonic=lambda: self.wall)
        monkeypatch.setattr(starting, "time", clock)
        monkeypatch.setattr(own_time, "time", clock)
        monkeypatch.setattr(starting, "descendants", lambda pid: {pid, pid + 1})
        monkeypatch.setattr(own_time, "stolen_s", lambda: 0.0)
        monkeypatch.setattr(own_time, "used_s", lambda pid: self.wall * works / 2)
        monkeypatch.setattr(own_time, "waits_s", lambda pid: {pid: self.wall * waits / 2})

    def begins(self, deadline: float) -> bool:
        arrives = self._frame_at is not None and self._frame_at <= deadline
        self.wall = max(self.wall, self._frame_at or 0.0) if arrives else deadline
        return arrives

    def receive(self, deadline: float) -> tuple[Frame, list[np.ndarray]]:
        return self._first, []

    def log(self) -> str:
        return "it wrote this\n"

    def up(self, main_process: Callable[[], int | None] = lambda: 7) -> Environment:
        return await_ready(self, main_process, 2.0)  # type: ignore[arg-type]


def given_up(start: Start, main_process: Callable[[], int | None] = lambda: 7) -> NotUp:
    with pytest.raises(NotUp) as caught:
        start.up(main_process)
    return caught.value


def test_a_start_that_takes_what_it_usually_does_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def never() -> int:
        raise AssertionError("looked at")

    assert Start(monkeypatch, frame_at=3.0).up(never).python == "3.12"


def test_what_others_took_of_the_machine_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    start = Start(monkeypatch, frame_at=3 * READY_S, of_a_processor=(0.05, 0.95))
    assert start.up().python == "3.12"


def test_a_start_that_hangs_is_given_up_by_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    start = Start(monkeypatch, frame_at=None)
    error = given_up(start)
    assert READY_S <= start.wall < READY_S + 20
    assert not error.busy
    assert "grader doctor" in error.todo
    assert "nothing within 250 s, in which it had 0.0 s of a processor" in error.found
    assert error.found.endswith("it wrote this")


def test_a_start_that_works_and_comes_to_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    # Both of its threads work all the time: no processor was kept from it.
    start = Start(monkeypatch, frame_at=None, of_a_processor=(2.0, 0.0))
    assert not given_up(start).busy
    assert start.wall < READY_S + 20


def test_a_machine_that_gives_nothing_at_all_is_named_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    start = Start(monkeypatch, frame_at=None, of_a_processor=(0.001, 0.999))
    error = given_up(start)
    assert LATEST_S <= start.wall < LATEST_S + 20
    assert error.busy
    assert "the machine was too busy" in error.found
    assert "--jobs" in error.todo


def test_where_its_processes_are_out_of_sight_the_wall_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    start = Start(monkeypatch, frame_at=3 * READY_S, of_a_processor=(0.05, 0.95))
    error = given_up(start, lambda: None)
    assert not error.busy
    assert error.found.startswith("nothing within 250 s\n")


def test_one_that_ends_says_what_it_wrote(monkeypatch: pytest.MonkeyPatch) -> None:
    start = Start(monkeypatch, frame_at=1.0)

    def hang_up(deadline: float) -> bool:
        raise StreamEnded("the container hung up")

    monkeypatch.setattr(start, "begins", hang_up)
    assert given_up(start).found == "the container hung up\nit wrote this"


def test_a_first_frame_of_another_kind_is_no_start(monkeypatch: pytest.MonkeyPatch) -> None:
    error = given_up(Start(monkeypatch, frame_at=1.0, first=Cleaned()))
    assert "its first frame was 'cleaned'" in error.found
