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
from grader.facts.known import Known, Unknown
from grader.facts.networks.found import as_left
from grader.facts.networks.parameters import counted, frozen_count, frozen_later, layer_table, scales_count
from grader.facts.targets import describe
from grader.facts.words.answers import Answer, answer_in
from grader.facts.words.counts import StatedCount, lines_that_count, place_among, stated_counts
from grader.facts.words.numbers import states
from grader.judging.check import Check, Early
from grader.judging.exhibits import Exhibit, Pair, Shown, ShownCount, Table
from grader.judging.judgement import Judgement
from grader.judging.networks import as_built, network_table
from grader.judging.nothing import module_or
from grader.judging.shown import network_code

__all__ = ["ParameterCount"]


class ParameterCount(Check):
    """Counts the trainable parameters of a network, or of one layer of it, by their shapes.

    Where the handout gives the network, its count earns nothing by itself: with `answer` the number has to be
    stated in the section, in an output, a comment or Markdown. Another number there is shown beside the right
    one; where no number can be read, or a sum that is right and not worked out, a TA decides.

    Fields: `target` says where the network is; `layer` is the path of one layer; `expected` is the count;
    `answer` asks for the stated number. The arithmetic of each layer is shown.
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

    early: ClassVar[Early] = "outcome"

    check: Literal["parameter_count"] = "parameter_count"
    target: Target
    expected: int = Field(ge=0)
    layer: str | None = None
    answer: bool = False

    def tells_early(self) -> Early:
        """A number that is to be worked out is the answer itself."""
        return "nothing" if self.answer else self.early

    @property
    def _probe(self) -> ModuleProbe:
        return ModuleProbe(target=self.target)

    def probes(self) -> tuple[Probe, ...]:
        return (self._probe,)

    def judge(self, case: Case) -> Judgement:
        found = module_or(case, self._probe)
        if self.answer:
            return self._judge_answer(case, found if isinstance(found, ModuleRecord) else None)
        if isinstance(found, Judgement):
            return found.model_copy(update={"exhibits": self._shown(case, None, None)})
        return as_built(self._judge_network(case, found), case, found, self.target.names)

    def shows(self, case: Case) -> tuple[Shown, ...]:
        found = module_or(case, self._probe)
        network = None if isinstance(found, Judgement) else network_code(found, self.target)
        if network is None or isinstance(found, Judgement):
            return ()
        count = counted(found, self.layer)
        got = count.value if isinstance(count, Known) else None
        return (ShownCount(network=network, layer=self.layer or "", expected=self.expected, got=got),)

    def _shown(self, case: Case, module: ModuleRecord | None, count: int | None) -> tuple[Exhibit, ...]:
        pair = Pair(found=count, expected=self.expected)
        networks = case.reference.architectures.items()
        asked = [name for name, each in networks if each.parameter_count == self.expected]
        drawn = network_table(case, self.probes(), asked[0] if len(asked) == 1 else "")
        rows = [] if module is None else layer_table(module)
        if self.layer is not None:
            rows = [row for row in rows if row["path"] == self.layer]
        return (pair, Table.of("layers", rows), *drawn)

    def _judge_network(self, case: Case, module: ModuleRecord) -> Judgement:
        count = counted(module, self.layer)
        more: dict[str, Any] = {
            "exhibits": self._shown(case, module, count.value if isinstance(count, Known) else None),
            "where": () if module.cell is None else (Where(cell=module.cell),),
        }
        named = f"`{module.name}`" if module.found_by == "discovery" else describe(self.target)
        wanted = named if self.layer is None else f"layer `{self.layer}`"
        if isinstance(count, Unknown):
            text = f"{wanted} was to have {self.expected} parameters."
            return Judgement.needs_ta(text, open=f"They were not counted: {count.why}.", **more)
        if count.value == self.expected:
            return Judgement.passed(f"{self.expected} parameters, as expected.", on=count, **more)
        left = as_left(case, module, self.target.names)
        text = f"{wanted} has {count.value} parameters; expected {self.expected}."
        if count.value is None:
            text = f"There is no {wanted} with parameters."
        if isinstance(left, Unknown):
            return Judgement.needs_ta(text, open=f"But {left.why}.", **more)
        frozen = frozen_count(module, self.layer)
        if frozen and (count.value or 0) + frozen == self.expected:
            later = frozen_later(case)
            if isinstance(later, Known):
                text = f"{self.expected} parameters, as expected; {frozen} of them are frozen later."
                return Judgement.passed(text, on=later, **more)
            why = f"With {frozen} more that are frozen at the end there are as many as asked for."
            return Judgement.needs_ta(text, open=why, **more)
        scaled = scales_count(module, self.layer)
        if scaled and (count.value or 0) - scaled == self.expected:
            why = f"{scaled} of them are scales of normalised weights; without these they are as asked."
            return Judgement.needs_ta(text, open=why, **more)
        return Judgement.failed(text, on=count, **more)

    def _judge_answer(self, case: Case, module: ModuleRecord | None) -> Judgement:
        wanted = describe(self.target) if module is None else f"`{module.name}`"
        answer, count = answer_in(case), None if module is None else counted(module, self.layer)
        shown = self._shown(case, module, count.value if isinstance(count, Known) else None)
        more: dict[str, Any] = {"where": answer.where, "exhibits": shown}
        if isinstance(answer.bare, Known):
            message = f"Nothing was handed in: the number of parameters of {wanted} was to be stated."
            return Judgement.failed(message, on=answer.bare, **more)
        if isinstance(answer.known, Known) and states(answer.readings, self.expected):
            text = f"{self.expected} is stated, which is right."
            return Judgement.passed(text, on=answer.known, **more)
        return self._judge_other(case, module, answer, wanted, more)

    def _judge_other(
        self, case: Case, module: ModuleRecord | None, answer: Answer, wanted: str, more: dict[str, Any]
    ) -> Judgement:
        """An answer in which the right number was not found."""
        stated = stated_counts(answer)
        right = {float(check.expected) for check in _counting(case)}
        other = [count.number for count in stated if count.number not in right]
        unfinished = states(answer.products, self.expected)
        whole = answer.whole
        if unfinished or not other or isinstance(whole, Unknown):
            message = f"The number of parameters of {wanted} ({self.expected}) was not found in the answer."
            return Judgement.needs_ta(message, open="It may be stated in another way.", **more)
        own = [number for number in self._own(stated, case) if number in other] or other[:3]
        listed = ", ".join(f"{number:.0f}" for number in own)
        message = f"{wanted} has {self.expected} parameters; the answer says {listed}{_how(own, module)}."
        lines = lines_that_count(case, self.target.names)
        return Judgement.failed(message, on=whole, **{**more, "where": lines or answer.where})

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
