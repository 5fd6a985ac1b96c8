"""Do functions return their answers, rather than print them or give them as text?"""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from grader.evidence.plan import Call, FunctionProbe, Probe, Target
from grader.facts.calls import Answer
from grader.facts.case import Case
from grader.facts.code.functions import Written
from grader.facts.code.printing import is_print, printing_places, returns_a_print, spells_a_value
from grader.facts.code.source import nodes_of
from grader.facts.fields import StudentsName, Where
from grader.facts.known import Known, Unknown
from grader.facts.values.plain import show
from grader.judging.check import Argument, Check, Early
from grader.judging.judgement import Judgement, Status
from grader.judging.nothing import absent_function, ask
from grader.judging.shares import PartFinding, judge_parts

__all__ = ["Returning", "ReturnsNotPrints"]


class Returning(BaseModel):
    """A function that must return something.

    Attributes:
        name: Of the function.
        args: Arguments of one call, for which it has an answer to give.
        text: Whether text is the answer asked for, so that text is no mistake.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: StudentsName
    args: tuple[Argument, ...] = ()
    text: bool = False

    @property
    def probe(self) -> FunctionProbe:
        return FunctionProbe(target=Target(names=(self.name,)), calls=(Call(args=self.args),))


class ReturnsNotPrints(Check):
    """Finds functions that print their answer and return None, or return it as text.

    Observed: the function is called once; None while something went to the screen is the mistake, and so is
    text that spells a value (``"True"``). The code then tells the lines: ``return print(...)`` or a ``print``
    without ``return``. A function that raises when called is judged by its code. Each function is one part of
    the points.

    Attributes:
        functions: Functions to call.
    """

    example: ClassVar[str] = """\
- id: returns-not-prints
  title: Functions return their answers
  points: 0
  check: returns_not_prints
  functions:
    - {name: sum_of_cubes, args: [3]}
    - {name: word_lengths, args: [two words]}
"""

    early: ClassVar[Early] = "outcome"

    check: Literal["returns_not_prints"] = "returns_not_prints"
    functions: tuple[Returning, ...] = Field(min_length=1)

    def probes(self) -> tuple[Probe, ...]:
        return tuple(asked.probe for asked in self.functions)

    def judge(self, case: Case) -> Judgement:
        if any(case.probe(asked.probe) is None for asked in self.functions):
            return Judgement.missing(
                "The functions were never called in this attempt; run the submission again."
            )
        functions = case.facts.functions
        parts = [_Function(case, asked, functions.first([asked.name])).judged() for asked in self.functions]
        return judge_parts(parts)


class _Function:
    """One function of one submission."""

    def __init__(self, case: Case, asked: Returning, written: Written | None) -> None:
        self._case = case
        self._asked = asked
        self._written = written

    def judged(self) -> PartFinding:
        name = self._asked.name
        answers = ask(self._case, self._asked.probe)
        if isinstance(answers, Judgement):
            more: dict[str, Any] = {"where": self._where("missing"), "note": "missing"}
            if answers.status is Status.FAIL:
                return replace(absent_function(self._case, (name,)), **more)
            return PartFinding.waits(name, answers.message, open=answers.open, **more)
        answer = answers.calls[0]
        return self._by_code(answer) if answer.error is not None else self._by_answer(answer)

    def _by_answer(self, answer: Answer) -> PartFinding:
        if answer.got is None and answer.stdout.strip():
            returned = self._written is not None and returns_a_print(self._written)
            why = "`return print(...)` gives None" if returned else "it has to `return` its answer"
            text = f"`{answer.call}` prints its answer and returns None: {why}."
            return self._wrong("prints", text, answer)
        if answer.got is None:
            return self._wrong("nothing", f"`{answer.call}` returns nothing.", answer)
        if isinstance(answer.got, str) and not self._asked.text and spells_a_value(answer.got):
            text = f"`{answer.call}` returns the text {show(answer.got)}, not the value."
            return self._wrong("text", text, answer)
        return self._right(answer, answer.came_back)

    def _by_code(self, answer: Answer) -> PartFinding:
        """A function that raised: does its code return anything?"""
        if self._written is not None and any(map(_gives_a_value, nodes_of(self._written.node))):
            return self._right(answer, self._written.text)
        raised = answer.error.type if answer.error is not None else ""
        text, why = f"`{answer.call}` raised {raised}.", "So it cannot be told whether it returns its answer."
        return self._waits("raised", text, why)

    def _right(self, answer: Answer, on: Known[Any]) -> PartFinding:
        text = f"`{answer.name}` returns its answer."
        return PartFinding.right(self._asked.name, text, on=on, **self._more("returns"))

    def _wrong(self, how: str, text: str, answer: Answer) -> PartFinding:
        if isinstance(answer.own, Unknown):
            return self._waits(how, text, f"But {answer.own.why}.")
        return PartFinding.wrong(self._asked.name, text, on=answer.own, **self._more(how))

    def _waits(self, how: str, text: str, why: str) -> PartFinding:
        return PartFinding.waits(self._asked.name, text, open=why, **self._more(how))

    def _more(self, how: str) -> dict[str, Any]:
        return {"where": self._where(how), "note": how}

    def _where(self, how: str) -> tuple[Where, ...]:
        if self._written is None:
            return ()
        places = printing_places(self._written) if how == "prints" else ()
        return places or (self._written.where(),)


def _gives_a_value(node: ast.AST) -> bool:
    if not isinstance(node, ast.Return) or node.value is None or is_print(node.value):
        return False
    return not (isinstance(node.value, ast.Constant) and node.value.value is None)
