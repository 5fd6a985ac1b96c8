"""What a feedback report and a class summary are made from: plain, immutable, already decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from grader.evidence.codec import Bundle
from grader.evidence.photos import PhotoSet
from grader.evidence.record import Outcome
from grader.facts.case import Reference
from grader.grading.marks import Decision, Mark
from grader.grading.requests import State
from grader.grading.verdict import Finding
from grader.judging.exhibits import Shown
from grader.rubric.model import Criterion, Rubric

__all__ = ["RemarkNote", "ReportInput", "SummaryInput"]


@dataclass(frozen=True)
class RemarkNote:
    """A remark request, as the student who made it may read it.

    Attributes:
        criterion: Empty for a counting error, which concerns the sum.
        points_before: What counted when it was opened.
        answer: What a TA wrote who left the mark as it was; decisions carry their own words.
    """

    id: int
    criterion: str
    state: State
    asked_at: datetime
    reason: str
    points_before: float
    answer: str = ""


@dataclass(frozen=True)
class ReportInput:
    """All that one feedback report shows. Equal inputs give equal bytes.

    Attributes:
        student: The submission's identifier, as in the folder of submissions.
        mark: What counts: the verdict with decisions and lateness. A page never adds up points, and who
            decided is the course's business.
        bundle: Evidence of the attempt; None where there is none (INVALID_SUBMISSION).
        outcome: Of the attempt; taken from the evidence where it is None.
        outcome_detail: One line on it; taken from the evidence where it is empty.
        name: The student's name, where a roster gives it.
        file: Name of the submitted file.
        attempt: Number of the attempt, from 1.
        reference: The course's own networks, shown beside the student's; empty to leave them out.
        to_run: What the student can make again, by criterion, where points went.
        remarks_over: True once remark requests are settled: criteria with ``release: after_remarks``
            then show expected values.
        appendix: Whether the executed notebook is appended.
        made_at: When the report was made; left out where it is None.
        unchanged: Cells that are as the handout gave them, whose errors are not the student's.
        contact: Whom a student can ask, as the course says it; empty where it does not.
        remarks: The student's remark requests, in the order in which they were opened.
        decisions: All that people ever decided, of which `mark` has the standing ones.
        zone: In which the course tells times; None where it has named none.
        let_go: When the course let go of the recording, so that there is no evidence; None where it did not.
    """

    student: str
    rubric: Rubric
    mark: Mark
    bundle: Bundle | None = None
    outcome: Outcome | None = None
    outcome_detail: str = ""
    name: str = ""
    file: str = ""
    attempt: int = 1
    reference: Reference = field(default_factory=Reference)
    to_run: Mapping[str, tuple[Shown, ...]] = field(default_factory=dict)
    remarks_over: bool = False
    appendix: bool = True
    made_at: datetime | None = None
    unchanged: frozenset[int] = frozenset()
    contact: str = ""
    remarks: tuple[RemarkNote, ...] = ()
    decisions: tuple[Decision, ...] = ()
    zone: tzinfo | None = None
    let_go: datetime | None = None

    @property
    def result(self) -> Outcome:
        """How the attempt ended."""
        if self.outcome is not None:
            return self.outcome
        return Outcome.INVALID_SUBMISSION if self.bundle is None else self.bundle.evidence.outcome

    @property
    def photos(self) -> PhotoSet | None:
        """What was measured on photos, where these were handed in and no notebook."""
        return None if self.bundle is None else self.bundle.evidence.photos

    @property
    def result_detail(self) -> str:
        if self.outcome_detail or self.bundle is None:
            return self.outcome_detail
        return self.bundle.evidence.outcome_detail

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
        mark: None where the submission was never judged.
        bundle: Gives the code line of examples; None leaves it out.
        wall_time_s: Of the attempt, by the host's clock; None where it is not known.
    """

    student: str
    outcome: Outcome
    mark: Mark | None = None
    bundle: Bundle | None = None
    wall_time_s: float | None = None
    name: str = ""

    @property
    def held(self) -> bool:
        """Whether the file could not be taken, and no person has decided yet: there is no mark."""
        return self.mark is not None and bool(self.mark.held)
