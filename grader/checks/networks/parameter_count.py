"""How many parameters a network has, and whether the student said so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from grader.evidence.plan import ModuleProbe, Probe, Target
from grader.evidence.record import ModuleRecord
from grader.facts.case import Case
from grader.facts.fields import Where
from grader.facts.networks.parameters import layer_table, trainable_count
from grader.facts.targets import describe
from grader.facts.words.answers import answer_in
from grader.facts.words.arithmetic import arithmetic_in
from grader.facts.words.counts import StatedCount, lines_that_count, place_among, stated_counts
from grader.facts.words.numbers import states
from grader.judging.check import Check
from grader.judging.judgement import Judgement
from grader.judging.nothing import module_or

__all__ = ["ParameterCount"]


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
            return self._judge_answer(case, found if isinstance(found, ModuleRecord) else None, data)
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
        if data["found"] == self.expected and not module.modules_cut:
            return Judgement.passed(f"{self.expected} parameters, as expected.", data=data, where=where)
        wanted = describe(self.target) if self.layer is None else f"layer `{self.layer}`"
        if module.modules_cut:
            text = f"{wanted} has more layers than were read, so its parameters were not counted; a TA looks."
            return Judgement.needs_ta(text, data=data, where=where)
        if data["found"] is None:
            return Judgement.failed(f"There is no {wanted} with parameters.", data=data, where=where)
        return Judgement.failed(
            f"{wanted} has {data['found']} parameters; expected {self.expected}.", data=data, where=where
        )

    def _judge_answer(self, case: Case, module: ModuleRecord | None, data: dict[str, Any]) -> Judgement:
        wanted = describe(self.target) if module is None else f"`{module.name}`"
        answer = answer_in(case)
        more: dict[str, Any] = {"where": answer.where, "data": data}
        if answer.located and not answer.touched:
            message = f"Nothing was handed in: the number of parameters of {wanted} was to be stated."
            return Judgement.failed(message, **more)
        if states(answer.readings, self.expected):
            return Judgement.passed(f"{self.expected} is stated, which is right.", **more)
        stated = stated_counts(answer)
        right = {float(check.expected) for check in _counting(case)}
        other = [count.number for count in stated if count.number not in right]
        unfinished = states(arithmetic_in(f"{answer.words}\n{answer.outputs}"), self.expected)
        if unfinished or not other:
            message = f"The number of parameters of {wanted} ({self.expected}) was not found in the answer."
            return Judgement.needs_ta(f"{message} A TA looks at it.", **more)
        own = [number for number in self._own(stated, case) if number in other] or other[:3]
        listed = ", ".join(f"{number:.0f}" for number in own)
        message = f"{wanted} has {self.expected} parameters; the answer says {listed}{_how(own, module)}."
        lines = lines_that_count(case, self.target.names)
        return Judgement.failed(message, **{**more, "where": lines or answer.where})

    def _own(self, stated: Sequence[StatedCount], case: Case) -> list[float]:
        """The count meant for this network: by its name, else by the order in which the code counts."""
        networks = [check.target.names for check in _counting(case)]
        named = [count.number for count in stated if count.speaks_of(self.target.names, networks)]
        if len(named) == 1:
            return named
        place = place_among(self.target.names, networks, case)
        return [stated[place].number] if place is not None and len(stated) == len(networks) else []


def _counting(case: Case) -> list[ParameterCount]:
    """All criteria that count parameters, so that one net's answer is not held against another's."""
    return [check for check in case.peers if isinstance(check, ParameterCount)]


def _how(stated: Sequence[float], module: ModuleRecord | None) -> str:
    """A usual mistake behind a wrong count."""
    counts = [parameter.count for parameter in module.parameters if parameter.trainable] if module else []
    if len(counts) > 1 and list(stated) == [math.prod(counts)]:
        return ", which is the sizes of all tensors multiplied; tensors add up"
    return ""
