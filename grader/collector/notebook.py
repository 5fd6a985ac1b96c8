"""Runs a notebook cell by cell, and keeps what was recorded whatever happens to the kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydantic import ValidationError

from grader.collector.cgroup import count_memory
from grader.collector.client import CellClient, KernelGone, KernelSilent
from grader.collector.nesting import shares_uid
from grader.collector.provisioner import ForkedKernel
from grader.collector.wipe import processes_of
from grader.evidence.frames import Beat, CellDone, CellStarted, Collected, ProbeRequest, Ran
from grader.evidence.plan import Plan
from grader.evidence.record import CellRecord, CellRun, Outcome, ProbeResult
from grader.evidence.text import first_lines
from grader.own_time import OwnTime, descendants

__all__ = ["NotebookRun"]

_SET_UP_S = 30.0
_MOST_ANOMALIES = 100

Send = Callable[[CellStarted | CellDone | Beat, Sequence[np.ndarray]], None]


@dataclass
class NotebookRun:
    """One submission in one kernel, from connecting to the last probe.

    Attributes:
        send: Gets a frame when a cell starts and when it has ended.
        files: Paths and bytes (uint8) of what is to lie beside the notebook.
        anomalies: What looked like tampering, one line each.
        cells_s: Seconds spent in the student's cells.
    """

    forked: ForkedKernel
    plan: Plan
    cells: Sequence[CellRecord]
    send: Send
    files: Sequence[tuple[str, np.ndarray]] = ()
    anomalies: list[str] = field(default_factory=list)
    cells_s: float = 0.0
    client: CellClient = field(init=False)
    _done: list[CellRecord] = field(init=False, default_factory=list)
    _array_bytes: int = 0
    _tampering: str = ""
    _over: bool = False

    def __post_init__(self) -> None:
        self._clock = OwnTime(self._processes, self.plan.limits.cpus)
        self.client = CellClient(self.forked, self.plan.limits, self._clock, self._beat)
        self._memory_before = count_memory()
        self._deadline = self._clock.now() + self.plan.limits.notebook_s

    def _beat(self, left_s: float) -> None:
        """Says that what is waited for has time left, or the whole notebook, whichever is more."""
        self.send(Beat(left_s=max(left_s, self._deadline - self._clock.now())), ())

    def _processes(self) -> Iterable[int]:
        return descendants(self.forked.pid) if shares_uid() else processes_of(self.forked.uid)

    async def run(self) -> Ran:
        """Runs all cells.

        Returns:
            The outcome by precedence: a limit, then the kernel's death, then an error in a cell.

        Raises:
            KernelGone: Before the first cell: no submission's fault.
            KernelSilent: As above.
        """
        await self.client.connect()
        await self.client.request(
            "set_up",
            timeout_s=_SET_UP_S,
            body=self.plan.model_dump_json().encode(),
            arrays=[content for _, content in self.files],
            files=[path for path, _ in self.files],
        )
        for cell in self.cells:
            if cell.kind != "code":
                self._done.append(cell)
            elif self._must_stop():
                self._done.append(cell.model_copy(update={"run": CellRun(status="not_run")}))
            else:
                self._done.append(await self._run_cell(cell))
        return self._ran()

    async def _run_cell(self, cell: CellRecord) -> CellRecord:
        self.send(CellStarted(index=cell.index), ())
        if not cell.source.strip():
            record = cell.model_copy(update={"run": CellRun(status="ok")})
            self.send(CellDone(cell=record), ())
            return record
        await self._ask("begin_cell", index=cell.index)
        left = self._deadline - self._clock.now()
        allowed = min(self.plan.limits.cell_s, left)
        run = await self.client.run_cell(cell.source, timeout_s=allowed)
        self.cells_s += run.duration_s
        self._over = self._over or (run.status == "timeout" and left <= self.plan.limits.cell_s)
        if self.client.outputs_missing and not self.client.flooded:
            self.anomalies.append(f"cell {cell.index}: the kernel did not say that its outputs were complete")
        record = cell.model_copy(update={"run": self._explained(run)})
        collected, arrays = await self._collect()
        self.send(CellDone(cell=record, collected=collected), arrays)
        return record

    def _explained(self, run: CellRun) -> CellRun:
        """A cell whose kernel died of a limit says so rather than that it died."""
        died_late = run.status == "died" and self._is_over()
        return run.model_copy(update={"status": "timeout"}) if died_late else run

    def _must_stop(self) -> bool:
        return self.forked.died.is_set() or self.client.flooded or self._is_over()

    def _is_over(self) -> bool:
        """Whether the notebook's time is used up, once and for all.

        What the machine took is told a little later, so that the clock may go back after a cell was ended: a
        further cell would run, and the next one after it.
        """
        self._over = self._over or self._clock.now() >= self._deadline
        return self._over

    async def _ask(self, operation: str, **content: Any) -> tuple[bytes, list[np.ndarray]] | None:
        """A request whose failure costs evidence, never the run."""
        try:
            return await self.client.request(operation, timeout_s=self.plan.limits.collect_s, **content)
        except KernelGone:
            return None
        except KernelSilent as error:
            if not self.forked.died.is_set():
                self.anomalies.append(str(error))
            return None

    async def _collect(self) -> tuple[Collected | None, list[np.ndarray]]:
        answer = None if self.forked.died.is_set() else await self._ask("collect")
        if answer is None:
            return None, []
        body, arrays = answer
        self._array_bytes += sum(array.nbytes for array in arrays)
        if self._array_bytes > self.plan.limits.array_bytes:
            self.anomalies.append("collect: more array bytes than the plan allows")
            return None, []
        try:
            collected = Collected.model_validate_json(body)
        except ValidationError as error:
            self.anomalies.append(f"collect: not what the recorder writes: {error.error_count()} problems")
            return None, []
        self._tampering = self._tampering or "; ".join(collected.tampering)
        return collected, arrays

    async def probe(
        self, request: ProbeRequest, inputs: Sequence[np.ndarray]
    ) -> tuple[ProbeResult, list[np.ndarray]]:
        """Passes a probe on to the kernel; no answer is a result as well."""
        if self.forked.died.is_set():
            return ProbeResult(status="no_answer", detail="the kernel is dead"), []
        if self._tampering:
            return ProbeResult(status="no_answer", detail=self._tampering[:500]), []
        try:
            body, arrays = await self.client.request(
                "probe",
                timeout_s=self.plan.limits.probe_s,
                body=request.model_dump_json().encode(),
                arrays=inputs,
            )
            return ProbeResult.model_validate_json(body), arrays
        except ValidationError as error:
            detail = f"not what a probe answers: {error.error_count()} problems"
        except (KernelGone, KernelSilent) as error:
            detail = str(error)
        return ProbeResult(status="no_answer", detail=detail), []

    def _ran(self) -> Ran:
        outcome, detail = self._outcome()
        return Ran(
            outcome=outcome,
            detail=detail,
            cells=tuple(self._done),
            cells_s=self.cells_s,
            kernel_alive=not self.forked.died.is_set(),
            anomalies=first_lines([*self.anomalies, *self.client.malformed], _MOST_ANOMALIES),
        )

    def _outcome(self) -> tuple[Outcome, str]:
        first: dict[str, int] = {}
        for record in self._done:
            if record.run is not None:
                first.setdefault(record.run.status, record.index)
        limits = self.plan.limits
        memory = count_memory()
        if memory.killed_by_machine(self._memory_before) and (self.forked.died.is_set() or "died" in first):
            return Outcome.SANDBOX_UNAVAILABLE, "the machine ran out of memory, not the container"
        # A flood piles up in the kernel until that is killed, and takes the memory's limit with it: what was
        # seen first is the cause.
        if memory.killed_by_limit(self._memory_before) and "output_limit" not in first:
            cell = first.get("died", first.get("error"))
            return Outcome.OUT_OF_MEMORY, f"{_in(cell)}more than {limits.memory_bytes >> 20} MiB of memory"
        # What a kernel's own end left out was left out by no busy machine.
        cut_off = "timeout" in first or ("not_run" in first and "died" not in first)
        if self._clock.starved and cut_off:
            return Outcome.SANDBOX_UNAVAILABLE, "the machine was too busy to run it within its limits"
        if "timeout" in first:
            return Outcome.TIMEOUT, self._timeout_detail(first["timeout"])
        if "not_run" in first and self._is_over() and "died" not in first:
            return Outcome.TIMEOUT, f"the notebook took longer than {limits.notebook_s:g} s"
        if "output_limit" in first or self.client.flooded:
            cell = first.get("output_limit")
            return (
                Outcome.OUTPUT_LIMIT,
                f"{_in(cell)}more than {limits.output_bytes / 2**20:.3g} MiB of output",
            )
        if "died" in first or self.forked.died.is_set():
            return Outcome.KERNEL_DIED, f"{_in(first.get('died'))}the kernel's process ended"
        if "error" in first:
            count = sum(record.run is not None and record.run.status == "error" for record in self._done)
            which = f"the first of {count} cells" if count > 1 else "the only cell"
            return Outcome.CELL_ERROR, f"{_in(first['error'])}{which} that raised"
        return Outcome.COMPLETED, ""

    def _timeout_detail(self, cell: int) -> str:
        limits = self.plan.limits
        if self._is_over():
            return f"{_in(cell)}the notebook took longer than {limits.notebook_s:g} s"
        return f"{_in(cell)}longer than {limits.cell_s:g} s"


def _in(cell: int | None) -> str:
    return "" if cell is None else f"cell {cell}: "
