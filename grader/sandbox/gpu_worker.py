"""A worker that has a GPU to itself, and looks whether it still works before it believes a submission's end.

Reloading the host's service manager can take GPUs from running containers, a driver can hang, memory can stay
taken: none of these is the student's fault. So a notebook of ours runs after each submission. Where it fails,
it runs once more in a fresh container, for a GPU that left a container is still good; only then is the slot
given up.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import nbformat

from grader.errors import SandboxUnavailable
from grader.evidence.codec import Bundle
from grader.evidence.plan import Plan
from grader.evidence.record import Outcome
from grader.sandbox.base import Job, Progress, Worker
from grader.sandbox.gpu_slots import GpuSlots
from grader.sandbox.gpus import GpuSlot

__all__ = ["GpuWorker", "gpu_fault"]

_LOOK_S = 60.0
#: Share of a GPU's memory that must be free while nothing runs on it.
_FREE_SHARE = 0.5
#: Largest share that a kernel may have been left with; the collector sets less.
_MEMORY_SHARE = 0.95
_LOOK = """
import json, time, torch
ones = torch.ones(256, 256, device="cuda")
# What the kernel before had may take a moment to come back.
for _ in range(20):
    free, total = torch.cuda.mem_get_info()
    if free > total / 2:
        break
    time.sleep(0.5)
print(json.dumps({
    "devices": torch.cuda.device_count(),
    "right": bool(((ones @ ones) == 256).all()),
    "free": free / total,
    "share": torch.cuda.get_per_process_memory_fraction(),
}))
"""

OpenOn = Callable[[GpuSlot, Plan], Worker]


class GpuWorker:
    """Runs one submission after another on one slot, and moves to another one where that fails.

    Args:
        plan: Of the submissions.
        slots: Where GPUs come from.
        open_on: Opens a worker whose containers have one slot and no other.
        closed: Whether the run was broken off.
    """

    def __init__(self, plan: Plan, slots: GpuSlots, open_on: OpenOn, closed: Callable[[], bool]) -> None:
        self._plan = plan
        self._slots = slots
        self._open_on = open_on
        self._closed = closed
        self._slot: GpuSlot | None = None
        self._worker: Worker | None = None
        self._looked = False
        try:
            self._settle()
        except BaseException:
            self.close()
            raise

    def run(self, job: Job, progress: Progress | None = None) -> Bundle:
        """Runs one submission on a GPU that worked before it and works after it.

        Raises:
            SandboxUnavailable: The GPU or the container failed us; the submission can be run again.
        """
        worker = self._settle()
        self._looked = False
        bundle = worker.run(job, progress)
        fault = self._look()
        if fault is not None:
            raise SandboxUnavailable(
                "the GPU did not work after the submission", where=self._name(), found=fault
            )
        return bundle

    def _settle(self) -> Worker:
        """A worker whose GPU works, on another slot if need be."""
        while True:
            if self._worker is None:
                self._open()
            if self._looked or self._fault_after_fresh_start() is None:
                assert self._worker is not None
                return self._worker

    def _open(self) -> None:
        slot = self._slots.take(self._closed)
        try:
            self._worker, self._slot = self._open_on(slot, self._plan), slot
        except BaseException:
            self._slots.give_back(slot)
            raise

    def _fault_after_fresh_start(self) -> str | None:
        """Looks; looks again in a fresh container; gives the slot up where both fail."""
        if self._look() is None:
            return None
        slot = self._slot
        assert slot is not None
        self._close_worker()
        self._worker = self._open_on(slot, self._plan)
        fault = self._look()
        if fault is not None:
            self._close_worker()
            self._slot = None
            self._slots.quarantine(slot, fault)
        return fault

    def _look(self) -> str | None:
        """What is wrong with the GPU; None where it works."""
        assert self._worker is not None
        limits = self._plan.limits.model_copy(update={"cell_s": _LOOK_S, "notebook_s": _LOOK_S})
        plan = Plan(assignment="gpu", limits=limits, cuda=True)
        fault = gpu_fault(self._worker.run(Job("gpu", _notebook(), plan, ours=True)))
        self._looked = fault is None
        return fault

    def _name(self) -> str:
        return self._slot.name if self._slot is not None else "?"

    def _close_worker(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()

    def close(self) -> None:
        slot, self._slot = self._slot, None
        try:
            self._close_worker()
        finally:
            if slot is not None:
                self._slots.give_back(slot)


def gpu_fault(look: Bundle) -> str | None:
    """Judges what the looking notebook recorded."""
    run = look.evidence.cells[0].run if look.evidence.cells else None
    if look.evidence.outcome is not Outcome.COMPLETED or run is None:
        error = run.error.message if run is not None and run.error is not None else ""
        return f"a small calculation ended with {look.evidence.outcome} {error}".strip()[:300]
    try:
        seen: dict[str, Any] = json.loads("".join(output.text for output in run.outputs))
    except ValueError:
        return "a small calculation printed no result"
    if seen["devices"] != 1:
        return f"{seen['devices']} GPUs are visible in the container instead of one"
    if not seen["right"]:
        return "a small calculation came out wrong"
    if seen["free"] < _FREE_SHARE:
        return f"only {seen['free']:.0%} of its memory is free though nothing should run on it"
    if seen["share"] > _MEMORY_SHARE:
        return f"the bound on its memory was not set: {seen['share']:.0%}"
    return None


def _notebook() -> bytes:
    cell = nbformat.v4.new_code_cell(_LOOK.strip())
    text: str = nbformat.writes(nbformat.v4.new_notebook(cells=[cell]))
    return text.encode()
