"""Does a hand-written pooling give what the reference gives?"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from grader.evidence.plan import Call, FunctionProbe, InputSpec, NormalInput, Probe, Target, UniformInput
from grader.facts.calls import Answer
from grader.facts.case import Case, reference_function
from grader.facts.values.sliding import Pooled, PoolingKind
from grader.judging.calls import CallFinding
from grader.judging.check import Check, StudentsNames
from grader.judging.exhibits import Shown, Window
from grader.judging.judgement import Judgement
from grader.judging.nothing import ask
from grader.judging.shown import shown_calls
from grader.judging.windows import (
    Pair,
    WindowGroup,
    as_pair,
    calls_judged,
    judge_each,
    judge_window,
    python_number,
    require_arguments,
    taken,
)

__all__ = ["Pooling", "PoolingGroup"]


class PoolingGroup(WindowGroup):
    """Poolings that earn a part of the points together.

    Attributes:
        name: As ``overlapping windows``; for messages.
        weight: Part of the points, in proportion to the other groups'.
        image: Shape to draw, or numbers: (..., H, W).
        padding: One number, or (rows, columns).
        count: Calls to make, with numbers drawn afresh for each.
        size: Height and width of the window, or one number for both.
        stride: One number, or (down, right); the window's size where it is None.
    """

    size: Pair = 2
    stride: Pair | None = None

    @property
    def step(self) -> Pair:
        return self.size if self.stride is None else self.stride

    @property
    def below_zero(self) -> InputSpec | None:
        """An image like those drawn from all numbers, with none above 0; None where the rubric says which."""
        if not isinstance(self.image, NormalInput):
            return None
        like = self.image
        return UniformInput(shape=like.shape, low=-3.0, high=-1.0, dtype=like.dtype, container=like.container)

    def call(self, arguments: tuple[str, ...], image: InputSpec) -> Call:
        given: dict[str, InputSpec] = {
            "image": image,
            "size": python_number(self.size),
            "stride": python_number(self.step),
            "padding": python_number(self.padding),
        }
        return Call(args=tuple(given[word] for word in arguments))


class Pooling(Check):
    """Calls a max or average pooling written by the student and compares it with the reference.

    Hidden images are standard normal, and for max pooling each group has one more with no number above 0, so
    that a maximum that starts at 0 shows whatever is drawn. Wrong answers are explained where a usual mistake
    gives just these: the other kind of pooling, minimum, sum, stride ignored, windows at the border left out,
    axes exchanged. One call is shown in numbers, as for `convolution`.

    Attributes:
        function: Name in the notebook; of several, the first that exists.
        kind: ``max`` or ``average``.
        arguments: What the function takes, in this order, positionally.
        groups: Poolings to ask for. Give images unequal sides, so that exchanged axes show.
    """

    example: ClassVar[str] = """\
- id: max-pool2d
  title: Max pooling
  points: 2
  check: pooling
  function: max_pool2d
  kind: max
  arguments: [image, size, stride]
  groups:
    - {name: 2x2 windows side by side, image: [6, 8]}
    - {name: overlapping windows, image: [7, 9], size: 3, stride: 2}
"""

    check: Literal["pooling"] = "pooling"
    function: StudentsNames
    kind: PoolingKind
    arguments: tuple[Literal["image", "size", "stride", "padding"], ...] = ("image", "size")
    groups: tuple[PoolingGroup, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _takes_what_it_needs(self) -> Self:
        require_arguments(self.arguments, "image")
        return self

    def _images(self, group: PoolingGroup) -> list[InputSpec]:
        below = group.below_zero if self.kind == "max" else None
        return [*[group.image] * group.count, *([] if below is None else [below])]

    def _probe(self, images: Callable[[PoolingGroup], list[InputSpec]]) -> FunctionProbe:
        calls = tuple(group.call(self.arguments, image) for group in self.groups for image in images(group))
        return FunctionProbe(target=Target(names=self.function), calls=calls, repeat=2)

    def probes(self) -> tuple[Probe, ...]:
        return (self._probe(self._images),)

    def judge(self, case: Case) -> Judgement:
        images = self._asked(case)
        answers = ask(case, self._probe(images))
        if isinstance(answers, Judgement):
            return answers
        counts = [len(images(group)) for group in self.groups]
        return judge_each(answers, self.groups, counts, partial(self._judge_one, case))

    def shows(self, case: Case) -> tuple[Shown, ...]:
        images = self._asked(case)
        answers = ask(case, self._probe(images))
        if isinstance(answers, Judgement):
            return ()
        counts = [len(images(group)) for group in self.groups]
        groups, _ = calls_judged(answers, self.groups, counts, partial(self._judge_one, case))
        return shown_calls(case, self._probe(images), groups)

    def _asked(self, case: Case) -> Callable[[PoolingGroup], list[InputSpec]]:
        """What this attempt was asked, which for an earlier one is less."""
        earlier = case.probe(self._probe(self._images)) is None and case.probe(self._probe(_as_once))
        return _as_once if earlier else self._images

    def _judge_one(self, case: Case, group: PoolingGroup, answer: Answer) -> tuple[CallFinding, Window]:
        image = taken(self.arguments, answer)["image"]
        done = Pooled(
            reference_function(case, f"{self.kind}_pool2d"),
            image,
            as_pair(group.size),
            as_pair(group.step),
            as_pair(group.padding),
        )
        other: PoolingKind = "average" if self.kind == "max" else "max"
        swapped = reference_function(case, f"{other}_pool2d")
        return judge_window(group, answer, done, lambda: done.suspects(other, swapped))


def _as_once(group: PoolingGroup) -> list[InputSpec]:
    """What earlier attempts were asked, whose evidence is judged as it is."""
    return [group.image] * group.count
