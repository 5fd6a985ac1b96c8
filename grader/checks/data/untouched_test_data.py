"""Whether test data stayed out of training and out of the choice of settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import Field

from grader.evidence.training import EvaluationPass, TrainingRun
from grader.facts.case import Case
from grader.facts.fields import Where
from grader.facts.notebook import own_cell_failed, stopped_early
from grader.facts.training.data_use import Likeness, TestData
from grader.facts.training.runs import in_cells, object_name, runs_in
from grader.judging.check import Check
from grader.judging.judgement import Judgement
from grader.judging.nothing import nothing_handed_in

__all__ = ["TestSetUntouched"]

_NAMED_TEST = "By its name test data were used before the end; a TA looks whether they are."
_UNRECORDED = (
    "More data were used than were recorded, so whether test data were among them is not known; a TA looks."
)

Used = TypeVar("Used", TrainingRun, EvaluationPass)


class TestSetUntouched(Check):
    """Finds test data that a network was trained on, or that settings were chosen on.

    Settings are chosen on test data where it is evaluated in the course of a run of the `tuning` sections, or
    there after more runs than `allowed_evaluations`. Where only a name suggests that data are test data, a TA
    decides.

    Fields: `tuning` names the sections in which settings are chosen; `allowed_evaluations` is how many of
    their runs may be followed by a look at the test data.
    """

    __test__: ClassVar[bool] = False  # no test class, whatever pytest makes of its name

    example: ClassVar[str] = """\
- id: test-set-untouched
  title: The test set is kept for the end
  points: 2
  check: test_set_untouched
  allowed_evaluations: 1
"""

    check: Literal["test_set_untouched"] = "test_set_untouched"
    tuning: tuple[str, ...] = ()
    allowed_evaluations: int = Field(default=1, ge=0)

    def section_names(self) -> tuple[str, ...]:
        return self.tuning

    def judge(self, case: Case) -> Judgement:
        history = case.evidence.training
        test_data = TestData(history)
        if not history.runs:
            return _nothing_trained(case, self.tuning)
        trained = _by_likeness((run, test_data.likeness(run.source)) for run in history.runs)
        tuned = self._tuned_on_test(case, test_data)
        data = _describe(trained["test"], tuned["test"])
        if trained["test"] or tuned["test"]:
            names = {test_data.name(look.source, _code(look, case)) for look in tuned["test"]}
            return _misuse(trained["test"], tuned["test"], names, data)
        if trained["unsure"] or tuned["unsure"]:
            where = _where([*trained["unsure"], *tuned["unsure"]])
            tokens = [used.source for used in trained["unsure"]] + [used.source for used in tuned["unsure"]]
            lost = all(map(test_data.is_unrecorded, tokens))
            message = _UNRECORDED if lost else _NAMED_TEST
            return Judgement.needs_ta(message, where=where, data=data)
        if stopped_early(case):
            message = "No test data were misused in our run, but it ended before the last cell."
            return Judgement.needs_ta(message, data=data)
        if not history.complete:
            message = "No test data were misused as far as was recorded, but the record is not complete."
            return Judgement.needs_ta(message, data=data)
        return Judgement.passed("No test data in training or in the choice of settings.", data=data)

    def _tuned_on_test(self, case: Case, test_data: TestData) -> dict[Likeness, list[EvaluationPass]]:
        """Looks at test data during the runs that settings were chosen by."""
        tuning = {run.index: run for run in runs_in(case, self.tuning)}
        cells = {cell for section in self.tuning for cell in case.alignment.cells_of(section)}
        looks = [
            (look, test_data.likeness(look.source))
            for look in case.evidence.training.evaluations
            if look.after_run in tuning and (look.cell in cells or _within(look, tuning[look.after_run]))
        ]
        found = _by_likeness(looks)
        return {likeness: self._beyond_allowed(passes) for likeness, passes in found.items()}

    def _beyond_allowed(self, looks: list[EvaluationPass]) -> list[EvaluationPass]:
        """Looks at test data that repeat within a run, or follow more runs than are allowed."""
        of_run: dict[int | None, int] = {}
        for look in looks:
            of_run[look.after_run] = of_run.get(look.after_run, 0) + look.passes
        repeated = [look for look in looks if of_run[look.after_run] > 1]
        return looks if len(of_run) > self.allowed_evaluations else repeated


def _by_likeness(
    judged: Iterable[tuple[Used, Likeness]],
) -> dict[Likeness, list[Used]]:
    found: dict[Likeness, list[Used]] = {"test": [], "unsure": [], "other": []}
    for used, likeness in judged:
        found[likeness].append(used)
    return found


def _within(look: EvaluationPass, run: TrainingRun) -> bool:
    """Whether a look at data happened in the cells that trained."""
    last = run.last_cell if run.last_cell is not None else run.cell
    return (
        look.cell is not None and run.cell is not None and last is not None and run.cell <= look.cell <= last
    )


def _misuse(
    trained: list[TrainingRun], tuned: list[EvaluationPass], names: set[str], data: dict[str, Any]
) -> Judgement:
    """The judgement on misused test data, called `names` where settings were chosen on them."""
    reasons, advice = [], []
    for name in dict.fromkeys(object_name(run.model) for run in trained):
        cells = in_cells(run.cell for run in trained if object_name(run.model) == name)
        reasons.append(f"`{name}` was trained on test data {cells}.")
    if trained:
        advice.append("Evaluate the trained network on the test set; do not train a new one on it.")
    if tuned:
        cells, data_names = in_cells(look.cell for look in tuned), ", ".join(sorted(names))
        reasons.append(f"Test data ({data_names}) were evaluated while settings were chosen, {cells}.")
        advice.append("Choose settings on validation data and look at the test data once, at the end.")
    where = _where([*trained, *tuned])
    return Judgement.failed(" ".join(reasons), where=where, data=data, advice=" ".join(advice))


def _code(look: EvaluationPass, case: Case) -> str:
    return case.evidence.cells[look.cell].source if look.cell is not None else ""


def _nothing_trained(case: Case, tuning: tuple[str, ...]) -> Judgement:
    untouched = all(nothing_handed_in(case, section) for section in tuning)
    recorded = case.evidence.training.complete
    if not recorded or stopped_early(case) or own_cell_failed(case) or not untouched:
        return Judgement.needs_ta("No training was seen, so the use of the test data is not known.")
    return Judgement.failed("No network was trained, so there was nothing to keep apart.")


def _where(used: Iterable[TrainingRun | EvaluationPass]) -> tuple[Where, ...]:
    places = {(each.cell, each.line): None for each in used if each.cell is not None}
    return tuple(Where(cell=cell, line=line) for cell, line in places if cell is not None)


def _describe(trained: list[TrainingRun], tuned: list[EvaluationPass]) -> dict[str, Any]:
    return {
        "trained_on_test": [{"run": run.index, "cell": run.cell} for run in trained],
        "tuned_on_test": [
            {"after_run": look.after_run, "cell": look.cell, "passes": look.passes} for look in tuned
        ],
    }
