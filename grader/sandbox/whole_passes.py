"""Cells that raised where the training budget had ended a pass are given whole passes, in a further run.

Right code may fail on a part of the data: a confusion matrix of all labels and some answers, ``next()`` as
often as there are batches, a curve with a point for every hundredth batch. Whether the student's code is at
fault shows only where it gets all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from grader.errors import SandboxUnavailable
from grader.evidence.codec import Bundle
from grader.evidence.plan import Plan
from grader.evidence.record import CellRecord, Evidence, ShimKind

__all__ = ["with_whole_passes"]

#: What fails alike however much data a loop gave.
_WHATEVER_THE_DATA = frozenset({
    "AttributeError", "FileNotFoundError", "ImportError", "IndentationError", "KeyboardInterrupt",
    "MissingPackage", "ModuleNotFoundError", "NameError", "SyntaxError", "TabError", "UnboundLocalError",
    "UsageError",
})  # fmt: skip


def with_whole_passes(first: Bundle, plan: Plan, run: Callable[[Plan], Bundle]) -> Bundle:
    """The best evidence on a notebook: runs it again where ended passes may have made its code raise.

    First the cells that raised get whole passes, with those before them that only evaluate; where one of
    them raises still, those that train as well. A run that does not get to the end, as whole trainings may
    take too long, tells less than the one before.

    Args:
        first: Evidence under the training budget.
        plan: That it came from.
        run: Runs the same notebook by another plan.

    Returns:
        Evidence under the name of `plan`, which says which cells had whole passes.
    """
    best = first
    if plan.training.mode != "budget":
        return best
    for find in (_own_and_evaluating, _all_before):
        cells = find(best.evidence)
        if not set(cells) - set(best.evidence.whole_in_cells):
            continue
        whole = tuple(sorted({*cells, *best.evidence.whole_in_cells}))
        training = plan.training.model_copy(update={"whole_in_cells": whole})
        try:
            again = run(plan.model_copy(update={"training": training}))
        except SandboxUnavailable:
            # The first run is evidence enough; a fault of ours in a further one takes nothing away.
            break
        if not again.evidence.outcome.ran_to_the_end:
            break
        named = {"plan": first.evidence.plan, "whole_in_cells": whole}
        best = Bundle(again.evidence.model_copy(update=named), again.arrays)
    return best


def _own_and_evaluating(evidence: Evidence) -> tuple[int, ...]:
    """Cells in which a pass ended early: those that raised, and earlier ones in which nothing trained."""
    raised, ended = tuple(_raised(evidence)), _ended_early(evidence)
    trained = {run.cell for run in evidence.training.runs} | {run.last_cell for run in evidence.training.runs}
    before = {cell for cell in ended - trained if any(cell < each for each in raised)}
    return tuple(sorted(before | (ended & set(raised))))


def _all_before(evidence: Evidence) -> tuple[int, ...]:
    """Cells in which a pass ended early, up to the last that raised."""
    raised = tuple(_raised(evidence))
    return tuple(sorted(cell for cell in _ended_early(evidence) if raised and cell <= raised[-1]))


def _raised(evidence: Evidence) -> Iterator[int]:
    """Cells with errors that more data might have spared them."""
    return (cell.index for cell in evidence.cells if _error_type(cell) not in (None, *_WHATEVER_THE_DATA))


def _error_type(cell: CellRecord) -> str | None:
    return cell.run.error.type if cell.run is not None and cell.run.error is not None else None


def _ended_early(evidence: Evidence) -> set[int]:
    noted = (use.cell for use in evidence.shims if use.kind is ShimKind.TRAINING_BUDGET)
    return {cell for cell in noted if cell is not None}
