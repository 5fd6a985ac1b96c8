"""What a run started from: its first values against those at the pass ends of every earlier run."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from grader.collector.recorder.fingerprint import Snapshot, fingerprint
from grader.collector.recorder.functions import Trace
from grader.collector.recorder.likeness import is_among, resembled
from grader.collector.recorder.runs import Run
from grader.evidence.training import Start

__all__ = ["doubted", "judge_start"]


def judge_start(
    now: Snapshot, parameters: Sequence[torch.Tensor], earlier: Sequence[Run], trace: Trace | None = None
) -> Start:
    """Says which share of a run's parameters holds values that an earlier run trained.

    A tensor counts where its values tell something: not where all its elements are equal (a fresh bias
    or scale), nor where the earlier run never moved it (frozen, unused, or loaded alike for every run).

    Args:
        now: The values just before the run's first step.
        parameters: The tensors themselves, in the same order.
        earlier: All runs so far, oldest first, their ends read.
        trace: What the network computes; None where that is not known.
    """
    shares = [(_carried_share(now, run), run) for run in earlier]
    best_share, best = max(
        ((share, run) for share, run in shares),
        key=lambda found: (found[0], found[1].index),
        default=(0.0, None),
    )
    if best is not None and best_share > 0:
        start = Start(
            determined=True,
            carried_share=best_share,
            identity_share=_identity_share(parameters, best),
            carried_from=best.index,
        )
    elif any(run.began_fresh and _same_start(now, run) for run in earlier):
        return Start(determined=True, reloaded_initial=True)
    else:
        start = Start(determined=True)
    like = resembled(now, parameters, earlier) if best_share < 1 else None
    if like is not None:
        return doubted(start, f"its weights resemble those that run {like.index} ended with")
    same = _computes_the_same(parameters, earlier, trace) if best_share < 1 else None
    if same is not None:
        return doubted(
            start,
            f"on a batch of the notebook's own it computes what the network of run {same.index} came to",
        )
    unread = [run for run in earlier if not run.end_known and _shapes(run) == _shapes_of(now)]
    if unread and best_share == 0:
        return doubted(start, f"what run {unread[-1].index} ended with could not be read")
    return start


def doubted(start: Start, why: str) -> Start:
    """The start, no longer taken for fresh; a share of equal weights that is known stays known."""
    if start.carried_share > 0:
        return start.model_copy(update={"resembles": start.resembles or why})
    return start.model_copy(update={"determined": False, "reloaded_initial": False, "why": start.why or why})


def _computes_the_same(
    parameters: Sequence[torch.Tensor], earlier: Sequence[Run], trace: Trace | None
) -> Run | None:
    """The latest run whose trained network computes what this one does at its start.

    Where a network holds trained weights that the run leaves alone, as below an adapter that begins with
    nothing, these may be all that it computes with. It is not left alone where weights are made of both.
    """
    if trace is None:
        return None
    for run in reversed(earlier):
        if run.trace is not None and trace.came_to(run.trace):
            trained = [mine for each in earlier for at in each.milestones[1:] for mine in at.prints]
            left_alone = (fingerprint(tensor) for tensor in trace.beside(parameters))
            held = any(not mine.constant and is_among(mine, trained) for mine in left_alone)
            return None if held else run
    return None


def _carried_share(now: Snapshot, run: Run) -> float:
    """The largest share over the run's pass ends, so that a checkpoint of any epoch is recognised."""
    first = run.milestones[0]
    return max((_share(now, first, milestone) for milestone in run.milestones[1:]), default=0.0)


def _share(now: Snapshot, first: Snapshot, later: Snapshot) -> float:
    moved = [
        after for before, after in zip(first.prints, later.prints, strict=True) if not before.equals(after)
    ]
    unmoved = [
        after for before, after in zip(first.prints, later.prints, strict=True) if before.equals(after)
    ]
    telling = [mine for mine in now.prints if not mine.constant and not is_among(mine, unmoved)]
    if not telling:
        return 0.0
    return sum(is_among(mine, moved) for mine in telling) / len(telling)


def _same_start(now: Snapshot, run: Run) -> bool:
    """The same initial values again, where they were not constants throughout."""
    return now.equals(run.milestones[0]) and not all(mine.constant for mine in now.prints)


def _identity_share(parameters: Sequence[torch.Tensor], run: Run) -> float:
    known = [reference() for reference in run.trainable]
    same = sum(any(tensor is other for other in known) for tensor in parameters)
    return same / len(parameters) if parameters else 0.0


def _shapes(run: Run) -> list[tuple[int, ...]]:
    return _shapes_of(run.milestones[0])


def _shapes_of(snapshot: Snapshot) -> list[tuple[int, ...]]:
    return [mine.shape for mine in snapshot.prints]
