"""Does a hand-written convolution give what the reference gives?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from grader.evidence.plan import Call, FunctionProbe, InputSpec, LiteralInput, ModuleProbe, Probe, Target
from grader.facts.calls import Answer
from grader.facts.case import Case, reference_function
from grader.facts.values.sliding import Convolved
from grader.judging.calls import CallFinding
from grader.judging.check import Check, StudentsNames
from grader.judging.exhibits import Shown, Window
from grader.judging.judgement import Judgement
from grader.judging.nothing import ask, ask_layer
from grader.judging.shown import shown_calls
from grader.judging.windows import (
    Numbers,
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

__all__ = ["Convolution", "ConvolutionGroup"]


class ConvolutionGroup(WindowGroup):
    """Convolutions that earn a part of the points together.

    Attributes:
        name: As ``many channels``; for messages.
        weight: Part of the points, in proportion to the other groups'.
        image: Shape to draw, or numbers: (H, W), (C, H, W) or (N, C, H, W).
        padding: One number, or (rows, columns).
        count: Calls to make, with numbers drawn afresh for each.
        kernel: Likewise: (kh, kw), (C, kh, kw) or (F, C, kh, kw); a layer has its own.
        bias: Likewise: (F,); None for none. A layer has its own.
        stride: One number, or (down, right).
    """

    kernel: Numbers | None = None
    bias: Numbers | None = None
    stride: Pair = 1

    def call(self, arguments: tuple[str, ...]) -> Call:
        given: dict[str, InputSpec] = {
            "image": self.image,
            "kernel": self.kernel or LiteralInput(value=None),
            "bias": self.bias or LiteralInput(value=None),
            "stride": python_number(self.stride),
            "padding": python_number(self.padding),
        }
        return Call(args=tuple(given[word] for word in arguments))


class Convolution(Check):
    """Calls a convolution written by the student and compares it with the reference on hidden images.

    It is a function of image and kernel, or a layer (`nn.Module`), which is held to its own weights.
    Convolution is meant as neural networks mean it (cross-correlation). Groups (a single channel, many
    channels, many filters, padding, stride) earn their parts of the points one by one. Wrong answers are
    explained where a usual mistake gives just these: kernel flipped, stride ignored, padding forgotten,
    bias forgotten, axes exchanged, only the first channel used, the last row or column left out. One
    call is shown in numbers: input, kernel, expected, got and the first wrong window.

    Attributes:
        function: Name in the notebook; of several, the first that exists.
        layer: In place of a function, Python that gives a layer, as ``MyConv2d(2, 4, 3, stride=2)``.
        arguments: What the function takes, in this order, positionally.
        groups: Convolutions to ask for. Give images unequal sides, so that exchanged axes show.
    """

    example: ClassVar[str] = """\
- id: strided-conv2d
  title: Convolution with a stride
  points: 2
  check: convolution
  function: conv2d
  arguments: [image, kernel, stride]
  groups:
    - {name: stride 1, image: [6, 7], kernel: [3, 3]}
    - {name: stride 2, weight: 2, image: [7, 9], kernel: [3, 3], stride: 2, count: 2}
"""

    check: Literal["convolution"] = "convolution"
    function: StudentsNames = ()
    layer: str | None = None
    arguments: tuple[Literal["image", "kernel", "bias", "stride", "padding"], ...] = ("image", "kernel")
    groups: tuple[ConvolutionGroup, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _takes_what_it_needs(self) -> Self:
        if bool(self.function) == (self.layer is not None):
            raise ValueError("give either function or layer")
        require_arguments(self.arguments, "image", "kernel")
        if self.function and any(group.kernel is None for group in self.groups):
            raise ValueError("each group needs a kernel for the function")
        if self.layer and any(group.kernel or group.bias for group in self.groups):
            raise ValueError("a layer has a kernel and a bias of its own; leave them out of the groups")
        return self

    def _function_probe(self) -> FunctionProbe:
        calls = tuple(group.call(self.arguments) for group in self.groups for _ in range(group.count))
        return FunctionProbe(target=Target(names=self.function), calls=calls, repeat=2)

    def _layer_probe(self) -> ModuleProbe:
        images = tuple(group.image for group in self.groups for _ in range(group.count))
        return ModuleProbe(target=Target(expression=self.layer), inputs=images)

    def probes(self) -> tuple[Probe, ...]:
        return (self._function_probe(),) if self.layer is None else (self._layer_probe(),)

    def judge(self, case: Case) -> Judgement:
        if self.layer is not None:
            return self._judge_layer(case)
        answers = ask(case, self._function_probe())
        if isinstance(answers, Judgement):
            return answers
        judge = partial(self._judge_one, case, self.arguments, {})
        return judge_each(answers, self.groups, self._counts, judge)

    def shows(self, case: Case) -> tuple[Shown, ...]:
        """For functions: a layer is held to weights of its own, which no cell can give it again."""
        if self.layer is not None:
            return ()
        answers = ask(case, self._function_probe())
        if isinstance(answers, Judgement):
            return ()
        judge = partial(self._judge_one, case, self.arguments, {})
        groups, _ = calls_judged(answers, self.groups, self._counts, judge)
        return shown_calls(case, self._function_probe(), groups)

    def _judge_layer(self, case: Case) -> Judgement:
        found = ask_layer(case, self._layer_probe())
        if isinstance(found, Judgement):
            return found
        judge = partial(self._judge_one, case, ("image",), found.weights)
        return judge_each(found.answers, self.groups, self._counts, judge)

    @property
    def _counts(self) -> list[int]:
        return [group.count for group in self.groups]

    def _judge_one(
        self,
        case: Case,
        arguments: tuple[str, ...],
        weights: Mapping[str, np.ndarray],
        group: ConvolutionGroup,
        answer: Answer,
    ) -> tuple[CallFinding, Window]:
        given = {**taken(arguments, answer), **weights}
        done = Convolved(
            reference_function(case, "conv2d"), given, as_pair(group.stride), as_pair(group.padding)
        )
        flipped = reference_function(case, "flipped_conv2d")
        return judge_window(group, answer, done, lambda: done.suspects(flipped))
