"""Numbers that an answer has to state."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from grader.evidence.values import ArrayValue
from grader.facts.case import Case
from grader.facts.fields import Where
from grader.facts.known import Known, Unknown
from grader.facts.notebook import located
from grader.facts.values.variables import Held, variable
from grader.facts.words.answers import Answer, answer_around, answer_in, cells_with
from grader.facts.words.arithmetic import shapes_in
from grader.facts.words.labelled import exchanged, said_of
from grader.facts.words.numbers import alike, is_denied, numbers_in, states
from grader.facts.words.shared import one_for_several
from grader.judging.check import Check
from grader.judging.exhibits import Table
from grader.judging.judgement import Judgement
from grader.judging.nothing import NOTHING_HANDED_IN, not_located

__all__ = ["NumberAnswer"]

_ANOTHER_WAY = "It may be stated in another way."


class NumberAnswer(Check):
    """Looks for numbers in what a student wrote or printed in the criterion's section.

    Outputs of our run and of the file handed in, Markdown, comments, texts and numbers in the student's own
    code are read; cells that stand in the handout unchanged are not. All numbers there: right. None of them
    but others of their size, or in a line that speaks of what was to be counted: wrong, unless they come from
    our run alone, and data or a picture of ours stood in for the student's. Otherwise a TA decides, also
    where sums or products in the answer come to the right numbers, where numbers are exchanged or denied
    (`not 8000`), or where two are equal and the answer has one of them and another beside it. Where the
    section was not found, as its heading was deleted, a TA is shown where the part around it has the numbers.

    Attributes:
        numbers: The right values by what they count.
        tolerance: The largest error allowed.
        follows: For numbers that count a variable's elements: the student's variable. The number of elements
            that it really has is right too, so that one mistake costs once.
        mistakes: Numbers that a usual mistake gives, by the words for it.
    """

    example: ClassVar[str] = """\
- id: example-counts
  title: How many images there are
  points: 3
  check: number_answer
  numbers: {training: 8000, validation: 2000, test: 2000}
"""

    check: Literal["number_answer"] = "number_answer"
    numbers: dict[str, float] = Field(min_length=1)
    tolerance: float = Field(default=0.0, ge=0)
    follows: dict[str, str] = Field(default_factory=dict)
    mistakes: dict[str, float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _follows_for_numbers(self) -> Self:
        unknown = sorted(set(self.follows) - set(self.numbers))
        if unknown:
            raise ValueError(f"'follows' has {unknown[0]!r}, which is none of 'numbers'")
        return self

    def watches(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.follows.values()))

    def judge(self, case: Case) -> Judgement:
        wanted = [self._wanted(case, name) for name in self.numbers]
        lost = self._not_located(case, wanted)
        if lost is not None:
            return lost
        answer = answer_in(case)
        missing = [one for one in wanted if self._stated(one, answer) is None]
        rows: list[dict[str, Any]] = [
            {"name": one.name, "expected": self.numbers[one.name], "stated": one not in missing}
            for one in wanted
        ]
        read = [{"number": number} for number in answer.stated[:20]]
        tables = (Table.of("numbers asked for", rows), Table.of("numbers read", read))
        more: dict[str, Any] = {"where": answer.where, "exhibits": tables}
        if isinstance(answer.bare, Known):
            return Judgement.failed(NOTHING_HANDED_IN, on=answer.bare, **more)
        swapped = {} if missing else exchanged(answer.claimed, self.numbers, self.tolerance)
        if swapped:
            listed = ", ".join(str(one) for one in wanted)
            said = ", ".join(f"{name} {number:g}" for name, number in swapped.items())
            why = "The right numbers are there, but seem to be exchanged."
            return Judgement.needs_ta(f"Expected {listed}; the answer says {said}.", open=why, **more)
        right = [value for one in wanted for value in one.values]
        single = None if missing else one_for_several(answer, self.numbers, right, self.tolerance)
        if single is not None:
            names = " and ".join(single.names)
            text = f"The answer has {single.value:g} once, for {names}, and {single.beside:g}."
            return Judgement.needs_ta(text, open="One number may stand for two.", **more)
        denied = [] if missing else [one for one in wanted if self._is_denied(one, answer)]
        if denied:
            listed = ", ".join(str(one) for one in denied)
            text = f"The answer has {listed}, but behind a word such as 'not' or 'instead of'."
            return Judgement.needs_ta(text, open="It may say that it is another number.", **more)
        if not missing and isinstance(answer.known, Known):
            listed = ", ".join(one.as_stated(self._stated(one, answer)) for one in wanted)
            return Judgement.passed(f"The answer states {listed}.", on=answer.known, **more)
        return self._lacking(missing, answer, more)

    def _not_located(self, case: Case, wanted: list[_Wanted]) -> Judgement | None:
        """The judgement where the section was not found; None where it was."""
        lost, around = not_located(case), None if located(case) else answer_around(case)
        if lost is None or around is None:
            return lost
        name, answer = around
        if any(self._stated(one, answer) is None for one in wanted):
            return lost
        values = [self._stated(one, answer) for one in wanted]
        shows = cells_with(case, answer, values)
        place = f"cell {shows[0]} of '{case.sections[name].title}'" if shows else case.sections[name].title
        listed = ", ".join(one.as_stated(self._stated(one, answer)) for one in wanted)
        why = f"But {place} has {listed}, which may be the answer."
        return lost.model_copy(update={"open": why, "where": tuple(Where(cell=each) for each in shows[:3])})

    def _wanted(self, case: Case, name: str) -> _Wanted:
        held = variable(case, [self.follows[name]]) if name in self.follows else None
        array = held.recorded if isinstance(held, Held) and isinstance(held.recorded, ArrayValue) else None
        size = None if array is None else float(math.prod(array.shape))
        return _Wanted(name, self.numbers[name], size, self.follows.get(name, ""), len(self.numbers) == 1)

    def _stated(self, wanted: _Wanted, answer: Answer) -> float | None:
        """The right value that an answer states."""
        found = (value for value in wanted.values if states(answer.readings, value, self.tolerance))
        return next(found, None)

    def _is_denied(self, wanted: _Wanted, answer: Answer) -> bool:
        """Whether the right value stands in words alone, which deny it."""
        value = self._stated(wanted, answer)
        elsewhere = (*numbers_in(answer.outputs), *answer.constants)
        return (
            value is not None
            and not states(elsewhere, value, self.tolerance)
            and is_denied(answer.words, value)
        )

    def _lacking(self, missing: list[_Wanted], answer: Answer, more: dict[str, Any]) -> Judgement:
        listed = ", ".join(str(one) for one in missing)
        values = [value for one in missing for value in one.values]
        claimed = numbers_in(answer.claimed)
        near = [number for number in claimed if any(alike(number, value) for value in values)]
        other = list(dict.fromkeys((*near, *said_of(answer.claimed, [one.name for one in missing]))))
        known, results = answer.whole, answer.made
        made = any(states(results, value, self.tolerance) for value in values)
        if isinstance(known, Known) and len(missing) == len(self.numbers) and other and not made:
            shown = ", ".join(f"{number:g}" for number in other[:5])
            mistake = next((f": {text}" for text, number in self.mistakes.items() if number in other), "")
            said = _whose(other, answer)
            text = f"Expected {listed}; {said} {shown}{mistake}."
            return Judgement.failed(text, on=known, **more)
        for shape in shapes_in(f"{answer.words}\n{answer.outputs}"):
            if states(values, math.prod(shape), self.tolerance):
                text = (
                    f"The answer shows the shape {list(shape)}, but not the number that this makes: {listed}."
                )
                return Judgement.needs_ta(text, open="The number may be meant by it.", **more)
        why = f"But {known.why}." if isinstance(known, Unknown) and answer.touched else _ANOTHER_WAY
        return Judgement.needs_ta(f"Not found in the answer: {listed}.", open=why, **more)


@dataclass(frozen=True)
class _Wanted:
    """One number asked for.

    Attributes:
        size: The number of elements of the student's own variable, where the number follows from one.
        alone: It is the only one asked for.
    """

    name: str
    value: float
    size: float | None
    variable: str
    alone: bool

    @property
    def values(self) -> tuple[float, ...]:
        return (self.value,) if self.size is None else (self.value, self.size)

    def as_stated(self, value: float | None) -> str:
        """What an answer states rightly, with what it counts."""
        if value is None or value == self.value:
            return self._named(self.value)
        return f"{self._named(value)}, as `{self.variable}` has"

    def __str__(self) -> str:
        other = "" if self.size in (None, self.value) else f", or {self.size:g} as `{self.variable}` has"
        return f"{self._named(self.value)}{other}"

    def _named(self, value: float) -> str:
        return f"{value:g} ({self.name})" if self.alone else f"{self.name} {value:g}"


def _whose(numbers: list[float], answer: Answer) -> str:
    """Whether it is the student who says these numbers, or our run of the student's code."""
    ours = answer.shown_by_us and not states(numbers_in(answer.words), numbers[0])
    return "your code prints" if ours else "the answer says"
