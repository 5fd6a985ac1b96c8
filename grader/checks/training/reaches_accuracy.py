"""Whether a trained network reaches an accuracy, or an error, that the rubric asks for."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from grader.evidence.record import CellRecord
from grader.facts.case import Case
from grader.facts.fields import Regex, Where
from grader.facts.words.answers import answer_in
from grader.judging.check import Check
from grader.judging.judgement import Judgement

__all__ = ["ReachesAccuracy"]


class ReachesAccuracy(Check):
    """Reads a figure that the notebook prints in the criterion's section, after full training.

    Only outputs of our own run count, the last figure of the section is taken, and under a training budget
    the evidence is missing.

    Fields: `pattern` is a regular expression whose first group is the figure; `at_least` or `at_most` is
    the bound; `percent` divides figures by 100 first.
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
        answer = answer_in(case)
        if answer.located and not answer.touched:
            return Judgement.failed("Nothing was handed in for this part.", where=answer.where)
        figures = [(cell.index, figure) for cell in case.section_cells() for figure in self._figures(cell)]
        if not figures:
            return Judgement.needs_ta("No such figure was printed in our run.", where=answer.where)
        cell, figure = figures[-1]
        data = {"found": figure, "at_least": self.at_least, "at_most": self.at_most}
        reached = figure >= self.at_least if self.at_least is not None else figure <= (self.at_most or 0.0)
        bound = f"at least {self.at_least}" if self.at_least is not None else f"at most {self.at_most}"
        make = Judgement.passed if reached else Judgement.failed
        return make(f"{figure:g} was reached; asked for {bound}.", where=(Where(cell=cell),), data=data)

    def _figures(self, cell: CellRecord) -> list[float]:
        outputs = cell.run.outputs if cell.run is not None else ()
        texts = [match.group(1) for output in outputs for match in re.finditer(self.pattern, output.text)]
        scale = 0.01 if self.percent else 1.0
        return [float(text) * scale for text in texts if re.fullmatch(r"\d*\.?\d+(e-?\d+)?", text or "")]
