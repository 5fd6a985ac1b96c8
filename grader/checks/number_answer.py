"""Numbers that an answer has to state."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from grader.checks._answers import Answer, answer_in, states
from grader.rubric.case import Case
from grader.rubric.model import Check, Judgement

__all__ = ["NumberAnswer"]


class NumberAnswer(Check):
    """Looks for numbers in what a student wrote or printed in the criterion's section.

    Outputs of our run and of the file handed in, Markdown, comments, texts and numbers in the student's own
    code are read; cells that stand in the handout unchanged are not. All numbers there: right. None of them
    but others: wrong. Otherwise a TA decides.

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
        given = (*answer.stated, *answer.constants)
        missing = [name for name, value in self.numbers.items() if not states(given, value, self.tolerance)]
        data = {"expected": dict(self.numbers), "missing": missing, "stated": list(answer.stated[:20])}
        more: dict[str, Any] = {"where": answer.where, "data": data}
        if answer.located and not answer.touched:
            return Judgement.failed("Nothing was handed in for this part.", **more)
        if not missing:
            listed = ", ".join(f"{name} {value:g}" for name, value in self.numbers.items())
            return Judgement.passed(f"The answer states {listed}.", **more)
        return self._lacking(missing, answer, more)

    def _lacking(self, missing: list[str], answer: Answer, more: dict[str, Any]) -> Judgement:
        listed = ", ".join(f"{name} ({self.numbers[name]:g})" for name in missing)
        if len(missing) == len(self.numbers) and answer.stated:
            shown = ", ".join(f"{number:g}" for number in answer.stated[:5])
            return Judgement.failed(f"Expected {listed}; the answer says {shown}.", **more)
        return Judgement.needs_ta(f"Not found in the answer: {listed}. A TA looks at it.", **more)
