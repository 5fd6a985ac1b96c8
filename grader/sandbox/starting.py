"""Waits until a sandbox that was started is ready, by its own time rather than by the wall's.

A start takes two to three seconds of a processor. Where fifty others ask for the same one it takes minutes,
and nothing is wrong with it; where it hangs, nobody needs to wait for long. So what it waits for a processor
that others have is not counted (`grader.own_time`), up to a bound that nothing moves.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from grader.errors import EvidenceError
from grader.evidence.frames import Ready
from grader.evidence.record import Environment
from grader.own_time import OwnTime, descendants
from grader.sandbox.frames import DeadlinePassed, FrameStream, StreamEnded

__all__ = ["NotUp", "await_ready"]

#: Seconds that a start may take of its own: working, asleep, or waiting for a disk.
READY_S = 240.0
#: And by the wall, however little of a processor it gets.
LATEST_S = 1800.0
#: A start that comes up as it should is not looked at. Afterwards each look reads all of /proc.
_UNWATCHED_S, _LOOK_S = 10.0, 5.0
#: From the first byte of the first frame to its last.
_FRAME_S = 60.0
_LOG_CHARACTERS = 4000

_OF_THE_SERVICE = "build the image again with `grader image build`; `grader doctor` tests the rest"
_OF_THE_MACHINE = "run again when less runs on this machine, or let less run at a time, as with --jobs 1"


class NotUp(Exception):
    """A sandbox that did not come up.

    Attributes:
        found: What is known of it, and the end of what it wrote.
        todo: The next step, unless the kind of sandbox knows a better one.
        busy: Whether the machine had no processor for it, so that nothing need be wrong with it.
    """

    def __init__(self, why: str, log: str, *, busy: bool = False) -> None:
        super().__init__(why)
        wrote = f"\n{log.strip()[-_LOG_CHARACTERS:]}" if log.strip() else ""
        self.found = f"{why}{wrote}"
        self.busy = busy
        self.todo = _OF_THE_MACHINE if busy else _OF_THE_SERVICE


def await_ready(stream: FrameStream, main_process: Callable[[], int | None], cpus: float) -> Environment:
    """Waits for the driver's first frame.

    Args:
        stream: Of a driver that was just started.
        main_process: Gives the number of the sandbox's first process on this machine; None where it is on
            another one, or nobody knows, so that only the wall's time can be counted.
        cpus: Processors that the sandbox may use at a time.

    Returns:
        What the driver says of where it is.

    Raises:
        NotUp: It did not come; says whether that was the machine's doing.
    """
    try:
        if not stream.begins(time.monotonic() + _UNWATCHED_S):
            _watch(stream, main_process(), cpus)
        frame, _ = stream.receive(time.monotonic() + _FRAME_S)
    except DeadlinePassed as error:
        raise NotUp("its first frame stopped in the middle", stream.log()) from error
    except (StreamEnded, EvidenceError) as error:
        raise NotUp(str(error), stream.log()) from error
    if not isinstance(frame, Ready):
        raise NotUp(f"its first frame was {frame.type!r}, not 'ready'", stream.log())
    return frame.environment


def _watch(stream: FrameStream, pid: int | None, cpus: float) -> None:
    """Waits on for the first frame; its processes are looked at now and then.

    Raises:
        NotUp: Its own time, or the wall's, came to an end.
    """
    began = time.monotonic()
    clock = OwnTime(lambda: set() if pid is None else descendants(pid), cpus, heard_here=False)
    while True:
        wall_s = time.monotonic() - began
        left_s = min(READY_S - clock.now(), LATEST_S - wall_s)
        if left_s <= 0:
            raise _given_up(None if pid is None else clock, _UNWATCHED_S + wall_s, stream.log())
        if stream.begins(time.monotonic() + min(left_s, _LOOK_S)):
            return


def _given_up(clock: OwnTime | None, wall_s: float, log: str) -> NotUp:
    nothing = f"nothing within {wall_s:.0f} s"
    if clock is None:
        return NotUp(nothing, log)
    had = f"{nothing}, in which it had {clock.used_s:.1f} s of a processor"
    if clock.now() < READY_S:
        return NotUp(f"the machine was too busy for it: {had} and waited for one", log, busy=True)
    return NotUp(f"{had} and waited {clock.waited_s:.0f} s for one", log)
