"""Numbers that an answer has to state."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal

from pydantic import Field

from grader.checks._answers import Answer, answer_in, numbers_in, states
from grader.checks._arithmetic import arithmetic_in, sums_of
from grader.rubric.case import Case
from grader.rubric.model import Check, Judgement

__all__ = ["NumberAnswer"]

_FAR = 10.0
_STEM = 5
_TIME = re.compile(
    r"(?<![\d.:])\d[\d.:]*\s*(?:%|s\b|ms\b|sec|min|hour)|(?:part|question|section)\s*\d+|^\s*\d+[.)]\s"
)


class NumberAnswer(Check):
    """Looks for numbers in what a student wrote or printed in the criterion's section.

    Outputs of our run and of the file handed in, Markdown, comments, texts and numbers in the student's own
    code are read; cells that stand in the handout unchanged are not. All numbers there: right. None of them
    but others of their size, or in a line that speaks of what was to be counted: wrong. Otherwise a TA
    decides, also where sums or products in the answer come to the right numbers, or where two numbers are
    equal and the answer has one of them and another beside it.

    Fields: `numbers` are the right values by what they count; `tolerance` is the largest error allowed.
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

    def judge(self, case: Case) -> Judgement:
        answer = answer_in(case)
        missing = [
            name for name, value in self.numbers.items() if not states(answer.readings, value, self.tolerance)
        ]
        data = {"expected": dict(self.numbers), "missing": missing, "stated": list(answer.stated[:20])}
        more: dict[str, Any] = {"where": answer.where, "data": data}
        if answer.located and not answer.touched:
            return Judgement.failed("Nothing was handed in for this part.", **more)
        if not missing and self._shares(answer):
            return Judgement.needs_ta(f"The answer has {self._shares(answer)}. A TA looks at it.", **more)
        if not missing:
            listed = ", ".join(f"{name} {value:g}" for name, value in self.numbers.items())
            return Judgement.passed(f"The answer states {listed}.", **more)
        return self._lacking(missing, answer, more)

    def _lacking(self, missing: list[str], answer: Answer, more: dict[str, Any]) -> Judgement:
        listed = ", ".join(f"{name} ({self.numbers[name]:g})" for name in missing)
        alike = [
            number for number in answer.stated if any(_alike(number, self.numbers[name]) for name in missing)
        ]
        other = list(dict.fromkeys((*alike, *_said_of(missing, answer))))
        if len(missing) == len(self.numbers) and other and not self._is_made_of(missing, answer):
            shown = ", ".join(f"{number:g}" for number in other[:5])
            return Judgement.failed(f"Expected {listed}; the answer says {shown}.", **more)
        return Judgement.needs_ta(f"Not found in the answer: {listed}. A TA looks at it.", **more)

    def _is_made_of(self, missing: list[str], answer: Answer) -> bool:
        """Whether a missing number is what a sum or product in the answer comes to."""
        made = (*arithmetic_in(f"{answer.words}\n{answer.outputs}"), *sums_of(numbers_in(answer.words)))
        return any(states(made, self.numbers[name], self.tolerance) for name in missing)

    def _shares(self, answer: Answer) -> str:
        """Whether one number stands for two names although another is there, which may be the second's."""
        strange = [
            number for number in answer.stated if not states(self.numbers.values(), number, self.tolerance)
        ]
        for value, names in _names_by_value(self.numbers).items():
            found = sum(states([reading], value, self.tolerance) for reading in answer.readings)
            near = [number for number in strange if _alike(number, value)]
            if found < len(names) and near:
                return f"{value:g} once, for {' and '.join(names)}, and {near[0]:g}"
        return ""


def _alike(number: float, wanted: float) -> bool:
    """Whether a number may be meant for the one asked for, and is not far smaller or larger."""
    return abs(wanted) / _FAR <= abs(number) <= abs(wanted) * _FAR


def _said_of(names: list[str], answer: Answer) -> list[float]:
    """Numbers of any size, but for times and shares, in lines that speak of what was to be counted."""
    stems = {word[:_STEM] for name in names for word in re.findall(r"[a-z]+", name.lower()) if len(word) > 2}
    lines = (line.lower() for line in f"{answer.words}\n{answer.outputs}".splitlines())
    speaking = (_TIME.sub(" ", line) for line in lines if any(stem in line for stem in stems))
    return [number for line in speaking for number in numbers_in(line)]


def _names_by_value(numbers: dict[str, float]) -> dict[float, list[str]]:
    found: dict[float, list[str]] = {}
    for name, value in numbers.items():
        found.setdefault(value, []).append(name)
    return found
