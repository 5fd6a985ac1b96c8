"""Whether further settings were tried, and chosen without a look at the test data."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from grader.evidence.training import EvaluationPass, TrainingRun
from grader.facts.case import Case
from grader.facts.fields import SectionName
from grader.facts.known import Fact, Unknown, every, sure
from grader.facts.notebook import shows_plot
from grader.facts.training.looks import early_looks, trained_on_test, unrecorded_looks
from grader.facts.training.runs import by_token, in_cells, settings_of, where_of
from grader.facts.training.seen import claimed_runs, trains
from grader.facts.training.unfollowed import followed
from grader.judging.check import Check, Early
from grader.judging.exhibits import DataLanes, Exhibit, Look, Table
from grader.judging.judgement import Judgement

__all__ = ["ValidationSelection"]

_UNRECORDED = "More data were used than were recorded, so whether test data guided the choice is not known."


class ValidationSelection(Check):
    """Looks for a training run in each of some sections, and for test data used before the last of them.

    Each section is an equal part of the points. A training above a section's heading, in the part that both
    belong to and in no section that is asked for one, counts where the section has code but trains nothing.
    Test data that were evaluated before the last of these runs may have guided the choice: a TA decides, and
    so where one of the runs was trained on them. With
    `curves` half of a section's part waits for a TA where it trains a network and no cell of it shows a plot,
    in our run or in the file handed in.

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

    early: ClassVar[Early] = "outcome"

    check: Literal["validation_selection"] = "validation_selection"
    sections: tuple[SectionName, ...] = Field(min_length=1)
    curves: bool = False

    def judge(self, case: Case) -> Judgement:
        judged = (check for check in case.peers if check.check != "manual")
        asked = {name for check in judged for name in check.section_names()}
        claimed = claimed_runs(case, self.sections, asked)
        states = [trains(case, section, claimed[section]) for section in self.sections]
        runs = tuple(run for section in self.sections for run in claimed[section])
        looks = early_looks(case, runs)
        trained = sum(sure(state) is not None for state in states)
        share = trained / len(states)
        more: dict[str, Any] = {"where": where_of(runs), "exhibits": self._shown(case, runs, looks)}
        told = f"{trained} of {len(states)} further settings were trained"
        if trained and looks:
            return Judgement.needs_ta(
                f"{told}, but test data were evaluated in cell {looks[0].cell}, before the last of them.",
                open="They may have guided the choice.",
                **more,
            )
        on_test = trained_on_test(case, runs)
        if on_test:
            cells = in_cells(run.cell for run in on_test)
            text = f"{told}, but on test data, {cells}."
            return Judgement.needs_ta(text, open="They are for the end.", **more)
        if trained and unrecorded_looks(case, runs):
            return Judgement.needs_ta(f"{told}.", open=_UNRECORDED, **more)
        hidden = followed(case, runs)
        if trained and isinstance(hidden, Unknown):
            return Judgement.needs_ta(f"{told}.", open=f"But {hidden.why}.", **more)
        message = f"{told}, without a look at the test data."
        bare = [name for name in self._without_plot(case) if claimed[name]]
        settled = every(states)
        if bare or isinstance(settled, Unknown):
            missing = len(bare) / len(states) / 2
            why = _open_words(case, bare, settled)
            waits = sum(isinstance(state, Unknown) for state in states) / len(states) + missing
            return Judgement.needs_ta(message, open=why, share=share - missing, open_share=waits, **more)
        if trained:
            return Judgement.earned(share, message, on=settled, **more)
        return Judgement.failed("No further settings were trained.", on=settled, exhibits=more["exhibits"])

    def _without_plot(self, case: Case) -> list[str]:
        """Sections that are to show a plot and have none."""
        asked = self.sections if self.curves else ()
        return [name for name in asked if not any(map(shows_plot, case.section_cells(name)))]

    def _shown(
        self, case: Case, runs: tuple[TrainingRun, ...], looks: list[EvaluationPass]
    ) -> tuple[Exhibit, ...]:
        sources = by_token(case.evidence.training)
        early = tuple(Look(cell=look.cell, after_run=look.after_run) for look in looks)
        settings = Table.of("settings", [settings_of(run, sources) for run in runs])
        return (DataLanes(looks_at_test=early), settings)


def _open_words(case: Case, bare: list[str], settled: Fact[object]) -> str:
    """What waits for a TA, in sentences."""
    titles = " and ".join(f"'{case.sections[name].title}'" for name in bare)
    plots = [f"No plot of the curves was found in {titles}."] if bare else []
    missed = [f"There may be more trainings: {settled.why}."] if isinstance(settled, Unknown) else []
    return " ".join([*missed, *plots])
