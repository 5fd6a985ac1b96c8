"""Training runs as a rubric speaks of them: which net, with which settings, in which section."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import Field

from grader.evidence.training import DataSource, ModelIdentity, TrainingHistory, TrainingRun
from grader.rubric.case import Case
from grader.rubric.model import Strict, Where

__all__ = [
    "Difference",
    "Setting",
    "batch_size_of",
    "by_token",
    "differences",
    "is_model",
    "learning_rate_of",
    "mentions_binding",
    "object_name",
    "runs_in",
    "settings_of",
    "where_of",
]

_RELATIVE = 1e-6


class Setting(Strict):
    """One setting that was to be trained; what is not given may be anything.

    Attributes:
        title: What to call it in messages.
        model: Names of the variable or class that was to be trained; any one of them.
        section: Where it was to be trained; anywhere if the section was not found or trains nothing.
        epochs: Passes over the training data; under a training budget they are counted all the same.
    """

    title: str = ""
    model: tuple[str, ...] = ()
    optimizer: str | None = None
    learning_rate: float | None = Field(default=None, gt=0)
    momentum: float | None = None
    batch_size: int | None = Field(default=None, gt=0)
    epochs: int | None = Field(default=None, gt=0)
    section: str | None = None

    @property
    def label(self) -> str:
        given = (
            ("learning rate", self.learning_rate),
            ("batch size", self.batch_size),
            ("epochs", self.epochs),
        )
        settings = ", ".join(f"{name} {value:g}" for name, value in given if value is not None)
        return self.title or " with ".join(part for part in ("/".join(self.model), settings) if part)


@dataclass(frozen=True)
class Difference:
    """One way in which a run is not as asked, as ``batch size 512 instead of 16``.

    Attributes:
        known: False where the record does not say what the run did.
    """

    text: str
    known: bool = True


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
    return model is not None and (model.class_name in wanted or bool(wanted & set(model.names)))


def object_name(model: ModelIdentity) -> str:
    """What to call a network: its variable, else its class."""
    return model.names[0] if model.names else model.class_name or "a network without a name"


def learning_rate_of(run: TrainingRun) -> float | None:
    rate = run.hyperparameters.get("lr")
    return float(rate) if isinstance(rate, int | float) and not isinstance(rate, bool) else None


def batch_size_of(run: TrainingRun, sources: dict[int, DataSource]) -> int | None:
    """As given to the loader, else the largest batch that went into the loss."""
    source = sources.get(run.source) if run.source is not None else None
    if source is not None and source.batch_size is not None:
        return source.batch_size
    return run.batch_sizes[0] if run.batch_sizes else None


def differences(run: TrainingRun, setting: Setting, sources: dict[int, DataSource]) -> list[Difference]:
    """What a run did otherwise than a setting asks."""
    momentum = run.hyperparameters.get("momentum")
    pairs = (
        ("learning rate", setting.learning_rate, learning_rate_of(run)),
        ("momentum", setting.momentum, momentum if isinstance(momentum, float | int) else None),
        ("batch size", setting.batch_size, batch_size_of(run, sources)),
        ("epochs", setting.epochs, run.passes),
    )
    found = [
        Difference(f"{name} {_shown(value)} instead of {wanted:g}", known=value is not None)
        for name, wanted, value in pairs
        if wanted is not None and not _equal(value, wanted)
    ]
    if not is_model(run.model, setting.model):
        found.insert(0, Difference(f"`{object_name(run.model)}` instead of `{setting.model[0]}`"))
    if setting.optimizer is not None and run.optimizer != setting.optimizer:
        known = run.optimizer is not None
        found.append(Difference(f"{run.optimizer or 'unknown'} instead of {setting.optimizer}", known=known))
    return found


def settings_of(run: TrainingRun, sources: dict[int, DataSource]) -> dict[str, object]:
    """A run's settings as plain data, for tables."""
    return {
        "object": object_name(run.model),
        "model_class": run.model.class_name,
        "optimizer": run.optimizer,
        "learning_rate": learning_rate_of(run),
        "batch_size": batch_size_of(run, sources),
        "epochs": run.passes,
        "cell": run.cell,
    }


def where_of(runs: Iterable[TrainingRun]) -> tuple[Where, ...]:
    places = {(run.cell, run.line): None for run in runs if run.cell is not None}
    return tuple(Where(cell=cell, line=line) for cell, line in places if cell is not None)


def mentions_binding(source: str, names: Iterable[str]) -> bool:
    """Whether a cell's text, parsable or not, assigns one of these names or defines a class so called."""
    return any(
        re.search(rf"(^|[\s;,(]){re.escape(name)}\s*(,[^=\n]*)?=(?!=)|class\s+{re.escape(name)}\b", source)
        for name in names
    )


def _equal(value: float | None, wanted: float) -> bool:
    return value is not None and abs(value - wanted) <= _RELATIVE * max(abs(wanted), abs(value))


def _shown(value: float | None) -> str:
    return "unknown" if value is None else f"{value:g}"
