"""The shape that a network gives for an input of a given shape."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from grader.evidence.plan import InputSpec, ModuleProbe, NormalInput, Probe, Target
from grader.evidence.record import ForwardRecord, ModuleRecord, ProbeResult
from grader.facts.case import Case
from grader.facts.fields import Where
from grader.facts.known import Fact, Known, Unknown, both
from grader.facts.networks.found import as_left
from grader.facts.networks.shapes import error_of, other_shapes, shape_of
from grader.facts.targets import describe
from grader.judging.check import Check, Early
from grader.judging.exhibits import Exhibit, Pair, Shown, ShownShape
from grader.judging.judgement import Judgement, Status
from grader.judging.networks import network_table
from grader.judging.nothing import module_or
from grader.judging.shown import network_code

__all__ = ["OutputShape"]


class OutputShape(Check):
    """Sends random numbers of a shape through a network and compares the shape that comes out.

    Fields: `target` says where the network is; `input` and `expected` are shapes, batch first; -1 in
    `expected` stands for any length; `other_inputs` are shapes that are as good (features flattened before
    they reach the network, say). Where `squeezed` says so, one more axis of length one is right as well. A
    network that was looked for without a name, and gives another shape, is wrong where it was trained; where
    only others were, a TA looks.
    """

    example: ClassVar[str] = """\
- id: small-net-shape
  title: small_net gives one number for each image
  points: 1
  check: output_shape
  target: {names: [small_net, SmallNet]}
  input: [4, 3, 32, 32]
  expected: [4]
"""

    early: ClassVar[Early] = "outcome"

    check: Literal["output_shape"] = "output_shape"
    target: Target
    input: tuple[int, ...]
    expected: tuple[int, ...]
    other_inputs: tuple[tuple[int, ...], ...] = ()
    squeezed: bool = False

    def probes(self) -> tuple[Probe, ...]:
        return tuple(self._probe(shape) for shape in (self.input, *self.other_inputs))

    def _probe(self, shape: tuple[int, ...]) -> ModuleProbe:
        inputs: tuple[InputSpec, ...] = (NormalInput(shape=shape),)
        discover = self.target.discover
        if discover is None:
            return ModuleProbe(target=self.target, inputs=inputs)
        found_by = discover.model_copy(update={"input_shape": shape})
        return ModuleProbe(target=self.target.model_copy(update={"discover": found_by}), inputs=inputs)

    def judge(self, case: Case) -> Judgement:
        judged = [self._judge_input(case, shape) for shape in (self.input, *self.other_inputs)]
        right = (judgement for judgement in judged if judgement.status is Status.PASS)
        return next(right, judged[0])

    def shows(self, case: Case) -> tuple[Shown, ...]:
        found = module_or(case, self._probe(self.input))
        if isinstance(found, Judgement) or not found.forwards:
            return ()
        network, shape = network_code(found, self.target), shape_of(found.forwards[0])
        got = None if isinstance(shape, Unknown) else shape.value
        if network is None or (got is not None and self._fits(got)):
            return ()
        return (ShownShape(network=network, given=self.input, expected=self.expected, got=got),)

    def _judge_input(self, case: Case, shape: tuple[int, ...]) -> Judgement:
        found = module_or(case, self._probe(shape))
        if isinstance(found, Judgement):
            return found.model_copy(update={"exhibits": self._shown(case, None)})
        if not found.forwards:
            return Judgement.missing("No forward pass was recorded.", exhibits=self._shown(case, None))
        return self._compare(case, found, shape)

    def _compare(self, case: Case, module: ModuleRecord, given: tuple[int, ...]) -> Judgement:
        where = () if module.cell is None else (Where(cell=module.cell),)
        name = f"`{module.name}`" if module.found_by == "discovery" else describe(self.target)
        shape = shape_of(module.forwards[0])
        if isinstance(shape, Unknown):
            left = as_left(case, module, self.target.names)
            more: dict[str, Any] = {"where": where, "exhibits": self._shown(case, None)}
            return self._without_shape(module.forwards[0], name, given, left, more)
        shown = self._shown(case, shape.value)
        if shape.value is None:
            return Judgement.failed(f"{name} does not give a tensor.", on=shape, where=where, exhibits=shown)
        if self._fits(shape.value):
            text = f"{_who(module)} gives {list(shape.value)} for {list(given)}, as expected."
            found_at = where if module.found_by == "discovery" else ()
            return Judgement.passed(text, on=shape, where=found_at, exhibits=shown)
        text = f"{name} gives {list(shape.value)} for {list(given)}; expected {list(self.expected)}."
        left = as_left(case, module, self.target.names)
        if isinstance(left, Unknown):
            return Judgement.needs_ta(text, open=f"But {left.why}.", where=where, exhibits=shown)
        if any(map(self._fits, other_shapes(module.forwards[0]))):
            why = "It gives several tensors, and another of them has this shape."
            return Judgement.needs_ta(text, open=why, where=where, exhibits=shown)
        doubt = _another_may_be_meant(module, case.probe(self._probe(given)), case)
        if doubt:
            return Judgement.needs_ta(text, open=f"But {doubt}.", where=where, exhibits=shown)
        return Judgement.failed(text, on=shape, where=where, exhibits=shown)

    def _without_shape(
        self,
        forward: ForwardRecord,
        name: str,
        given: tuple[int, ...],
        left: Fact[ModuleRecord],
        more: dict[str, Any],
    ) -> Judgement:
        """A network that gave no tensor: by an error of its own, or for a reason that is not known."""
        error = both(left, error_of(forward))
        text = f"{name} was to give {list(self.expected)} for {list(given)}"
        if forward.error is not None:
            raised = f"{forward.error.type} for an input of shape {list(given)}: {forward.error.message}"
            text = f"{name} raised {raised}"
        if isinstance(error, Known):
            return Judgement.failed(text, on=error, **more)
        return Judgement.needs_ta(f"{text}.", open=f"But {error.why}.", **more)

    def _fits(self, shape: tuple[int, ...]) -> bool:
        if self.squeezed and len(shape) == len(self.expected) + 1 and shape[-1] == 1:
            shape = shape[:-1]
        return len(shape) == len(self.expected) and all(
            wanted in (-1, size) for size, wanted in zip(shape, self.expected, strict=True)
        )

    def _shown(self, case: Case, shape: tuple[int, ...] | None) -> tuple[Exhibit, ...]:
        pair = Pair(found=None if shape is None else list(shape), expected=list(self.expected))
        return (pair, *network_table(case, self.probes()))


def _who(module: ModuleRecord) -> str:
    """The network; one that was looked for without a name with its class and where that is written."""
    found = module.found_by == "discovery" and module.cell is not None
    return f"`{module.name}`" + (f" ({module.class_name}, cell {module.cell})" if found else "")


def _another_may_be_meant(module: ModuleRecord, result: ProbeResult | None, case: Case) -> str:
    """Why a network that was found without a name may not be the one to judge."""
    if module.found_by != "discovery" or result is None:
        return ""
    unbuilt = next((each.name for each in result.candidates if each.not_built is not None), None)
    if unbuilt is not None:
        return f"`{unbuilt}` may be meant, which cannot be built without arguments"
    if result.candidates_cut:
        return "not all networks were looked at"
    trained = {run.model.class_name for run in case.evidence.training.runs}
    return "" if not trained or module.class_name in trained else "other networks were trained"
