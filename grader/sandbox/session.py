"""Drives one job over a frame stream and makes evidence of what comes back, complete or not."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from grader.errors import EvidenceError
from grader.evidence import frames
from grader.evidence.arrays import Arrays
from grader.evidence.checkpoints import CheckpointLoaded, Checkpoints, CheckpointSaved
from grader.evidence.codec import Bundle
from grader.evidence.frames import (
    Beat,
    CellDone,
    CellStarted,
    Cleaned,
    Collected,
    DriverFrame,
    Finish,
    Opened,
    ProbeAnswer,
    ProbeInputs,
    ProbeRequest,
    Ran,
)
from grader.evidence.plan import MOST_BY_THE_WALL, FunctionProbe, Probe, further_draw, probe_id
from grader.evidence.plots import Plot
from grader.evidence.record import (
    CellRecord,
    CellRun,
    Cut,
    Environment,
    Evidence,
    FileWritten,
    Outcome,
    ProbeResult,
    ShimUse,
    WatchedValue,
)
from grader.evidence.text import shortened
from grader.evidence.training import TrainingHistory
from grader.sandbox.base import Job, Progress
from grader.sandbox.frames import DeadlinePassed, FrameStream, StreamEnded
from grader.sandbox.gather import Gathering
from grader.sandbox.histories import doubted, gone_on
from grader.sandbox.inputs import draw_inputs, fresh_generator

__all__ = ["BrokenSandbox", "JobSession"]

#: The driver keeps the limits; the host steps in this much later, in seconds.
GRACE_S = 45.0
_CLEAN_S = 90.0
_FRAMES_IN_ALL = 4
_ANOMALIES = 100
_SILENT_PROBES = 2
#: Files and uses of shims that are kept of one attempt, whatever its cells claim.
_MOST_KEPT = 20_000
#: And figures, each of which may be large.
_MOST_PLOTS = 1_000

_Kept = TypeVar("_Kept", FileWritten, ShimUse, Plot, CheckpointLoaded, CheckpointSaved)


class BrokenSandbox(Exception):
    """The stream ended, or said what no driver of ours says."""


@dataclass
class _Deadline:
    """Until when a frame is waited for; beats put it off until `latest`, by the monotonic clock."""

    at: float
    latest: float


@dataclass
class JobSession:
    """One job, from its first frame to the sandbox being clean again.

    Attributes:
        environment: Recorded in the evidence.
        replace: Why this sandbox must not be used again; empty where it may.
        late: It did not answer in time, which need not be the submission's doing.
    """

    stream: FrameStream
    job: Job
    environment: Environment
    progress: Progress | None = None
    replace: str = ""
    late: bool = False
    cells: dict[int, CellRecord] = field(default_factory=dict)
    outcome: Outcome | None = None
    detail: str = ""
    cells_s: float = 0.0
    values: list[WatchedValue] = field(default_factory=list)
    files: list[FileWritten] = field(default_factory=list)
    shims: list[ShimUse] = field(default_factory=list)
    plots: list[Plot] | None = None
    checkpoints: tuple[list[CheckpointSaved], list[CheckpointLoaded]] | None = None
    cut: set[Cut] = field(default_factory=set)
    training: TrainingHistory = field(default_factory=TrainingHistory)
    probes: dict[str, ProbeResult] = field(default_factory=dict)
    anomalies: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._arrays = Arrays(self.job.plan.limits.evidence_bytes)
        self._gathering = Gathering(self._arrays)
        self._generator = fresh_generator()
        self._started = time.monotonic()
        self._finished = self._started
        allowed = _FRAMES_IN_ALL * self.job.plan.limits.evidence_bytes
        self._bytes_until = self.stream.received_bytes + allowed
        self._running: int | None = None

    def run(self) -> None:
        """Runs the notebook and the probes, then the wipe; where something was odd, `replace` is set instead.

        A deadline that passes is a TIMEOUT of the submission unless the sandbox turns out to be paused or
        gone: the driver, which enforces the limits, is else out of reach only when the submission made it so.

        Raises:
            BrokenSandbox: The sandbox is gone or speaks nonsense. What came before is kept.
        """
        try:
            alive = self._run_notebook()
            self._run_probes(alive)
            if not self.replace:
                # Else it is thrown away, which is quicker than wiping after a fork bomb, and surer.
                self._clean()
        except DeadlinePassed:
            self.replace, self.late = "it did not answer in time", True
            if self.outcome is None:
                self.outcome, self.detail = Outcome.TIMEOUT, f"{self._where()}the sandbox stopped answering"
        except (StreamEnded, EvidenceError) as error:
            self.replace = str(error)
            raise BrokenSandbox(str(error)) from error
        finally:
            self._finished = time.monotonic()

    @property
    def unanswered(self) -> bool:
        """Whether probes are left that were not answered."""
        return len(self.probes) < len({probe_id(probe) for probe in self.job.plan.probes})

    def _where(self) -> str:
        return "" if self._running is None else f"cell {self._running}: "

    def _run_notebook(self) -> bool:
        names = tuple(name for name, _ in self.job.files)
        contents = (self.job.notebook, *(content for _, content in self.job.files))
        job = frames.Job(attempt=self.job.attempt, plan=self.job.plan, files=names)
        self.stream.send(job, [np.frombuffer(content, dtype=np.uint8) for content in contents])
        deadline = self._deadline(self.job.plan.limits.notebook_s)
        while True:
            frame, arrays = self._receive(deadline)
            if isinstance(frame, Opened) and not self.cells:
                self.cells = {cell.index: cell for cell in frame.cells}
            elif isinstance(frame, CellStarted):
                self._running = frame.index
            elif isinstance(frame, CellDone):
                self._take_cell(frame, arrays)
            elif isinstance(frame, Ran):
                self._take_end(frame)
            else:
                raise EvidenceError("a frame came out of turn", found=frame.type)
            if self.progress is not None and isinstance(frame, CellStarted | CellDone | Ran):
                self.progress(frame)
            if isinstance(frame, Ran):
                return frame.kernel_alive

    def _deadline(self, limit_s: float) -> _Deadline:
        now = time.monotonic()
        return _Deadline(now + limit_s + GRACE_S, now + MOST_BY_THE_WALL * limit_s + GRACE_S)

    def _receive(self, deadline: _Deadline) -> tuple[DriverFrame, list[np.ndarray]]:
        """The next frame; while beats come it is waited for, up to the latest moment."""
        while True:
            frame, arrays = self._receive_any(deadline.at)
            if not isinstance(frame, Beat):
                return frame, arrays
            later = time.monotonic() + frame.left_s + GRACE_S
            deadline.at = min(max(deadline.at, later), deadline.latest)

    def _receive_any(self, deadline: float) -> tuple[DriverFrame, list[np.ndarray]]:
        frame, arrays = self.stream.receive(deadline)
        if self.stream.received_bytes > self._bytes_until:
            # The driver bounds each message; only a submission that sends many large ones gets here.
            self.outcome = self.outcome or Outcome.OUTPUT_LIMIT
            self.detail = self.detail or "more was recorded than one attempt may leave"
            raise EvidenceError("the sandbox sent more than one attempt may leave")
        return frame, arrays

    def _take_cell(self, frame: CellDone, arrays: list[np.ndarray]) -> None:
        if frame.cell.index not in self.cells:
            raise EvidenceError("a cell ended that the notebook does not have", found=str(frame.cell.index))
        self.cells[frame.cell.index] = frame.cell
        self._running = None
        if frame.collected is not None:
            self._take_collected(frame.collected, arrays)
        elif _has_run(frame.cell):
            why = f"nothing could be collected after cell {frame.cell.index}"
            self.training = doubted(self.training, why)

    def _take_collected(self, collected: Collected, arrays: list[np.ndarray]) -> None:
        self.cut.update(collected.cut)
        self._keep(self.files, collected.files, Cut.FILES, most=_MOST_KEPT)
        self._keep(self.shims, collected.shims, Cut.SHIMS, most=_MOST_KEPT)
        self._take_pictures_and_files(collected)
        self.anomalies += (*collected.anomalies, *collected.tampering)
        self._take_training(collected.training)
        for watched in collected.values:
            try:
                value = self._gathering.value(watched.value, arrays)
            except EvidenceError as error:
                self._note(f"value of {watched.name} after cell {watched.cell}: {error.what}")
            else:
                self.values.append(watched.model_copy(update={"value": value}))

    def _take_pictures_and_files(self, collected: Collected) -> None:
        """What a kernel records of these; nothing is known of them while none was recorded."""
        if collected.plots is not None:
            self.plots = [] if self.plots is None else self.plots
            self._keep(self.plots, collected.plots, Cut.PLOTS, most=_MOST_PLOTS)
        if collected.checkpoints is not None:
            saved, loaded = self.checkpoints = ([], []) if self.checkpoints is None else self.checkpoints
            self._keep(saved, collected.checkpoints.saved, Cut.CHECKPOINTS, most=_MOST_KEPT)
            self._keep(loaded, collected.checkpoints.loaded, Cut.CHECKPOINTS, most=_MOST_KEPT)

    def _keep(self, kept: list[_Kept], more: Sequence[_Kept], part: Cut, *, most: int) -> None:
        room = most - len(kept)
        kept += more[:room]
        if len(more) > room:
            self.cut.add(part)

    def _take_training(self, training: TrainingHistory | None) -> None:
        if training is None:
            self.training = doubted(self.training, "after a cell the recorder gave no training history")
            return
        self.training, change = gone_on(self.training, training)
        if change:
            self._note(change)

    def _take_end(self, frame: Ran) -> None:
        if not math.isfinite(frame.cells_s):
            raise EvidenceError("a time is no number", found=str(frame.cells_s))
        self.outcome, self.detail, self.cells_s = frame.outcome, frame.detail, frame.cells_s
        if frame.cells:
            self.cells = {cell.index: cell for cell in frame.cells}
        self.anomalies += frame.anomalies
        if frame.outcome.ended_early or frame.outcome.our_fault:
            self.replace = f"the attempt ended with {frame.outcome}"
        elif frame.anomalies:
            self.replace = frame.anomalies[0]

    def _note(self, anomaly: str) -> None:
        self.anomalies.append(anomaly)
        self.replace = self.replace or anomaly

    def _run_probes(self, alive: bool) -> None:
        began = time.monotonic()
        unasked = "" if alive else "the kernel is dead"
        silent = 0
        for probe in self.job.plan.probes:
            name = probe_id(probe)
            if unasked:
                self.probes[name] = ProbeResult(status="no_answer", detail=unasked)
                continue
            asked = time.monotonic()
            self.probes[name] = self._ask(name, probe)
            for draw in range(1, self.job.draws if isinstance(probe, FunctionProbe) else 1):
                again = further_draw(name, draw)
                self.probes[again] = self._ask(again, probe)
            silent += self._was_silent(self.probes[name], asked)
            unasked = self._why_no_more(silent, began)

    def _was_silent(self, result: ProbeResult, asked: float) -> bool:
        """Whether a probe took all of its time for nothing."""
        return result.status == "no_answer" and time.monotonic() - asked >= self.job.plan.limits.probe_s

    def _why_no_more(self, silent: int, began: float) -> str:
        """Why the probes that are left are not asked: each could cost its whole time."""
        if silent >= _SILENT_PROBES:
            return f"not asked: {silent} probes before got no answer in time"
        if time.monotonic() - began >= self.job.plan.limits.notebook_s:
            return "not asked: the probes before took as long as a notebook may"
        return ""

    def _ask(self, name: str, probe: Probe) -> ProbeResult:
        inputs, arrays = draw_inputs(probe, self._generator)
        self.stream.send(ProbeRequest(id=name, probe=probe, inputs=inputs), arrays)
        frame, answered = self._receive(self._deadline(self.job.plan.limits.probe_s))
        if not isinstance(frame, ProbeAnswer) or frame.id != name:
            raise EvidenceError("a probe was not answered in turn", expected=name, found=frame.type)
        return self._recorded(name, frame.result, answered, self._gathering.inputs(inputs, arrays))

    def _recorded(
        self, name: str, result: ProbeResult, arrays: list[np.ndarray], inputs: tuple[ProbeInputs, ...]
    ) -> ProbeResult:
        if result.status == "no_answer":
            self.replace = self.replace or f"{name}: {result.detail}"
        try:
            return self._gathering.result(result, arrays, inputs)
        except EvidenceError as error:
            self._note(f"{name}: {error.what}")
            return ProbeResult(status="no_answer", detail=str(error)[:500])

    def _clean(self) -> None:
        self.stream.send(Finish())
        frame, _ = self._receive_any(time.monotonic() + _CLEAN_S)
        if not isinstance(frame, Cleaned):
            raise EvidenceError("the sandbox was not cleaned", found=frame.type)
        if frame.leftovers:
            self._note("left behind: " + "; ".join(frame.leftovers)[:500])
        if frame.worn:
            self.replace = self.replace or frame.worn[0]
        if frame.strangers:
            self.replace = "left by an earlier submission: " + "; ".join(frame.strangers)[:500]
            self.outcome, self.detail = Outcome.SANDBOX_UNAVAILABLE, self.replace
        self.anomalies += frame.anomalies

    def bundle(self) -> Bundle:
        """The evidence so far. Cells and probes that were never reached say so."""
        plan = self.job.plan
        missing = ProbeResult(status="no_answer", detail="the sandbox ended before")
        cut = self.cut | ({Cut.ANOMALIES} if len(self.anomalies) > _ANOMALIES else set())
        evidence = Evidence(
            notebook=hashlib.sha256(self.job.notebook).hexdigest(),
            plan=plan.digest,
            outcome=self.outcome or Outcome.SANDBOX_UNAVAILABLE,
            outcome_detail=self.detail,
            wall_time_s=self._finished - self._started,
            cells_s=self.cells_s or self._time_in_cells(),
            environment=self.environment.model_copy(update={"seed": plan.seed}),
            cells=tuple(self._settled(cell) for _, cell in sorted(self.cells.items())),
            values=tuple(self.values),
            files=tuple(self.files),
            training=self.training,
            shims=tuple(self.shims),
            plots=None if self.plots is None else tuple(self.plots),
            checkpoints=self._checkpoints(),
            probes={probe_id(probe): missing for probe in plan.probes} | self.probes,
            anomalies=tuple(shortened(line, 500) for line in self.anomalies[:_ANOMALIES]),
            cut=tuple(part for part in Cut if part in cut),
        )
        return Bundle(evidence, tuple(self._arrays))

    def _checkpoints(self) -> Checkpoints | None:
        if self.checkpoints is None:
            return None
        saved, loaded = self.checkpoints
        return Checkpoints(saved=tuple(saved), loaded=tuple(loaded))

    def _time_in_cells(self) -> float:
        return sum(cell.run.duration_s for cell in self.cells.values() if cell.run is not None)

    def _settled(self, cell: CellRecord) -> CellRecord:
        if cell.kind != "code" or cell.run is not None:
            return cell
        status = "timeout" if self.outcome is Outcome.TIMEOUT else "died"
        run = CellRun(status=status if cell.index == self._running else "not_run")
        return cell.model_copy(update={"run": run})


def _has_run(cell: CellRecord) -> bool:
    """Whether a cell came to its end, so that something can be said of what it left."""
    return bool(cell.source.strip()) and cell.run is not None and cell.run.status in ("ok", "error")
