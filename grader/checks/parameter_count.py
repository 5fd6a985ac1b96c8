"""How many parameters a network has, and whether the student said so."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal

from pydantic import Field

from grader.checks._answers import Answer, answer_in, numbers_in, states
from grader.checks._arithmetic import arithmetic_in
from grader.checks._layers import layer_table, trainable_count
from grader.checks._probes import describe, module_or
from grader.evidence.plan import ModuleProbe, Probe, Target
from grader.evidence.record import ModuleRecord
from grader.rubric.case import Case
from grader.rubric.model import Check, Judgement, Where

__all__ = ["ParameterCount"]

#: Smaller whole numbers in an answer are sizes of layers or of shapes, not counts.
_SMALLEST_COUNT = 10
_SHAPE = re.compile(r"torch\.Size\(\[[^\]]*\]\)|\[[\d,\s]*\]|\([\d,\s]*\)")


class ParameterCount(Check):
    """Counts the trainable parameters of a network, or of one layer of it, by their shapes.

    Where the handout gives the network, its count earns nothing by itself: with `answer` the number has to be
    stated in the section, in an output, a comment or Markdown. Another number there is shown beside the right
    one; where no number can be read, or a sum that is right and not worked out, a TA decides.

    Fields: `target` says where the network is; `layer` is the path of one layer; `expected` is the count;
    `answer` asks for the stated number. `data` has `found`, `expected` and the arithmetic of each layer.
    """

    example: ClassVar[str] = """\
- id: small-net-parameters
  title: The parameters of small_net are counted
  points: 1
  check: parameter_count
  target: {names: [small_net, SmallNet]}
  expected: 386
  answer: true
"""

    check: Literal["parameter_count"] = "parameter_count"
    target: Target
    expected: int = Field(ge=0)
    layer: str | None = None
    answer: bool = False

    @property
    def _probe(self) -> ModuleProbe:
        return ModuleProbe(target=self.target)

    def probes(self) -> tuple[Probe, ...]:
        return (self._probe,)

    def judge(self, case: Case) -> Judgement:
        found = module_or(case, self._probe)
        data = self._data(found if isinstance(found, ModuleRecord) else None)
        if self.answer:
            return self._judge_answer(case, data)
        if isinstance(found, Judgement):
            return found.model_copy(update={"data": data})
        return self._judge_network(found, data)

    def _data(self, module: ModuleRecord | None) -> dict[str, Any]:
        rows = [] if module is None else layer_table(module)
        if self.layer is not None:
            rows = [row for row in rows if row["path"] == self.layer]
        count = None if module is None else trainable_count(module)
        if self.layer is not None and module is not None:
            count = rows[0]["count"] if rows else None
        return {"found": count, "expected": self.expected, "layers": rows}

    def _judge_network(self, module: ModuleRecord, data: dict[str, Any]) -> Judgement:
        where = () if module.cell is None else (Where(cell=module.cell),)
        if data["found"] == self.expected:
            return Judgement.passed(f"{self.expected} parameters, as expected.", data=data, where=where)
        wanted = describe(self.target) if self.layer is None else f"layer `{self.layer}`"
        if data["found"] is None:
            return Judgement.failed(f"There is no {wanted} with parameters.", data=data, where=where)
        return Judgement.failed(
            f"{wanted} has {data['found']} parameters; expected {self.expected}.", data=data, where=where
        )

    def _judge_answer(self, case: Case, data: dict[str, Any]) -> Judgement:
        wanted, answer = describe(self.target), answer_in(case)
        more: dict[str, Any] = {"where": answer.where, "data": data}
        if answer.located and not answer.touched:
            message = f"Nothing was handed in: the number of parameters of {wanted} was to be stated."
            return Judgement.failed(message, **more)
        if states(answer.readings, self.expected):
            return Judgement.passed(f"{self.expected} is stated, which is right.", **more)
        other = [number for number in _counts_stated(answer) if number not in _asked_elsewhere(case)]
        unfinished = states(arithmetic_in(f"{answer.words}\n{answer.outputs}"), self.expected)
        if unfinished or not other:
            message = f"The number of parameters of {wanted} ({self.expected}) was not found in the answer."
            return Judgement.needs_ta(f"{message} A TA looks at it.", **more)
        listed = ", ".join(f"{number:.0f}" for number in other[:3])
        message = f"{wanted} has {self.expected} parameters; the answer says {listed}."
        return Judgement.failed(message, **more)


def _asked_elsewhere(case: Case) -> set[float]:
    """Counts that other criteria ask for, so that one net's answer is not held against another's."""
    checks = (criterion.check for criterion in case.rubric.criteria)
    return {float(check.expected) for check in checks if isinstance(check, ParameterCount)}


def _counts_stated(answer: Answer) -> list[float]:
    """Whole numbers in lines that speak of parameters or a total; shapes are left out."""
    lines = [*answer.words.splitlines(), *answer.outputs.splitlines()]
    speaking = (line for line in lines if re.search(r"param|total|number|weights|net", line, re.IGNORECASE))
    numbers = (number for line in speaking for number in numbers_in(_SHAPE.sub(" ", line)))
    whole = (number for number in numbers if number >= _SMALLEST_COUNT and number == int(number))
    return list(dict.fromkeys(whole))
