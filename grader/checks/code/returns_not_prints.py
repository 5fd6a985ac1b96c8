"""Do functions return their answers, rather than print them or give them as text?"""

from __future__ import annotations

import ast
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from grader.evidence.plan import Call, FunctionProbe, Probe, Target
from grader.facts.calls import Answer
from grader.facts.case import Case
from grader.facts.code.functions import Functions, Written
from grader.facts.code.printing import is_print, printing_places, returns_a_print, spells_a_value
from grader.facts.fields import Where
from grader.facts.values.plain import show
from grader.judging.check import Argument, Check
from grader.judging.judgement import Judgement
from grader.judging.nothing import ask
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

    name: str
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
    the points; `data.functions` lists those concerned.

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

    check: Literal["returns_not_prints"] = "returns_not_prints"
    functions: tuple[Returning, ...] = Field(min_length=1)

    def probes(self) -> tuple[Probe, ...]:
        return tuple(asked.probe for asked in self.functions)

    def judge(self, case: Case) -> Judgement:
        if any(case.probe(asked.probe) is None for asked in self.functions):
            return Judgement.missing(
                "The functions were never called in this attempt; run the submission again."
            )
        functions = Functions(case.evidence.cells)
        parts = [_Function(case, asked, functions.first([asked.name])).judged() for asked in self.functions]
        printing = [part.name for part in parts if part.data.get("how") in ("prints", "text")]
        return judge_parts(parts, {"functions": printing})


class _Function:
    """One function of one submission."""

    def __init__(self, case: Case, asked: Returning, written: Written | None) -> None:
        self._case = case
        self._asked = asked
        self._written = written

    def judged(self) -> PartFinding:
        answers = ask(self._case, self._asked.probe)
        if isinstance(answers, Judgement):
            state: Literal["open", "wrong"] = "open" if answers.open_share else "wrong"
            return self._part(state, "missing", answers.message)
        answer = answers.calls[0]
        return self._by_code(answer) if answer.error is not None else self._by_answer(answer)

    def _by_answer(self, answer: Answer) -> PartFinding:
        if answer.got is None and answer.stdout.strip():
            returned = self._written is not None and returns_a_print(self._written)
            how = "`return print(...)` gives None" if returned else "it has to `return` its answer"
            return self._part(
                "wrong", "prints", f"`{answer.call}` prints its answer and returns None: {how}."
            )
        if answer.got is None:
            return self._part("wrong", "nothing", f"`{answer.call}` returns nothing.")
        if isinstance(answer.got, str) and not self._asked.text and spells_a_value(answer.got):
            return self._part(
                "wrong", "text", f"`{answer.call}` returns the text {show(answer.got)}, not the value."
            )
        return self._part("right", "returns", f"`{answer.name}` returns its answer.")

    def _by_code(self, answer: Answer) -> PartFinding:
        """A function that raised: does its code return anything?"""
        node = None if self._written is None else self._written.node
        if node is not None and any(_gives_a_value(child) for child in ast.walk(node)):
            return self._part("right", "returns", f"`{answer.name}` returns its answer.")
        raised = answer.error.type if answer.error is not None else ""
        return self._part("open", "raised", f"`{answer.call}` raised {raised}, so it cannot be told.")

    def _part(self, state: Literal["right", "wrong", "open"], how: str, text: str) -> PartFinding:
        return PartFinding(self._asked.name, 1.0, state, text, where=self._where(how), data={"how": how})

    def _where(self, how: str) -> tuple[Where, ...]:
        if self._written is None:
            return ()
        places = printing_places(self._written) if how == "prints" else ()
        return places or (self._written.where(),)


def _gives_a_value(node: ast.AST) -> bool:
    if not isinstance(node, ast.Return) or node.value is None or is_print(node.value):
        return False
    return not (isinstance(node.value, ast.Constant) and node.value.value is None)
