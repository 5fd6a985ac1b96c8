"""Does a hand-written pooling give what the reference gives?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from grader.checks.functions.groups import CallFinding
from grader.checks.functions.picture import Sliding, picture
from grader.checks.functions.windows import (
    Numbers,
    Pair,
    as_pair,
    held,
    judge_call,
    judge_each,
    python_number,
    require_arguments,
)
from grader.evidence.plan import Call, FunctionProbe, InputSpec, NormalInput, Probe, Target, UniformInput
from grader.facts.calls import Answer
from grader.facts.case import Case, reference_function
from grader.facts.values.mistakes import Suspect
from grader.judging.check import Check, StudentsNames
from grader.judging.exhibits import Window
from grader.judging.judgement import Judgement
from grader.judging.nothing import ask

__all__ = ["Pooling", "PoolingGroup"]

Kind = Literal["max", "average"]


class PoolingGroup(BaseModel):
    """Poolings that earn a part of the points together.

    Attributes:
        name: As ``overlapping windows``; for messages.
        weight: Part of the points, in proportion to the other groups'.
        image: Shape to draw, or numbers: (..., H, W).
        size: Height and width of the window, or one number for both.
        stride: One number, or (down, right); the window's size where it is None.
        padding: One number, or (rows, columns).
        count: Calls to make, with numbers drawn afresh for each.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    weight: float = Field(default=1.0, ge=0)
    image: Numbers
    size: Pair = 2
    stride: Pair | None = None
    padding: Pair = 0
    count: int = Field(default=1, ge=1, le=20)

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
    kind: Kind
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
        images = self._images
        if case.probe(self._probe(images)) is None and case.probe(self._probe(_as_once)) is not None:
            images = _as_once
        answers = ask(case, self._probe(images))
        if isinstance(answers, Judgement):
            return answers
        counts = [len(images(group)) for group in self.groups]
        return judge_each(answers, self.groups, counts, partial(self._judge_one, case))

    def _judge_one(self, case: Case, group: PoolingGroup, answer: Answer) -> tuple[CallFinding, Window]:
        image = held(self.arguments, answer)["image"]
        done = _Done(
            reference_function(case, f"{self.kind}_pool2d"),
            image,
            as_pair(group.size),
            as_pair(group.step),
            as_pair(group.padding),
        )
        expected = done.pooled()
        other: Kind = "average" if self.kind == "max" else "max"
        swapped = reference_function(case, f"{other}_pool2d")
        finding, got = judge_call(answer, expected, lambda: done.suspects(other, swapped))
        drawn = picture(done.sliding, expected, got, answer.tolerance)
        return finding, drawn.model_copy(update={"group": group.name, "call": answer.call})


def _as_once(group: PoolingGroup) -> list[InputSpec]:
    """What earlier attempts were asked, whose evidence is judged as it is."""
    return [group.image] * group.count


@dataclass(frozen=True)
class _Done:
    """One pooling and the ways in which it is usually done wrong."""

    pool: Callable[..., np.ndarray]
    image: np.ndarray
    size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]

    @property
    def sliding(self) -> Sliding:
        return Sliding(self.image, None, self.size, self.stride, self.padding)

    def pooled(self, function: Callable[..., np.ndarray] | None = None, **changed: Any) -> np.ndarray:
        given = {"stride": self.stride, "padding": self.padding, **changed}
        return (function or self.pool)(given.pop("image", self.image), self.size, **given)

    def suspects(self, other: Kind, swapped: Callable[..., np.ndarray]) -> Iterable[Suspect]:
        yield Suspect(f"it is {other} pooling", lambda: self.pooled(swapped))
        yield Suspect("the stride is ignored", lambda: self.pooled(stride=1))
        yield Suspect("the windows do not overlap as asked", lambda: self.pooled(stride=self.size))
        yield Suspect("the padding is forgotten", lambda: self.pooled(padding=0))
        shorter = "the last row and column of windows are left out (off by one)"
        yield Suspect(shorter, lambda: self.pooled()[..., :-1, :-1])
        if other == "average":
            yield Suspect("it takes the smallest number", lambda: -self.pooled(image=-self.image))
            yield Suspect("its maximum starts at 0", lambda: np.maximum(self.pooled(), 0))
        else:
            cells = self.size[0] * self.size[1]
            yield Suspect("each window is summed, not averaged", lambda: self.pooled() * cells)
