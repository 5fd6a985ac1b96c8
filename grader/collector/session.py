"""The collector in the student's kernel: set up before any cell, asked after each, probed at the end."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from grader.collector.probes import run_probe
from grader.collector.recorder.cells import Cells
from grader.collector.recorder.checkpoints import CheckpointFiles
from grader.collector.recorder.files import WorkFolder
from grader.collector.recorder.patches import Patches
from grader.collector.recorder.plots import Plots
from grader.collector.recorder.recorder import Recorder
from grader.collector.recorder.watch import Watch
from grader.collector.seal import Seal
from grader.collector.shims import SHIMS
from grader.collector.shims.context import Context, ShimLog
from grader.evidence.arrays import Arrays
from grader.evidence.frames import Collected, ProbeRequest
from grader.evidence.plan import Plan
from grader.evidence.record import Cut, ProbeResult
from grader.evidence.text import shortened

__all__ = ["KernelSession"]

_MAX_ANOMALIES = 50
#: What is never bound to another object once there is a session.
_KEPT_OF_SESSION = (
    "_plan", "_namespace", "_cells", "_shims", "_patches", "_recorder", "_folder", "_watch", "_plots",
    "_checkpoints", "_sealed",
)  # fmt: skip
_KEPT_OF_RECORDER = (
    "_cells", "_patches", "_models", "_losses", "_sources", "_passes", "_evaluations", "_by_hand", "_runs",
    "_hooks", "_notes", "_functions",
)  # fmt: skip


class KernelSession:
    """Records one notebook from inside its kernel.

    No method raises for anything that a student's code did; what is odd becomes an anomaly.

    Args:
        plan: What to record and to measure.
        namespace: The notebook's global variables.
        data_dir: Where data sets are mounted, None where there are none.
        work_dir: The folder that the notebook runs in.
        files: What was handed in with the notebook, by path below that folder.
    """

    def __init__(
        self,
        plan: Plan,
        namespace: dict[str, Any],
        *,
        data_dir: Path | None,
        work_dir: Path,
        files: Mapping[str, bytes] | None = None,
    ) -> None:
        self._plan = plan
        self._namespace = namespace
        self._data_dir = data_dir
        self._work_dir = work_dir
        self._files = dict(files or {})
        self._cells = Cells(namespace)
        self._shims = ShimLog(self._cells)
        self._patches = Patches()
        self._undo: list[Callable[[], None]] = []
        self._recorder = Recorder(self._cells, plan.training, self._shims.note)
        self._plots = Plots(self._cells)
        self._checkpoints = CheckpointFiles(self._cells, work_dir, self._recorder.training_of)
        self._folder = WorkFolder(work_dir)
        self._watch = Watch(plan.watch, namespace, plan.limits.array_bytes)
        self._anomalies: list[str] = []
        self._dropped = False
        self._reported = 0
        self._seal: Seal | None = None
        self._sealed = False
        self._bytes_left = plan.limits.evidence_bytes

    def install(self, shell: Any) -> None:
        """Puts shims, recorder, budget and seeds in place.

        Args:
            shell: The kernel's IPython ``InteractiveShell``.
        """
        self._patches.replace(shell.compile, "cache", self._noting_names(shell.compile.cache))
        self._guard("not all files handed in could be put beside the notebook", self._lay_out)
        context = Context(
            plan=self._plan,
            namespace=self._namespace,
            data_dir=self._data_dir,
            work_dir=self._work_dir,
            shell=shell,
            patches=self._patches,
            log=self._shims,
            undo=self._undo,
            handed_in=frozenset(self._work_dir / path for path in self._files),
        )
        for name, install in SHIMS.items():
            self._guard(f"the shim {name} could not be installed", install, context)
        # The recorder comes last: what replaces its hooks later is the notebook.
        for recorder in (self._plots, self._checkpoints):
            self._guard(f"{type(recorder).__name__} are not recorded", recorder.install, self._patches)
        self._guard("the training recorder could not be installed", self._recorder.install)
        self._seed()
        self._folder.look()

    def _lay_out(self) -> None:
        """Writes what was handed in as the student's own files, which the notebook may change."""
        for path, content in self._files.items():
            place = self._work_dir / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)

    def uninstall(self) -> None:
        """Takes everything out again; for tests, where the interpreter lives on."""
        self._recorder.uninstall()
        while self._undo:
            self._undo.pop()()
        self._patches.undo()

    def begin_cell(self, index: int) -> None:
        """Says which cell comes now, counted over all cells of the file."""
        self._cells.begin(index)

    def collect(self) -> tuple[Collected, Arrays]:
        """Gives what is new since the last call, and the training history as a whole."""
        arrays = self._new_arrays()
        self._guard("the training recorder could not end the cell", self._recorder.end_cell)
        cell = self._cells.current if self._cells.current is not None else 0
        values = self._guard("watched values could not be read", self._watch.changed, cell, arrays) or ()
        files = self._guard("the work folder could not be read", self._folder.written, cell) or ()
        plots = self._guard("plots could not be read", self._plots.drain)
        checkpoints = self._guard("checkpoints could not be read", self._checkpoints.drain)
        history = self._guard("the training history could not be read", self._recorder.history)
        broken = self._broken()
        for text in self._recorder.tampered():
            self._note(text)
        if broken and history is not None:
            notes = (*history.notes, *broken)
            history = history.model_copy(update={"complete": False, "notes": notes})
        self._bytes_left -= arrays.nbytes
        collected = Collected(
            values=values,
            files=files,
            shims=self._shims.drain(),
            plots=plots,
            checkpoints=checkpoints,
            training=history,
            anomalies=self._new_anomalies(),
            tampering=broken,
            cut=self._cut(),
        )
        return collected, arrays

    def probe(self, request: ProbeRequest, arrays: Sequence[np.ndarray]) -> tuple[ProbeResult, Arrays]:
        """Measures one thing in the namespace that the notebook left.

        Args:
            request: What to measure, with hidden inputs.
            arrays: The numbers of those inputs.
        """
        kept = self._new_arrays()
        broken = self._broken()
        if broken:
            return ProbeResult(status="no_answer", detail=shortened("; ".join(broken), 500)), kept
        result = run_probe(request, arrays, kept, plan=self._plan, cells=self._cells)
        self._bytes_left -= kept.nbytes
        return result, kept

    def seal(self, kernel: Any) -> None:
        """Remembers what measures, so that changes to it show; the last step before the student's code.

        Args:
            kernel: The ipykernel that passes the driver's requests on to this session.
        """
        own = {"the session": self, "the recorder": self._recorder, "the kernel's messages": kernel.session}
        entries = (
            ("the handler of our requests", kernel.shell_handlers, "grader_request"),
            ("the kernel's session", vars(kernel), "_graded"),
        )
        kept = {"the session": _KEPT_OF_SESSION, "the recorder": _KEPT_OF_RECORDER}
        self._sealed = True
        self._seal = Seal(own, entries, kept)

    def _cut(self) -> tuple[Cut, ...]:
        full = (
            (Cut.ANOMALIES, self._dropped),
            (Cut.CHECKPOINTS, self._checkpoints.cut),
            (Cut.FILES, self._folder.overflowed),
            (Cut.PLOTS, self._plots.cut),
            (Cut.SHIMS, self._shims.cut),
        )
        return tuple(part for part, is_full in full if is_full)

    def _broken(self) -> tuple[str, ...]:
        if type(self._seal) is not Seal:
            return ("the notebook took the seal away",) if self._sealed else ()
        return self._seal.broken()

    def _new_arrays(self) -> Arrays:
        """Room for arrays: what the plan gives to one message, and what is left for the attempt."""
        return Arrays(max(0, min(self._plan.limits.array_bytes, self._bytes_left)))

    def _seed(self) -> None:
        random.seed(self._plan.seed)
        np.random.seed(self._plan.seed % 2**32)
        torch.manual_seed(self._plan.seed)

    def _noting_names(self, original: Callable[..., str]) -> Callable[..., str]:
        def cache(transformed_code: str, number: int = 0, raw_code: str | None = None) -> str:
            name = original(transformed_code, number, raw_code=raw_code)
            self._cells.compiled(name, transformed_code if raw_code is None else raw_code)
            return name

        return cache

    def _guard(self, what: str, step: Callable[..., Any], *args: Any) -> Any:
        try:
            return step(*args)
        except Exception as error:
            self._note(f"{what}: {type(error).__name__}: {str(error)[:200]}")
            return None

    def _note(self, text: str) -> None:
        if text in self._anomalies:
            return
        if len(self._anomalies) >= _MAX_ANOMALIES:
            self._dropped = True
        else:
            self._anomalies.append(text)

    def _new_anomalies(self) -> tuple[str, ...]:
        new = tuple(self._anomalies[self._reported :])
        self._reported = len(self._anomalies)
        return new
