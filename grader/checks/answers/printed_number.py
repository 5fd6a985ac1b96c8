"""Did the student's own run print a number that is good enough?"""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from grader.evidence.record import CellRecord, ShimKind
from grader.facts.case import Case
from grader.facts.fields import Where
from grader.facts.notebook import own_code, printed, stored_text
from grader.facts.words.answers import answer_in
from grader.judging.check import Check
from grader.judging.judgement import Judgement
from grader.judging.nothing import not_located

__all__ = ["PrintedNumber"]

_DECIMAL = re.compile(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?")


class PrintedNumber(Check):
    """Reads numbers after certain words in the outputs of the student's own cells, the smallest counts.

    Cells that stand in the handout unchanged do not count. A number that our run printed and that is good
    enough passes. Where only one of our run and the file handed in has a number that is good enough, or
    neither has, a TA is given both. Where the file has none our run's passes, unless it read a data set from
    our own data, which may be a stand-in. A section in which nothing was changed or written fails; one with
    words alone goes to a TA.

    Attributes:
        pattern: Regular expression with one group: the number.
        below: The number must be below this.
        after_training: Whether a network must have been trained in the section, too.
    """

    example: ClassVar[str] = """\
- id: pigeon-train-error
  title: A training error below the handout's
  points: 3
  check: printed_number
  pattern: 'Training Error Rate: ([\\d.]+)'
  below: 0.036
"""

    check: Literal["printed_number"] = "printed_number"
    pattern: str
    below: float = Field(allow_inf_nan=False)
    after_training: bool = False

    @field_validator("pattern")
    @classmethod
    def _has_one_group(cls, pattern: str) -> str:
        try:
            groups = re.compile(pattern).groups
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from error
        if groups != 1:
            raise ValueError("the pattern needs one group, ( ), around the number")
        return pattern

    def judge(self, case: Case) -> Judgement:
        cells = own_code(case)
        if not cells:
            return not_located(case) or self._without_code(case)
        ours = [number for cell in cells for number in self._numbers(_our_text(cell))]
        theirs = [number for cell in cells for number in self._numbers(stored_text(cell))]
        where = tuple(Where(cell=cell.index) for cell in cells if self._numbers(printed(cell)))
        best, claimed = min(ours, default=None), min(theirs, default=None)
        data = {"found": best, "in_the_file": claimed, "below": self.below}
        if self.after_training and not _trained_in(case, cells):
            text = (
                "No training of a network was seen here, so the number cannot be trusted; a TA looks at it."
            )
            return Judgement.needs_ta(text, where=where, data=data)
        if best is not None and self._holds(case, best, claimed):
            return Judgement.passed(_reached(best, claimed, self.below), where=where, data=data)
        return Judgement.needs_ta(_both_stories(case, best, claimed, self.below), where=where, data=data)

    def _holds(self, case: Case, best: float, claimed: float | None) -> bool:
        """Whether our run's number is good enough, and nothing speaks against it."""
        proven = not _read_our_data(case) if claimed is None else claimed < self.below
        return best < self.below and proven

    def _without_code(self, case: Case) -> Judgement:
        """An answer in words alone may tell of a change that was tried and undone."""
        answer = answer_in(case)
        lines = [line.strip() for line in answer.words.splitlines()]
        if all(not line or line.startswith("#") for line in lines):
            return Judgement.failed("Nothing was changed or added in this part.")
        text = "The answer is in words only, and no code of this part was changed; a TA looks at it."
        return Judgement.needs_ta(text, where=answer.where)

    def _numbers(self, text: str) -> list[float]:
        tokens = (token.rstrip(".") for token in re.findall(self.pattern, text))
        return [float(token) for token in tokens if _DECIMAL.fullmatch(token)]


def _trained_in(case: Case, cells: tuple[CellRecord, ...]) -> bool:
    indices = {cell.index for cell in cells}
    return any(run.cell in indices or run.last_cell in indices for run in case.evidence.training.runs)


def _read_our_data(case: Case) -> bool:
    """Whether a data set was read from what we have in its place, with which training may be easier."""
    return any(shim.kind is ShimKind.DATASET for shim in case.evidence.shims)


def _reached(best: float, claimed: float | None, below: float) -> str:
    if claimed is None or claimed == best:
        return f"It reached {best:g}, below {below:g}."
    return f"Your file shows {claimed:g}, our run {best:g}; both are below {below:g}."


def _both_stories(case: Case, best: float | None, claimed: float | None, below: float) -> str:
    ours = " with our own copy of the data" if _read_our_data(case) else ""
    run = "Our run printed no such number" if best is None else f"Our run{ours} reached {best:g}"
    file = "the file handed in shows none" if claimed is None else f"the file handed in shows {claimed:g}"
    return f"{run}, {file}; asked for is one below {below:g}. A TA looks at it."


def _our_text(cell: CellRecord) -> str:
    outputs = cell.run.outputs if cell.run is not None else ()
    return "\n".join(output.text for output in outputs if output.kind == "stream" and output.name == "stdout")
