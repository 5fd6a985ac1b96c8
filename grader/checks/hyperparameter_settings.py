"""Which hyperparameter settings were really trained."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from grader.checks._answers import nothing_handed_in
from grader.checks._probes import training_unknown
from grader.checks._runs import (
    Setting,
    batch_size_of,
    by_token,
    differences,
    learning_rate_of,
    runs_in,
    settings_of,
    where_of,
)
from grader.evidence.training import DataSource, TrainingRun
from grader.rubric.case import Case
from grader.rubric.model import Check, Judgement, Where

__all__ = ["HyperparameterSettings"]

State = Literal["right", "wrong", "nothing", "unsure"]


class HyperparameterSettings(Check):
    """Looks among the recorded training runs for settings that were asked for, or counts different ones.

    With `settings` each of them is an equal part of the points: a run in its section with exactly these
    values earns it, a run there with other values does not. With `at_least` so many runs have to differ in
    network, optimizer, learning rate, batch size or epochs; `architectural` asks for two different networks
    among them. What was trained counts, not what a variable or a plot's title says.

    Fields: `settings`, or `at_least` with `architectural`; `sections` limits the runs that are counted.
    """

    example: ClassVar[str] = """\
- id: part3-settings
  title: Each setting is trained as asked
  points: 2
  check: hyperparameter_settings
  settings:
    - {title: lower learning rate, model: [large_net, LargeNet], learning_rate: 0.001, batch_size: 64}
    - {title: larger batches, model: [large_net, LargeNet], learning_rate: 0.01, batch_size: 512}
"""

    check: Literal["hyperparameter_settings"] = "hyperparameter_settings"
    settings: tuple[Setting, ...] = ()
    at_least: int | None = Field(default=None, ge=1)
    architectural: bool = False
    sections: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _asks_one_thing(self) -> HyperparameterSettings:
        if bool(self.settings) == (self.at_least is not None):
            raise ValueError("give either settings or at_least")
        return self

    def section_names(self) -> tuple[str, ...]:
        named = tuple(setting.section for setting in self.settings if setting.section is not None)
        return (*self.sections, *named)

    def judge(self, case: Case) -> Judgement:
        return self._judge_settings(case) if self.settings else self._judge_count(case)

    def _judge_settings(self, case: Case) -> Judgement:
        found = [_state(setting, case) for setting in self.settings]
        states = [state for state, _, _ in found]
        right = states.count("right")
        share = right / len(found)
        where = tuple(place for _, _, places in found for place in places)
        rows = [
            {"setting": setting.label, "state": state, "found": reason}
            for setting, (state, reason, _) in zip(self.settings, found, strict=True)
        ]
        reasons = [f"{row['setting']}: {row['found']}" for row in rows if row["state"] != "right"]
        message = f"{right} of {len(found)} settings were trained as asked. {'. '.join(reasons)}".strip()
        more: dict[str, Any] = {"where": where, "data": {"settings": rows}}
        if right == len(found):
            return Judgement.passed(message, **more)
        if "unsure" in states:
            open_share = states.count("unsure") / len(found)
            judgement = Judgement.needs_ta(message, share=share, **more)
            return judgement.model_copy(update={"open_share": open_share})
        return Judgement.partial(share, message, **more) if right else Judgement.failed(message, **more)

    def _judge_count(self, case: Case) -> Judgement:
        sources = by_token(case.evidence.training)
        runs = runs_in(case, self.sections)
        different = {_values(run, sources): run for run in reversed(runs)}
        networks = {run.model.architecture for run in runs}
        wanted = self.at_least or 1
        data = {"settings": [settings_of(run, sources) for run in runs], "different": len(different)}
        where = where_of(different.values())
        enough = len(different) >= wanted
        if enough and (len(networks) > 1 or not self.architectural):
            return Judgement.passed(
                f"{len(different)} different settings were trained.", where=where, data=data
            )
        lacking = "" if enough else f" {wanted} were asked for."
        if self.architectural and len(networks) <= 1:
            lacking += " None of them changes the network itself."
        return self._too_few(case, len(different), lacking, where, data)

    def _too_few(
        self, case: Case, count: int, lacking: str, where: tuple[Where, ...], data: dict[str, Any]
    ) -> Judgement:
        message = f"{count} different settings were trained.{lacking}"
        if count == 0 and _untouched(case, self.sections):
            return Judgement.failed("Nothing was handed in for this part.", data=data)
        if training_unknown(case) or _some_failed(case, self.sections):
            return Judgement.needs_ta(f"{message} Some cells failed or did not run.", where=where, data=data)
        if count == 0:
            return Judgement.failed(message, where=where, data=data)
        share = min(1.0, count / (self.at_least or 1))
        return Judgement.partial(share if share < 1 else 0.5, message, where=where, data=data)


def _state(setting: Setting, case: Case) -> tuple[State, str, tuple[Where, ...]]:
    """What became of one setting: its state, the difference in words, and the runs concerned."""
    sources = by_token(case.evidence.training)
    sections = () if setting.section is None else (setting.section,)
    runs = runs_in(case, sections)
    if not runs:
        return _without_runs(setting, case)
    nearest = min(runs, key=lambda run: len(differences(run, setting, sources)))
    different = differences(nearest, setting, sources)
    if not different:
        return "right", "as asked", ()
    state: State = "wrong" if any(difference.known for difference in different) else "unsure"
    return state, ", ".join(difference.text for difference in different), where_of([nearest])


def _without_runs(setting: Setting, case: Case) -> tuple[State, str, tuple[Where, ...]]:
    sources = by_token(case.evidence.training)
    elsewhere = [run for run in case.evidence.training.runs if not differences(run, setting, sources)]
    if elsewhere:
        return "right", "as asked", ()
    if setting.section is not None and nothing_handed_in(case, setting.section):
        return "nothing", "nothing was handed in", ()
    sections = () if setting.section is None else (setting.section,)
    located = setting.section is None or bool(case.alignment.cells_of(setting.section))
    if training_unknown(case) or _some_failed(case, sections) or not located:
        return "unsure", "no training was seen, but not everything ran or was recorded", ()
    return "wrong", "no training was seen", ()


def _untouched(case: Case, sections: tuple[str, ...]) -> bool:
    return bool(sections) and all(nothing_handed_in(case, section) for section in sections)


def _some_failed(case: Case, sections: tuple[str, ...]) -> bool:
    cells = {cell for section in sections for cell in case.alignment.cells_of(section)}
    return any(
        cell.run is not None and cell.run.status != "ok"
        for cell in case.evidence.cells
        if not sections or cell.index in cells
    )


def _values(run: TrainingRun, sources: dict[int, DataSource]) -> tuple[object, ...]:
    others = tuple(sorted((name, str(value)) for name, value in run.hyperparameters.items() if name != "lr"))
    rate = learning_rate_of(run)
    return (run.model.architecture, run.optimizer, rate, others, batch_size_of(run, sources), run.passes)
