"""Whether a chosen network was evaluated on the test data, and the result reported."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from grader.checks._answers import answer_in
from grader.checks._data_use import TestData
from grader.checks._runs import is_model, object_name
from grader.evidence.training import EvaluationPass
from grader.rubric.case import Case
from grader.rubric.model import Check, Judgement, Where

__all__ = ["EvaluatedOnTest"]


class EvaluatedOnTest(Check):
    """Looks in the criterion's section for a pass over test data with the network that was asked for.

    Its value is not compared: it depends on the student's training. What counts is that test data were used,
    and not those that settings were chosen on, and that a number is reported. Data that are neither known to
    be test data nor known to be others go to a TA.

    Fields: `model` are the network's names; any network is right where it is empty.
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

    def judge(self, case: Case) -> Judgement:
        answer = answer_in(case)
        cells = {cell.index for cell in case.section_cells()}
        test_data = TestData(case.evidence.training)
        passes = [look for look in case.evidence.training.evaluations if look.cell in cells]
        on_test = [look for look in passes if test_data.likeness(look.source) == "test"]
        data = {"evaluations": [_describe(look, test_data, case) for look in passes]}
        if any(is_model(look.model, self.model) for look in on_test):
            return self._judge_report(bool(answer.stated), on_test, data)
        if answer.located and not answer.touched:
            return Judgement.failed("Nothing was handed in for this part.", where=answer.where, data=data)
        if on_test or not passes or not all(_surely_other(look, test_data, case) for look in passes):
            return Judgement.needs_ta(self._question(on_test), where=answer.where, data=data)
        used = test_data.name(passes[0].source)
        message = f"The network was evaluated on {used} in cell {passes[0].cell}, not on the test data."
        return Judgement.failed(message, where=_where(passes), data=data)

    def _judge_report(self, reported: bool, on_test: list[EvaluationPass], data: dict[str, Any]) -> Judgement:
        where = _where(on_test)
        if reported:
            return Judgement.passed("Evaluated on the test data and reported.", where=where, data=data)
        message = "Evaluated on the test data, but no number was found in the answer."
        return Judgement.needs_ta(message, where=where, data=data)

    def _question(self, on_test: list[EvaluationPass]) -> str:
        wanted = "/".join(self.model) or "the network"
        if on_test and on_test[0].model is not None:
            used = object_name(on_test[0].model)
            return (
                f"`{used}` was evaluated on the test data where `{wanted}` was asked for; a TA looks at it."
            )
        return f"Our run saw no evaluation of `{wanted}` on test data in this part; a TA looks at it."


def _surely_other(look: EvaluationPass, test_data: TestData, case: Case) -> bool:
    code = case.evidence.cells[look.cell].source if look.cell is not None else ""
    return test_data.likeness(look.source) == "other" and test_data.is_other(look.source, code)


def _where(passes: list[EvaluationPass]) -> tuple[Where, ...]:
    places = {(look.cell, look.line): None for look in passes if look.cell is not None}
    return tuple(Where(cell=cell, line=line) for cell, line in places if cell is not None)


def _describe(look: EvaluationPass, test_data: TestData, case: Case) -> dict[str, Any]:
    is_other = _surely_other(look, test_data, case)
    return {
        "cell": look.cell,
        "object": None if look.model is None else object_name(look.model),
        "data": test_data.name(look.source),
        "is_test": True if test_data.likeness(look.source) == "test" else False if is_other else None,
    }
