"""The mark that counts now: a verdict, what people decided on top of it, and lateness. Pure arithmetic.

Pages, commands, exports and summaries all ask this one object; none of them adds up points.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from grader.grading.late import HandedIn, LateLine, late_line
from grader.grading.points import add_up, less, settled_points
from grader.grading.verdict import Finding, Verdict
from grader.judging.exhibits import Prompt, exhibit_of
from grader.judging.judgement import Status
from grader.rubric.model import LatePolicy

__all__ = [
    "MARKED",
    "Adjustment",
    "CriterionMark",
    "Decision",
    "Mark",
    "mark_of",
    "not_undone",
    "standing_decisions",
    "undone",
]


@dataclass(frozen=True)
class Decision:
    """Points that a person gave for one criterion, as the history holds them.

    Attributes:
        seq: Its place in the history; a later decision wins.
        points: None takes a TA's own marks back, so that what was before them counts again.
        request: The remark request that it answers, None for a TA's own mark.
        undoes: An earlier decision, by its number, that this one undoes and says nothing more.
        alike: Submissions that one decision was about.
        out_of: What the criterion was worth when it was given; None where nobody knows any more.
    """

    seq: int
    criterion: str
    points: float | None
    by: str
    at: datetime
    why: str
    request: int | None = None
    undoes: int | None = None
    alike: int = 1
    out_of: float | None = None


#: In place of a finding's status, where a person has decided.
MARKED = "MARKED"


@dataclass(frozen=True)
class CriterionMark:
    """Points that count for one criterion, and why: its finding, and the decision that overrides it.

    Attributes:
        earlier: A decision that was given when the criterion was worth another number of points. It does not
            count, and the finding says that a person has to decide again.
    """

    finding: Finding
    decision: Decision | None
    earlier: Decision | None = None

    @property
    def criterion(self) -> str:
        return self.finding.criterion

    @property
    def status(self) -> str:
        """The finding's, or MARKED: what a program could not tell is settled once a person has decided."""
        return self.finding.status.value if self.decision is None else MARKED

    @property
    def told(self) -> str:
        """What is said of it; a question to a person is none any more once a person has answered it."""
        if self.decision is None:
            return self.finding.told
        asked = exhibit_of(self.finding.exhibits, Prompt) is not None
        return "" if asked and self.finding.status is Status.NEEDS_TA else self.finding.message

    @property
    def out_of(self) -> float:
        return self.finding.out_of

    @property
    def points(self) -> float:
        """What the person decided, cut to what the criterion is worth now; else what the verdict says."""
        if self.decision is None or self.decision.points is None:
            return self.finding.points
        return max(0.0, min(self.decision.points, self.out_of))

    @property
    def pending(self) -> float:
        """Points that wait: none once a person has decided."""
        return self.finding.pending if self.decision is None else 0.0

    @property
    def lost(self) -> float:
        """Points that are neither earned nor open."""
        return less(self.out_of, self.points, self.pending)


@dataclass(frozen=True)
class Adjustment:
    """A line of the mark that belongs to no criterion, such as lateness; `points` are 0 or negative."""

    title: str
    points: float
    why: str


@dataclass(frozen=True)
class Mark:
    """A student's mark. ``points + pending <= out_of`` always.

    Attributes:
        verdict: That it stands on.
        criteria: Each with its decision, in the verdict's order.
        late: What handing in late took off, as a line of its own; None for work in time.
        not_taken: Why the file could not be taken; empty where it could.
    """

    verdict: Verdict
    criteria: tuple[CriterionMark, ...]
    late: LateLine | None = None
    not_taken: str = ""

    @cached_property
    def earned(self) -> float:
        """Points of all criteria, before lateness."""
        return add_up(criterion.points for criterion in self.criteria)

    @property
    def adjustments(self) -> tuple[Adjustment, ...]:
        """Lines that follow the criteria."""
        return (Adjustment("Late", 0 - self.late.points, self.late.why),) if self.late else ()

    @cached_property
    def points(self) -> float:
        return less(self.earned, *(-line.points for line in self.adjustments))

    @cached_property
    def out_of(self) -> float:
        return add_up(criterion.out_of for criterion in self.criteria)

    @cached_property
    def pending(self) -> float:
        return add_up(criterion.pending for criterion in self.criteria)

    @property
    def shown(self) -> float | None:
        """Points as lists show them; see `settled_points`."""
        return settled_points(self.points, self.out_of, self.pending)

    @property
    def held(self) -> str:
        """Why the mark waits for a person's word on every criterion; empty where it does not."""
        settled = all(criterion.decision for criterion in self.criteria if criterion.out_of)
        return "" if settled else self.not_taken

    def criterion(self, name: str) -> CriterionMark | None:
        return next((criterion for criterion in self.criteria if criterion.criterion == name), None)


def mark_of(
    verdict: Verdict,
    decisions: Iterable[Decision],
    handed_in: HandedIn | None = None,
    *,
    late: LatePolicy | None = None,
    not_taken: str = "",
) -> Mark:
    """Computes the mark that counts.

    Args:
        verdict: The newest one. Judging again changes it and leaves decisions as they are.
        decisions: All that were ever made, in any order. Those on criteria that the rubric no longer has
            stay in the history and count for nothing; those on a criterion that is worth another number of
            points now wait for a person.
        handed_in: When the work came; None leaves lateness out.
        late: What handing in late costs this student, where that is not what the verdict says.
        not_taken: Why the file could not be taken (see `grader.grading.held`).
    """
    standing = standing_decisions(decisions)
    criteria = tuple(_counted(item, standing.get(item.criterion)) for item in verdict.findings)
    mark = Mark(verdict, criteria, not_taken=not_taken)
    policy = late or verdict.late
    if policy is None or handed_in is None:
        return mark
    return replace(mark, late=late_line(policy, handed_in, mark.earned, mark.out_of))


def _counted(finding: Finding, decision: Decision | None) -> CriterionMark:
    """A decision counts where the criterion is worth what it was worth then.

    Half of four points says nothing of how many of one were meant, so nothing is taken over or scaled.
    """
    worth = finding.out_of
    if decision is None or decision.out_of in (None, worth) or not worth:
        return CriterionMark(finding, decision)
    again = (
        f"A TA gave {decision.points:g} when this was worth {_points(decision.out_of)}; it is worth"
        f" {_points(worth)} now, so the points wait to be given again."
    )
    asked = {
        "status": Status.NEEDS_TA,
        "points": 0.0,
        "pending": worth,
        "open": f"{finding.open} {again}".strip(),
    }
    return CriterionMark(finding.model_copy(update=asked), None, earlier=decision)


def _points(number: float | None) -> str:
    return f"{number:g} point" if number == 1 else f"{number:g} points"


def standing_decisions(decisions: Iterable[Decision]) -> dict[str, Decision]:
    """The newest decision on each criterion, of those that were not undone.

    Taking back reaches as far as the answer to the last remark request, which only another request changes.
    """
    standing: dict[str, Decision] = {}
    answers: dict[str, Decision] = {}
    for decision in not_undone(decisions):
        name = decision.criterion
        if decision.request is not None:
            answers[name] = decision
        if decision.points is not None:
            standing[name] = decision
        elif name in answers:
            standing[name] = answers[name]
        else:
            standing.pop(name, None)
    return standing


def not_undone(decisions: Iterable[Decision]) -> list[Decision]:
    """Decisions without those that were undone and those that undid them, oldest first."""
    made = sorted(decisions, key=lambda decision: decision.seq)
    gone = undone(made)
    return [decision for decision in made if decision.undoes is None and decision.seq not in gone]


def undone(decisions: Iterable[Decision]) -> frozenset[int]:
    """Numbers of the decisions that a later one undid; what undid something can be undone itself."""
    gone: set[int] = set()
    for decision in sorted(decisions, key=lambda decision: decision.seq, reverse=True):
        if decision.undoes is not None and decision.seq not in gone:
            gone.add(decision.undoes)
    return frozenset(gone)
