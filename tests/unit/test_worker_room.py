"""How many notebooks a worker takes at a time: no more than its machine's memory holds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.sandbox.fake import FakeSandbox
from grader.worker import main
from grader.worker.main import Given, work
from grader.worker.room import Room, seats_that_fit
from tests import course

GB = 10**9


@pytest.mark.parametrize(
    ("asked", "usual", "free", "seats"),
    [(None, 8, 16 * GB, 4), (None, 2, 16 * GB, 2), (None, 8, GB, 1), (4, 8, 16 * GB, 4), (1, 8, GB, 1)],
)
def test_as_many_as_fit_are_run_at_a_time(asked: int | None, usual: int, free: int, seats: int) -> None:
    assert seats_that_fit(asked, usual, 4 * GB, free) == seats


def test_where_no_limit_is_set_nothing_is_counted() -> None:
    assert seats_that_fit(None, 3, 0, GB) == 3 and seats_that_fit(9, 3, 0, GB) == 9


class _Large(FakeSandbox):
    def memory_bytes(self, plan: object) -> int:
        return 4 * GB


def test_who_asks_for_more_than_fit_is_told_how_many_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main, "choose_sandbox", lambda *_, **__: _Large(course.answer))
    monkeypatch.setattr(main, "available_bytes", lambda: 9 * GB)
    monkeypatch.setattr(main.signal, "signal", lambda *_: None)
    (tmp_path / "token").write_text("gw_some")
    with pytest.raises(UsageError) as refused:
        work(Given("http://127.0.0.1:9", tmp_path / "token", jobs=3), lambda _: None)
    assert refused.value.what == "3 notebooks at a time do not fit into the memory of this machine"
    assert refused.value.expected == "--jobs 2 or fewer: each may take 4.0 GB"
    assert refused.value.found == "9.0 GB free"


def test_a_notebook_that_may_take_more_waits_for_the_others() -> None:
    room = Room(10)
    assert room.take(6, lambda: False)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(room.take, 5, lambda: False)
        assert not waiting.done()
        room.give_back(6)
        assert waiting.result(60)
    assert not room.take(6, lambda: True), "it is over"
    room.give_back(5)
    assert room.take(11, lambda: True), "alone it is let in"
