"""A bubblewrap sandbox that was killed and takes long to end, as on a machine full of others' processes."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace
from typing import Any

from grader.sandbox import bubblewrap
from grader.sandbox.bubblewrap import Bubble


class SlowToEnd:
    """A process that has ended when it is asked for the `asked`th time."""

    def __init__(self, asked: int) -> None:
        self.left = asked
        self.kills = 0

    def wait(self, timeout: float) -> int:
        if self.poll() is None:
            raise subprocess.TimeoutExpired("bwrap", timeout)
        return -9

    def poll(self) -> int | None:
        self.left -= 1
        return None if self.left > 0 else -9

    def kill(self) -> None:
        self.kills += 1


def removed(asked: int) -> SlowToEnd:
    process = SlowToEnd(asked)
    stream = SimpleNamespace(send=lambda _: None, close=lambda: None)
    bubble: Any = SimpleNamespace(stream=stream, _process=process)
    Bubble.remove(bubble)
    return process


def test_what_ends_by_itself_is_not_killed() -> None:
    assert removed(1).kills == 0
    assert not bubblewrap._ENDING


def test_what_takes_long_to_end_is_waited_for_by_those_after_it() -> None:
    slow = removed(5)
    assert slow.kills == 2
    assert len(bubblewrap._ENDING) == 1
    removed(1)
    assert len(bubblewrap._ENDING) == 1
    removed(1)
    assert not bubblewrap._ENDING
