"""Do variables (or printed numbers) hold the right tensors?"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from grader.checks._answers import printed
from grader.checks._calls import Names, reference_function
from grader.checks._compare import Tolerance, as_array, mismatch, tolerance_for
from grader.checks._mistakes import Suspect, name_mistake
from grader.checks._parts import PartFinding, judge_parts
from grader.checks._plain import jsonable
from grader.checks._variables import Absent, Held, held_before, own_code, variable
from grader.rubric.case import Case
from grader.rubric.model import Check, Judgement, Where

__all__ = ["TensorAsked", "TensorClose"]

_PRINTED_ARRAY = re.compile(r"\[[\d\s.,eE+\-\[\]]*\]")
_PRINTED = Tolerance(1e-3)


class TensorAsked(BaseModel):
    """One tensor that is asked for.

    Attributes:
        name: Variable; of several that hold something, one that is right, else the first.
        expect: The right numbers.
        reference: Or the reference function that gives them,
        of: called with the values of these variables of the student's, at the end of the section or, where
            it changed them in place, before it.
        same_as: Or the student's own variable that it must equal.
        shape: Or the right shape, whatever the numbers.
        follows: With `shape`: a variable whose shape is right too, so that one mistake costs once.
        either_sign: Whether the negative counts too.
        library: Which library's tensor it must be.
        unclipped_share: Part earned where the numbers are right but not clipped to the expected range.
        printed: Whether right numbers that are merely printed in the section count.
        weight: Part of the points, in proportion to the other tensors'.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Names
    expect: JsonValue = None
    reference: str | None = None
    of: tuple[str, ...] = ()
    same_as: str | None = None
    shape: tuple[int, ...] | None = None
    follows: str | None = None
    either_sign: bool = False
    library: Literal["any", "torch", "numpy"] = "any"
    unclipped_share: float = Field(default=0.0, ge=0, le=1)
    printed: bool = False
    weight: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _has_an_answer(self) -> Self:
        given = [self.expect, self.reference, self.same_as, self.shape]
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
        """Of several names that hold something, one that is right counts, else the first."""
        found = [variable(self.case, [name]) for name in self.asked.name]
        judged = [self._judge_held(held) for held in found if isinstance(held, Held)]
        if not judged:
            beside = (name for asked in self.all for name in asked.name)
            absent = variable(self.case, self.asked.name, beside=beside)
            return self._without_variable(absent) if isinstance(absent, Absent) else self._judge_held(absent)
        return next((part for part in judged if part.state == "right"), judged[0])

    def _judge_held(self, held: Held) -> PartFinding:
        if self.asked.shape is not None:
            return self._shape_compared(held, self.asked.shape)
        expected = self._expected(self.asked)
        if expected is None:
            return self._part("open", f"`{held.name}` cannot be checked, as {self._inputs} is not known.")
        if isinstance(held.value, dict | str):
            return self._part("wrong", f"`{held.name}` is no tensor.", where=(held.where,))
        return self._compared(held, expected)

    @property
    def _inputs(self) -> str:
        return " or ".join(f"`{name}`" for name in self.asked.inputs) or "the right answer"

    def _expected(self, asked: TensorAsked) -> Any:
        return self._made_from(asked, [variable(self.case, [name]) for name in asked.of])

    def _expected_before(self) -> Any:
        """The right answer from the values before the section, where one of them changed in it."""
        inputs = [held_before(self.case, name) or variable(self.case, [name]) for name in self.asked.of]
        return self._made_from(self.asked, inputs) if inputs else None

    def _made_from(self, asked: TensorAsked, inputs: list[Held | Absent]) -> Any:
        if asked.same_as is not None:
            same = variable(self.case, [asked.same_as])
            return as_array(same.value) if isinstance(same, Held) else None
        if asked.reference is None:
            return asked.expect
        arrays = [as_array(held.value) for held in inputs if isinstance(held, Held)]
        if len(arrays) < len(inputs) or any(array is None for array in arrays):
            return None
        try:
            return reference_function(self.case, asked.reference)(*arrays)
        except ValueError:
            return None

    def _without_variable(self, absent: Absent) -> PartFinding:
        expected = self._expected(self.asked) if self.asked.printed else None
        if expected is None:
            return self._part(absent.state, absent.why, where=absent.where)
        cells = own_code(self.case)
        if not cells:
            return self._part(absent.state, absent.why, where=absent.where)
        held = f"`{self.asked.name[0]}` does not hold them"
        text = f"No such numbers were printed, and {held}; a TA reads the cells."
        where = tuple(Where(cell=cell.index) for cell in cells[:3])
        return self._from_print(expected) or self._part("open", text, where=where)

    def _from_print(self, expected: Any) -> PartFinding | None:
        for cell in own_code(self.case) if self.asked.printed else ():
            arrays = _printed_arrays(printed(cell))
            if any(mismatch(np.asarray(expected), array, _PRINTED) is None for array in arrays):
                return self._part("right", f"The numbers printed in cell {cell.index} are right.")
        return None

    def _compared(self, held: Held, expected: Any) -> PartFinding:
        signs = (1, -1) if self.asked.either_sign else (1,)
        before = self._expected_before()
        answers = [expected] if before is None else [expected, before]
        right = [np.asarray(answer) * sign for answer in answers for sign in signs]
        found = [mismatch(one, held.value, tolerance_for(held.dtypes)) for one in right]
        more: dict[str, Any] = {
            "where": (held.where,),
            "data": {"name": held.name, "expected": _small(expected), "got": _small(held.value)},
        }
        first = found[0]
        if first is None or None in found:
            return self._right(held, more)
        if first.kind == "unreadable":
            return self._part("open", f"`{held.name}`: {first.text}.", **more)
        return self._from_print(expected) or self._wrong(held, right[0], first.text, more)

    def _shape_compared(self, held: Held, shape: tuple[int, ...]) -> PartFinding:
        array = as_array(held.value)
        found = None if array is None else array.shape
        more: dict[str, Any] = {
            "where": (held.where,),
            "data": {
                "name": held.name,
                "expected": list(shape),
                "got": None if found is None else list(found),
            },
        }
        if found == shape:
            return self._part("right", f"`{held.name}` has the shape {list(shape)}.", **more)
        followed = variable(self.case, [self.asked.follows]) if self.asked.follows else None
        source = as_array(followed.value) if isinstance(followed, Held) else None
        if isinstance(followed, Held) and source is not None and source.shape == found:
            text = f"`{held.name}` has the shape {list(source.shape)}, as `{followed.name}` has."
            return self._part("right", text, **more)
        got = "is no array" if found is None else f"has the shape {list(found)}"
        return self._part("wrong", f"`{held.name}` {got}; expected {list(shape)}.", **more)

    def _right(self, held: Held, more: dict[str, Any]) -> PartFinding:
        if self.asked.library in ("any", held.library):
            return self._part("right", f"`{held.name}` is right.", **more)
        text = (
            f"`{held.name}` has the right numbers, but is of {held.library} and not of {self.asked.library}."
        )
        return self._part("wrong", text, **more)

    def _wrong(self, held: Held, expected: np.ndarray, difference: str, more: dict[str, Any]) -> PartFinding:
        tolerance = tolerance_for(held.dtypes)
        mistake = name_mistake(expected, held.value, tolerance, self._suspects(held, expected))
        text = f"`{held.name}`: {difference}: {mistake}." if mistake else f"`{held.name}`: {difference}."
        more["data"]["mistake"] = mistake
        return self._part("wrong", text, self.asked.unclipped_share if mistake == _UNCLIPPED else 0.0, **more)

    def _suspects(self, held: Held, expected: np.ndarray) -> Iterable[Suspect]:
        yield Suspect(_UNCLIPPED, lambda: _unclipped(expected, held.value, tolerance_for(held.dtypes)))
        for other in self.all:
            if other != self.asked:
                yield Suspect(f"these are the numbers of `{other.name[0]}`", partial(self._expected, other))

    def _part(
        self, state: Literal["right", "wrong", "open"], text: str, share: float = 0.0, **more: Any
    ) -> PartFinding:
        return PartFinding(self.asked.name[0], self.asked.weight, state, text, share=share, **more)


_UNCLIPPED = "the numbers are right but not kept within the range (clip returns a new array)"


def _unclipped(expected: np.ndarray, got: Any, tolerance: Tolerance) -> Any:
    """The student's numbers themselves where clipping them to the expected range makes them right."""
    found = as_array(got)
    if found is None or found.shape != expected.shape:
        return None
    clipped = np.clip(found.astype(np.float64), expected.min(), expected.max())
    return got if mismatch(expected, clipped, tolerance) is None else None


def _printed_arrays(text: str) -> Iterable[Any]:
    """Lists of numbers as torch and NumPy print them."""
    for match in _PRINTED_ARRAY.findall(text):
        inner = match.strip("[] \n")
        numbers = [token for token in re.split(r"[\s,]+", inner) if token]
        if "[" in inner or not numbers:
            continue
        try:
            yield [float(token) for token in numbers]
        except ValueError:
            continue


def _small(value: Any) -> Any:
    # Not worth writing out only to see that it is too long.
    if isinstance(value, np.ndarray) and value.size > 200:
        return None
    data = jsonable(value)
    return data if len(str(data)) <= 400 else None
