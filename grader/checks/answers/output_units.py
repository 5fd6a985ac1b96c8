"""How many units does a convolution, pooling or fully connected layer put out?"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from grader.facts.case import Case
from grader.judging.check import AnswerNames, Check
from grader.judging.counting import Counted, Wrong, judge_count
from grader.judging.judgement import Judgement
from grader.judging.shares import judge_parts

__all__ = ["OutputUnits", "UnitsAsked"]


class UnitsAsked(BaseModel):
    """One question: the units that a convolution or pooling gives.

    Attributes:
        name: Variable that holds the answer: a number, or the shape (channels, height, width).
        input: (C, H, W).
        kernel: Height and width of the kernel or window.
        filters: Kernels, each giving one output channel.
        stride: Distance between neighbouring windows.
        padding: Zeros on each side.
        weight: Part of the points, in proportion to the other questions'.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: AnswerNames
    input: tuple[int, int, int]
    kernel: int = Field(ge=1)
    filters: int = Field(default=1, ge=1)
    stride: int = Field(default=1, ge=1)
    padding: int = Field(default=0, ge=0)
    weight: float = Field(default=1.0, gt=0)

    def side(self, length: int, *, padding: int | None = None) -> int:
        """Output length along one direction.

        Source: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning", relationship 6.
        """
        frame = self.padding if padding is None else padding
        return (length + 2 * frame - self.kernel) // self.stride + 1

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.filters, self.side(self.input[1]), self.side(self.input[2]))

    @property
    def arithmetic(self) -> str:
        """The sum as one would write it on a board."""
        sides = [
            f"({length}{f' + 2*{self.padding}' if self.padding else ''} - {self.kernel})"
            f"{f'/{self.stride}' if self.stride > 1 else ''} + 1 = {self.side(length)}"
            for length in dict.fromkeys(self.input[1:])
        ]
        product = "*".join(str(length) for length in self.shape)
        return f"{', '.join(sides)}; {product} = {math.prod(self.shape)} units"


class OutputUnits(Check):
    """Compares answers to "how many units does this layer have?" with the arithmetic of convolution.

    A number of units counts, and so do a product written as text (``"5 x 5 x 5"``) and the shape: channels,
    height and width in any order, with or without a batch axis of 1, or height and width for a single
    filter. Each wrong answer is shown the arithmetic, and its mistake where it is a usual one: border not
    taken off, filters forgotten, one side only, padding forgotten, stride ignored. Numbers in Markdown
    beside a variable left None go to a TA.

    Attributes:
        answers: The questions.
    """

    example: ClassVar[str] = """\
- id: output-units
  title: Units of four convolutions
  points: 4
  check: output_units
  answers:
    - {name: units_a, input: [1, 7, 7], kernel: 3}
    - {name: units_b, input: [3, 7, 7], kernel: 3, filters: 5}
"""

    check: Literal["output_units"] = "output_units"
    answers: tuple[UnitsAsked, ...] = Field(min_length=1)

    def watches(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for asked in self.answers for name in asked.name))

    def judge(self, case: Case) -> Judgement:
        return judge_parts([judge_count(case, _question(asked)) for asked in self.answers])


def _question(asked: UnitsAsked) -> Counted:
    shape = asked.shape
    shapes: list[tuple[int, ...]] = [shape, (1, *shape)]
    if asked.filters == 1:
        shapes.append(shape[1:])
    return Counted(
        names=asked.name,
        expected=math.prod(shape),
        arithmetic=asked.arithmetic,
        shapes=tuple(shapes),
        wrong=tuple(_mistakes(asked)),
        weight=asked.weight,
    )


def _mistakes(asked: UnitsAsked) -> Iterable[Wrong]:
    channels, height, width = asked.input
    filters, rows, columns = asked.shape
    yield Wrong(
        filters * height * width, "the border is not taken off: the kernel has to fit inside the image"
    )
    yield Wrong(rows * columns, "it counts one filter only")
    yield Wrong(rows, "that is the length of one side")
    yield Wrong(channels * filters * rows * columns, "each kernel spans all input channels and gives one map")
    yield Wrong(channels * rows * columns, "the output has as many channels as there are kernels")
    unpadded = filters * math.prod(asked.side(length, padding=0) for length in (height, width))
    yield Wrong(unpadded, "the padding is forgotten")
    unstrided = filters * math.prod(
        length + 2 * asked.padding - asked.kernel + 1 for length in (height, width)
    )
    yield Wrong(unstrided, "the stride is ignored")
    yield Wrong(filters * (rows - 1) * (columns - 1), "the 1 is not added back (off by one)")
