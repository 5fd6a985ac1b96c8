"""Which trainings were seen, and whether those are all: what was seen is known, that nothing was, a claim."""

from __future__ import annotations

from collections.abc import Sequence

from grader.evidence.training import TrainingHistory, TrainingRun
from grader.facts.case import Case
from grader.facts.known import Fact, Known, Unknown
from grader.facts.notebook import located, own_cell_failed, some_failed, stopped_early
from grader.facts.training.runs import runs_in

__all__ = ["all_runs", "no_training", "seen_runs", "whole_history"]

_ENDED = "our run ended before the last cell"
_INCOMPLETE = "the record of training is not complete"
_FAILED = "some cells failed or did not run"


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
    lost = next((name for name in sections if not located(case, name)), None)
    if lost is not None:
        return Unknown(f"the part '{case.sections[lost].title}' was not found in the notebook")
    return Known(runs_in(case, sections))


def whole_history(case: Case) -> Fact[TrainingHistory]:
    """The record of training, where it goes on to the last cell and lacks nothing that it knows of."""
    history = case.evidence.training
    if stopped_early(case):
        return Unknown(_ENDED)
    return Known(history) if history.complete else Unknown(_INCOMPLETE)


def no_training(case: Case) -> Fact[bool]:
    """Whether the student's notebook trains no network."""
    history = whole_history(case)
    if case.evidence.training.runs:
        return Known(False)
    if isinstance(history, Unknown):
        return history
    return Unknown(_FAILED) if own_cell_failed(case) else Known(True)
