"""How many weights and biases does a layer have?"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from grader.facts.case import Case
from grader.judging.check import AnswerNames, Check
from grader.judging.counting import Counted, Wrong, judge_count
from grader.judging.judgement import Judgement
from grader.judging.shares import PartFinding, judge_parts

__all__ = ["WeightCounts", "WeightsAsked"]


class WeightsAsked(BaseModel):
    """One question: the learned numbers of one layer.

    Attributes:
        weights: Variable that holds the number of weights.
        biases: Variable that holds the number of biases.
        total: Variable that holds the sum of both.
        convolution: (filters, input channels, kernel height, kernel width).
        linear: (inputs, units) of a fully connected layer.
        weight: Part of the points for each variable, in proportion to the others.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    weights: AnswerNames = ()
    biases: AnswerNames = ()
    total: AnswerNames = ()
    convolution: tuple[int, int, int, int] | None = None
    linear: tuple[int, int] | None = None
    weight: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _is_one_layer(self) -> Self:
        if (self.convolution is None) == (self.linear is None):
            raise ValueError("give either 'convolution' or 'linear'")
        if not (self.weights or self.biases or self.total):
            raise ValueError("name a variable: 'weights', 'biases' or 'total'")
        return self

    @property
    def factors(self) -> tuple[int, ...]:
        """What the number of weights is the product of, in the order of the lecture."""
        if self.convolution is not None:
            filters, channels, height, width = self.convolution
            return (height, width, channels, filters)
        return self.linear or ()

    @property
    def weight_count(self) -> int:
        return math.prod(self.factors)

    @property
    def bias_count(self) -> int:
        """One for each filter or unit."""
        return self.factors[-1]

    @property
    def product(self) -> str:
        return "*".join(str(factor) for factor in self.factors)


class WeightCounts(Check):
    """Compares answers to "how many weights and biases?" with the arithmetic of the layer.

    Each variable is one part of the points. A wrong answer is shown the arithmetic (``3*3*3*5 + 5 = 140``),
    and its mistake where it is a usual one: biases counted in or left out, input channels or filters
    forgotten, the kernel's area not squared.

    Attributes:
        answers: The questions.
    """

    example: ClassVar[str] = """\
- id: weight-counts
  title: Weights and biases of a convolution
  points: 2
  check: weight_counts
  answers:
    - {weights: weights_b, biases: biases_b, convolution: [5, 3, 3, 3]}
    - {total: mlp_first_layer, linear: [784, 50]}
"""

    check: Literal["weight_counts"] = "weight_counts"
    answers: tuple[WeightsAsked, ...] = Field(min_length=1)

    def watches(self) -> tuple[str, ...]:
        names = (name for asked in self.answers for name in (*asked.weights, *asked.biases, *asked.total))
        return tuple(dict.fromkeys(names))

    def judge(self, case: Case) -> Judgement:
        return judge_parts([part for asked in self.answers for part in _parts(case, asked)])


def _parts(case: Case, asked: WeightsAsked) -> Iterable[PartFinding]:
    weights, biases = asked.weight_count, asked.bias_count
    both = f"{asked.product} + {biases} = {weights + biases}"
    mistakes = tuple(_mistakes(asked))
    if asked.weights:
        wrong = (Wrong(weights + biases, "the biases are counted in"), *mistakes)
        sum_text = f"{asked.product} = {weights} weights"
        yield judge_count(case, Counted(asked.weights, weights, sum_text, wrong=wrong, weight=asked.weight))
    if asked.biases:
        one = Wrong(weights, "there is one bias for each filter or unit, not for each weight")
        each = f"one for each of {biases} filters or units"
        yield judge_count(case, Counted(asked.biases, biases, each, wrong=(one,), weight=asked.weight))
    if asked.total:
        shifted = (Wrong(wrong.value + biases, wrong.text) for wrong in mistakes)
        left_out = Wrong(weights, "the biases are left out")
        counted = Counted(
            asked.total, weights + biases, both, wrong=(left_out, *shifted), weight=asked.weight
        )
        yield judge_count(case, counted)


def _mistakes(asked: WeightsAsked) -> Iterable[Wrong]:
    if asked.convolution is None:
        return
    filters, channels, height, width = asked.convolution
    yield Wrong(height * width * filters, "the input channels are forgotten: each kernel spans all of them")
    yield Wrong(height * width * channels, "the filters are forgotten: each has weights of its own")
    yield Wrong(height * width, "input channels and filters are forgotten")
    yield Wrong(height * channels * filters, "the kernel has height times width elements")
