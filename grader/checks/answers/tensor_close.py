"""Do variables (or printed numbers) hold the right tensors?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from grader.evidence.record import ShimKind
from grader.facts.case import Case, reference_function
from grader.facts.fields import NamesOf, Where
from grader.facts.known import Known, Unknown
from grader.facts.notebook import own_code, printed
from grader.facts.uses import may_use
from grader.facts.values.clipping import UNCLIPPED, not_clipped, unclipped
from grader.facts.values.compare import Tolerance, as_array, mismatch, tolerance_for
from grader.facts.values.mistakes import Suspect, name_mistake
from grader.facts.values.plain import jsonable
from grader.facts.values.variables import Absent, Held, held_before, variable
from grader.facts.words.answers import answer_in
from grader.facts.words.arrays import PrintedArray, printed_arrays
from grader.judging.check import AnswerNames, Check, Names
from grader.judging.judgement import Judgement
from grader.judging.nothing import NOTHING_HANDED_IN, missing_variable
from grader.judging.shapes import judge_shape
from grader.judging.shares import PartFinding, judge_parts

__all__ = ["TensorAsked", "TensorClose"]

_PRINTED = Tolerance(1e-3)


class TensorAsked(BaseModel):
    """One tensor that is asked for.

    Attributes:
        name: Variable; of several that hold something, one that is right, else one left open.
        expect: The right numbers.
        reference: Or the reference function that gives them (of several, any one's answer is right),
        of: called with the values of these variables of the student's, at the end of the section or, where
            it changed them in place, before it.
        same_as: Or the student's own variable that it must equal.
        shape: Or the right shape, whatever the numbers.
        follows: With `shape`: a variable whose shape is right too, so that one mistake costs once.
        calls: Functions, or ``@``, of which the section is to use one; right numbers without go to a TA.
        either_sign: Whether the negative counts too.
        library: Which library's tensor it must be.
        unclipped_share: Part earned where the numbers are right but not clipped to the expected range.
        one_array: Whether it must be one array or tensor; a list of the right numbers goes to a TA.
        printed: Whether right numbers that are merely printed in the section count.
        weight: Part of the points, in proportion to the other tensors'.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: AnswerNames
    expect: JsonValue = None
    reference: Annotated[Names, NamesOf("reference function")] = ()
    of: tuple[str, ...] = ()
    same_as: str | None = None
    shape: tuple[int, ...] | None = None
    follows: str | None = None
    calls: Names = ()
    either_sign: bool = False
    library: Literal["any", "torch", "numpy"] = "any"
    unclipped_share: float = Field(default=0.0, ge=0, le=1)
    one_array: bool = False
    printed: bool = False
    weight: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _has_an_answer(self) -> Self:
        given = [self.expect, self.reference or None, self.same_as, self.shape]
        if sum(one is not None for one in given) != 1:
            raise ValueError("give one of 'expect', 'reference', 'same_as' and 'shape'")
        return self

    @property
    def inputs(self) -> tuple[str, ...]:
        """The student's variables that the right answer is made from."""
        return tuple(name for name in (*self.of, self.same_as, self.follows) if name is not None)


class TensorClose(Check):
    """Compares variables with given numbers, or with what a reference makes of the student's own variables.

    The value counts that a variable had at the end of the criterion's section, so that later cells may use
    the name again. Lists, tuples, arrays and tensors mix; floats may differ within what their dtype can
    hold. Wrong numbers are explained where a usual mistake gives them: not clipped, axes exchanged, sign
    turned, the answer of another tensor of this criterion. A variable whose cell raised goes to a TA.

    Attributes:
        tensors: What is asked for.
    """

    example: ClassVar[str] = """\
- id: sobel-filters
  title: The two Sobel kernels
  points: 2
  check: tensor_close
  tensors:
    - {name: sobel_vertical, reference: sobel_vertical, either_sign: true}
    - {name: sobel_horizontal, reference: sobel_horizontal, either_sign: true}
"""

    check: Literal["tensor_close"] = "tensor_close"
    tensors: tuple[TensorAsked, ...] = Field(min_length=1)

    def watches(self) -> tuple[str, ...]:
        names = (name for asked in self.tensors for name in (*asked.name, *asked.inputs))
        return tuple(dict.fromkeys(names))

    def judge(self, case: Case) -> Judgement:
        return judge_parts([_Asked(case, asked, self.tensors).judged() for asked in self.tensors])


@dataclass(frozen=True)
class _Asked:
    """One tensor of one submission."""

    case: Case
    asked: TensorAsked
    all: tuple[TensorAsked, ...]

    def judged(self) -> PartFinding:
        """Of several names that hold something, one that is right counts, else one left open."""
        found = [variable(self.case, [name]) for name in self.asked.name]
        judged = [self._judge_held(held) for held in found if isinstance(held, Held)]
        if not judged:
            beside = (name for asked in self.all for name in asked.name)
            absent = variable(self.case, self.asked.name, beside=beside)
            return self._without_variable(absent) if isinstance(absent, Absent) else self._judge_held(absent)
        return min(judged, key=lambda part: ("right", "open", "wrong").index(part.state))

    def _judge_held(self, held: Held) -> PartFinding:
        if self.asked.shape is not None:
            shape, follows = self.asked.shape, self.asked.follows
            return judge_shape(self.case, held, shape, follows, self.asked.name[0], self.asked.weight)
        answers, value = self._answers(self.asked), held.known
        if not answers:
            why = f"It cannot be checked, as {self._inputs} is not known."
            return self._waits(f"`{held.name}` was to follow from {self._inputs}.", why)
        if isinstance(value, Unknown):
            why = f"It cannot be compared: {value.why}."
            return self._waits(f"`{held.name}` is not known.", why, where=(held.where,))
        if isinstance(held.value, dict | str):
            return self._wrong_part(f"`{held.name}` is no tensor.", on=value, where=(held.where,))
        return self._compared(held, value, answers)

    @property
    def _inputs(self) -> str:
        return " or ".join(f"`{name}`" for name in self.asked.inputs) or "the right answer"

    def _answers(self, asked: TensorAsked) -> list[Any]:
        """Right answers, the one to be shown first; none where what they are made from is not known."""
        return self._made_from(asked, [variable(self.case, [name]) for name in asked.of])

    def _answers_before(self) -> list[Any]:
        """Right answers from the values before the section, where one of them changed in it."""
        inputs = [held_before(self.case, name) or variable(self.case, [name]) for name in self.asked.of]
        return self._made_from(self.asked, inputs) if inputs else []

    def _made_from(self, asked: TensorAsked, inputs: list[Held | Absent]) -> list[Any]:
        if asked.same_as is not None:
            same = variable(self.case, [asked.same_as])
            array = as_array(same.value) if isinstance(same, Held) else None
            return [] if array is None else [array]
        if not asked.reference:
            return [asked.expect]
        arrays = [as_array(held.value) for held in inputs if isinstance(held, Held)]
        if len(arrays) < len(inputs) or any(array is None for array in arrays):
            return []
        try:
            return [reference_function(self.case, name)(*arrays) for name in asked.reference]
        except ValueError:
            return []

    def _without_variable(self, absent: Absent) -> PartFinding:
        answers = self._answers(self.asked) if self.asked.printed else []
        answer = answer_in(self.case)
        if self.asked.printed and isinstance(absent.nothing, Known) and isinstance(answer.bare, Known):
            text = NOTHING_HANDED_IN
            return self._wrong_part(text, on=answer.bare, where=answer.where)
        cells = own_code(self.case)
        if not answers or not cells:
            return missing_variable(self.asked.name[0], absent, weight=self.asked.weight)
        kind = "one-dimensional array or tensor" if np.ndim(answers[0]) == 1 else "array or tensor"
        text = f"No {kind} with the right numbers was found in this part."
        where = tuple(Where(cell=cell.index) for cell in cells[:3])
        return self._from_print(answers) or self._waits(text, _ELSEWHERE, where=where)

    def _from_print(self, answers: Sequence[Any]) -> PartFinding | None:
        """The judgement on right numbers that were printed; on those of an array before those of a list."""
        if not self.asked.printed:
            return None
        found = [
            (self._doubt(shown.value, np.ndim(answers[0])), cell.index, shown)
            for cell in own_code(self.case)
            for shown in printed_arrays(printed(cell))
            if any(_is_printed(right, shown.value) for right in answers)
        ]
        if not found:
            return None
        doubt, index, shown = min(found, key=lambda each: each[:2])
        where = (Where(cell=index),)
        if doubt:
            return self._waits(f"Cell {index} shows the right numbers{doubt}.", _A_LIST, where=where)
        return self._right_part(f"The numbers printed in cell {index} are right.", on=shown, where=where)

    def _doubt(self, shown: PrintedArray, axes: int) -> str:
        """What speaks against right numbers that were printed; empty for nothing."""
        if self.asked.one_array and shown.in_list:
            return _IN_LIST
        return f", but with {shown.axes} axes where {axes} was asked for" if shown.axes > max(axes, 1) else ""

    def _compared(self, held: Held, value: Known[Any], answers: list[Any]) -> PartFinding:
        tolerance = tolerance_for(held.dtypes)
        expected = np.asarray(answers[0])
        first = mismatch(expected, held.value, tolerance)
        more: dict[str, Any] = {
            "where": (held.where,),
            "expected": _small(answers[0]),
            "found": _small(held.value),
        }
        others = self._other_answers(answers)
        if first is None or any(mismatch(each, held.value, tolerance) is None for each in others):
            return self._right(held, value, answers, more)
        if first.kind == "unreadable":
            return self._waits(f"`{held.name}` is not known.", f"{_capital(first.text)}.", **more)
        return self._from_print(answers) or self._wrong(held, value, expected, first.text, more)

    def _other_answers(self, answers: list[Any]) -> Iterable[np.ndarray]:
        """What is as right as the first answer: the sign turned, and what was right before the section."""
        signs = (1, -1) if self.asked.either_sign else (1,)
        for place, answer in enumerate((*answers, *self._answers_before())):
            yield from (np.asarray(answer) * sign for sign in signs if place > 0 or sign < 0)

    def _right(
        self, held: Held, value: Known[Any], answers: Sequence[Any], more: dict[str, Any]
    ) -> PartFinding:
        text = f"`{held.name}` has the right numbers"
        if self.asked.one_array and held.library == "python":
            return self._from_print(answers) or self._waits(f"{text}{_IN_LIST}.", _A_LIST, **more)
        if self.asked.library not in ("any", held.library):
            of = f"is of {held.library} and not of {self.asked.library}"
            return self._wrong_part(f"{text}, but {of}.", on=value, **more)
        if self.asked.calls and not self._uses_one(held):
            text = f"{text}, but nothing like `{self.asked.calls[0]}` is called here."
            return self._waits(text, "It may be done in another way.", **more)
        return self._right_part(f"`{held.name}` is right.", on=value, **more)

    def _uses_one(self, held: Held) -> bool:
        cells = (*own_code(self.case), self.case.evidence.cells[held.cell])
        return may_use(self.case, cells, self.asked.calls)

    def _wrong(
        self, held: Held, value: Known[Any], expected: np.ndarray, difference: str, more: dict[str, Any]
    ) -> PartFinding:
        tolerance = tolerance_for(held.dtypes)
        mistake = name_mistake(expected, held.value, tolerance, self._suspects(held, expected))
        more["mistake"] = mistake or ""
        if mistake == UNCLIPPED:
            return self._not_clipped(held, value, expected, difference, more)
        text = f"`{held.name}`: {difference}"
        if self._on_test_picture:
            text += " (on our test picture)"
        return self._wrong_part(f"{text}: {mistake}." if mistake else f"{text}.", on=value, **more)

    def _not_clipped(
        self, held: Held, value: Known[Any], expected: np.ndarray, difference: str, more: dict[str, Any]
    ) -> PartFinding:
        clause, place = not_clipped(self.case, held, expected)
        numbers = f"On our test picture, {difference}" if self._on_test_picture else _capital(difference)
        more["where"] = (place,)
        share = self.asked.unclipped_share
        return self._wrong_part(f"{clause}. {numbers}.", on=value, share=share, **more)

    @property
    def _on_test_picture(self) -> bool:
        """Whether the numbers come from a picture that stood in for one of the web."""
        stood_in = any(shim.kind is ShimKind.IMREAD for shim in self.case.evidence.shims)
        return stood_in and bool(self.asked.inputs)

    def _suspects(self, held: Held, expected: np.ndarray) -> Iterable[Suspect]:
        yield Suspect(UNCLIPPED, lambda: unclipped(expected, held.value, tolerance_for(held.dtypes)))
        for other in self.all:
            if other != self.asked:
                yield Suspect(
                    f"these are the numbers of `{other.name[0]}`", partial(self._first_answer, other)
                )

    def _first_answer(self, asked: TensorAsked) -> Any:
        return next(iter(self._answers(asked)), None)

    def _right_part(self, text: str, *, on: Known[Any], **more: Any) -> PartFinding:
        return PartFinding.right(self.asked.name[0], text, on=on, weight=self.asked.weight, **more)

    def _wrong_part(self, text: str, *, on: Known[Any], **more: Any) -> PartFinding:
        return PartFinding.wrong(self.asked.name[0], text, on=on, weight=self.asked.weight, **more)

    def _waits(self, text: str, why: str, **more: Any) -> PartFinding:
        return PartFinding.waits(self.asked.name[0], text, open=why, weight=self.asked.weight, **more)


_IN_LIST = ", but in a list and not as one array or tensor"
_A_LIST = "It was to be one array or tensor of its own."
_ELSEWHERE = "The cells of this part may hold them in another way."


def _is_printed(right: Any, shown: PrintedArray) -> bool:
    return mismatch(np.asarray(right), list(shown.numbers), _PRINTED) is None


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _small(value: Any) -> Any:
    # Not worth writing out only to see that it is too long.
    if isinstance(value, np.ndarray) and value.size > 200:
        return None
    data = jsonable(value)
    return data if len(str(data)) <= 400 else None
