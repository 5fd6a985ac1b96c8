"""Settings that a rubric asks for, and what became of each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from grader.evidence.training import TrainingRun
from grader.facts.case import Case
from grader.facts.code.source import parsed_cells
from grader.facts.fields import NamesOf, OptimizerType, SectionName, Strict, Where
from grader.facts.known import Fact, Known, Unknown, sure
from grader.facts.notebook import located, some_failed, stopped_early, untouched
from grader.facts.training.readings import (
    Readings,
    batch_sizes_of,
    decays_of,
    dropouts_of,
    momenta_of,
    nesterov_of,
    passes_of,
    rates_of,
)
from grader.facts.training.runs import is_model, mentions_binding, object_name, runs_in, where_of
from grader.facts.training.seen import gradients_unseen

__all__ = ["Became", "Difference", "Setting", "became_of", "differences", "fitting", "open_share"]


class Setting(Strict):
    """One setting that was to be trained; what is not given may be anything.

    Attributes:
        title: What to call it in messages.
        model: Names of the variable or class that was to be trained; any one of them.
        section: Where it was to be trained; anywhere if the section was not found or trains nothing. Where
            that was left as the handout has it, a TA looks at a training elsewhere.
        epochs: Passes over the training data; under a training budget they are counted all the same.
        weight_decay, momentum, nesterov: As of the optimizer; 0 and false ask that there is none.
        dropout: Share that the network's dropout layers leave out; 0 asks for a network without one. A
            network that calls `F.dropout` has no such layer, and goes to a TA.
    """

    title: str = ""
    model: Annotated[tuple[str, ...], NamesOf("definition")] = ()
    optimizer: OptimizerType | None = None
    learning_rate: float | None = Field(default=None, gt=0)
    momentum: float | None = None
    weight_decay: float | None = Field(default=None, ge=0)
    nesterov: bool | None = None
    dropout: float | None = Field(default=None, ge=0, lt=1)
    batch_size: int | None = Field(default=None, gt=0)
    epochs: int | None = Field(default=None, gt=0)
    section: SectionName | None = None

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


def became_of(setting: Setting, case: Case, others: Sequence[Setting] = ()) -> Became:
    """Looks for a setting in its section, and where that trains nothing, anywhere.

    Args:
        setting: What was to be trained.
        case: The submission.
        others: What else was: of runs that are equally near, one that is none of these was meant for it.
    """
    sections = _sections(setting)
    runs = runs_in(case, sections)
    if not runs:
        return _without_runs(setting, case)

    def distance(run: TrainingRun) -> tuple[int, bool]:
        meant = any(each is not setting and not differences(run, each, case) for each in others)
        return len(differences(run, setting, case, others)), meant

    nearest = min(runs, key=distance)
    different = differences(nearest, setting, case, others)
    if not different:
        return Became(setting, "right")
    text = ", ".join(difference.text for difference in different)
    if _may_be_missed(case, sections):
        return Became(
            setting, "unsure", f"{text}, but not everything ran or was recorded", where_of([nearest])
        )
    known = any(difference.known for difference in different)
    return Became(setting, "wrong" if known else "unsure", text, where_of([nearest]), nearest)


def fitting(setting: Setting, case: Case) -> tuple[TrainingRun, ...]:
    """Runs that are as a setting asks: those of its section, and where that trains nothing, of all."""
    runs = runs_in(case, _sections(setting)) or case.evidence.training.runs
    return tuple(run for run in runs if not differences(run, setting, case))


def open_share(all_of_them: Sequence[Became]) -> float:
    """Part of the settings of which nobody can tell without looking."""
    return sum(each.state == "unsure" for each in all_of_them) / len(all_of_them)


def _without_runs(setting: Setting, case: Case) -> Became:
    sections = _sections(setting)
    elsewhere = [run for run in case.evidence.training.runs if not differences(run, setting, case)]
    if setting.section is not None and sure(untouched(case, setting.section)):
        if not elsewhere:
            return Became(setting, "nothing", "nothing was handed in")
        reason = f"nothing stands in this part, but cell {elsewhere[0].cell} trains it"
        return Became(setting, "unsure", reason, where_of(elsewhere[:1]))
    if elsewhere:
        return Became(setting, "right")
    if _may_be_missed(case, sections):
        return Became(setting, "unsure", "no training was seen, but not everything ran or was recorded")
    return Became(setting, "wrong" if case.evidence.training.runs else "unsure", "no training was seen")


def _may_be_missed(case: Case, sections: Sequence[str]) -> bool:
    """Whether a training of these sections may not have been seen."""
    unseen = stopped_early(case) or not case.evidence.training.complete or gradients_unseen(case, sections)
    return unseen or some_failed(case, sections) or not all(located(case, name) for name in sections)


def _sections(setting: Setting) -> tuple[str, ...]:
    return () if setting.section is None else (setting.section,)


def differences(
    run: TrainingRun, setting: Setting, case: Case, others: Sequence[Setting] = ()
) -> list[Difference]:
    """What a run did otherwise than a setting asks; `others` were asked for beside it."""
    pairs: tuple[tuple[str, float | None, Callable[[TrainingRun, Case], Readings]], ...] = (
        ("learning rate", setting.learning_rate, rates_of),
        ("momentum", setting.momentum, momenta_of),
        ("weight decay", setting.weight_decay, decays_of),
        ("nesterov", setting.nesterov, nesterov_of),
        ("dropout", setting.dropout, dropouts_of),
        ("batch size", setting.batch_size, batch_sizes_of),
        ("epochs", setting.epochs, passes_of),
    )
    found = [
        _difference(name, wanted, readings_of(run, case))
        for name, wanted, readings_of in pairs
        if wanted is not None
    ]
    if not is_model(run.model, setting.model):
        found.insert(0, _other_network(run, setting, case, others))
    else:
        found.insert(0, _of_another_class(run, setting, case))
    if setting.optimizer is not None and run.optimizer != setting.optimizer:
        known = run.optimizer is not None
        found.append(Difference(f"{run.optimizer or 'unknown'} instead of {setting.optimizer}", known=known))
    return [difference for difference in found if difference is not None]


def _other_network(
    run: TrainingRun, setting: Setting, case: Case, others: Sequence[Setting]
) -> Difference | None:
    """How the network of a run differs from the one asked for; None where it goes by that name elsewhere.

    That it is another one is known where it is the one that another setting asks for, or where the notebook
    has one of the name asked for which is built otherwise.
    """
    names = setting.model
    text = f"`{object_name(run.model)}` instead of `{names[0]}`"
    if run.model.class_name is None:
        return Difference(f"{text} (which network this is was not recorded)", known=False)
    history = case.evidence.training
    looked_at = (look.model for look in history.evaluations if look.model is not None)
    seen = (*(each.model for each in history.runs), *looked_at)
    named = [model for model in seen if is_model(model, names)]
    if any(model.token == run.model.token for model in named):
        return None
    named_otherwise = (each.model for each in others if not set(each.model) & set(names))
    if any(is_model(run.model, each) for each in named_otherwise if each):
        return Difference(text)
    if run.model.layers is not None and any(model.layers == run.model.layers for model in named):
        return Difference(f"{text} (which is built alike)", known=False)
    if not named and not _is_bound(case, names):
        return Difference(f"{text} (nothing has that name)", known=False)
    return Difference(text)


def _of_another_class(run: TrainingRun, setting: Setting, case: Case) -> Difference | None:
    """How a network that only a variable calls as asked differs from one that is of a class asked for."""
    names, model = set(setting.model), run.model
    if not names or model.class_name is None or names & {model.class_name, *model.also}:
        return None
    history = case.evidence.training
    looked_at = (look.model for look in history.evaluations if look.model is not None)
    of_class = (
        each for each in (*(run.model for run in history.runs), *looked_at) if each.class_name in names
    )
    other = next((each for each in of_class if None not in (each.layers, model.layers)), None)
    if other is None or other.layers == model.layers:
        return None
    text = (
        f"`{object_name(model)}` is a {model.class_name} here, where another network is a {other.class_name}"
    )
    return Difference(text, known=False)


def _is_bound(case: Case, names: Sequence[str]) -> bool:
    """Whether code gives anything one of these names, other than a function's own parameters."""
    if any(one.name in names and one.how != "param" for _, one in case.facts.bindings):
        return True
    broken = (cell.source for cell in parsed_cells(case.evidence.cells) if cell.tree is None)
    return any(mentions_binding(source, names) for source in broken)


def _difference(name: str, wanted: float, readings: Readings) -> Difference | None:
    """How a number differs from the one asked for; None where it does not."""
    differ = readings.differ_from(wanted)
    if isinstance(differ, Unknown):
        return Difference(f"{name} unknown instead of {_said(name, wanted)} ({differ.why})", known=False)
    found, asked = _said(name, readings.values[0]), _said(name, wanted)
    return Difference(f"{name} {found} instead of {asked}") if differ.value else None


def _said(name: str, value: float) -> str:
    """A setting's value; of one that is there or not, that."""
    return f"{value:g}" if name != "nesterov" else ("on" if value else "off")
