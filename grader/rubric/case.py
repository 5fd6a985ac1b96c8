"""What a check is given to judge: evidence, the notebook's sections, the reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from grader.evidence.codec import Bundle
from grader.evidence.plan import FunctionProbe, ModuleProbe, probe_id
from grader.evidence.record import CellRecord, Evidence, ProbeResult, ShimKind
from grader.rubric.alignment import Alignment
from grader.rubric.model import Criterion, Rubric

__all__ = ["Case", "Reference"]


@dataclass(frozen=True)
class Reference:
    """The course's own answers, by name: functions on arrays, and networks.

    Attributes:
        functions: Take and give NumPy arrays or plain numbers.
        architectures: Descriptions of networks (`reference.architectures.Architecture`).
        digest: SHA-256 over the reference folder's sources.
    """

    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    architectures: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""


@dataclass(frozen=True)
class Case:
    """One criterion of one submission, ready to be judged."""

    bundle: Bundle
    rubric: Rubric
    criterion: Criterion
    alignment: Alignment
    reference: Reference

    @property
    def evidence(self) -> Evidence:
        return self.bundle.evidence

    @property
    def training_was_cut(self) -> bool:
        """True where a training budget ended at least one pass over data early."""
        by_shim = any(shim.kind is ShimKind.TRAINING_BUDGET for shim in self.evidence.shims)
        return by_shim or any(run.passes_cut > 0 for run in self.evidence.training.runs)

    def probe(self, probe: ModuleProbe | FunctionProbe) -> ProbeResult | None:
        """The answer to a probe; None where this attempt was never asked (MISSING_EVIDENCE)."""
        return self.evidence.probes.get(probe_id(probe))

    def section_cells(self, section: str | None = None) -> tuple[CellRecord, ...]:
        """Cells of the criterion's section, or of a named one; all cells where neither is known."""
        name = section or self.criterion.section
        if name is None:
            return self.evidence.cells
        return tuple(self.evidence.cells[index] for index in self.alignment.cells_of(name))
