"""Whether a thing that a probe did not find is certainly not in the notebook."""

from __future__ import annotations

import re

from grader.evidence.record import ProbeResult
from grader.evidence.training import ModelIdentity
from grader.facts.case import Case
from grader.facts.fields import Where
from grader.facts.known import Fact, Known, Unknown
from grader.facts.notebook import stopped_early
from grader.facts.training.runs import object_name

__all__ = ["absence", "broken_cells"]


def absence(case: Case, result: ProbeResult, *, unnamed: bool) -> Fact[bool]:
    """Known where every cell ran and nothing else may be meant.

    Args:
        case: Names are free where a network was looked for without one: the handout's own cells make none
            then, so that it proves nothing where these fail.
        result: What the probe tried.
        unnamed: Whether a network was looked for without a name.
    """
    elsewhere = _elsewhere(case, result) if unnamed else ""
    unrun = broken_cells(case, unnamed=unnamed) or stopped_early(case)
    ended = "some cells failed or did not run" if unrun else ""
    reasons = [reason for reason in (elsewhere, ended) if reason]
    return Unknown(" and ".join(reasons)) if reasons else Known(True)


def broken_cells(case: Case, *, unnamed: bool) -> tuple[Where, ...]:
    """Cells that raised; without those of the handout where the student's names are free."""
    return tuple(
        Where(cell=cell.index, line=cell.run.error.line)
        for cell in case.evidence.cells
        if cell.run is not None
        and cell.run.error is not None
        and not (unnamed and cell.index in case.alignment.unchanged)
    )


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
    section = case.section_cells() if case.section is not None else ()
    looked_at = [look.model for look in history.evaluations if look.model is not None]
    for used in (*(run.model for run in history.runs), *looked_at):
        written = rf"(?m)^\s*class\s+{re.escape(used.class_name or '')}\b"
        cells = [cell.index for cell in section if cell.kind == "code" and re.search(written, cell.source)]
        if used.class_name and cells:
            return used, cells[-1]
    return None
