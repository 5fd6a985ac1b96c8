"""What only a person can judge."""

from __future__ import annotations

from typing import ClassVar, Literal

from grader.checks._answers import answer_in
from grader.rubric.case import Case
from grader.rubric.model import Check, Judgement

__all__ = ["Manual"]


class Manual(Check):
    """Asks a TA, and names the cells to look at.

    A section that is as the handout left it, and that the student never ran, has nothing to judge: it
    earns nothing and does not burden a TA. Where the section is not found, the TA looks for it.

    Fields: `prompt` is what the TA should look for, in `data` and not in the message, which students read;
    `sections` are further sections with parts of the answer.
    """

    example: ClassVar[str] = """\
- id: why-validation
  title: Why a validation set is needed
  points: 3
  check: manual
  prompt: Settings are chosen on it; the training error alone hides overfitting.
"""

    check: Literal["manual"] = "manual"
    prompt: str
    sections: tuple[str, ...] = ()

    def section_names(self) -> tuple[str, ...]:
        return self.sections

    def judge(self, case: Case) -> Judgement:
        own = (case.criterion.section,) if case.criterion.section is not None else ()
        answers = [answer_in(case, section) for section in (*own, *self.sections)]
        located = [answer for answer in answers if answer.located]
        where = tuple(place for answer in located for place in answer.where)
        if answers and len(located) == len(answers) and not any(answer.touched for answer in located):
            return Judgement.failed("Nothing was handed in for this part.", where=where)
        found = "" if located or not answers else " Its section was not found in the notebook."
        return Judgement.needs_ta(f"A TA judges this part.{found}", where=where, data={"prompt": self.prompt})
