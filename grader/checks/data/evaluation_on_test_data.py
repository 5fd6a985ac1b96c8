"""Whether a chosen network was evaluated on the test data, and the result reported."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from grader.evidence.training import EvaluationPass
from grader.facts.case import Case
from grader.facts.fields import NamesOf, SectionName
from grader.facts.known import Fact, Known, Unknown, both, every
from grader.facts.training.chosen import as_chosen, training_of
from grader.facts.training.data_use import Kind, TestData, code_of
from grader.facts.training.runs import (
    batch_size_of,
    by_token,
    in_cells,
    is_model,
    learning_rate_of,
    object_name,
    where_of,
)
from grader.facts.words.answers import answer_in
from grader.judging.check import Check
from grader.judging.exhibits import DataLanes, Exhibit, Table
from grader.judging.judgement import Judgement
from grader.judging.nothing import nothing_handed_in

__all__ = ["EvaluatedOnTest"]

_OTHER_WEIGHTS = "So it may not be the chosen network with the weights that it was trained to."


class EvaluatedOnTest(Check):
    """Looks in the criterion's section for a pass over test data with the network that was asked for.

    Its value is not compared: it depends on the student's training. What counts is that test data were used,
    and not those that settings were chosen on or that this very network was trained on, and that a number is
    reported. Part of the training data's own set counts as test data where it is called so and shares no item
    with what was used before. Data that are neither known to be test data nor known to be others go to a TA.

    Fields: `model` are the network's names; any network is right where it is empty. `choice` is a section in
    which the student says what was chosen: where it states a learning rate, batch size or number of epochs
    with which the network was not trained, in words or in what its code sets, or where its code picks another
    trained network by name, a TA looks. So does one where our run never trained the network and no code loads
    weights, or where a checkpoint of a later epoch than it was trained for is loaded.
    """

    example: ClassVar[str] = """\
- id: test-error-of-best
  title: The test error of the chosen network
  points: 2
  check: evaluated_on_test
  model: [net]
"""

    check: Literal["evaluated_on_test"] = "evaluated_on_test"
    model: Annotated[tuple[str, ...], NamesOf("definition")] = ()
    choice: SectionName | None = None

    def judge(self, case: Case) -> Judgement:
        answer = answer_in(case)
        cells = {cell.index for cell in case.section_cells()}
        test_data = TestData.of(case)
        looks = [look for look in case.evidence.training.evaluations if look.cell in cells]
        kinds = [(look, test_data.kind_of(look, case)) for look in looks]
        on_test = [(look, kind) for look, kind in kinds if isinstance(kind, Known) and kind.value == "test"]
        rows = [_describe(look, kind, test_data, case) for look, kind in kinds]
        shown = (DataLanes(), Table.of("evaluations", rows))
        if any(is_model(look.model, self.model) for look, _ in on_test):
            return self._judge_report(case, bool(answer.stated), on_test, shown)
        bare = nothing_handed_in(case)
        if bare is not None:
            return bare.model_copy(update={"exhibits": shown})
        known = every(kind for _, kind in kinds)
        if on_test or not kinds or isinstance(known, Unknown):
            message, why = self._question(case, kinds, test_data)
            places = where_of(looks) or answer.where
            return Judgement.needs_ta(message, open=why, where=places, exhibits=shown)
        return _elsewhere(case, looks, known, test_data, shown)

    def _judge_report(
        self,
        case: Case,
        reported: bool,
        on_test: list[tuple[EvaluationPass, Known[Kind]]],
        shown: tuple[Exhibit, ...],
    ) -> Judgement:
        asked = [
            (look, kind, as_chosen(look, case, self.choice))
            for look, kind in on_test
            if is_model(look.model, self.model)
        ]
        look, kind, chosen = next((each for each in asked if isinstance(each[2], Known)), asked[0])
        more: dict[str, Any] = {"where": where_of([each for each, _ in on_test]), "exhibits": shown}
        untrained = look.model is not None and training_of(look, case) is None
        loaded = " (its weights were loaded)" if untrained and isinstance(chosen, Known) else ""
        message = f"{_network(look, case)}{loaded} was evaluated on the test data"
        if not reported:
            why = "It may be given in a picture, or in words."
            return Judgement.needs_ta(f"{message}, but no number was found in the answer.", open=why, **more)
        settled = both(kind, chosen)
        if isinstance(settled, Unknown):
            return Judgement.needs_ta(f"{message}, but {settled.why}.", open=_OTHER_WEIGHTS, **more)
        return Judgement.passed(f"{message}, and the result reported.", on=settled, **more)

    def _question(
        self, case: Case, kinds: list[tuple[EvaluationPass, Fact[Kind]]], test_data: TestData
    ) -> tuple[str, str]:
        """What was seen instead of what was asked for, and why a person has to look."""
        wanted = "/".join(f"`{name}`" for name in self.model) or "a network"
        on_test = [look for look, kind in kinds if _is_test(kind) and look.model is not None]
        if on_test:
            used = _network(on_test[0], case)
            message = f"{used} was evaluated on the test data where {wanted} was asked for."
            return message, "It may be the network that was chosen."
        unsure = next((look for look, kind in kinds if isinstance(kind, Unknown)), None)
        if unsure is None:
            return f"Our run saw no evaluation of {wanted} in this part.", "There may be one in another form."
        used = test_data.name(unsure.source, code_of(unsure, case))
        message = f"{_network(unsure, case)} was evaluated on {used} {in_cells([unsure.cell])}."
        return message, "Whether these are test data could not be told."


def _is_test(kind: Fact[Kind]) -> bool:
    return isinstance(kind, Known) and kind.value == "test"


def _elsewhere(
    case: Case,
    looks: list[EvaluationPass],
    kinds: Known[tuple[Kind, ...]],
    test_data: TestData,
    shown: tuple[Exhibit, ...],
) -> Judgement:
    """The judgement where all data are known to be no test data, or this network's training data."""
    trained = [look for look, kind in zip(looks, kinds.value, strict=True) if kind == "trained"]
    looks = trained or looks
    name = "The network" if looks[0].model is None else f"`{object_name(looks[0].model)}`"
    place = in_cells([looks[0].cell])
    if trained:
        message = f"{name} was evaluated {place} on the data that it was trained on."
        advice = "Evaluate the trained network on data that no training has seen."
        return Judgement.failed(message, on=kinds, where=where_of(looks), exhibits=shown, advice=advice)
    used = test_data.name(looks[0].source, code_of(looks[0], case))
    message = f"{name} was evaluated on {used} {place}, not on the test data."
    return Judgement.failed(message, on=kinds, where=where_of(looks), exhibits=shown)


def _network(look: EvaluationPass, case: Case) -> str:
    """The network and how it was trained, in words."""
    name = "A network" if look.model is None else f"`{object_name(look.model)}`"
    run = training_of(look, case)
    if run is None:
        return name
    sources = by_token(case.evidence.training)
    named = (("learning rate", learning_rate_of(run)), ("batch size", batch_size_of(run, sources)))
    given = [f"{word} {value:g}" for word, value in named if value is not None]
    given += [f"{run.passes} epoch{'s' if run.passes != 1 else ''}"] if run.passes else []
    return f"{name} as trained {in_cells([run.cell])} ({', '.join(given)})"


def _describe(look: EvaluationPass, kind: Fact[Kind], test_data: TestData, case: Case) -> dict[str, Any]:
    run = training_of(look, case)
    return {
        "cell": look.cell,
        "object": None if look.model is None else object_name(look.model),
        "data": test_data.name(look.source, code_of(look, case)),
        "is_test": None if isinstance(kind, Unknown) else kind.value == "test",
        "trained_in": None if run is None else run.cell,
    }
