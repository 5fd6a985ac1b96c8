"""Whether a chosen network was evaluated on the test data, and the result reported."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from grader.evidence.training import EvaluationPass, TrainingRun
from grader.facts.case import Case
from grader.facts.fields import Where
from grader.facts.training.chosen import contradictions, loaded_from_later, may_have_loaded
from grader.facts.training.data_use import TestData
from grader.facts.training.runs import (
    batch_size_of,
    by_token,
    in_cells,
    is_model,
    learning_rate_of,
    object_name,
)
from grader.facts.words.answers import answer_in
from grader.judging.check import Check
from grader.judging.judgement import Judgement

__all__ = ["EvaluatedOnTest"]

Kind = Literal["test", "trained", "other", "unsure"]


class EvaluatedOnTest(Check):
    """Looks in the criterion's section for a pass over test data with the network that was asked for.

    Its value is not compared: it depends on the student's training. What counts is that test data were used,
    and not those that settings were chosen on or that this very network was trained on, and that a number is
    reported. Part of the training data's own set counts as test data where it is called so and shares no item
    with what was used before. Data that are neither known to be test data nor known to be others go to a TA.

    Fields: `model` are the network's names; any network is right where it is empty. `choice` is a section in
    which the student says what was chosen: where it states a learning rate, batch size or number of epochs
    with which the network was not trained, a TA looks. So does one where our run never trained the network
    and no code loads weights, or where a checkpoint of a later epoch than it was trained for is loaded.
    """

    example: ClassVar[str] = """\
- id: test-error-of-best
  title: The test error of the chosen network
  points: 2
  check: evaluated_on_test
  model: [net]
"""

    check: Literal["evaluated_on_test"] = "evaluated_on_test"
    model: tuple[str, ...] = ()
    choice: str | None = None

    def section_names(self) -> tuple[str, ...]:
        return () if self.choice is None else (self.choice,)

    def judge(self, case: Case) -> Judgement:
        answer = answer_in(case)
        cells = {cell.index for cell in case.section_cells()}
        test_data = TestData(case.evidence.training)
        looks = [look for look in case.evidence.training.evaluations if look.cell in cells]
        kinds = [(look, _kind_of(look, test_data, case)) for look in looks]
        on_test = [look for look, kind in kinds if kind == "test"]
        data = {"evaluations": [_describe(look, kind, test_data, case) for look, kind in kinds]}
        if any(is_model(look.model, self.model) for look in on_test):
            return self._judge_report(case, bool(answer.stated), on_test, data)
        if answer.located and not answer.touched:
            return Judgement.failed("Nothing was handed in for this part.", where=answer.where, data=data)
        if on_test or not kinds or any(kind == "unsure" for _, kind in kinds):
            question = self._question(case, kinds, test_data)
            return Judgement.needs_ta(question, where=_where(looks) or answer.where, data=data)
        return _elsewhere(case, kinds, test_data, data)

    def _judge_report(
        self, case: Case, reported: bool, on_test: list[EvaluationPass], data: dict[str, Any]
    ) -> Judgement:
        asked = [look for look in on_test if is_model(look.model, self.model)]
        look = next((look for look in asked if not self._doubt(look, case)), asked[0])
        where, network = _where(on_test), _network(look, case)
        if not reported:
            message = f"{network} was evaluated on the test data, but no number was found in the answer."
            return Judgement.needs_ta(message, where=where, data=data)
        doubt = self._doubt(look, case)
        if doubt:
            message = f"{network} was evaluated on the test data, but {doubt}; a TA looks at it."
            return Judgement.needs_ta(message, where=where, data=data)
        untrained = look.model is not None and _training_of(look, case) is None
        loaded = " (its weights were loaded)" if untrained else ""
        message = f"{network}{loaded} was evaluated on the test data, and the result reported."
        return Judgement.passed(message, where=where, data=data)

    def _doubt(self, look: EvaluationPass, case: Case) -> str:
        """Why it may not be the chosen network, as it was trained; empty where nothing says so."""
        run = _training_of(look, case)
        if run is None:
            return "" if look.model is None or may_have_loaded(look, case) else "our run did not train it"
        loaded = loaded_from_later(look, run, case)
        if loaded:
            return loaded
        against = () if self.choice is None else contradictions(run, case, self.choice)
        if self.choice is None or not against:
            return ""
        return f"the answer to {case.sections[self.choice].title} states {' and '.join(against)}"

    def _question(self, case: Case, kinds: list[tuple[EvaluationPass, Kind]], test_data: TestData) -> str:
        wanted = "/".join(f"`{name}`" for name in self.model) or "a network"
        on_test = next((look for look, kind in kinds if kind == "test" and look.model is not None), None)
        if on_test is not None:
            used = _network(on_test, case)
            return f"{used} was evaluated on the test data where {wanted} was asked for; a TA looks at it."
        unsure = next((look for look, kind in kinds if kind == "unsure"), None)
        if unsure is None:
            return f"Our run saw no evaluation of {wanted} in this part; a TA looks at it."
        used = test_data.name(unsure.source, _code(unsure, case))
        return (
            f"{_network(unsure, case)} was evaluated on {used} {in_cells([unsure.cell])}; whether these are"
            " test data could not be told, so a TA looks at it."
        )


def _elsewhere(
    case: Case, kinds: list[tuple[EvaluationPass, Kind]], test_data: TestData, data: dict[str, Any]
) -> Judgement:
    """The judgement where all data are known to be no test data, or this network's training data."""
    trained = [look for look, kind in kinds if kind == "trained"]
    looks = trained or [look for look, _ in kinds]
    name = "The network" if looks[0].model is None else f"`{object_name(looks[0].model)}`"
    place = in_cells([looks[0].cell])
    if trained:
        message = f"{name} was evaluated {place} on the data that it was trained on."
        advice = "Evaluate the trained network on data that no training has seen."
        return Judgement.failed(message, where=_where(looks), data=data, advice=advice)
    used = test_data.name(looks[0].source, _code(looks[0], case))
    message = f"{name} was evaluated on {used} {place}, not on the test data."
    return Judgement.failed(message, where=_where(looks), data=data)


def _kind_of(look: EvaluationPass, test_data: TestData, case: Case) -> Kind:
    if test_data.training_on(look) is not None:
        return "trained"
    if test_data.may_be_trained_on(look):
        return "unsure"
    likeness = test_data.likeness(look.source)
    if likeness == "test" or test_data.is_kept_apart(look):
        return "test"
    is_other = likeness == "other" and test_data.is_other(look, _code(look, case))
    return "other" if is_other else "unsure"


def _training_of(look: EvaluationPass, case: Case) -> TrainingRun | None:
    """The last run before that trained the very network which is evaluated."""
    runs = [
        run
        for run in case.evidence.training.runs
        if look.model is not None and run.model.token == look.model.token and run.order < look.order
    ]
    return max(runs, key=lambda run: run.order, default=None)


def _network(look: EvaluationPass, case: Case) -> str:
    """The network and how it was trained, in words."""
    name = "A network" if look.model is None else f"`{object_name(look.model)}`"
    run = _training_of(look, case)
    if run is None:
        return name
    sources = by_token(case.evidence.training)
    named = (("learning rate", learning_rate_of(run)), ("batch size", batch_size_of(run, sources)))
    given = [f"{word} {value:g}" for word, value in named if value is not None]
    given += [f"{run.passes} epoch{'s' if run.passes != 1 else ''}"] if run.passes else []
    return f"{name} as trained {in_cells([run.cell])} ({', '.join(given)})"


def _code(look: EvaluationPass, case: Case) -> str:
    return case.evidence.cells[look.cell].source if look.cell is not None else ""


def _where(looks: list[EvaluationPass]) -> tuple[Where, ...]:
    places = {(look.cell, look.line): None for look in looks if look.cell is not None}
    return tuple(Where(cell=cell, line=line) for cell, line in places if cell is not None)


def _describe(look: EvaluationPass, kind: Kind, test_data: TestData, case: Case) -> dict[str, Any]:
    run = _training_of(look, case)
    return {
        "cell": look.cell,
        "object": None if look.model is None else object_name(look.model),
        "data": test_data.name(look.source, _code(look, case)),
        "is_test": True if kind == "test" else None if kind == "unsure" else False,
        "trained_in": None if run is None else run.cell,
    }
