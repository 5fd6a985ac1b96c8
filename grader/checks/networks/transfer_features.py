"""Whether features of a pretrained network were computed, cut off from its weights, and saved."""

from __future__ import annotations

from typing import ClassVar, Literal

from grader.evidence.plan import InputSpec, ModuleProbe, NormalInput, Probe, Target
from grader.evidence.record import ModuleRecord
from grader.facts.case import Case
from grader.facts.fields import SectionName, Where
from grader.facts.known import Fact, Known, Unknown
from grader.facts.networks.features import cells_calling, steps_elsewhere, steps_seen
from grader.facts.networks.shapes import shape_of
from grader.facts.training.runs import in_cells
from grader.facts.words.answers import answer_in
from grader.judging.check import Check
from grader.judging.exhibits import Pair, Table
from grader.judging.judgement import Judgement
from grader.judging.networks import network_table
from grader.judging.nothing import NOTHING_HANDED_IN

__all__ = ["TransferFeatures"]


class TransferFeatures(Check):
    """Looks in a section for calls of a feature extractor, for what keeps its weights out, and for saving.

    All three in the student's own cells that ran, and the extractor giving `expected` for `input`: right.
    What is saved, or taken as numbers alone, has to be made of what the extractor gave, by the names in the
    code.
    Whatever is missing goes to a TA, since it can be done in other ways, and so does a single batch taken by
    ``next``; snippets of the handout that stand there unchanged count neither for nor against the student.

    Fields: `target` is the extractor; `input` and `expected` are shapes, batch first; `call` is the name by
    which it is called; `sections` are others in which a part of it may stand, to be named to the TA.
    """

    example: ClassVar[str] = """\
- id: alexnet-features-shape
  title: AlexNet's features are computed and saved
  points: 5
  check: transfer_features
  target: {expression: alexnet.features}
  input: [2, 3, 224, 224]
  expected: [2, 256, 6, 6]
"""

    check: Literal["transfer_features"] = "transfer_features"
    target: Target
    input: tuple[int, ...]
    expected: tuple[int, ...]
    call: str = "features"
    sections: tuple[SectionName, ...] = ()

    @property
    def _probe(self) -> ModuleProbe:
        inputs: tuple[InputSpec, ...] = (NormalInput(shape=self.input),)
        return ModuleProbe(target=self.target, inputs=inputs, weights=False)

    def probes(self) -> tuple[Probe, ...]:
        return (self._probe,)

    def judge(self, case: Case) -> Judgement:
        answer = answer_in(case)
        calling, shape = cells_calling(case, self.call), self._shape(case)
        seen = steps_seen(case, self.call)
        where = tuple(Where(cell=cell.index) for cell in calling) or answer.where
        found = list(shape.value) if isinstance(shape, Known) and shape.value else None
        pair = Pair(found=found, expected=list(self.expected))
        exhibits = (pair, Table.of("steps seen", [seen]), *network_table(case, self.probes()))
        elsewhere = steps_elsewhere(case, self.call, seen, self.sections)
        if isinstance(answer.bare, Known) and not elsewhere:
            text = NOTHING_HANDED_IN
            return Judgement.failed(text, on=answer.bare, where=where, exhibits=exhibits)
        judged = self._weigh(shape, seen, where, elsewhere)
        return judged.model_copy(update={"exhibits": exhibits})

    def _weigh(
        self,
        shape: Fact[tuple[int, ...] | None],
        seen: dict[str, bool],
        where: tuple[Where, ...],
        elsewhere: tuple[int, ...],
    ) -> Judgement:
        lacking = [step for step in ("computed", "detached", "saved") if not seen[step]]
        reasons = []
        if not isinstance(shape, Known) or shape.value != self.expected:
            given = shape.value if isinstance(shape, Known) else None
            shown = "nothing that could be measured" if given is None else str(list(given))
            reasons.append(f"the extractor gives {shown}, not {list(self.expected)}")
        if lacking:
            other = f" ({in_cells(elsewhere).removeprefix('in ')} may do it)" if elsewhere else ""
            reasons.append(f"it was not seen that the features were {' and '.join(lacking)}{other}")
        if seen["one_batch"]:
            reasons.append("only the first batch of each loader was taken, by `next`")
        places = tuple(dict.fromkeys((*where, *(Where(cell=cell) for cell in elsewhere))))
        if reasons or not isinstance(shape, Known):
            message = f"{_capital('; '.join(reasons))}."
            why = "It can be done in other ways."
            return Judgement.needs_ta(message, open=why, where=places)
        message = f"The features of shape {list(self.expected)} were computed, detached and saved."
        return Judgement.passed(message, on=shape, where=where)

    def _shape(self, case: Case) -> Fact[tuple[int, ...] | None]:
        result = case.probe(self._probe)
        record = None if result is None else result.record
        if not isinstance(record, ModuleRecord) or not record.forwards:
            return Unknown("nothing was sent through it")
        return shape_of(record.forwards[0])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
