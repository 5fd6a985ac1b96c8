"""What Linux counts for a uid over all containers of a host is no way from one container into another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import pytest

from grader.errors import SandboxUnavailable
from grader.evidence.frames import CellDone
from grader.sandbox import container
from grader.sandbox.base import Job, Sandbox, Worker
from tests.attacks.bench import LIMITS, notebook, plan_for, printed, run_cells

pytestmark = pytest.mark.docker


class Counted(NamedTuple):
    """Something that the kernel counts for a uid.

    Attributes:
        take: Takes as much of it as is left, up to `most`, and prints how much that was.
        need: How much of it the neighbour asks for.
        most: What the greedy one asks for, which is more than there is.
    """

    take: str
    need: int
    most: int

    def cell(self, most: int) -> str:
        return self.take.format(most=most)


#: Signals that wait to be delivered have a limit of ours, the others one of the host's.
COUNTED = {
    "signals": Counted(
        """\
import ctypes, os, signal
libc = ctypes.CDLL(None)
libc.pthread_self.restype = ctypes.c_void_p
here = ctypes.c_void_p(libc.pthread_self())
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
taken = 0
while taken < {most} and libc.pthread_sigqueue(here, signal.SIGRTMIN, ctypes.c_void_p(0)) == 0:
    taken += 1
print('taken', taken)
""",
        need=50,
        most=100_000,
    ),
    "watchers": Counted(
        """\
import ctypes
libc = ctypes.CDLL(None)
taken = 0
while taken < {most} and libc.inotify_init1(0) >= 0:
    taken += 1
print('taken', taken)
""",
        need=5,
        most=100_000,
    ),
    # Who is over the limit still gets pipes, of two pages instead of sixteen.
    "pipes": Counted(
        """\
import fcntl, os
kept, taken = [], 0
try:
    while taken < {most}:
        kept.append(os.pipe())
        if fcntl.fcntl(kept[-1][0], 1032) < 65536:
            break
        taken += 1
except OSError:
    pass
print('taken', taken)
""",
        need=5,
        most=100_000,
    ),
}


@contextmanager
def taking_all(sandbox: Sandbox, counted: Counted) -> Iterator[None]:
    """Meanwhile a notebook in another container holds all that its uid may have."""
    taken = threading.Event()
    limits = LIMITS.model_copy(update={"cell_s": 100.0, "notebook_s": 200.0})
    cells = (counted.cell(counted.most), "import time; time.sleep(90)")
    job = Job("greedy", notebook(cells), plan_for(limits))

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


def taken_beside_a_greedy_one(counted: Counted, open_sandbox: Callable[..., Sandbox]) -> str:
    sandbox = open_sandbox("fork")
    try:
        worker = sandbox.open(plan_for(LIMITS))
        with taking_all(open_sandbox("fork"), counted):
            return printed(run_cells(worker, (counted.cell(counted.need),), LIMITS))
    finally:
        sandbox.close()


@pytest.mark.parametrize("counted", COUNTED.values(), ids=COUNTED)
def test_a_notebook_that_takes_all_of_its_uids_share_takes_nothing_from_other_containers(
    counted: Counted, open_sandbox: Callable[..., Sandbox]
) -> None:
    assert f"taken {counted.need}\n" in taken_beside_a_greedy_one(counted, open_sandbox)


@pytest.mark.parametrize("counted", COUNTED.values(), ids=COUNTED)
def test_with_the_same_uids_in_all_containers_it_does(
    counted: Counted, open_sandbox: Callable[..., Sandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container, "_uids", lambda: "20000 500")
    assert f"taken {counted.need}\n" not in taken_beside_a_greedy_one(counted, open_sandbox)
