"""What a run's settings may be called, and where the record does not tell them."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

from grader.evidence.training import TrainingRun
from grader.facts.case import Case
from grader.facts.code.names import last_name
from grader.facts.code.source import nodes_of
from grader.facts.known import Fact, Known, Unknown
from grader.facts.training.code import assigned_behind, edits_rates, reached_code, starts_elsewhere
from grader.facts.training.phases import phases
from grader.facts.training.runs import batch_size_of, by_token, epochs_of, learning_rate_of, number_of

__all__ = ["Readings", "batch_sizes_of", "momenta_of", "passes_of", "rates_of"]

_RELATIVE = 1e-6
#: What takes batches out of a loader one by one, so that passes are not epochs.
_BY_STEPS = frozenset({"cycle", "islice", "next"})


@dataclass(frozen=True)
class Readings:
    """Values that a run may be said to have had.

    Attributes:
        doubt: Asked where none of them fits: why the run may have had others, in a clause; empty where it
            had not.
    """

    values: tuple[float, ...]
    doubt: Callable[[], str] = str

    def differ_from(self, wanted: float) -> Fact[bool]:
        """Whether none of them is the one that was asked for."""
        if any(abs(value - wanted) <= _RELATIVE * max(abs(wanted), abs(value)) for value in self.values):
            return Known(False)
        doubt = self.doubt() or ("" if self.values else "it was not recorded")
        return Unknown(doubt) if doubt else Known(True)


def rates_of(run: TrainingRun, case: Case) -> Readings:
    """The rate of the first step, and the largest one of a schedule that says so."""
    rates = (learning_rate_of(run), number_of(run, "max_lr"))
    return Readings(tuple(rate for rate in rates if rate is not None), lambda: _doubt_about_rates(run, case))


def momenta_of(run: TrainingRun, case: Case) -> Readings:
    momentum = number_of(run, "momentum")
    return Readings(() if momentum is None else (momentum,))


def batch_sizes_of(run: TrainingRun, case: Case) -> Readings:
    """The loader's, and the largest batch that went into the loss: batches may be joined or taken apart."""
    size = batch_size_of(run, by_token(case.evidence.training))
    fed = run.batch_sizes[:1] if not run.batch_sizes_cut else ()
    return Readings(tuple(float(each) for each in dict.fromkeys((size, *fed)) if each is not None))


def passes_of(run: TrainingRun, case: Case) -> Readings:
    """Passes over the training data; none where nobody counts them.

    So it is where updates were written by hand, and where batches come from no loader.
    """
    epochs = epochs_of(run)
    return Readings(() if epochs is None else (float(epochs),), lambda: _doubt_about_passes(run, case))


def _doubt_about_rates(run: TrainingRun, case: Case) -> str:
    """Why the rate of the first step may not be the one that was set.

    One that is edited between steps makes runs of its own, each with its rate, where the record has them.
    """
    reached = reached_code(case, _cells_of(run))
    code = [*reached, *assigned_behind(case, reached)]
    if _is_phase(run, case):
        return "one training may have had several of them"
    return starts_elsewhere(code) or ("" if _is_continued(run, case) else edits_rates(code))


def _doubt_about_passes(run: TrainingRun, case: Case) -> str:
    """Why epochs may be others than passes.

    Where a budget ended passes and batches are taken one by one, more passes were begun than are epochs.
    """
    if run.method == "by_hand":
        return "passes of updates by hand are not counted"
    if run.passes == 0:
        return "its batches came from no loader"
    if _is_continued(run, case):
        return "it may be a part of a longer training"
    return "its batches are taken one by one" if run.passes_cut > 0 and _takes_batches(run, case) else ""


def _is_continued(run: TrainingRun, case: Case) -> bool:
    """Whether another run of the same network in the same cell goes on from it, or it from that one."""
    return any(
        other.cell == run.cell
        and other.model.token == run.model.token
        and (other.start.carried_from == run.index or run.start.carried_from == other.index)
        for other in case.evidence.training.runs
    )


def _is_phase(run: TrainingRun, case: Case) -> bool:
    """Whether a run may be a phase of one training, with others before or after it."""
    runs = case.evidence.training.runs
    before = ((run, other) for other in runs if other.index == run.start.carried_from)
    after = ((other, run) for other in runs if other.start.carried_from == run.index)
    return any(phases(later, earlier, case) for later, earlier in (*before, *after))


def _takes_batches(run: TrainingRun, case: Case) -> bool:
    """Whether code takes batches out of a loader that may begin anew without an epoch's end."""
    nodes = [inner for node in reached_code(case, _cells_of(run)) for inner in nodes_of(node)]
    by_hand = any(isinstance(node, ast.While | ast.Yield | ast.YieldFrom) for node in nodes)
    return by_hand or any(isinstance(node, ast.Call) and last_name(node.func) in _BY_STEPS for node in nodes)


def _cells_of(run: TrainingRun) -> list[int]:
    return sorted({cell for cell in (run.cell, run.last_cell) if cell is not None})
