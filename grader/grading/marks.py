"""The marks that count now: a verdict, and on top of it what people decided. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from grader.grading.scoring import add_up
from grader.grading.verdict import Finding, Verdict

__all__ = ["CriterionMark", "Decision", "Mark", "mark_of", "standing_decisions"]


@dataclass(frozen=True)
class Decision:
    """Points that a person gave for one criterion, as the history holds them.

    Attributes:
        seq: Its place in the history; a later decision wins.
        points: None takes back what was decided before, so that the verdict counts again.
        request: The remark request that it answers, None for a TA's own mark.
    """

    seq: int
    criterion: str
    points: float | None
    by: str
    at: datetime
    why: str
    request: int | None = None


@dataclass(frozen=True)
class CriterionMark:
    """Points that count for one criterion, and why: its finding, and the decision that overrides it."""

    finding: Finding
    decision: Decision | None

    @property
    def criterion(self) -> str:
        return self.finding.criterion

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


@dataclass(frozen=True)
class Mark:
    """A student's mark. ``points + pending <= out_of`` always."""

    criteria: tuple[CriterionMark, ...]

    @property
    def points(self) -> float:
        return add_up(criterion.points for criterion in self.criteria)

    @property
    def out_of(self) -> float:
        return add_up(criterion.out_of for criterion in self.criteria)

    @property
    def pending(self) -> float:
        return add_up(criterion.pending for criterion in self.criteria)

    def criterion(self, name: str) -> CriterionMark | None:
        return next((criterion for criterion in self.criteria if criterion.criterion == name), None)


def mark_of(verdict: Verdict, decisions: Iterable[Decision]) -> Mark:
    """Computes the mark that counts.

    Args:
        verdict: The newest one. Judging again changes it and leaves decisions as they are.
        decisions: All that were ever made, in any order. Those on criteria that the rubric no longer has
            stay in the history and count for nothing.
    """
    standing = standing_decisions(decisions)
    return Mark(tuple(CriterionMark(item, standing.get(item.criterion)) for item in verdict.findings))


def standing_decisions(decisions: Iterable[Decision]) -> dict[str, Decision]:
    """The newest decision on each criterion; one that was taken back is none."""
    newest: dict[str, Decision] = {}
    for decision in sorted(decisions, key=lambda decision: decision.seq):
        newest[decision.criterion] = decision
    return {name: decision for name, decision in newest.items() if decision.points is not None}
