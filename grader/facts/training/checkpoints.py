"""Weights that came from files: which file, of which training, at which epoch, into which network."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from grader.evidence.checkpoints import CheckpointLoaded
from grader.evidence.record import Cut
from grader.evidence.training import TrainingRun
from grader.facts.case import Case
from grader.facts.known import Fact, Known, Unknown
from grader.facts.notebook import is_own, located, some_failed, stopped_early

__all__ = ["loads_in", "none_loaded", "written_by"]

_LOADS = re.compile(
    r"\bload\w*\s*\(|\.load_|\bpickle\b|from_pretrained|from_file|\bweights\s*=", re.IGNORECASE
)


def loads_in(case: Case, sections: Sequence[str]) -> Fact[tuple[CheckpointLoaded, ...]]:
    """Files that cells of these sections read, in order; those of any cell where none is named."""
    if case.evidence.checkpoints is None:
        return Unknown("this attempt was run before checkpoints were recorded")
    cells = {cell for section in sections for cell in case.alignment.cells_of(section)}
    loaded = case.evidence.checkpoints.loaded
    return Known(tuple(each for each in loaded if not sections or each.cell in cells))


def written_by(loaded: CheckpointLoaded, case: Case) -> Fact[TrainingRun]:
    """The training whose weights were in a file when it was read."""
    if loaded.saved_in is None:
        return Unknown("no cell of our run wrote this file")
    runs = (run for run in case.evidence.training.runs if run.index == loaded.run)
    run = next(runs, None)
    if run is None:
        return Unknown(f"what cell {loaded.saved_in} wrote there is of no training that was seen")
    return Known(run)


def none_loaded(case: Case, names: Collection[str], sections: Sequence[str]) -> Fact[bool]:
    """Known where cells of these sections read no file of weights, by no way that would have been missed.

    Where a network of one of these `names` got weights in another part, it is not known.
    """
    lost = next((name for name in sections if not located(case, name)), None)
    if lost is not None:
        return Unknown(f"the part '{case.sections[lost].title}' was not found in the notebook")
    if stopped_early(case) or some_failed(case, sections):
        return Unknown("some cells of this part failed or did not run")
    if case.evidence.checkpoints is None or Cut.CHECKPOINTS in case.evidence.cut:
        return Unknown("not all files that were read were recorded")
    cells = {cell.index for section in sections for cell in case.section_cells(section)}
    for loaded in case.evidence.checkpoints.loaded:
        if loaded.cell in cells or not names or set(names) & set(loaded.names):
            return Unknown(f"cell {loaded.cell} reads `{loaded.path}`")
    own = (case.evidence.cells[index] for index in sorted(cells))
    code = (cell for cell in own if cell.kind == "code" and is_own(cell, case))
    loading = next((cell.index for cell in code if _LOADS.search(cell.source)), None)
    return Known(True) if loading is None else Unknown(f"code of cell {loading} may load something")
