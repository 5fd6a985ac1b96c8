"""What a run's settings may be called, and where the record does not tell them."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass

from grader.evidence.training import TrainingRun
from grader.facts.case import Case
from grader.facts.code.functions import LOOPS
from grader.facts.code.loops import counts_rounds, may_stop_early
from grader.facts.code.names import last_name
from grader.facts.code.source import nodes_of
from grader.facts.known import Fact, Known, Unknown
from grader.facts.training.code import (
    assigned_behind,
    edits_rates,
    names_in,
    reached_code,
    starts_elsewhere,
)
from grader.facts.training.phases import phases
from grader.facts.training.runs import batch_size_of, by_token, epochs_of, learning_rate_of, number_of

__all__ = [
    "Readings",
    "batch_sizes_of",
    "decays_of",
    "dropouts_of",
    "momenta_of",
    "nesterov_of",
    "passes_of",
    "rates_of",
]

_RELATIVE = 1e-6
#: What takes batches out of a loader one by one, so that passes are not epochs.
_BY_STEPS = frozenset({"cycle", "islice", "next"})
_STEPS = frozenset({"backward", "step"})
#: A penalty on the weights that is added to the loss by hand.
_PENALTY = re.compile(r"(?i)norm\b|l2|penalt|regulari|decay|\.pow\(|\.square\(|\*\* ?2")
#: Values that are left out by a function, which is no layer.
_LEAVES_OUT = re.compile(r"\.\w*dropout\w*\(|\bdropout\(|bernoulli|rand\w*\([^)]*\)\s*[<>]")
_DROPOUT = re.compile(r"Dropout\d?d?$")


@dataclass(frozen=True)
class Readings:
    """Values that a run may be said to have had.

    Attributes:
        doubt: Asked where none of them fits: why the run may have had others, in a clause; empty where it
            had not.
        more: Asked where all of them are too small: why there may have been more of what is counted.
    """

    values: tuple[float, ...]
    doubt: Callable[[], str] = str
    more: Callable[[], str] = str

    def differ_from(self, wanted: float) -> Fact[bool]:
        """Whether none of them is the one that was asked for."""
        if any(abs(value - wanted) <= _RELATIVE * max(abs(wanted), abs(value)) for value in self.values):
            return Known(False)
        doubt = self.doubt() or ("" if self.values else "it was not recorded")
        if not doubt and max(self.values) < wanted:
            doubt = self.more()
        return Unknown(doubt) if doubt else Known(True)


def rates_of(run: TrainingRun, case: Case) -> Readings:
    """The rate of the first step, and the largest one of a schedule that says so."""
    rates = (learning_rate_of(run), number_of(run, "max_lr"))
    return Readings(tuple(rate for rate in rates if rate is not None), lambda: _doubt_about_rates(run, case))


def momenta_of(run: TrainingRun, case: Case) -> Readings:
    momentum = number_of(run, "momentum")
    return Readings(() if momentum is None else (momentum,))


def decays_of(run: TrainingRun, case: Case) -> Readings:
    """The optimizer's weight decay; a penalty in the loss that was written by hand may be one too."""
    decay = number_of(run, "weight_decay")
    return Readings(() if decay is None else (decay,), lambda: _doubt_about_decay(run, case))


def nesterov_of(run: TrainingRun, case: Case) -> Readings:
    """1 for an optimizer with Nesterov's momentum, 0 for one without."""
    nesterov = run.hyperparameters.get("nesterov")
    return Readings((float(nesterov),) if isinstance(nesterov, bool) else ())


def dropouts_of(run: TrainingRun, case: Case) -> Readings:
    """The shares that layers of the network leave out; 0 where it has no such layer."""
    layers = case.evidence.training.layers_of(run.model)
    if layers is None or layers.cut:
        return Readings((), lambda: "not all layers of the network were recorded")
    named = ((layer, "p" if _DROPOUT.search(layer.type) else "dropout") for layer in layers.layers)
    shares = [layer.settings.get(name) for layer, name in named]
    numbers = [float(share) for share in shares if isinstance(share, int | float)]
    used = tuple(dict.fromkeys(number for number in numbers if number > 0))
    return Readings(used or (0.0,), lambda: _doubt_about_dropout(case))


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
    counted = () if epochs is None else (float(epochs),)
    return Readings(counted, lambda: _doubt_about_passes(run, case), lambda: _may_go_on(run, case))


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


def _may_go_on(run: TrainingRun, case: Case) -> str:
    """Why the student's own training may have had more passes than ours: it ends by what it comes to."""
    functions = case.facts.functions
    for loop in (inner for node in reached_code(case, _cells_of(run)) for inner in nodes_of(node)):
        if not may_stop_early(loop):
            continue
        called = sorted(names_in(loop) & set(functions.by_name))
        behind = [one.node for name in called for one in functions.reached_from(functions.by_name[name])]
        inside = [inner for node in (loop, *behind) for inner in nodes_of(node)]
        steps = any(isinstance(each, ast.Attribute) and each.attr in _STEPS for each in inside)
        if steps and any(isinstance(each, LOOPS) for each in inside if each is not loop):
            return "it stops by what it comes to, which may be later as the student ran it"
    return ""


def _doubt_about_decay(run: TrainingRun, case: Case) -> str:
    reached = reached_code(case, _cells_of(run))
    by_hand = run.method == "by_hand" or any(_PENALTY.search(ast.unparse(node)) for node in reached)
    return "weights may be held small by the loss, or by hand" if by_hand else ""


def _doubt_about_dropout(case: Case) -> str:
    cells = (cell for cell in case.evidence.cells if cell.kind == "code")
    found = next((cell.index for cell in cells if _LEAVES_OUT.search(_without_layers(cell.source))), None)
    return "" if found is None else f"code of cell {found} may leave values out by itself"


def _without_layers(source: str) -> str:
    return re.sub(r"\b\w*Dropout\d?d?\(", "", source)


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
    by_hand = any(isinstance(node, ast.Yield | ast.YieldFrom) for node in nodes)
    by_hand = by_hand or any(isinstance(node, ast.While) and not counts_rounds(node) for node in nodes)
    return by_hand or any(isinstance(node, ast.Call) and last_name(node.func) in _BY_STEPS for node in nodes)


def _cells_of(run: TrainingRun) -> list[int]:
    return sorted({cell for cell in (run.cell, run.last_cell) if cell is not None})
