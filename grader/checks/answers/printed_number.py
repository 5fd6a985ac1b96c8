"""Did the student's own run print a number that is good enough?"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from grader.evidence.record import CellRecord
from grader.facts.case import Case
from grader.facts.fields import Where
from grader.facts.known import Fact, Known, Unknown, both
from grader.facts.notebook import (
    codeless,
    kept_of_file,
    own_code,
    printed,
    printed_by_us,
    read_our_data,
    stored_text,
)
from grader.facts.words.answers import answer_in
from grader.facts.words.numbers import numbers_after
from grader.judging.check import Check
from grader.judging.exhibits import Pair, Table
from grader.judging.judgement import Judgement
from grader.judging.nothing import not_located

__all__ = ["PrintedNumber"]


class PrintedNumber(Check):
    """Reads numbers after certain words in the outputs of the student's own cells; the best one counts.

    The best is the smallest where it has to be `below` something, the largest where it has to be `above`.
    Cells that stand in the handout unchanged do not count. A number that our run printed and that is good
    enough passes. Where only one of our run and the file handed in has a number that is good enough, or
    neither has, a TA is given both. Where the file has none our run's passes, unless it read a data set from
    our own data, which may be a stand-in. A section in which nothing was changed or written fails; one with
    words alone goes to a TA.

    Attributes:
        pattern: Regular expression with one group: the number.
        below, above: The number must be below this, above that, or between the two.
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
    below: float | None = Field(default=None, allow_inf_nan=False)
    above: float | None = Field(default=None, allow_inf_nan=False)
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

    @model_validator(mode="after")
    def _asks_for_something(self) -> PrintedNumber:
        if self.below is None and self.above is None:
            raise ValueError("give below, above, or both")
        if self.below is not None and self.above is not None and self.above >= self.below:
            raise ValueError(f"no number is above {self.above:g} and below {self.below:g}")
        return self

    def judge(self, case: Case) -> Judgement:
        cells = own_code(case)
        if not cells:
            return not_located(case) or self._without_code(case)
        ours = self._best(map(printed_by_us, cells))
        theirs = self._best(map(stored_text, cells))
        shown = (cell for cell in cells if isinstance(self._best([printed(cell)]), Known))
        limits = {"below": self.below, "above": self.above}
        best = {"our run": _value(ours), "the file": _value(theirs)} | {
            name: limit for name, limit in limits.items() if limit is not None
        }
        more: dict[str, Any] = {
            "where": tuple(Where(cell=cell.index) for cell in shown),
            "exhibits": (Pair(found=_value(ours)), Table.of("numbers", [best])),
        }
        stories = _both_stories(case, _value(ours), _value(theirs), self._asked)
        if self.after_training and not _trained_in(case, cells):
            why = "No training of a network was seen here, so the number cannot be trusted."
            return Judgement.needs_ta(stories, open=why, **more)
        if isinstance(ours, Known) and self._fits(ours.value) and self._is_believed(case, theirs, cells):
            return Judgement.passed(_reached(ours.value, _value(theirs), self._asked), on=ours, **more)
        return Judgement.needs_ta(stories, open=self._why(ours, theirs), **more)

    def _best(self, texts: Iterable[str]) -> Fact[float]:
        """The number that is good enough if any is, the smallest or the largest of them."""
        found = numbers_after(self.pattern, texts)
        return found if isinstance(found, Unknown) else found.map(self._best_of)

    def _best_of(self, numbers: tuple[float, ...]) -> float:
        good = tuple(filter(self._fits, numbers)) or numbers
        return min(good) if self.below is not None else max(good)

    def _fits(self, number: float) -> bool:
        below = self.below is None or number < self.below
        return below and (self.above is None or number > self.above)

    @property
    def _asked(self) -> str:
        """As ``below 0.1``."""
        limits = (("above", self.above), ("below", self.below))
        return " and ".join(f"{word} {limit:g}" for word, limit in limits if limit is not None)

    def _is_believed(self, case: Case, theirs: Fact[float], cells: tuple[CellRecord, ...]) -> bool:
        """Whether nothing speaks against the number of our run."""
        if isinstance(theirs, Known):
            return self._fits(theirs.value)
        return not read_our_data(case) and isinstance(kept_of_file(cells), Known)

    def _why(self, ours: Fact[float], theirs: Fact[float]) -> str:
        """Why the number of our run does not settle it."""
        if not isinstance(ours, Known) and not isinstance(theirs, Known):
            return "The number may be shown in another way."
        if isinstance(both(ours, theirs), Unknown):
            return "Only one of the two has such a number."
        good = [fact for fact in (ours, theirs) if isinstance(fact, Known) and self._fits(fact.value)]
        return (
            "The two do not agree."
            if len(good) == 1
            else "Neither is good enough, and runs differ by chance."
        )

    def _without_code(self, case: Case) -> Judgement:
        """An answer in words alone may tell of a change that was tried and undone."""
        answer = answer_in(case)
        lines = [line.strip() for line in answer.words.splitlines()]
        unchanged = codeless(case)
        if isinstance(unchanged, Known) and all(not line or line.startswith("#") for line in lines):
            return Judgement.failed("Nothing was changed or added in this part.", on=unchanged)
        text = "No code of this part was changed or added."
        return Judgement.needs_ta(text, open="The answer is in words only.", where=answer.where)


def _value(fact: Fact[float]) -> float | None:
    return fact.value if isinstance(fact, Known) else None


def _trained_in(case: Case, cells: tuple[CellRecord, ...]) -> bool:
    indices = {cell.index for cell in cells}
    return any(run.cell in indices or run.last_cell in indices for run in case.evidence.training.runs)


def _reached(best: float, claimed: float | None, asked: str) -> str:
    if claimed is None or claimed == best:
        return f"Our run reached {best:g}, {asked}."
    return f"Your file shows {claimed:g}, our run {best:g}; both are {asked}."


def _both_stories(case: Case, best: float | None, claimed: float | None, asked: str) -> str:
    ours = " with our own copy of the data" if read_our_data(case) else ""
    run = "Our run printed no such number" if best is None else f"Our run{ours} reached {best:g}"
    file = "the file handed in shows none" if claimed is None else f"the file handed in shows {claimed:g}"
    return f"{run}, {file}; asked for is one {asked}."
