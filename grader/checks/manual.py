"""What only a person can judge."""

from __future__ import annotations

from typing import ClassVar, Literal

from grader.facts.case import Case
from grader.facts.fields import SectionName
from grader.facts.known import Known, every
from grader.facts.words.answers import answer_in
from grader.facts.words.beside import answered_beside
from grader.judging.check import Check
from grader.judging.exhibits import Prompt
from grader.judging.judgement import Judgement
from grader.judging.nothing import NOTHING_HANDED_IN

__all__ = ["Manual"]


#: True whoever decides; a question to a person from the first.
_JUDGED = "A TA judges this part."


class Manual(Check):
    """Asks a TA, and names the cells to look at.

    A section that is as the handout left it, and that the student never ran, has nothing to judge: it
    earns nothing and does not burden a TA, unless a cell of a section beside it speaks of it by its heading
    or letter. Where the section is not found, the TA looks for it.

    Fields: `prompt` is what the TA should look for, and no part of the message, which students read;
    `sections` are further sections with parts of the answer.
    """

    example: ClassVar[str] = """\
- id: why-validation
  title: Why a validation set is needed
  points: 3
  check: manual
  prompt: Settings are chosen on it; the training error alone hides overfitting.
"""

    by_a_person: ClassVar[bool] = True

    check: Literal["manual"] = "manual"
    prompt: str
    sections: tuple[SectionName, ...] = ()

    def judge(self, case: Case) -> Judgement:
        asked = (Prompt(text=self.prompt),)
        own = (case.section,) if case.section is not None else ()
        sections = (*own, *self.sections)
        answers = [answer_in(case, section) for section in sections]
        located = [answer for answer in answers if answer.located]
        where = tuple(place for answer in located for place in answer.where)
        bare = every(answer.bare for answer in answers)
        if answers and isinstance(bare, Known):
            beside = tuple(place for section in sections for place in answered_beside(case, section))
            if beside:
                why = f"Cell {beside[0].cell}, of another part, may hold the answer."
                return Judgement.needs_ta(_JUDGED, open=why, where=beside[:3], exhibits=asked)
            return Judgement.failed(NOTHING_HANDED_IN, on=bare, where=where)
        why = "" if located or not answers else "Its section was not found in the notebook."
        return Judgement.needs_ta(_JUDGED, open=why, where=where, exhibits=asked)
