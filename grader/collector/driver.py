"""The driver: takes jobs from the host, has them run by kernels, and wipes after each.

It runs nothing of the student's, unpickles nothing and holds no answers.
"""

from __future__ import annotations

import asyncio
import os
import platform
import signal
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from grader.collector.cells import UnreadableNotebook, read_cells
from grader.collector.channel import Channel
from grader.collector.client import KernelGone, KernelSilent
from grader.collector.nesting import shares_uid
from grader.collector.notebook import NotebookRun
from grader.collector.provisioner import ForkedKernel, Launcher
from grader.collector.spawn import ForkServer
from grader.collector.wipe import connections, kill_processes, leftovers, remove_sockets, strangers
from grader.evidence.frames import Cleaned, Finish, Job, Opened, ProbeAnswer, ProbeRequest, Ran, Ready
from grader.evidence.record import Environment, Outcome, ProbeResult

__all__ = ["Driver", "run"]

_PACKAGES = ("torch", "torchvision", "numpy", "pandas", "matplotlib", "ipykernel", "ipython", "nbclient")
_LAST_CHANCE_S = 5.0
_MOST_NAMED = 20


def run(server: ForkServer) -> int:
    """The container's main process: serves until the host hangs up or says so."""
    # Frames go to a copy of stdout that no child gets; a stray print goes nowhere.
    descriptor = os.dup(1)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    return asyncio.run(_serve(descriptor, Launcher(server)))


async def _serve(descriptor: int, launcher: Launcher) -> int:
    channel = await Channel.open(descriptor)
    confinement = await asyncio.to_thread(launcher.wait_until_warm)
    driver = Driver(channel, launcher)
    watch = asyncio.ensure_future(channel.hung_up())
    watch.add_done_callback(lambda _: asyncio.get_running_loop().call_later(_LAST_CHANCE_S, os._exit, 0))
    channel.send(Ready(environment=_environment(confinement)))
    driver.prepare()
    while (received := await channel.receive()) is not None:
        frame, arrays = received
        if not isinstance(frame, Job):
            break
        if not await driver.serve(frame, arrays):
            break
    return 0


def _environment(confinement: dict[str, str]) -> Environment:
    packages = {}
    for name in _PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return Environment(python=platform.python_version(), packages=packages, confinement=confinement)


class Driver:
    """Serves one job after another, never two at once."""

    def __init__(self, channel: Channel, launcher: Launcher) -> None:
        self._channel = channel
        self._launcher = launcher
        self._next: ForkedKernel | None = None

    def prepare(self) -> None:
        """Forks the next job's kernel ahead of need; nothing of any student's is there to meet it."""
        self._next = self._launcher.start_kernel()

    async def serve(self, job: Job, arrays: list[np.ndarray]) -> bool:
        """Runs one job to its end, probes and wipe included.

        Returns:
            False where the host hung up or said something out of turn.
        """
        try:
            cells = read_cells(arrays[0].tobytes(), job.plan.limits)
        except UnreadableNotebook as error:
            self._refuse(str(error))
            return await self._finish_unstarted()
        self._channel.send(Opened(cells=cells))
        kernel = self._next or self._launcher.start_kernel()
        self._next = None
        files = tuple(zip(job.files, arrays[1:], strict=True))
        notebook = NotebookRun(kernel, job.plan, cells, self._channel.send, files)
        try:
            self._channel.send(await self._run_alone(notebook))
            going_on = await self._answer_probes(notebook)
        finally:
            notebook.client.disconnect()
            found = self._wipe(kernel)
        self._channel.send(self._cleaned(kernel, found))
        if going_on and not shares_uid():
            self.prepare()
        return going_on

    def _refuse(self, why: str) -> None:
        self._channel.send(
            Ran(outcome=Outcome.INVALID_SUBMISSION, detail=why, cells=(), cells_s=0.0, kernel_alive=False)
        )

    async def _finish_unstarted(self) -> bool:
        received = await self._channel.receive()
        self._channel.send(Cleaned())
        return received is not None and isinstance(received[0], Finish)

    def _cleaned(self, kernel: ForkedKernel, leftovers: list[str]) -> Cleaned:
        return Cleaned(
            leftovers=tuple(leftovers),
            strangers=tuple(self._strangers(kernel)),
            worn=tuple(connections()[:_MOST_NAMED]),
        )

    async def _run_alone(self, notebook: NotebookRun) -> Ran:
        """Runs a notebook where nothing of an earlier submission is, before it and after it.

        Whatever else came of it, it is run again elsewhere: what it met may have changed its end.
        """
        found = self._strangers(notebook.forked)
        ran = None if found else await self._run(notebook)
        found = found or self._strangers(notebook.forked)
        if ran is not None and not found:
            return ran
        return Ran(
            outcome=Outcome.SANDBOX_UNAVAILABLE,
            detail="left by an earlier submission: " + "; ".join(found),
            cells=tuple(notebook.cells),
            cells_s=0.0,
            kernel_alive=False,
        )

    def _strangers(self, kernel: ForkedKernel) -> list[str]:
        return [] if shares_uid() else strangers(kernel.uid)[:_MOST_NAMED]

    async def _run(self, notebook: NotebookRun) -> Ran:
        try:
            return await notebook.run()
        except (KernelGone, KernelSilent) as error:
            return Ran(
                outcome=Outcome.SANDBOX_UNAVAILABLE,
                detail=str(error),
                cells=tuple(notebook.cells),
                cells_s=0.0,
                kernel_alive=False,
            )

    async def _answer_probes(self, notebook: NotebookRun) -> bool:
        while (received := await self._channel.receive()) is not None:
            frame, arrays = received
            if isinstance(frame, Finish):
                return True
            if not isinstance(frame, ProbeRequest):
                return False
            result, answered = await notebook.probe(frame, arrays)
            self._send_answer(frame.id, result, answered, notebook.plan.limits.array_bytes)
        return False

    def _send_answer(self, name: str, result: ProbeResult, arrays: list[np.ndarray], limit: int) -> None:
        if sum(array.nbytes for array in arrays) > limit:
            result, arrays = ProbeResult(status="no_answer", detail="more array bytes than allowed"), []
        self._channel.send(ProbeAnswer(id=name, result=result), arrays)

    def _wipe(self, kernel: ForkedKernel) -> list[str]:
        if shares_uid():
            # All of its processes end with it; its files end with this sandbox, which serves nobody else.
            kernel.send_signal(signal.SIGKILL)
            return remove_sockets(kernel.prefix.parent)
        kill_processes(kernel.uid)
        self._launcher.request(op="reap")
        found: list[str] = self._launcher.request(op="wipe", uid=kernel.uid)["leftovers"]
        return found + remove_sockets(kernel.prefix.parent) + leftovers(kernel.uid)
