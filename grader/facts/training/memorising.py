"""Whether a run learnt its data by heart, by the loss that it ended with."""

from __future__ import annotations

import math
from collections.abc import Mapping

from grader.evidence.training import DataSource, TrainingRun
from grader.facts.known import Fact, Known, Unknown
from grader.facts.training.losses import loss_name

__all__ = ["items_of", "memorised"]


def items_of(run: TrainingRun, sources: Mapping[int, DataSource]) -> int | None:
    """Items that one pass of a run takes."""
    source = sources.get(run.source) if run.source is not None else None
    return None if source is None else source.sampled or source.length


def memorised(run: TrainingRun, sources: Mapping[int, DataSource]) -> Fact[bool]:
    """Whether every item's own class is the most likely one, by the mean loss of the last pass alone.

    False where the bound is not kept: the items may be known by heart all the same.

    Source: with mean cross-entropy L over n items none has more than n * L, and exp(-n * L) > 1/2. L is a
    mean over batches, in which the items of a smaller last one weigh more, so n is that of full batches.
    """
    if not _bounds_each(run):
        return Unknown("its loss is not the mean of -log p of each item's own class")
    items = items_of(run, sources)
    if not run.losses or not items:
        return Known(False)
    batch = max(1, run.batch_sizes[0]) if run.batch_sizes else items
    return Known(0.0 <= run.losses[-1] * math.ceil(items / batch) * batch < math.log(2))


def _bounds_each(run: TrainingRun) -> bool:
    """Whether a run's loss is the mean of -log p of each item's own class; others have no such bound."""
    if run.loss is None:
        return False
    name = loss_name(run.loss.function)
    return name == "crossentropy" or (name == "nll" and run.loss.input_kind == "log_probabilities")
