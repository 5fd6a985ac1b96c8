"""Whether further settings were tried, and chosen without a look at the test data."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from grader.evidence.record import CellRecord
from grader.evidence.training import EvaluationPass, TrainingRun
from grader.facts.case import Case
from grader.facts.notebook import training_unknown
from grader.facts.training.data_use import TestData
from grader.facts.training.runs import by_token, runs_in, settings_of, where_of
from grader.judging.check import Check
from grader.judging.judgement import Judgement
from grader.judging.nothing import nothing_handed_in

__all__ = ["ValidationSelection"]

_UNRECORDED = (
    "More data were used than were recorded, so whether test data guided the choice is not known; a TA looks."
)
State = Literal["trained", "nothing", "unsure"]


class ValidationSelection(Check):
    """Looks for a training run in each of some sections, and for test data used before the last of them.

    Each section is an equal part of the points. Test data that were evaluated before the last of these runs
    may have guided the choice: a TA decides. With `curves` half of a section's part waits for a TA where it
    trains a network and no cell of it shows a plot, in our run or in the file handed in.

    Fields: `sections` each have to train a network; `curves` asks each of them for a plot.
    """

    example: ClassVar[str] = """\
- id: validation-selection
  title: Two further settings are trained
  points: 2
  check: validation_selection
  sections: [part4b, part4d]
  curves: true
"""

    check: Literal["validation_selection"] = "validation_selection"
    sections: tuple[str, ...] = Field(min_length=1)
    curves: bool = False

    def section_names(self) -> tuple[str, ...]:
        return self.sections

    def judge(self, case: Case) -> Judgement:
        states = [_state(case, section) for section in self.sections]
        runs = runs_in(case, self.sections)
        looks = _early_looks(case, runs)
        trained = states.count("trained")
        share = trained / len(states)
        data = self._data(case, runs, looks)
        where = where_of(runs)
        if trained and looks:
            return Judgement.needs_ta(
                f"{trained} of {len(states)} further settings were trained, but test data were evaluated in"
                f" cell {looks[0].cell}, before the last of them; a TA looks whether they guided the choice.",
                where=where,
                data=data,
            )
        if trained and _unrecorded_looks(case, runs):
            message = f"{trained} of {len(states)} further settings were trained. {_UNRECORDED}"
            return Judgement.needs_ta(message, where=where, data=data)
        message = (
            f"{trained} of {len(states)} further settings were trained, without a look at the test data."
        )
        bare = [name for name in self._without_plot(case) if runs_in(case, (name,))]
        if bare or "unsure" in states:
            missing = len(bare) / len(states) / 2
            text = " ".join([message, *_open_words(case, bare, "unsure" in states)])
            judgement = Judgement.needs_ta(text, share=share - missing, where=where, data=data)
            waiting = states.count("unsure") / len(states) + missing
            return judgement.model_copy(update={"open_share": waiting})
        if trained == len(states):
            return Judgement.passed(message, where=where, data=data)
        if trained:
            return Judgement.partial(share, message, where=where, data=data)
        return Judgement.failed("No further settings were trained.", data=data)

    def _without_plot(self, case: Case) -> list[str]:
        """Sections that are to show a plot and have none."""
        asked = self.sections if self.curves else ()
        return [name for name in asked if not any(map(_shows_plot, case.section_cells(name)))]

    def _data(self, case: Case, runs: tuple[TrainingRun, ...], looks: list[EvaluationPass]) -> dict[str, Any]:
        sources = by_token(case.evidence.training)
        return {
            "settings": [settings_of(run, sources) for run in runs],
            "looks_at_test": [{"cell": look.cell, "after_run": look.after_run} for look in looks],
        }


def _state(case: Case, section: str) -> State:
    if runs_in(case, (section,)):
        return "trained"
    if nothing_handed_in(case, section):
        return "nothing"
    cells = case.section_cells(section)
    failed = any(cell.run is not None and cell.run.status != "ok" for cell in cells)
    return "unsure" if failed or training_unknown(case) or not cells else "nothing"


def _open_words(case: Case, bare: list[str], unsure: bool) -> list[str]:
    """What waits for a TA, in sentences."""
    titles = " and ".join(f"'{case.sections[name].title}'" for name in bare)
    plots = [f"No plot was found in {titles}: a TA looks for the curves."] if bare else []
    return [*(["Not all ran."] if unsure else []), *plots]


def _shows_plot(cell: CellRecord) -> bool:
    """Whether a cell shows a picture; copies of a notebook may have lost what it looked like."""
    ours = cell.run.outputs if cell.run is not None else ()
    outputs = (*ours, *cell.submitted.outputs)
    return any(
        output.kind == "display_data" or any(kind.startswith("image/") for kind in output.data)
        for output in outputs
    )


def _early_looks(case: Case, runs: tuple[TrainingRun, ...]) -> list[EvaluationPass]:
    """Evaluations of test data before the last of these runs began."""
    test_data = TestData(case.evidence.training)
    return [look for look in _looks_before(case, runs) if test_data.likeness(look.source) == "test"]


def _unrecorded_looks(case: Case, runs: tuple[TrainingRun, ...]) -> list[EvaluationPass]:
    """Evaluations before the last of these runs began, on data of which nothing was recorded."""
    test_data = TestData(case.evidence.training)
    return [look for look in _looks_before(case, runs) if test_data.is_unrecorded(look.source)]


def _looks_before(case: Case, runs: tuple[TrainingRun, ...]) -> list[EvaluationPass]:
    last = max((run.order for run in runs), default=0)
    return [look for look in case.evidence.training.evaluations if look.order < last]
