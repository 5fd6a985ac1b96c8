"""What checks say when a probe has no answer, so that all of them say it alike and fairly."""

from __future__ import annotations

import re
from typing import TypeVar

from grader.checks._answers import nothing_handed_in
from grader.checks._runs import object_name
from grader.evidence.plan import FunctionProbe, ModuleProbe, Target
from grader.evidence.record import (
    FunctionRecord,
    ModuleRecord,
    ProbeResult,
)
from grader.evidence.training import ModelIdentity
from grader.rubric.case import Case
from grader.rubric.model import Judgement, Where

__all__ = [
    "describe",
    "function_or",
    "module_or",
    "own_cell_failed",
    "stopped_early",
    "training_unknown",
]

Record = TypeVar("Record", ModuleRecord, FunctionRecord)


def module_or(case: Case, probe: ModuleProbe) -> ModuleRecord | Judgement:
    """The network that a probe found, or the judgement that there is none."""
    return _record_or(case, probe, describe(probe.target), ModuleRecord)


def function_or(case: Case, probe: FunctionProbe) -> FunctionRecord | Judgement:
    """The calls of a function, or the judgement that there are none."""
    return _record_or(case, probe, describe(probe.target), FunctionRecord)


def describe(target: Target) -> str:
    """A target in words, as ``small_net or SmallNet``."""
    if target.names:
        return " or ".join(f"`{name}`" for name in target.names)
    if target.expression is not None:
        return f"`{target.expression}`"
    if target.discover is not None:
        return f"a network for inputs of shape {list(target.discover.input_shape)}"
    return "the thing asked for"


def stopped_early(case: Case) -> bool:
    """True where cells after some point never ran, so that a missing thing proves nothing."""
    return case.evidence.outcome.ended_early


def own_cell_failed(case: Case) -> bool:
    """True where a cell that is not the handout's failed, so that what it was to do may be missing."""
    return any(
        cell.run is not None and cell.run.status != "ok" and cell.index not in case.alignment.unchanged
        for cell in case.evidence.cells
    )


def training_unknown(case: Case) -> bool:
    """True where the record of training may miss runs: it says so, or it saw none at all."""
    history = case.evidence.training
    return stopped_early(case) or not history.complete or not history.runs


def _record_or(
    case: Case,
    probe: ModuleProbe | FunctionProbe,
    wanted: str,
    kind: type[Record],
) -> Record | Judgement:
    result = case.probe(probe)
    if result is None:
        return Judgement.missing(
            f"This attempt was never asked for {wanted}; run the submission again to measure it."
        )
    if result.status == "ok" and isinstance(result.record, kind):
        return result.record
    unnamed = probe.target.discover is not None
    return _without_answer(case, result, wanted, unnamed)


def _elsewhere(case: Case, result: ProbeResult) -> str:
    """Why a network that was looked for without a name may be there all the same."""
    used = _used_here(case)
    if used is not None:
        return f"`{object_name(used[0])}` ({used[0].class_name}, cell {used[1]}) may be meant for it"
    unbuilt = [candidate.name for candidate in result.candidates if candidate.not_built is not None]
    if unbuilt:
        return f"`{unbuilt[0]}` may be one, but cannot be built without arguments"
    if result.candidates_cut:
        return "not all networks in it were looked at"
    return "networks were trained in it" if case.evidence.training.runs else ""


def _used_here(case: Case) -> tuple[ModelIdentity, int] | None:
    """A network that was trained or used, whose class is written in the criterion's section, and its cell."""
    history = case.evidence.training
    section = case.section_cells() if case.criterion.section is not None else ()
    looked_at = [look.model for look in history.evaluations if look.model is not None]
    for used in (*(run.model for run in history.runs), *looked_at):
        written = rf"(?m)^\s*class\s+{re.escape(used.class_name or '')}\b"
        cells = [cell.index for cell in section if cell.kind == "code" and re.search(written, cell.source)]
        if used.class_name and cells:
            return used, cells[-1]
    return None


def _without_answer(case: Case, result: ProbeResult, wanted: str, unnamed: bool) -> Judgement:
    """The judgement on a thing that was not found or not measured.

    Names are free where a network was looked for without one: the handout's own cells make none then, so that
    it proves nothing where these fail.
    """
    if case.criterion.section is not None:
        untouched = nothing_handed_in(case)
        if untouched is not None:
            return untouched
    broken = tuple(
        Where(cell=cell.index, line=cell.run.error.line)
        for cell in case.evidence.cells
        if cell.run is not None
        and cell.run.error is not None
        and not (unnamed and cell.index in case.alignment.unchanged)
    )
    elsewhere = _elsewhere(case, result) if unnamed else ""
    none = f"There is no {wanted.removeprefix('a ')} in the notebook after its last cell"
    if result.status == "not_found" and (broken or stopped_early(case)):
        reasons = [reason for reason in (elsewhere, "some cells failed or did not run") if reason]
        text = f"{none}, but {' and '.join(reasons)}; a TA looks at it."
        return Judgement.needs_ta(text, where=broken[:5])
    if result.status == "not_found" and elsewhere:
        return Judgement.needs_ta(f"{none}, but {elsewhere}; a TA looks at it.")
    if result.status == "not_found":
        return Judgement.failed(f"{none}.")
    reason = f"{result.error.type}: {result.error.message}" if result.error else result.detail
    return Judgement.needs_ta(f"{wanted} could not be measured ({reason or 'no answer'}); a TA looks at it.")
