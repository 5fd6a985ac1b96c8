"""What a feedback report and a class summary are made from: plain, immutable, already decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from grader.evidence.codec import Bundle
from grader.evidence.record import Outcome
from grader.facts.case import Reference
from grader.grading.points import add_up
from grader.grading.verdict import Finding, Verdict
from grader.rubric.model import Criterion, Rubric

__all__ = ["Adjustment", "Decision", "ReportInput", "SummaryInput"]


@dataclass(frozen=True)
class Decision:
    """What a TA decided on one criterion; it replaces the finding's points and settles what was pending.

    Attributes:
        points: Points that count now.
        why: The reason, for the student.
        by: Who decided, as the student may see it; empty to leave it out.
    """

    points: float
    why: str
    by: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Adjustment:
    """A line of the mark that belongs to no criterion, such as lateness; `points` may be negative."""

    title: str
    points: float
    why: str = ""


@dataclass(frozen=True)
class ReportInput:
    """All that one feedback report shows. Equal inputs give equal bytes.

    Attributes:
        student: The submission's identifier, as in the folder of submissions.
        bundle: Evidence of the attempt; None where there is none (INVALID_SUBMISSION).
        outcome: Of the attempt; taken from the evidence where it is None.
        outcome_detail: One line on it; taken from the evidence where it is empty.
        name: The student's name, where a roster gives it.
        file: Name of the submitted file.
        attempt: Number of the attempt, from 1.
        decisions: By criterion id; only those that a TA decided.
        adjustments: Lines such as lateness, applied after the criteria.
        reference: The course's own networks, shown beside the student's; empty to leave them out.
        remarks_over: True once remark requests are settled: criteria with ``release: after_remarks``
            then show expected values.
        appendix: Whether the executed notebook is appended.
        made_at: When the report was made; left out where it is None.
        unchanged: Cells that are as the handout gave them, whose errors are not the student's.
        held: The file could not be taken, and no person has decided yet: there is no mark.
        contact: Whom a student can ask, as the course says it; empty where it does not.
    """

    student: str
    rubric: Rubric
    verdict: Verdict
    bundle: Bundle | None = None
    outcome: Outcome | None = None
    outcome_detail: str = ""
    name: str = ""
    file: str = ""
    attempt: int = 1
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    adjustments: tuple[Adjustment, ...] = ()
    reference: Reference = field(default_factory=Reference)
    remarks_over: bool = False
    appendix: bool = True
    made_at: datetime | None = None
    unchanged: frozenset[int] = frozenset()
    held: bool = False
    contact: str = ""

    @property
    def result(self) -> Outcome:
        """How the attempt ended."""
        if self.outcome is not None:
            return self.outcome
        return Outcome.INVALID_SUBMISSION if self.bundle is None else self.bundle.evidence.outcome

    @property
    def result_detail(self) -> str:
        if self.outcome_detail or self.bundle is None:
            return self.outcome_detail
        return self.bundle.evidence.outcome_detail

    @property
    def points(self) -> float:
        """The mark: criteria with their decisions, then adjustments; never below zero."""
        return _mark(self.verdict.findings, self.decisions, self.adjustments)

    @property
    def pending(self) -> float:
        """Points that still wait for a TA or for evidence."""
        return add_up(self.pending_of(finding) for finding in self.verdict.findings)

    def points_of(self, finding: Finding) -> float:
        decision = self.decisions.get(finding.criterion)
        return finding.points if decision is None else decision.points

    def pending_of(self, finding: Finding) -> float:
        return 0.0 if finding.criterion in self.decisions else finding.pending

    def criterion_of(self, finding: Finding) -> Criterion | None:
        """The rubric's line behind a finding; None where the rubric no longer has it."""
        return next((line for line in self.rubric.criteria if line.id == finding.criterion), None)

    def shows_expected(self, finding: Finding) -> bool:
        """Whether expected values of this finding may be shown yet."""
        criterion = self.criterion_of(finding)
        return self.remarks_over or criterion is None or criterion.release == "with_report"


@dataclass(frozen=True)
class SummaryInput:
    """One submission in the class summary.

    Attributes:
        name: The student's name, where one is known; only to keep it out of examples.
        held: The file could not be taken, and no person has decided yet: there is no mark.
        verdict: None where the submission was never judged.
        bundle: Gives the code line of examples; None leaves it out.
        wall_time_s: Of the attempt, by the host's clock; None where it is not known.
        decisions, adjustments: As in `ReportInput`.
    """

    student: str
    outcome: Outcome
    verdict: Verdict | None = None
    bundle: Bundle | None = None
    wall_time_s: float | None = None
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    adjustments: tuple[Adjustment, ...] = ()
    name: str = ""
    held: bool = False

    @property
    def points(self) -> float:
        """The mark, as in `ReportInput`; 0 where nothing was judged."""
        findings = self.verdict.findings if self.verdict else ()
        return _mark(findings, self.decisions, self.adjustments)

    @property
    def pending(self) -> float:
        findings = self.verdict.findings if self.verdict else ()
        return add_up(finding.pending for finding in findings if finding.criterion not in self.decisions)


def _mark(
    findings: Iterable[Finding], decisions: Mapping[str, Decision], adjustments: Iterable[Adjustment]
) -> float:
    """Criteria with their decisions, then adjustments; never below zero."""
    settled = add_up(
        decisions[finding.criterion].points if finding.criterion in decisions else finding.points
        for finding in findings
    )
    return max(0.0, add_up((settled, *(line.points for line in adjustments))))
