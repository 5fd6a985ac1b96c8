"""Whether test data stayed out of training and out of the choice of settings."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeVar

from pydantic import Field

from grader.evidence.training import EvaluationPass, TrainingRun
from grader.facts.case import Case
from grader.facts.fields import SectionName
from grader.facts.known import Fact, Known, Unknown, both, every, sure
from grader.facts.training.data_use import TestData, code_of
from grader.facts.training.looks import tuned_on_test, tuning_seen
from grader.facts.training.runs import in_cells, object_name, where_of
from grader.facts.training.seen import no_training, whole_history
from grader.facts.training.unfollowed import followed
from grader.judging.check import Check, Early
from grader.judging.exhibits import DataLanes, Look, Place
from grader.judging.judgement import Judgement
from grader.judging.nothing import nothing_handed_in

__all__ = ["TestSetUntouched"]

_NAMED_TEST = "By its name test data were used before the end."
_NO_MISUSE = "No test data were misused as far as was recorded."
_UNRECORDED = "More data were used than were recorded, so whether test data were among them is not known."

Used = TypeVar("Used", TrainingRun, EvaluationPass)


class TestSetUntouched(Check):
    """Finds test data that a network was trained on, or that settings were chosen on.

    Settings are chosen on test data where it is evaluated in the course of a run of the `tuning` sections,
    or there after more runs than `allowed_evaluations`. Where only a name suggests that data are test data,
    where code makes them into other data or uses them without a loader, or where none of `tuning` ran, a TA
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

    early: ClassVar[Early] = "words"

    check: Literal["test_set_untouched"] = "test_set_untouched"
    tuning: tuple[SectionName, ...] = ()
    allowed_evaluations: int = Field(default=1, ge=0)

    def judge(self, case: Case) -> Judgement:
        history = case.evidence.training
        test_data = TestData.of(case)
        if not history.runs:
            return _nothing_trained(case, self.tuning)
        trained = [(run, test_data.is_test(run.source, (run.cell, run.last_cell))) for run in history.runs]
        tuned = tuned_on_test(case, self.tuning, self.allowed_evaluations)
        lanes = _lanes(_on_test(trained), _on_test(tuned))
        known = every(fact for _, fact in (*trained, *tuned) if isinstance(fact, Known))
        if isinstance(known, Known) and any(known.value):
            names = {test_data.name(look.source, code_of(look, case)) for look in _on_test(tuned)}
            return _misuse(_on_test(trained), _on_test(tuned), names, known, lanes)
        untouched = every(fact for _, fact in (*trained, *tuned))
        if isinstance(untouched, Unknown):
            unsure: list[TrainingRun | EvaluationPass] = [
                run for run, fact in trained if not isinstance(fact, Known)
            ]
            unsure += [look for look, fact in tuned if isinstance(fact, Unknown)]
            lost = all(map(test_data.is_unrecorded, (used.source for used in unsure)))
            message = _NO_MISUSE if lost else _NAMED_TEST
            why = _UNRECORDED if lost else f"Whether they are test data is not known: {untouched.why}."
            return Judgement.needs_ta(message, open=why, where=where_of(unsure), exhibits=(lanes,))
        whole = both(whole_history(case), followed(case, history.runs))
        seen = both(whole, tuning_seen(case, self.tuning, self.allowed_evaluations))
        if isinstance(seen, Unknown):
            return Judgement.needs_ta(_NO_MISUSE, open=f"But {seen.why}.", exhibits=(lanes,))
        message = "No test data in training or in the choice of settings."
        return Judgement.passed(message, on=untouched, exhibits=(lanes,))


def _on_test(used: list[tuple[Used, Fact[bool]]]) -> list[Used]:
    return [each for each, fact in used if sure(fact)]


def _misuse(
    trained: list[TrainingRun],
    tuned: list[EvaluationPass],
    names: set[str],
    on: Known[tuple[bool, ...]],
    lanes: DataLanes,
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
    where = where_of([*trained, *tuned])
    return Judgement.failed(" ".join(reasons), on=on, where=where, exhibits=(lanes,), advice=" ".join(advice))


def _nothing_trained(case: Case, tuning: tuple[str, ...]) -> Judgement:
    nothing = no_training(case)
    untouched = all(nothing_handed_in(case, section) for section in tuning)
    if isinstance(nothing, Known) and untouched:
        text = "No network was trained, so there was nothing to keep apart."
        return Judgement.failed(text, on=nothing, exhibits=(DataLanes(),))
    why = nothing.why if isinstance(nothing, Unknown) else "something stands where settings are chosen"
    message = "No training was seen, so the use of the test data is not known."
    return Judgement.needs_ta(message, open=f"There may have been one: {why}.", exhibits=(DataLanes(),))


def _lanes(trained: list[TrainingRun], tuned: list[EvaluationPass]) -> DataLanes:
    return DataLanes(
        trained_on_test=tuple(Place(run=run.index, cell=run.cell) for run in trained),
        looks_at_test=tuple(
            Look(after_run=look.after_run, cell=look.cell, passes=look.passes) for look in tuned
        ),
    )
