"""Settings that a rubric asks for, and what became of each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from grader.evidence.training import DataSource, TrainingRun
from grader.facts.case import Case
from grader.facts.fields import Strict, Where
from grader.facts.known import Fact, Known, Unknown, sure
from grader.facts.notebook import located, some_failed, stopped_early, untouched
from grader.facts.training.runs import (
    batch_size_of,
    by_token,
    is_model,
    learning_rate_of,
    object_name,
    runs_in,
    where_of,
)

__all__ = ["Became", "Difference", "Setting", "became_of", "differences", "fitting", "open_share"]

_RELATIVE = 1e-6


class Setting(Strict):
    """One setting that was to be trained; what is not given may be anything.

    Attributes:
        title: What to call it in messages.
        model: Names of the variable or class that was to be trained; any one of them.
        section: Where it was to be trained; anywhere if the section was not found or trains nothing. Where
            that was left as the handout has it, a TA looks at a training elsewhere.
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


@dataclass(frozen=True)
class Became:
    """What became of a setting.

    Attributes:
        state: ``nothing`` where its section was left as given, ``unsure`` where that cannot be told.
        reason: In words, after the setting's name.
        where: The runs concerned.
        run: The nearest run, where there is one.
    """

    setting: Setting
    state: Literal["right", "wrong", "nothing", "unsure"]
    reason: str = "as asked"
    where: tuple[Where, ...] = ()
    run: TrainingRun | None = None

    @property
    def trained(self) -> Fact[bool]:
        """Whether it was trained as asked."""
        return Unknown(self.reason) if self.state == "unsure" else Known(self.state == "right")


def became_of(setting: Setting, case: Case) -> Became:
    """Looks for a setting in its section, and where that trains nothing, anywhere."""
    sources = by_token(case.evidence.training)
    sections = _sections(setting)
    runs = runs_in(case, sections)
    if not runs:
        return _without_runs(setting, case)
    nearest = min(runs, key=lambda run: len(differences(run, setting, sources)))
    different = differences(nearest, setting, sources)
    if not different:
        return Became(setting, "right")
    text = ", ".join(difference.text for difference in different)
    if _may_be_missed(case, sections):
        return Became(setting, "unsure", f"{text}, but not everything ran", where_of([nearest]))
    known = any(difference.known for difference in different)
    return Became(setting, "wrong" if known else "unsure", text, where_of([nearest]), nearest)


def fitting(setting: Setting, case: Case) -> tuple[TrainingRun, ...]:
    """Runs that are as a setting asks: those of its section, and where that trains nothing, of all."""
    sources = by_token(case.evidence.training)
    runs = runs_in(case, _sections(setting)) or case.evidence.training.runs
    return tuple(run for run in runs if not differences(run, setting, sources))


def open_share(all_of_them: Sequence[Became]) -> float:
    """Part of the settings of which nobody can tell without looking."""
    return sum(each.state == "unsure" for each in all_of_them) / len(all_of_them)


def _without_runs(setting: Setting, case: Case) -> Became:
    sources, sections = by_token(case.evidence.training), _sections(setting)
    elsewhere = [run for run in case.evidence.training.runs if not differences(run, setting, sources)]
    if setting.section is not None and sure(untouched(case, setting.section)):
        if not elsewhere:
            return Became(setting, "nothing", "nothing was handed in")
        reason = f"nothing stands in this part, but cell {elsewhere[0].cell} trains it"
        return Became(setting, "unsure", reason, where_of(elsewhere[:1]))
    if elsewhere:
        return Became(setting, "right")
    if not case.evidence.training.runs or _may_be_missed(case, sections):
        return Became(setting, "unsure", "no training was seen, but not everything ran or was recorded")
    return Became(setting, "wrong", "no training was seen")


def _may_be_missed(case: Case, sections: Sequence[str]) -> bool:
    """Whether a training of these sections may not have been seen."""
    unseen = stopped_early(case) or not case.evidence.training.complete
    return unseen or some_failed(case, sections) or not all(located(case, name) for name in sections)


def _sections(setting: Setting) -> tuple[str, ...]:
    return () if setting.section is None else (setting.section,)


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


def _equal(value: float | None, wanted: float) -> bool:
    return value is not None and abs(value - wanted) <= _RELATIVE * max(abs(wanted), abs(value))


def _shown(value: float | None) -> str:
    return "unknown" if value is None else f"{value:g}"
