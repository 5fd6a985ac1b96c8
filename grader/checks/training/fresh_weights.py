"""Whether every training run started from fresh weights, as the student ran it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from grader.facts.case import Case
from grader.facts.fields import SectionName
from grader.facts.known import Known, Unknown, every
from grader.facts.training.runs import where_of
from grader.facts.training.seen import no_training, ran, whole_history
from grader.facts.training.settings import Setting
from grader.facts.training.starts import Concern, Starts, starts_of
from grader.facts.training.story import FirstEpoch
from grader.judging.asked_runs import judge_asked
from grader.judging.check import Check, Early
from grader.judging.judgement import Judgement
from grader.judging.nothing import nothing_in_any
from grader.judging.starts import (
    accusation,
    advice_on,
    doubtful_places,
    doubts_told,
    places_of,
    timeline,
)

__all__ = ["FreshWeights"]


class FreshWeights(Check):
    """Finds training runs that go on from weights which an earlier run trained.

    A run is a carry-over where at least `threshold` of its trainable parameter tensors equal, by value,
    those at the end of an earlier run; so loading trained weights into a new object counts, and building
    the net again, resetting its parameters or loading the initial state does not. Weights that follow trained
    ones without being equal (scaled, given noise, filters in another order), that compute what a trained
    network computes, that a step put there, or that moved on from a run's end in no training that was seen,
    go to a TA. The notebook was run from top to bottom: where the submitted execution counts or outputs
    tell that the student's own order was another, both stories go to a TA and nobody is accused. The same
    holds where the object may not have been rebuilt only because a cell between the two runs failed, and
    where one training may have gone on with another optimizer: within one statement, or with layers
    frozen or set free in between.

    Fields: `sections` limits the runs looked at; `warm_starts` names sections in which going on is intended;
    `must_train` lists settings that have to be among the runs, from fresh weights: each is an equal part of
    the points, and a carry-over in any other run leaves half of them at most;
    `first_epoch` tells from a printed first value of the learning curve whether a run was fresh.
    """

    example: ClassVar[str] = """\
- id: fresh-weights
  title: Both nets are trained from fresh weights
  points: 2
  check: fresh_weights
  must_train:
    - {model: [small_net, SmallNet], learning_rate: 0.01, batch_size: 64}
    - {model: [large_net, LargeNet], learning_rate: 0.01, batch_size: 64}
  first_epoch: {pattern: 'Epoch 1: Train err: ([0-9.]+)', fresh_at_least: 0.41, carried_at_most: 0.34}
"""

    early: ClassVar[Early] = "outcome"

    check: Literal["fresh_weights"] = "fresh_weights"
    sections: tuple[SectionName, ...] = ()
    warm_starts: tuple[SectionName, ...] = ()
    threshold: float = Field(default=0.5, gt=0, le=1)
    must_train: tuple[Setting, ...] = ()
    first_epoch: FirstEpoch | None = None

    def judge(self, case: Case) -> Judgement:
        starts = starts_of(
            case,
            Concern(self.sections, self.warm_starts, self.threshold, self.must_train, self.first_epoch),
        )
        if self.must_train and starts.runs:
            return judge_asked(self.must_train, starts)
        certain = starts.certain
        kept = every(starts.of(run) for run in certain)
        if certain and isinstance(kept, Known):
            return Judgement.failed(
                accusation(certain, case),
                on=kept,
                where=places_of(certain, case),
                exhibits=(timeline(starts),),
                advice=advice_on(certain[0]),
            )
        if starts.reasons:
            return Judgement.needs_ta(
                "No run is known to have kept weights of an earlier one.",
                open=doubts_told(starts),
                where=doubtful_places(starts),
                exhibits=(timeline(starts, undetermined=True),),
            )
        return self._all_fresh(starts) if starts.runs else self._nothing_trained(case, starts)

    def _nothing_trained(self, case: Case, starts: Starts) -> Judgement:
        bare = nothing_in_any(case, self.sections)
        if bare is not None:
            return bare.model_copy(update={"exhibits": (timeline(starts),)})
        unsure = (timeline(starts, undetermined=True),)
        if case.evidence.training.runs:
            text = "No training was seen in this part, only elsewhere."
            why = "It may belong to this part."
            where = where_of(case.evidence.training.runs)
            return Judgement.needs_ta(text, open=why, where=where, exhibits=unsure)
        nothing = no_training(case)
        if isinstance(nothing, Known) and not self._stored_outputs_show_training(case):
            return Judgement.failed(
                "No network was trained in this notebook.", on=nothing, exhibits=(timeline(starts),)
            )
        why = nothing.why if isinstance(nothing, Unknown) else "the outputs handed in show a training"
        text = "No training was seen in our run."
        return Judgement.needs_ta(text, open=f"There may have been one: {why}.", exhibits=unsure)

    def _stored_outputs_show_training(self, case: Case) -> bool:
        """Whether they do, or may where not all of them were kept."""
        pattern = self.first_epoch
        return pattern is not None and any(
            pattern.values(cell) or cell.submitted.cut for cell in case.evidence.cells
        )

    def _all_fresh(self, starts: Starts) -> Judgement:
        count = len(starts.runs)
        text = f"{count} training run{'s' if count != 1 else ''}, each started from fresh weights"
        fresh, whole = every(starts.of(run) for run in starts.runs), whole_history(starts.case)
        there = ran(starts.case, self.sections)
        if isinstance(fresh, Known) and isinstance(whole, Known) and isinstance(there, Known):
            return Judgement.passed(f"{text}.", on=fresh, exhibits=(timeline(starts),))
        why = there.why if isinstance(there, Unknown) else "our run ended before the last cell"
        return Judgement.needs_ta(
            f"{text}.",
            open=f"There may be further runs: {why}.",
            where=where_of(starts.runs),
            exhibits=(timeline(starts, undetermined=True),),
        )
