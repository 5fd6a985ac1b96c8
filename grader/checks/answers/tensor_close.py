"""Do variables (or printed numbers) hold the right tensors?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from grader.checks.answers.array_shape import judge_shape
from grader.checks.answers.clipping import UNCLIPPED, not_clipped, unclipped
from grader.evidence.record import ShimKind
from grader.facts.case import Case, reference_function
from grader.facts.code.uses import may_use
from grader.facts.fields import Where
from grader.facts.notebook import own_code, printed
from grader.facts.values.compare import Tolerance, as_array, mismatch, tolerance_for
from grader.facts.values.mistakes import Suspect, name_mistake
from grader.facts.values.plain import jsonable
from grader.facts.values.variables import Absent, Held, held_before, variable
from grader.facts.words.answers import answer_in
from grader.facts.words.arrays import printed_arrays
from grader.judging.check import Check, Names
from grader.judging.judgement import Judgement
from grader.judging.nothing import nothing_handed_in
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

    name: Names
    expect: JsonValue = None
    reference: Names = ()
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
            state, text, more = judge_shape(self.case, held, self.asked.shape, self.asked.follows)
            return self._part(state, text, **more)
        answers = self._answers(self.asked)
        if not answers:
            return self._part("open", f"`{held.name}` cannot be checked, as {self._inputs} is not known.")
        if isinstance(held.value, dict | str):
            return self._part("wrong", f"`{held.name}` is no tensor.", where=(held.where,))
        return self._compared(held, answers)

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
        if self.asked.printed and absent.settled and nothing_handed_in(self.case):
            text = "Nothing was handed in for this part."
            return self._part("wrong", text, where=answer_in(self.case).where)
        cells = own_code(self.case)
        if not answers or not cells:
            return self._part(absent.state, absent.why, where=absent.where)
        kind = "one-dimensional array or tensor" if np.ndim(answers[0]) == 1 else "array or tensor"
        text = f"No {kind} with the right numbers was found in this part; a TA reads the cells."
        where = tuple(Where(cell=cell.index) for cell in cells[:3])
        return self._from_print(answers) or self._part("open", text, where=where)

    def _from_print(self, answers: Sequence[Any]) -> PartFinding | None:
        """The judgement on right numbers that were printed; on those of an array before those of a list."""
        if not self.asked.printed:
            return None
        found = [
            (shown.in_list and self.asked.one_array, cell.index)
            for cell in own_code(self.case)
            for shown in printed_arrays(printed(cell))
            if any(mismatch(np.asarray(right), list(shown.numbers), _PRINTED) is None for right in answers)
        ]
        if not found:
            return None
        in_list, index = min(found)
        where = (Where(cell=index),)
        if in_list:
            return self._part("open", f"Cell {index} shows the right numbers{_IN_LIST}", where=where)
        return self._part("right", f"The numbers printed in cell {index} are right.", where=where)

    def _compared(self, held: Held, answers: list[Any]) -> PartFinding:
        signs = (1, -1) if self.asked.either_sign else (1,)
        right = [
            np.asarray(answer) * sign for answer in (*answers, *self._answers_before()) for sign in signs
        ]
        found = [mismatch(one, held.value, tolerance_for(held.dtypes)) for one in right]
        more: dict[str, Any] = {
            "where": (held.where,),
            "data": {"name": held.name, "expected": _small(answers[0]), "got": _small(held.value)},
        }
        first = found[0]
        if first is None or None in found:
            return self._right(held, answers, more)
        if first.kind == "unreadable":
            return self._part("open", f"`{held.name}`: {first.text}.", **more)
        return self._from_print(answers) or self._wrong(held, right[0], first.text, more)

    def _right(self, held: Held, answers: Sequence[Any], more: dict[str, Any]) -> PartFinding:
        if self.asked.one_array and held.library == "python":
            text = f"`{held.name}` has the right numbers{_IN_LIST}"
            return self._from_print(answers) or self._part("open", text, **more)
        if self.asked.library not in ("any", held.library):
            of = f"is of {held.library} and not of {self.asked.library}"
            return self._part("wrong", f"`{held.name}` has the right numbers, but {of}.", **more)
        if self.asked.calls and not self._uses_one(held):
            text = f"`{held.name}` has the right numbers, but nothing like `{self.asked.calls[0]}` is called"
            return self._part("open", f"{text} here; a TA reads the cells.", **more)
        return self._part("right", f"`{held.name}` is right.", **more)

    def _uses_one(self, held: Held) -> bool:
        cells = (*own_code(self.case), self.case.evidence.cells[held.cell])
        return may_use(self.case, cells, self.asked.calls)

    def _wrong(self, held: Held, expected: np.ndarray, difference: str, more: dict[str, Any]) -> PartFinding:
        tolerance = tolerance_for(held.dtypes)
        mistake = name_mistake(expected, held.value, tolerance, self._suspects(held, expected))
        more["data"]["mistake"] = mistake
        if mistake == UNCLIPPED:
            return self._not_clipped(held, expected, difference, more)
        text = f"`{held.name}`: {difference}"
        if self._on_test_picture:
            text += " (on our test picture)"
        return self._part("wrong", f"{text}: {mistake}." if mistake else f"{text}.", **more)

    def _not_clipped(
        self, held: Held, expected: np.ndarray, difference: str, more: dict[str, Any]
    ) -> PartFinding:
        clause, place = not_clipped(self.case, held, expected)
        numbers = f"On our test picture, {difference}" if self._on_test_picture else _capital(difference)
        more["where"] = (place,)
        return self._part("wrong", f"{clause}. {numbers}.", self.asked.unclipped_share, **more)

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

    def _part(
        self, state: Literal["right", "wrong", "open"], text: str, share: float = 0.0, **more: Any
    ) -> PartFinding:
        return PartFinding(self.asked.name[0], self.asked.weight, state, text, share=share, **more)


_IN_LIST = ", but in a list and not as one array or tensor; a TA looks at it."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _small(value: Any) -> Any:
    # Not worth writing out only to see that it is too long.
    if isinstance(value, np.ndarray) and value.size > 200:
        return None
    data = jsonable(value)
    return data if len(str(data)) <= 400 else None
