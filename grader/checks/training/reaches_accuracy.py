"""Whether a trained network reaches an accuracy, or an error, that the rubric asks for."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from grader.facts.case import Case
from grader.facts.fields import Regex, Where
from grader.facts.known import Unknown
from grader.facts.words.answers import answer_in
from grader.facts.words.figures import last_figure
from grader.judging.check import Check
from grader.judging.exhibits import Pair, Table
from grader.judging.judgement import Judgement
from grader.judging.nothing import nothing_handed_in

__all__ = ["ReachesAccuracy"]


class ReachesAccuracy(Check):
    """Reads a figure that the notebook prints in the criterion's section, after full training.

    Only outputs of our own run count, the last figure of the section is taken, and under a training budget
    the evidence is missing.

    Fields: `pattern` is a regular expression whose first group is the figure; `at_least` or `at_most` is
    the bound; `percent` divides figures by 100 first, as is done with one that a percent sign follows, and
    with one above 1 where a share is to be reached.
    """

    example: ClassVar[str] = """\
- id: validation-accuracy
  title: The network is clearly better than guessing
  points: 1
  check: reaches_accuracy
  pattern: 'Validation accuracy: ([0-9.]+)'
  at_least: 0.6
"""

    check: Literal["reaches_accuracy"] = "reaches_accuracy"
    pattern: Regex
    at_least: float | None = Field(default=None, ge=0, le=1)
    at_most: float | None = Field(default=None, ge=0, le=1)
    percent: bool = False

    @model_validator(mode="after")
    def _has_one_bound(self) -> ReachesAccuracy:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("give either at_least or at_most")
        if re.compile(self.pattern).groups < 1:
            raise ValueError("the pattern needs a group for the figure")
        return self

    @property
    def needs_full_training(self) -> bool:
        return True

    def judge(self, case: Case) -> Judgement:
        bare = nothing_handed_in(case)
        if bare is not None:
            return bare
        last = last_figure(case, self.pattern)
        if isinstance(last, Unknown):
            text = "No such figure was printed in our run."
            return Judgement.needs_ta(text, open=f"But {last.why}.", where=answer_in(case).where)
        value = last.value.value
        in_percent = self.percent or last.value.percent or (value > 1 and self.at_least is not None)
        figure = value * (0.01 if in_percent else 1.0)
        if (in_percent and not self.percent and value < 1) or (self.at_least is not None and figure > 1):
            text = f"{value:g}{' %' if last.value.percent else ''} is printed in our run."
            why = "Whether that is a share or a percentage is not clear."
            return Judgement.needs_ta(text, open=why, where=(Where(cell=last.value.cell),))
        bounds = Table.of("bounds", [{"at least": self.at_least, "at most": self.at_most}])
        exhibits = (Pair(found=figure), bounds)
        reached = figure >= self.at_least if self.at_least is not None else figure <= (self.at_most or 0.0)
        bound = f"at least {self.at_least}" if self.at_least is not None else f"at most {self.at_most}"
        make = Judgement.passed if reached else Judgement.failed
        text = f"{figure:g} was reached; asked for {bound}."
        return make(text, on=last, where=(Where(cell=last.value.cell),), exhibits=exhibits)
