"""Which of several trainings have different settings, as far as the record tells them apart."""

from __future__ import annotations

from grader.evidence.training import DataSource, TrainingHistory, TrainingRun
from grader.facts.training.runs import batch_size_of, by_token, epochs_of, learning_rate_of

__all__ = ["different_settings"]


def different_settings(
    runs: tuple[TrainingRun, ...], history: TrainingHistory, *, apart: bool = False
) -> dict[object, TrainingRun]:
    """The first run of each setting. One whose learning rate is not known must differ in something else.

    Networks whose layers were not all recorded count as equal where what was recorded is, and so do rates and
    epochs that are not known; with `apart` all of these count as different ones.
    """
    known: dict[tuple[float | None, tuple[object, ...]], TrainingRun] = {}
    sources = by_token(history)
    for run in runs:
        network = _network(run, history, apart)
        rate, others = learning_rate_of(run), (network, *_others(run, sources))
        known.setdefault((rate, (*others, *_unknown(run)) if apart else others), run)
    rated = {others for rate, others in known if rate is not None}
    return {
        (rate, others): run
        for (rate, others), run in known.items()
        if rate is not None or others not in rated
    }


def _unknown(run: TrainingRun) -> tuple[int, ...]:
    """What a run may differ in from others where its rate or its epochs are not known."""
    if learning_rate_of(run) is None:
        return (run.index,)
    return (run.steps,) if epochs_of(run) is None else ()


def _network(run: TrainingRun, history: TrainingHistory, apart: bool) -> str | None:
    """What tells a run's network from others; None where no network was recorded."""
    layers = history.layers_of(run.model)
    if layers is None or layers.digest is not None:
        return None if layers is None else layers.digest
    return f"{layers.model_dump_json()} {run.index if apart else ''}"


def _others(run: TrainingRun, sources: dict[int, DataSource]) -> tuple[object, ...]:
    """All that makes a setting but its learning rate and its network."""
    given = tuple(sorted((name, str(value)) for name, value in run.hyperparameters.items() if name != "lr"))
    return (run.optimizer, given, batch_size_of(run, sources), epochs_of(run))
