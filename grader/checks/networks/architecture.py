"""The layers of a network, in order, whatever they are called."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, JsonValue, model_validator

from grader.evidence.plan import InputSpec, ModuleProbe, NormalInput, Probe, Target
from grader.evidence.training import TrainingRun
from grader.facts.case import Case
from grader.facts.definitions import lines_of_layers
from grader.facts.fields import LayerType, OfTrainings, ReferenceNetwork, SectionName, Strict, Where
from grader.facts.known import Fact, Unknown, both
from grader.facts.networks.code import calls_of_class
from grader.facts.networks.found import as_left, layers_in_reach
from grader.facts.networks.likeness import continues, differing, fits, may_hold, rival
from grader.facts.networks.steps import (
    Step,
    layers_of_list,
    layers_of_module,
    show_steps,
    show_wanted,
    steps_of_list,
    steps_of_reference,
    weights_beside,
)
from grader.facts.training.runs import object_name, runs_in, where_of
from grader.judging.check import Check, Early
from grader.judging.exhibits import Pair
from grader.judging.judgement import Judgement, Status
from grader.judging.networks import advice_on_layers, as_built, in_words, network_table
from grader.judging.nothing import module_or, nothing_handed_in

__all__ = ["Architecture", "LayerSpec"]

#: Settings of a reference layer that make it the layer it is; how it pools or pads may be its default.
_TELLING = ("in_channels", "out_channels", "in_features", "out_features", "kernel_size", "stride", "padding")


#: These only lay numbers out anew, which can be done in many ways.
_RESHAPING = ("Flatten", "Squeeze")


class LayerSpec(Strict):
    """One layer that is expected.

    Attributes:
        type: Its class in torch.nn; a functional call that does the same fits as well.
        settings: Hyperparameters that it must have, as ``in_features: 3072``; others may be anything.
    """

    type: LayerType
    settings: dict[str, JsonValue] = Field(default_factory=dict)


class Architecture(Check):
    """Compares a network's layers, in the order of its forward pass, with those expected.

    Names do not matter, and a functional call counts as the layer that does the same (``F.relu``,
    ``F.max_pool2d``). Layers that learn must all be expected; others are compared only where the expected
    layers have their kind. With `trained_in` the networks of training runs in a section are compared
    instead, of which one must fit; only what is registered is recorded there, used or not, and only layers
    that learn are compared: where those asked for are among others of other kinds or sizes, or another kind
    of pooling or activation is registered in place of the one asked for, a TA looks. With `more`
    the network may go on with further layers of the types expected, so that their number can be another
    criterion; with `any_size` a network of the right layers in other sizes is right, so that these cost once,
    and one with layers of other kinds, which costs where these are asked for, goes to a TA.
    What the code of a trained network calls is no record: a pooling or activation that it calls in place of
    the one asked for goes to a TA.

    Fields: `target` with `input` (a shape, batch first), or `trained_in`; `layers`, or `reference`, the name
    of a network of the course's reference; `more`, `any_size`.
    """

    example: ClassVar[str] = """\
- id: fully-connected-net
  title: A network of two fully connected layers is trained
  points: 2
  check: architecture
  target: {names: [ann]}
  input: [1, 3, 32, 32]
  layers:
    - {type: Linear, settings: {in_features: 3072}}
    - {type: Linear}
"""

    early: ClassVar[Early] = "outcome"

    check: Literal["architecture"] = "architecture"
    target: Target | None = None
    input: tuple[int, ...] = ()
    trained_in: Annotated[SectionName | None, OfTrainings()] = None
    layers: tuple[LayerSpec, ...] = ()
    reference: ReferenceNetwork | None = None
    more: bool = False
    any_size: bool = False

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Architecture:
        if (self.target is None) == (self.trained_in is None):
            raise ValueError("give either target or trained_in")
        if bool(self.layers) == (self.reference is not None):
            raise ValueError("give either layers or reference")
        if self.target is not None and not self.input:
            raise ValueError("target needs input, the shape that is sent through the network")
        return self

    def probes(self) -> tuple[Probe, ...]:
        return () if self.target is None else (self._probe(self.target),)

    def _probe(self, target: Target) -> ModuleProbe:
        inputs: tuple[InputSpec, ...] = (NormalInput(shape=self.input),)
        return ModuleProbe(target=target, inputs=inputs)

    def judge(self, case: Case) -> Judgement:
        if self.target is None:
            return self._judge_trained(case)
        found = module_or(case, self._probe(self.target))
        if isinstance(found, Judgement):
            return found
        where = () if found.cell is None else (Where(cell=found.cell),)
        layers, name = layers_of_module(found, case.bundle), f"`{found.name}`"
        judged = self._judge_steps(layers, case, name, where)
        sound = both(as_left(case, found, self.target.names), layers_in_reach(found))
        if judged.status is Status.FAIL and isinstance(sound, Unknown):
            more: dict[str, Any] = {"where": judged.where, "exhibits": judged.exhibits}
            return Judgement.needs_ta(judged.message, open=f"But {sound.why}.", **more)
        return as_built(judged, case, found, self.target.names)

    def _judge_trained(self, case: Case) -> Judgement:
        runs = runs_in(case, () if self.trained_in is None else (self.trained_in,))
        if not runs:
            return self._nothing_trained(case)
        judgements = [self._judge_run(run, case) for run in runs]
        settled = [judgement for judgement in judgements if judgement.status is Status.PASS]
        doubtful = [judgement for judgement in judgements if judgement.open_share]
        nearest = max(reversed(range(len(runs))), key=lambda place: self._likeness(runs[place], case))
        return next(iter((*settled, *doubtful)), judgements[nearest])

    def _likeness(self, run: TrainingRun, case: Case) -> int:
        """How many of the layers asked for a network has: of several wrong ones the nearest is told of."""
        steps = steps_of_list(case.evidence.training.layers_of(run.model))
        return sum(any(fits(step, wanted) for step in steps) for wanted in self._expected(case))

    def _judge_run(self, run: TrainingRun, case: Case) -> Judgement:
        name = f"`{object_name(run.model)}` (cell {run.cell})"
        layers = layers_of_list(case.evidence.training.layers_of(run.model))
        called = calls_of_class(case, run.model.class_name, run.cell)
        judged = self._judge_steps(layers, case, name, where_of([run]), called)
        if judged.status is Status.PASS:
            return judged
        held = weights_beside(case.evidence.training.layers_of(run.model), run.model.parameter_count)
        if judged.status is Status.FAIL and isinstance(held, Unknown):
            more: dict[str, Any] = {"where": judged.where, "exhibits": judged.exhibits}
            judged = Judgement.needs_ta(judged.message, open=f"But {held.why}.", **more)
        lines = lines_of_layers(case, run.model.class_name, run.cell)
        return judged.model_copy(update={"where": (*lines, *judged.where)})

    def _nothing_trained(self, case: Case) -> Judgement:
        untouched = nothing_handed_in(case, self.trained_in)
        if untouched is not None:
            return untouched
        text = "No training of such a network was seen in this part."
        return Judgement.needs_ta(text, open="It may have been trained in another way, or elsewhere.")

    def _judge_steps(
        self,
        layers: Fact[tuple[Step, ...]],
        case: Case,
        name: str,
        where: tuple[Where, ...],
        called: tuple[Step, ...] = (),
    ) -> Judgement:
        everything = self._expected(case)
        expected = (
            everything if self.target is not None else tuple(each for each in everything if each.learns)
        )
        expected = tuple(step for step in expected if step.type not in _RESHAPING)
        wanted = f"{show_wanted(expected)}{' and perhaps more of this kind' if self.more else ''}"
        table = network_table(case, self.probes(), self.reference or "")
        shown = (
            Pair(found=show_steps(() if isinstance(layers, Unknown) else layers.value), expected=wanted),
        )
        more: dict[str, Any] = {"where": where, "exhibits": (*shown, *table)}
        if isinstance(layers, Unknown):
            return Judgement.needs_ta(f"{name} was to have {wanted}.", open=f"But {layers.why}.", **more)
        steps = layers.value
        kinds = {step.type for step in expected}
        compared = tuple(step for step in steps if step.type in kinds or step.learns)
        same = len(compared) == len(expected) and all(map(self._is_asked, compared, expected))
        if same or (self.more and continues(compared, expected)):
            other = rival((*steps, *called), everything)
            if self.target is None and other is not None:
                text = f"{name} has the layers that learn, and {other[0]}; expected {other[1]}."
                why = "Only what is registered was recorded, not what is used."
                return Judgement.needs_ta(text, open=why, **more)
            return Judgement.passed(f"{name} has the layers asked for.", on=layers, **more)
        message = self._difference(name, compared, expected, wanted)
        if self.target is None and may_hold(compared, expected):
            why = "Only what is registered was recorded, not what is used."
            return Judgement.needs_ta(message, open=why, **more)
        strange = next((step.type for step in compared if step.type not in kinds), None)
        if self.any_size and strange is not None:
            why = f"With a {strange} it is another network than the one asked for, which costs elsewhere."
            return Judgement.needs_ta(message, open=why, **more)
        trained = self.target is None
        advice = advice_on_layers(compared, expected, more=self.more, trained=trained)
        return Judgement.failed(message, on=layers, advice=advice, **more)

    def _is_asked(self, found: Step, wanted: Step) -> bool:
        return found.type == wanted.type if self.any_size else fits(found, wanted)

    def _difference(
        self, name: str, compared: tuple[Step, ...], expected: tuple[Step, ...], wanted: str
    ) -> str:
        """What the network has and what was asked for; with numbers where it is a matter of these."""
        if self.more or not compared or len(compared) == len(expected):
            return f"{name} has {show_steps(compared)}; expected {wanted}.{differing(compared, expected)}"
        have = f"{in_words(len(compared))} layer{'s' if len(compared) != 1 else ''}"
        asked = in_words(len(expected))
        return f"{name} has {have}: {show_steps(compared)}; expected {asked}: {wanted}."

    def _expected(self, case: Case) -> tuple[Step, ...]:
        if self.reference is None:
            return tuple(Step(layer.type, layer.settings) for layer in self.layers)
        steps = steps_of_reference(case.reference.architectures[self.reference])
        return tuple(Step(step.type, _telling(step)) for step in steps)


def _telling(step: Step) -> dict[str, Any]:
    if not step.learns:
        return {}
    return {name: step.settings[name] for name in _TELLING if name in step.settings}
