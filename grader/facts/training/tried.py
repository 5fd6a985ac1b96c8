"""Settings that were tried: which trainings differ, as far as the record tells them apart, and in what."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from grader.evidence.training import DataSource, TrainingHistory, TrainingRun
from grader.facts.case import Case
from grader.facts.known import Fact, Known, Unknown
from grader.facts.training.edited import edited_in_place
from grader.facts.training.redesign import redesigned
from grader.facts.training.runs import batch_size_of, by_token, epochs_of, learning_rate_of

__all__ = ["Tried", "different_settings"]


@dataclass(frozen=True)
class Tried:
    """Settings that were tried, by the runs that were seen.

    Attributes:
        wanted: How many were asked for.
        redesign_asked: Whether the network itself has to be among what was changed.
    """

    case: Case
    wanted: int
    runs: Known[tuple[TrainingRun, ...]]
    redesign_asked: bool

    @cached_property
    def redesigned(self) -> Fact[bool]:
        """Whether the network itself is among what was changed; true where nobody asks."""
        if not self.redesign_asked:
            return self.runs.map(lambda _: True)
        found = redesigned(self.runs.value, self.case)
        return self.edited if isinstance(found, Known) and not found.value else found

    @cached_property
    def edited(self) -> Fact[bool]:
        """Whether networks that the file does not hold any more may be among the student's own."""
        return edited_in_place(self.runs.value, self.case)

    @cached_property
    def different(self) -> dict[object, TrainingRun]:
        """The first run of each setting."""
        return different_settings(self.runs.value, self.case.evidence.training)

    @cached_property
    def possible(self) -> int:
        """How many there are if runs differ wherever the record does not tell, or no longer can."""
        if isinstance(self.edited, Unknown):
            return len(self.runs.value)
        return len(different_settings(self.runs.value, self.case.evidence.training, apart=True))

    @property
    def open_share(self) -> float:
        """Part of the settings asked for of which nobody can tell without looking."""
        return (min(self.possible, self.wanted) - self.count) / self.wanted

    @property
    def count(self) -> int:
        return len(self.different)

    @property
    def enough(self) -> bool:
        return self.count >= self.wanted


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
