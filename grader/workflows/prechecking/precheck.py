"""The pre-check: what a rubric marks public, looked at in one notebook before it is handed in.

The notebook runs as it would when it counts, by a plan of the public criteria alone: what is not public is
not even measured. Nothing that a pre-check says holds an expected value or a hidden input.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from grader.evidence.codec import Bundle
from grader.evidence.plan import Plan
from grader.evidence.record import CellRecord, Outcome
from grader.facts.case import Reference
from grader.grading.grade import grade
from grader.grading.points import add_up
from grader.grading.verdict import Finding
from grader.judging.exhibits import Pair, exhibit_of
from grader.judging.judgement import Status
from grader.reporting.cells import cells_by_name
from grader.reporting.how_it_ran import notebook_facts
from grader.reporting.text import clean, plain, shortened
from grader.rubric.model import Criterion
from grader.rubric.plan import plan_for
from grader.rubric.public import public_part, told_early
from grader.store.rubrics import LoadedRubric
from grader.workflows.views.cells import place_name

__all__ = [
    "Looked",
    "PreCheck",
    "Seems",
    "pre_checked",
    "pre_checked_unread",
    "precheck_plan",
    "told_of",
    "without_rest",
]

Seems = Literal["as asked", "in part", "not as asked", "cannot be told"]

_SEEMS: dict[Status, Seems] = {
    Status.PASS: "as asked",
    Status.PARTIAL: "in part",
    Status.FAIL: "not as asked",
}
_FOUND_CHARACTERS = 300


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Looked(_Told):
    """One public criterion, as far as it may be told.

    Attributes:
        found: What the notebook has, where that is a value; never what was expected.
        words: What the check says; empty where its words name what is expected.
        places: Cells and lines to look at, by name.
    """

    criterion: str
    title: str
    points: float
    seems: Seems
    found: str = ""
    words: str = ""
    places: tuple[str, ...] = ()
    asks: str = ""
    hint: str = ""


class PreCheck(_Told):
    """What a pre-check saw, in words for the student. It is no mark, and no part of one.

    Attributes:
        problem: Why the file could not be taken, and what to do; nothing was run then.
        run: How the run went, in a sentence.
        detail: One line on it.
        facts: More of it, one clause each.
        looked: The public criteria in the rubric's order.
        later: How many other criteria are judged once the work was handed in, with their points.
    """

    assignment: str
    title: str
    outcome: Outcome
    problem: str = ""
    run: str = ""
    detail: str = ""
    facts: tuple[str, ...] = ()
    looked: tuple[Looked, ...] = ()
    later: int = Field(default=0, ge=0)
    later_points: float = 0.0
    out_of: float = 0.0

    @property
    def all_well(self) -> bool:
        """Whether the notebook ran through and nothing that was looked at stands against it."""
        against = any(each.seems in ("in part", "not as asked") for each in self.looked)
        return not self.problem and self.outcome is Outcome.COMPLETED and not against

    @property
    def limits(self) -> tuple[str, ...]:
        """What a pre-check cannot tell, one sentence each."""
        said = ["This is no mark. What you hand in is run and judged anew, and that counts."]
        if self.later:
            these = "1 other criterion" if self.later == 1 else f"{self.later} other criteria"
            points = f"{self.later_points:g} of {self.out_of:g} points"
            are = "is" if self.later == 1 else "are"
            said.append(f"{these} ({points}) {are} judged only once you have handed in.")
        if any(each.seems == "cannot be told" for each in self.looked):
            said.append("Where it cannot be told, a TA would look; no points are lost by that.")
        return tuple(said)


def precheck_plan(loaded: LoadedRubric, *, training: str | None = None, cuda: bool = False) -> Plan:
    """What the sandbox is asked to do: all that the public criteria need, and nothing else."""
    public = public_part(loaded.rubric)
    asked = public.training.model_copy(update={"mode": training}) if training else None
    return plan_for(public, training=asked, cuda=cuda)


def pre_checked(
    bundle: Bundle, loaded: LoadedRubric, reference: Reference, cells: Sequence[CellRecord]
) -> PreCheck:
    """What may be told of a run by `precheck_plan`.

    Args:
        bundle: Its evidence.
        loaded: The whole rubric.
        reference: The course's own answers, of which nothing is told.
        cells: Of the file, as its author wrote them.
    """
    public = public_part(loaded.rubric)
    return told_of(grade(public, bundle, reference, loaded.handout).findings, bundle, loaded, cells)


def told_of(
    findings: Sequence[Finding], bundle: Bundle, loaded: LoadedRubric, cells: Sequence[CellRecord]
) -> PreCheck:
    """What may be told of findings by the public part of a rubric.

    Args:
        findings: One of each public criterion, in the rubric's order.
        bundle: The evidence that they are of.
        loaded: The whole rubric.
        cells: Of the file, as its author wrote them.
    """
    public = public_part(loaded.rubric)
    outcome, detail = bundle.evidence.outcome, bundle.evidence.outcome_detail
    run = notebook_facts(bundle, outcome, detail, loaded.given_cells(bundle.evidence.cells))
    return _about(
        loaded,
        outcome,
        run=clean(run.sentence),
        detail=clean(run.detail),
        facts=run.facts,
        looked=tuple(
            _looked(finding, criterion, cells)
            for finding, criterion in zip(findings, public.criteria, strict=True)
        ),
    )


def without_rest(seen: PreCheck) -> PreCheck:
    """The same without how many other criteria there are, and what they are worth."""
    return seen.model_copy(update={"later": 0, "later_points": 0.0, "out_of": 0.0})


def pre_checked_unread(loaded: LoadedRubric, problem: str) -> PreCheck:
    """Of a file that is no notebook: what is wrong with it, and nothing else."""
    return _about(loaded, Outcome.INVALID_SUBMISSION, problem=clean(problem))


def _about(loaded: LoadedRubric, outcome: Outcome, **more: object) -> PreCheck:
    rubric = loaded.rubric
    later = [criterion for criterion in rubric.criteria if not criterion.public]
    told: dict[str, object] = {
        "assignment": rubric.assignment,
        "title": rubric.title,
        "outcome": outcome,
        "later": len(later),
        "later_points": add_up(criterion.points for criterion in later),
        "out_of": rubric.total,
    }
    return PreCheck.model_validate({**told, **more})


def _looked(finding: Finding, criterion: Criterion, cells: Sequence[CellRecord]) -> Looked:
    by_name: Callable[[str], str] = lambda text: clean(cells_by_name(text, cells))  # noqa: E731
    pair = exhibit_of(finding.exhibits, Pair)
    found = "" if pair is None or pair.found is None else shortened(plain(pair.found), _FOUND_CHARACTERS)
    # A fault of ours has words for course staff only.
    in_words = told_early(criterion) == "words" and finding.status not in (
        Status.CHECK_ERROR,
        Status.MISSING_EVIDENCE,
    )
    return Looked(
        criterion=criterion.id,
        title=criterion.title,
        points=criterion.points,
        seems=_SEEMS.get(finding.status, "cannot be told"),
        found=clean(found),
        words=by_name(finding.told) if in_words else "",
        places=tuple(dict.fromkeys(clean(place_name(cells, place)) for place in finding.where)),
        asks=criterion.asks,
        hint=criterion.hint,
    )
