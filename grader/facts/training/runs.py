"""Training runs as a rubric speaks of them: which net, with which settings, in which section."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from grader.evidence.training import DataSource, EvaluationPass, ModelIdentity, TrainingHistory, TrainingRun
from grader.facts.case import Case
from grader.facts.fields import Where

__all__ = [
    "batch_size_of",
    "by_token",
    "epochs_of",
    "in_cells",
    "is_model",
    "learning_rate_of",
    "mentions_binding",
    "number_of",
    "object_name",
    "runs_in",
    "settings_of",
    "where_of",
]


def by_token(history: TrainingHistory) -> dict[int, DataSource]:
    return {source.token: source for source in history.sources}


def runs_in(case: Case, sections: Sequence[str]) -> tuple[TrainingRun, ...]:
    """Runs whose first step happened in one of these sections; all runs where none is named."""
    runs = case.evidence.training.runs
    if not sections:
        return runs
    cells = {cell for section in sections for cell in case.alignment.cells_of(section)}
    return tuple(run for run in runs if run.cell in cells)


def is_model(model: ModelIdentity | None, names: Iterable[str]) -> bool:
    """Whether a network goes by one of these variable or class names; no names fit any network."""
    wanted = set(names)
    if not wanted:
        return True
    return model is not None and bool(wanted & {model.class_name, *model.also, *model.names})


def object_name(model: ModelIdentity) -> str:
    """What to call a network: its variable, else its class."""
    return model.names[0] if model.names else model.class_name or "a network without a name"


def learning_rate_of(run: TrainingRun) -> float | None:
    return number_of(run, "lr")


def number_of(run: TrainingRun, name: str) -> float | None:
    """A hyperparameter of the optimizer, where it is a finite number."""
    value = run.hyperparameters.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if math.isfinite(value) else None


def batch_size_of(run: TrainingRun, sources: dict[int, DataSource]) -> int | None:
    """As given to the loader, else the largest batch that went into the loss."""
    source = sources.get(run.source) if run.source is not None else None
    if source is not None and source.batch_size is not None:
        return source.batch_size
    return run.batch_sizes[0] if run.batch_sizes and not run.batch_sizes_cut else None


def epochs_of(run: TrainingRun) -> int | None:
    """Passes over the training data; None where nobody counts them: updates by hand, or without a loader."""
    return run.passes if run.method == "optimizer" and run.passes > 0 else None


def settings_of(run: TrainingRun, sources: dict[int, DataSource]) -> dict[str, str | float | None]:
    """A run's settings as plain data, for tables."""
    return {
        "object": object_name(run.model),
        "model_class": run.model.class_name,
        "optimizer": run.optimizer,
        "learning_rate": learning_rate_of(run),
        "batch_size": batch_size_of(run, sources),
        "epochs": epochs_of(run),
        "cell": run.cell,
    }


def in_cells(cells: Iterable[int | None]) -> str:
    """Cells in words, each once and in order, as ``in cells 19, 20 and 22``."""
    numbers = [str(cell) for cell in sorted({cell for cell in cells if cell is not None})]
    if len(numbers) < 2:
        return f"in cell {numbers[0]}" if numbers else "in a cell that is not known"
    return f"in cells {', '.join(numbers[:-1])} and {numbers[-1]}"


def where_of(runs: Iterable[TrainingRun | EvaluationPass]) -> tuple[Where, ...]:
    """The places of trainings, and of looks at data, each once."""
    places = {(run.cell, run.line): None for run in runs if run.cell is not None}
    return tuple(Where(cell=cell, line=line) for cell, line in places if cell is not None)


def mentions_binding(source: str, names: Iterable[str]) -> bool:
    """Whether a cell's text, parsable or not, assigns one of these names or defines a class so called."""
    return any(
        re.search(rf"(^|[\s;,(]){re.escape(name)}\s*(,[^=\n]*)?=(?!=)|class\s+{re.escape(name)}\b", source)
        for name in names
    )
