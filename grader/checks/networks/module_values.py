"""What a network or block computes, by its own weights in the course's network."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from grader.evidence.plan import ModuleProbe, NormalInput, Probe, Target
from grader.evidence.record import ModuleRecord
from grader.facts.case import Case
from grader.facts.fields import ReferenceNetwork, Where
from grader.facts.known import Unknown, both
from grader.facts.networks.computed import computed
from grader.facts.networks.found import as_left
from grader.facts.networks.shapes import error_of
from grader.facts.targets import describe
from grader.judging.check import Check
from grader.judging.exhibits import Table
from grader.judging.judgement import Judgement
from grader.judging.networks import network_table
from grader.judging.nothing import module_or

__all__ = ["ModuleValues"]


class ModuleValues(Check):
    """Compares what a network computes with the course's own network that has been given its weights.

    The student's weights, moved a little so that none is as it was initialised, are loaded into the reference
    by the names in `layers`, or by shape and order; both get the same hidden inputs. A block whose input is
    never added has all layers and shapes that were asked for, and is found here. Where several orders fit,
    it is right by any of them and wrong only by none; a network whose weights do not fit the reference is
    left to a TA, since what it lacks is for `architecture` and `parameter_count` to say. Networks are
    compared as after training: dropout does nothing, and a normalisation goes by what it has kept.

    Attributes:
        target: Where the network is; a class that needs arguments is built by an `expression`.
        input: Shape of one hidden input, batch first.
        count: Hidden inputs.
        reference: Name of the reference's network.
        layers: Attributes of the student's layers that learn, in the reference's order, where the handout
            names them.
        mistakes: Networks of the reference that make a usual mistake, with the words for it.
    """

    example: ClassVar[str] = """\
- id: residual-block
  title: The block adds its input
  points: 2
  check: module_values
  target: {names: [block], expression: 'ResidualBlock(8)'}
  input: [2, 8, 12, 12]
  reference: residual_block
  mistakes: {plain_block: its input is never added}
"""

    check: Literal["module_values"] = "module_values"
    target: Target
    input: tuple[int, ...]
    count: int = Field(default=2, ge=1, le=8)
    reference: ReferenceNetwork
    layers: tuple[str, ...] = ()
    mistakes: dict[ReferenceNetwork, str] = Field(default_factory=dict)

    @property
    def _probe(self) -> ModuleProbe:
        return ModuleProbe(
            target=self.target, inputs=(NormalInput(shape=self.input),) * self.count, stirred=True
        )

    def probes(self) -> tuple[Probe, ...]:
        return (self._probe,)

    def judge(self, case: Case) -> Judgement:
        module = module_or(case, self._probe)
        if isinstance(module, Judgement):
            return module
        name = f"`{module.name}`" if module.found_by == "discovery" else describe(self.target)
        more: dict[str, Any] = {
            "where": () if module.cell is None else (Where(cell=module.cell),),
            "exhibits": network_table(case, self.probes(), self.reference),
        }
        if any(each.error is not None for each in module.forwards):
            return self._raised(case, module, name, more)
        found = computed(case, module, self.reference, self.layers, tuple(self.mistakes))
        if isinstance(found, Unknown):
            text = f"{name} is to compute what the course's network does with the same weights."
            return Judgement.needs_ta(text, open=f"It could not be compared: {found.why}.", **more)
        more["exhibits"] = (*more["exhibits"], Table.of("weights loaded", found.value.matched))
        if found.value.equal:
            text = f"{name} computes what the course's network does with the same weights."
            return Judgement.passed(text, on=found, **more)
        mistake = self.mistakes.get(found.value.mistake or "", "")
        text = f"{name} does not compute what the course's network does with the same weights:"
        text = f"{text} {found.value.difference}{f': {mistake}' if mistake else ''}."
        left = both(as_left(case, module, self.target.names), found)
        if isinstance(left, Unknown):
            return Judgement.needs_ta(text, open=f"But {left.why}.", **more)
        return Judgement.failed(text, on=left, **more)

    def _raised(self, case: Case, module: ModuleRecord, name: str, more: dict[str, Any]) -> Judgement:
        forward = next(each for each in module.forwards if each.error is not None)
        error = both(as_left(case, module, self.target.names), error_of(forward))
        if isinstance(error, Unknown):
            text = f"{name} gave nothing for an input of shape {list(self.input)}."
            return Judgement.needs_ta(text, open=f"But {error.why}.", **more)
        raised = error.value[1]
        text = (
            f"{name} raised {raised.type} for an input of shape {list(self.input)}: {raised.message[:160]}."
        )
        return Judgement.failed(text, on=error, **more)
