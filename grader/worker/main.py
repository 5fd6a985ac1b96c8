"""Opens a sandbox on this machine and works for a server until it is stopped."""

from __future__ import annotations

import os
import signal
import socket
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import grader
from grader.errors import UsageError
from grader.evidence.plan import Plan
from grader.sandbox.memory import available_bytes
from grader.sandbox.select import choose_sandbox
from grader.worker.room import Room, seats_that_fit
from grader.worker.seats import About, Seats, Stop
from grader.worker.server import Server, Trust

__all__ = ["Given", "work"]

#: With the limits that plans have where their rubric sets none.
_USUAL = Plan(assignment="any")
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Given:
    """What whoever starts a worker says.

    Attributes:
        jobs: Seats; None takes one for each GPU, else for each core, as far as memory goes.
    """

    server: str
    token_file: Path
    ca: Path | None = None
    pin: str = ""
    jobs: int | None = None
    gpus: str = "none"
    sandbox: str = "auto"
    isolation: str = "fork"
    runtime: str | None = None
    data: Path | None = None


def work(given: Given, say: Callable[[str], None]) -> None:
    """Works until it is stopped: once to finish what runs, twice to break it off.

    Raises:
        UsageError: The token cannot be read, the address or the pin is none, or more seats are asked for
            than fit into memory.
        SandboxUnavailable: No sandbox works here, or the server does not take the token.
    """
    token = _token(given.token_file)
    trust = Trust(given.ca, given.pin)
    Server(given.server, token, trust)
    stop = Stop()
    for number in _STOPS:
        signal.signal(number, lambda _number, _frame: stop.press())
    sandbox = choose_sandbox(
        given.sandbox,
        isolation=given.isolation,
        gpus=given.gpus,
        runtime=given.runtime,
        data_dir=given.data,
        run_id=uuid.uuid4().hex,
        notify=say,
    )
    try:
        free_bytes = available_bytes()
        usual = sandbox.at_once or len(os.sched_getaffinity(0))
        seats = seats_that_fit(given.jobs, usual, sandbox.memory_bytes(_USUAL), free_bytes)
        seats = min(seats, sandbox.at_once or seats)
        about = About(socket.gethostname(), grader.__version__, seats, sandbox.at_once or 0)
        say(f"works for {given.server}, {seats} at a time; Ctrl-C stops it")
        room = Room(free_bytes)
        Seats(lambda: Server(given.server, token, trust), sandbox, about, say, stop, room=room).work()
    finally:
        sandbox.close()


def _token(file: Path) -> str:
    try:
        token = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("the token cannot be read", where=str(file), found=str(error)) from error
    if not token or not token.isprintable():
        raise UsageError("this file holds no token", where=str(file))
    return token
