"""What Linux counts for a uid over all containers of a host is no way from one container into another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from grader.errors import SandboxUnavailable
from grader.evidence.frames import CellDone
from grader.sandbox import container
from grader.sandbox.base import Job, Sandbox, Worker
from tests.attacks.bench import LIMITS, notebook, plan_for, printed, run_cells

pytestmark = pytest.mark.docker

#: Signals that wait to be delivered are counted for the uid, up to a limit of ours.
_QUEUE = """\
import ctypes, os, signal
libc = ctypes.CDLL(None)
libc.pthread_self.restype = ctypes.c_void_p
here = ctypes.c_void_p(libc.pthread_self())
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
queued = 0
while queued < {most} and libc.pthread_sigqueue(here, signal.SIGRTMIN, ctypes.c_void_p(0)) == 0:
    queued += 1
print('queued', queued)
"""
_TAKE_ALL = _QUEUE.format(most=100_000)
_NEED_SOME = _QUEUE.format(most=50)


@contextmanager
def taking_all(sandbox: Sandbox) -> Iterator[None]:
    """Meanwhile a notebook in another container holds all that its uid may have."""
    taken = threading.Event()
    limits = LIMITS.model_copy(update={"cell_s": 100.0, "notebook_s": 200.0})
    job = Job("greedy", notebook((_TAKE_ALL, "import time; time.sleep(90)")), plan_for(limits))

    def progress(event: Any) -> None:
        if isinstance(event, CellDone):
            taken.set()

    def hold(worker: Worker) -> None:
        with suppress(SandboxUnavailable):
            worker.run(job, progress)

    thread = threading.Thread(target=hold, args=(sandbox.open(plan_for(LIMITS)),))
    thread.start()
    try:
        assert taken.wait(120)
        yield
    finally:
        sandbox.close()
        thread.join()


def queued_beside_a_greedy_one(open_sandbox: Callable[..., Sandbox]) -> str:
    sandbox = open_sandbox("fork")
    try:
        worker = sandbox.open(plan_for(LIMITS))
        with taking_all(open_sandbox("fork")):
            return printed(run_cells(worker, (_NEED_SOME,), LIMITS))
    finally:
        sandbox.close()


def test_a_notebook_that_takes_all_of_its_uids_share_takes_nothing_from_other_containers(
    open_sandbox: Callable[..., Sandbox],
) -> None:
    assert "queued 50" in queued_beside_a_greedy_one(open_sandbox)


def test_with_the_same_uids_in_all_containers_it_does(
    open_sandbox: Callable[..., Sandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container, "_uids", lambda: "20000 500")
    assert "queued 0" in queued_beside_a_greedy_one(open_sandbox)
