"""What a check is given to judge: what the attempt says, where the answer is expected, the reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from grader.errors import RubricError
from grader.evidence.codec import Bundle
from grader.evidence.plan import Probe, probe_id
from grader.evidence.record import CellRecord, Evidence, ProbeResult, ShimKind
from grader.facts.facts import Facts
from grader.facts.sections import Alignment, Section

__all__ = ["Case", "Reference", "reference_function"]


@dataclass(frozen=True)
class Reference:
    """The course's own answers, by name: functions on arrays, and networks.

    Attributes:
        functions: Take and give NumPy arrays or plain numbers.
        architectures: Descriptions of networks (`reference.architectures.Architecture`).
        checks: Judge an attempt, each in a process of its own; they take it as plain data, and seconds.
        digest: SHA-256 over the reference folder's sources.
        folder: Where they lie; empty for answers that were put together in this program.
    """

    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    architectures: Mapping[str, Any] = field(default_factory=dict)
    checks: Mapping[str, Callable[[Mapping[str, Any], float], Any]] = field(default_factory=dict)
    digest: str = ""
    folder: str = field(default="", compare=False)


@dataclass(frozen=True)
class Case:
    """One criterion of one submission, ready to be judged.

    Attributes:
        facts: What the attempt says, shared by all of its cases.
        section: Where the answer is expected; None where the rubric names no place.
        watched: Names whose values this criterion looks at.
        peers: Checks of all criteria of the rubric, this one's among them: one network's answer must not be
            held against another's.
    """

    facts: Facts
    section: str | None
    reference: Reference
    watched: tuple[str, ...] = ()
    peers: tuple[Any, ...] = ()

    @property
    def bundle(self) -> Bundle:
        return self.facts.bundle

    @property
    def evidence(self) -> Evidence:
        return self.facts.bundle.evidence

    @property
    def alignment(self) -> Alignment:
        return self.facts.alignment

    @property
    def sections(self) -> Mapping[str, Section]:
        """All sections of the rubric by name, found in the notebook or not."""
        return self.facts.sections

    @property
    def training_was_cut(self) -> bool:
        """True where a training budget ended at least one pass over data early."""
        by_shim = any(shim.kind is ShimKind.TRAINING_BUDGET for shim in self.evidence.shims)
        return by_shim or any(run.passes_cut > 0 for run in self.evidence.training.runs)

    def probe(self, probe: Probe) -> ProbeResult | None:
        """The answer to a probe; None where this attempt was never asked (MISSING_EVIDENCE)."""
        return self.evidence.probes.get(probe_id(probe))

    def section_cells(self, section: str | None = None) -> tuple[CellRecord, ...]:
        """Cells of the criterion's section, or of a named one; all cells where neither is known."""
        name = section or self.section
        if name is None:
            return self.evidence.cells
        return tuple(self.evidence.cells[index] for index in self.alignment.cells_of(name))


def reference_function(case: Case, name: str) -> Callable[..., Any]:
    """The course's own function of this name.

    Raises:
        RubricError: The reference has none of this name.
    """
    functions = case.reference.functions
    if name not in functions:
        raise RubricError(
            [f"the reference has no function '{name}'"],
            todo=f"write one of {', '.join(sorted(functions))}, or add it to the reference folder",
        )
    return functions[name]
