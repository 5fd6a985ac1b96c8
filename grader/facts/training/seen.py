"""Which trainings were seen, and whether those are all: what was seen is known, that nothing was, a claim."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from grader.evidence.training import TrainingHistory, TrainingRun
from grader.facts.case import Case
from grader.facts.known import Fact, Known, Unknown, sure
from grader.facts.notebook import (
    located,
    own_cell_failed,
    own_code,
    some_failed,
    stopped_early,
    untouched,
)
from grader.facts.raised import holds_text_alone
from grader.facts.training.code import reached_code, takes_gradients
from grader.facts.training.runs import runs_in

__all__ = [
    "all_runs",
    "claimed_runs",
    "gradients_unseen",
    "no_training",
    "ran",
    "reached_all",
    "seen_runs",
    "trains",
    "whole_history",
]

_ENDED = "our run ended before the last cell"
_INCOMPLETE = "the record of training is not complete"
_FAILED = "some cells failed or did not run"
_UNSEEN = "there is code that takes gradients or trains, of which the record shows no steps"


def seen_runs(case: Case, sections: Sequence[str] = ()) -> Known[tuple[TrainingRun, ...]]:
    """Trainings that were recorded in these sections, or anywhere; there may be more."""
    return Known(runs_in(case, sections))


def all_runs(case: Case, sections: Sequence[str] = ()) -> Fact[tuple[TrainingRun, ...]]:
    """Trainings of these sections, where none of them can have been missed."""
    history = whole_history(case)
    if isinstance(history, Unknown):
        return history
    if some_failed(case, sections):
        return Unknown(_FAILED)
    there = ran(case, sections)
    if isinstance(there, Unknown):
        return there
    return Unknown(_UNSEEN) if gradients_unseen(case, sections) else Known(runs_in(case, sections))


def claimed_runs(
    case: Case, sections: Sequence[str], asked: Collection[str]
) -> dict[str, tuple[TrainingRun, ...]]:
    """Trainings of each section; one that has none takes the next of its parent's that no section holds.

    Args:
        case: The submission.
        sections: Those that are asked for trainings here.
        asked: Those that other criteria ask for one.
    """
    claimed = {section: runs_in(case, (section,)) for section in sections}
    free = list(_unclaimed(case, sections, asked))
    for section in sections:
        parent = case.sections[section].within
        near = [run for run in free if run.cell in case.alignment.cells_of(parent or "")]
        if near and not claimed[section] and own_code(case, section):
            claimed[section] = (near[0],)
            free.remove(near[0])
    return claimed


def trains(case: Case, section: str, claimed: Sequence[TrainingRun] = ()) -> Fact[bool]:
    """Whether a section trains a network, or has one that was trained beside it (`claimed`)."""
    seen = seen_runs(case, (section,))
    if seen.value or claimed:
        return seen.map(lambda runs: bool(runs or claimed))
    if sure(untouched(case, section)):
        return seen.map(bool)
    whole = all_runs(case, (section,))
    if isinstance(whole, Unknown):
        return whole
    return whole.map(bool) if case.evidence.training.runs else Unknown("no training was recorded at all")


def _unclaimed(case: Case, sections: Sequence[str], claimed: Collection[str]) -> tuple[TrainingRun, ...]:
    """Trainings in the parts around these sections, in no section that is asked for one.

    A question in words between them, as what to train next, has no training of its own: one that stands
    under it, above the heading of the question that plots it, may be that question's.
    """
    around = {case.sections[name].within for name in sections} - {None}
    taken = {*sections, *claimed}
    words = {name for name, section in case.sections.items() if section.within in around} - taken
    return tuple(
        run
        for run in case.evidence.training.runs
        if run.cell is not None and case.alignment.section_of(run.cell) in around | words
    )


def ran(case: Case, sections: Sequence[str]) -> Fact[bool]:
    """Whether all of these sections are there and something in each of them ran; true where none is named."""
    for name in sections:
        cells = [cell for cell in own_code(case, name) if not holds_text_alone(cell)]
        if not located(case, name):
            return Unknown(f"the part '{case.sections[name].title}' was not found in the notebook")
        if cells and all(cell.run is None or cell.run.status != "ok" for cell in cells):
            return Unknown(f"no cell of the part '{case.sections[name].title}' ran without an error")
    return Known(True)


def reached_all(case: Case, sections: Sequence[str]) -> Fact[bool]:
    """Whether our run came to every cell of the student's in these sections; in all where none is named."""
    own = [cell for name in sections for cell in own_code(case, name)]
    cells = own if sections else case.evidence.cells
    missed = any(cell.run is not None and cell.run.status == "not_run" for cell in cells)
    return Unknown(_ENDED) if missed and stopped_early(case) else Known(True)


def whole_history(case: Case) -> Fact[TrainingHistory]:
    """The record of training, where it goes on to the last cell and lacks nothing that it knows of."""
    history = case.evidence.training
    if stopped_early(case):
        return Unknown(_ENDED)
    return Known(history) if history.complete else Unknown(_INCOMPLETE)


def no_training(case: Case) -> Fact[bool]:
    """Whether the notebook trains no network: all of it ran, nothing was recorded, no code would train."""
    history = whole_history(case)
    if case.evidence.training.runs:
        return Known(False)
    if isinstance(history, Unknown):
        return history
    if own_cell_failed(case):
        return Unknown(_FAILED)
    return Unknown(_UNSEEN) if gradients_unseen(case) else Known(True)


def gradients_unseen(case: Case, sections: Sequence[str] = ()) -> bool:
    """Whether code of these sections, or of any cell, takes gradients where no training was recorded."""
    if runs_in(case, sections):
        return False
    named = {cell for section in sections for cell in case.alignment.cells_of(section)}
    cells = named if sections else range(len(case.evidence.cells))
    return takes_gradients(case, reached_code(case, sorted(cells)))
