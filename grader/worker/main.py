"""Opens a sandbox on this machine and works for a server until it is stopped."""

from __future__ import annotations

import os
import signal
import socket
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import grader
from grader.errors import UsageError
from grader.evidence.plan import Plan
from grader.sandbox.base import Sandbox
from grader.sandbox.memory import available_bytes
from grader.sandbox.pool.options import LAUNCHERS, HostOptions, Pool, Tls, parse_resources
from grader.sandbox.pool.sandbox import PoolSandbox, open_pool
from grader.sandbox.select import choose_sandbox
from grader.worker.room import Room, seats_that_fit
from grader.worker.seats import About, Seats, Stop
from grader.worker.server import Server, Trust

__all__ = ["DEFAULT_MOST", "Given", "work"]

#: With the limits that plans have where their rubric sets none.
_USUAL = Plan(assignment="any")
#: Notebooks at a time in a pool that is launched, where nobody says how many.
DEFAULT_MOST = 8
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Given:
    """What whoever starts a worker says.

    Attributes:
        jobs: Seats; None takes one for each GPU, slot of a pool, or core, as far as memory goes.
        dask: Address of the scheduler of a pool that runs the notebooks in place of this machine.
        launch: How a pool is launched for that; empty where it is there, or this machine runs them.
        hosts: Of a pool that is launched by ssh: the scheduler's, and then each worker's.
        slots: Notebooks at a time on each worker that is launched.
        dask_resources: What a notebook takes of what a pool's workers declare, as ``GPU=1``.
        dask_ca: With the next two, by what the parts of a pool know each other.
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
    dask: str = ""
    launch: str = ""
    hosts: str = ""
    slots: int = 1
    dask_resources: str = ""
    dask_ca: Path | None = None
    dask_cert: Path | None = None
    dask_key: Path | None = None

    @property
    def pool(self) -> Pool | None:
        """The pool that is to be worked by; None where this machine runs notebooks itself.

        Raises:
            UsageError: An option of it cannot be.
        """
        if not self.dask and not self.launch:
            if self.hosts or self.dask_resources:
                raise UsageError(
                    "--hosts and --dask-resources are a pool's", expected="--dask or --launch beside"
                )
            return None
        if self.launch and self.launch not in LAUNCHERS:
            raise UsageError("no pool is launched so", expected=", ".join(LAUNCHERS), found=self.launch)
        return Pool(
            scheduler=self.dask,
            launch=self.launch,
            hosts=tuple(filter(None, (each.strip() for each in self.hosts.split(",")))),
            slots=self.slots,
            tls=Tls.of(self.dask_ca, self.dask_cert, self.dask_key),
            needs=parse_resources(self.dask_resources),
            most=self.jobs or (DEFAULT_MOST if self.launch else None),
        )


def work(given: Given, say: Callable[[str], None]) -> None:
    """Works until it is stopped: once to finish what runs, twice to break it off.

    Raises:
        UsageError: The token cannot be read, the address, the pin or an option of a pool is none, or more
            seats are asked for than fit into memory.
        SandboxUnavailable: No sandbox works here or in the pool, or the server does not take the token.
    """
    token = _token(given.token_file)
    trust = Trust(given.ca, given.pin)
    Server(given.server, token, trust)
    pool = given.pool
    stop = Stop()
    for number in _STOPS:
        signal.signal(number, lambda _number, _frame: stop.press())
    sandbox = _here(given, say) if pool is None else _in_pool(given, pool, say, stop)
    try:
        # A pool's memory is elsewhere: its scheduler places what fits.
        free_bytes = available_bytes() if pool is None else None
        most = None if free_bytes is None else _seats_here(given, sandbox, free_bytes)
        room = None if free_bytes is None else Room(free_bytes)
        about = partial(_about, given, sandbox, most)
        say(f"works for {given.server}, {about().seats} at a time; Ctrl-C stops it")
        Seats(lambda: Server(given.server, token, trust), sandbox, about, say, stop, room=room).work()
    finally:
        sandbox.close()


def _here(given: Given, say: Callable[[str], None]) -> Sandbox:
    return choose_sandbox(
        given.sandbox,
        isolation=given.isolation,
        gpus=given.gpus,
        runtime=given.runtime,
        data_dir=given.data,
        run_id=uuid.uuid4().hex,
        notify=say,
    )


def _in_pool(given: Given, pool: Pool, say: Callable[[str], None], stop: Stop) -> PoolSandbox:
    data = None if given.data is None else str(given.data.absolute())
    options = HostOptions(given.sandbox, given.isolation, given.runtime, given.gpus, data)
    return open_pool(pool, options, say, hidden=[given.token_file], stopped=stop.finishing.is_set)


def _seats_here(given: Given, sandbox: Sandbox, free_bytes: int) -> int:
    usual = sandbox.at_once or len(os.sched_getaffinity(0))
    return seats_that_fit(given.jobs, usual, sandbox.memory_bytes(_USUAL), free_bytes)


def _about(given: Given, sandbox: Sandbox, most: int | None) -> About:
    """How this worker stands at the moment; a pool grows and shrinks."""
    at_once = sandbox.at_once
    seats = most or given.jobs or at_once or len(os.sched_getaffinity(0))
    # Without GPUs asked for, a pool's bound is one of its slots.
    gpus = 0 if given.gpus == "none" else at_once or 0
    dashboard = sandbox.dashboard if isinstance(sandbox, PoolSandbox) else ""
    return About(socket.gethostname(), grader.__version__, min(seats, at_once or seats), gpus, dashboard)


def _token(file: Path) -> str:
    try:
        token = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("the token cannot be read", where=str(file), found=str(error)) from error
    if not token or not token.isprintable():
        raise UsageError("this file holds no token", where=str(file))
    return token
