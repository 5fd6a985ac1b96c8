"""Whether a network learnt a small set of images by heart."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from grader.evidence.training import DataSource, TrainingRun
from grader.facts.case import Case
from grader.facts.fields import Regex
from grader.facts.known import Fact, Known, Unknown, sure
from grader.facts.notebook import read_our_data
from grader.facts.training.memorising import items_of, line_handed_in, memorised, reported
from grader.facts.training.runs import by_token, object_name, runs_in, where_of
from grader.facts.words.answers import answer_in
from grader.judging.check import Check
from grader.judging.exhibits import Table
from grader.judging.judgement import Judgement
from grader.judging.nothing import nothing_handed_in

__all__ = ["OverfitsSmallSet"]


class OverfitsSmallSet(Check):
    """Looks in a section for a run that memorises a small set within a number of steps.

    The mean cross-entropy over n items bounds each of them: below ln 2 / n every item's own class has more
    than half of the probability, so the training accuracy is 100 %; other losses tell nothing by themselves.
    A run that gets there within `steps` steps is right. A training budget does not touch a set that fits into
    a few batches; where it cut the run, evidence is missing, unless pictures of ours stood in for the
    student's, of which no longer run tells more. A whole run within the steps is right as well where its cell
    prints that 100 % were reached: in our run, or in the file handed in where our run of the same code prints
    that line with other numbers, since the images of our run are not the student's. Otherwise a TA looks, and
    gets the line that reports 100 %.

    Fields: the criterion's `section` is searched; `largest_set` is what still counts as small; `steps` is
    how many iterations are allowed; `claim` is a pattern for an output that reports 100 %, or no error.
    """

    example: ClassVar[str] = """\
- id: overfits-small-set
  title: The network memorises a small set
  points: 5
  check: overfits_small_set
  steps: 200
"""

    check: Literal["overfits_small_set"] = "overfits_small_set"
    largest_set: int = Field(default=150, ge=1)
    steps: int = Field(default=200, ge=1)
    claim: Regex = (
        r"(?i)acc\w{0,20}\D{0,40}(1\.0+\b|100(\.0+)?\s*%)|train\w*[\s_]*err\w*\W{0,10}0(\.0+)?(?![\d.])"
    )

    def judge(self, case: Case) -> Judgement:
        answer = answer_in(case)
        sources = by_token(case.evidence.training)
        section = case.section
        runs = runs_in(case, () if section is None else (section,))
        sized = [(run, items_of(run, sources)) for run in runs]
        small = [run for run, items in sized if items is not None and items <= self.largest_set]
        claim = line_handed_in([case.evidence.cells[index] for index in answer.cells], self.claim)
        trained = Table.of("runs", [_describe(run, sources) for run in runs])
        shown = (trained, Table.of("claim", [{"claimed": bool(claim)}]))
        bare = nothing_handed_in(case)
        if bare is not None:
            return bare.model_copy(update={"exhibits": shown})
        learnt = [(run, memorised(run, sources)) for run in small]
        told = [fact for _, fact in learnt if isinstance(fact, Known)]
        for run, fact in learnt:
            by_heart = sure(fact)
            if by_heart is not None and run.steps <= self.steps:
                return self._passed(run, by_heart, shown)
        for run in small:
            line = self._line(run, case)
            if isinstance(line, Known):
                told_by = f"`{object_name(run.model)}` was trained on a small set for {run.steps} steps"
                message = f"{told_by}; {line.value}."
                return Judgement.passed(message, on=line, where=where_of([run]), exhibits=shown)
        cut = [run for run in small if run.passes_cut]
        if cut and not read_our_data(case):
            told_by = f" In the file handed in, {claim}." if claim else ""
            message = f"The training budget cut this run short; run it again with `--training full`.{told_by}"
            return Judgement.missing(message, where=where_of(small), exhibits=shown)
        story = claim or "no printed output of the file handed in reports 100 %"
        message = f"{self._seen(small, bool(told), case)}; {story}."
        why = "The images of our run are not the student's."
        return Judgement.needs_ta(message, open=why, where=where_of(small) or answer.where, exhibits=shown)

    def _line(self, run: TrainingRun, case: Case) -> Fact[str]:
        """The line that reports 100 % for a whole run within the steps allowed."""
        if run.cell is None or run.cell != run.last_cell or run.passes_cut or run.steps > self.steps:
            return Unknown("the run was longer, or cut")
        return reported(case.evidence.cells[run.cell], self.claim, case.evidence.cells)

    def _seen(self, small: list[TrainingRun], told: bool, case: Case) -> str:
        """What our run showed, in words."""
        for run in small:
            ended = None if run.cell is None else case.evidence.cells[run.cell].run
            if ended is not None and ended.error is not None:
                after = f"{run.steps} step{'s' if run.steps != 1 else ''}"
                error = f"{ended.error.type}: {ended.error.message}"
                return f"In our run cell {run.cell} stopped after {after} ({error}), which tells nothing"
        nothing = (
            "no small set was learnt" if told or not small else "it was not seen that a small set was learnt"
        )
        return f"In our run, on other images, {nothing} within {self.steps} steps"

    def _passed(self, run: TrainingRun, on: Known[bool], shown: tuple[Table, ...]) -> Judgement:
        message = f"`{object_name(run.model)}` learnt its small set by heart in {run.steps} steps."
        return Judgement.passed(message, on=on, where=where_of([run]), exhibits=shown)


def _describe(run: TrainingRun, sources: dict[int, DataSource]) -> dict[str, Any]:
    return {
        "cell": run.cell,
        "steps": run.steps,
        "items": items_of(run, sources),
        "last_loss": run.losses[-1] if run.losses else None,
    }
