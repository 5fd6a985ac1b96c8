"""Where each student's work stands: the newest file, its attempt, its verdict, and the mark that counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from grader.evidence.record import Outcome
from grader.grading.held import why_not_taken
from grader.grading.late import HandedIn, tokens_spent
from grader.grading.marks import Decision, Mark, mark_of
from grader.grading.verdict import Verdict
from grader.rubric.model import LatePolicy
from grader.store.drops import Drop, standing_drops
from grader.store.marks import decisions
from grader.store.models import AttemptRow, RubricRow, SubmissionRow, VerdictRow
from grader.store.records import AttemptRecord, RubricRecord, SubmissionRecord, VerdictRecord

__all__ = ["Result", "results", "tokens_spent_before"]


@dataclass(frozen=True)
class Result:
    """Where a student's work on an assignment stands: the newest file, its attempt, its verdict.

    Attributes:
        verdict_record: The newest verdict as it is kept; None before the first.
        rubric: The one that this verdict stands on.
        tokens_spent: Late tokens that the student used on assignments due earlier.
        dropped: Who took it out of what counts; None where it counts.
    """

    submission: SubmissionRecord
    attempt: AttemptRecord | None
    verdict_record: VerdictRecord | None
    rubric: RubricRecord | None
    decisions: tuple[Decision, ...] = ()
    tokens_spent: int = 0
    dropped: Drop | None = None

    @property
    def student(self) -> str:
        return self.submission.student

    @property
    def assignment(self) -> str:
        return self.submission.assignment

    @cached_property
    def verdict(self) -> Verdict | None:
        """None before the first, and where the newest cannot be read: then nothing counts until a regrade."""
        return None if self.verdict_record is None else self.verdict_record.readable

    @property
    def unreadable(self) -> int | None:
        """The row of the history that holds a verdict which cannot be read; None where there is none."""
        record = self.verdict_record
        return record.seq if record is not None and self.verdict is None else None

    @cached_property
    def mark(self) -> Mark | None:
        """The mark that counts: verdict, decisions and lateness; None before the first verdict."""
        return None if self.verdict is None else self.mark_by(self.verdict)

    def mark_by(self, verdict: Verdict) -> Mark:
        """The mark that counts once `verdict` is the newest."""
        file = self.submission
        handed_in = HandedIn(file.student, file.submitted_at, file.late, self.tokens_spent)
        attempt = self.attempt
        not_taken = why_not_taken(attempt.outcome, attempt.detail) if attempt else ""
        return mark_of(verdict, self.decisions, handed_in, not_taken=not_taken)


def results(
    session: Session,
    *,
    assignment: str | None = None,
    students: Collection[str] = (),
    with_dropped: bool = False,
) -> Iterator[Result]:
    """The standing of each student and assignment, in their order.

    An attempt that our own fault ended counts only where there is no better one. What a person dropped is
    left out unless it is asked for.
    """
    dropped = standing_drops(session, assignment=assignment, students=students)
    decided = decisions(session, assignment=assignment, students=students)
    spent: dict[str, Mapping[str, int]] = {}
    rubrics: dict[int, RubricRecord] = {}
    for file, attempt, verdict, rubric in session.execute(_standings(assignment, students)):
        work, student = file.assignment, file.student
        if (work, student) in dropped and not with_dropped:
            continue
        if work not in spent:
            spent[work] = tokens_spent_before(session, work, students)
        if rubric is not None and rubric.seq not in rubrics:
            rubrics[rubric.seq] = RubricRecord.of(rubric)
        yield Result(
            SubmissionRecord.of(file),
            AttemptRecord.of(attempt) if attempt else None,
            VerdictRecord.of(verdict) if verdict else None,
            rubrics[rubric.seq] if rubric else None,
            decisions=tuple(decided.get((work, student), ())),
            tokens_spent=spent[work].get(student, 0),
            dropped=dropped.get((work, student)),
        )


def _standings(
    assignment: str | None, students: Collection[str]
) -> Select[SubmissionRow, AttemptRow, VerdictRow, RubricRow]:
    query = (
        select(SubmissionRow, AttemptRow, VerdictRow, RubricRow)
        .where(SubmissionRow.seq.in_(_newest_submissions()))
        .outerjoin(AttemptRow, AttemptRow.seq == _counting_attempt())
        .outerjoin(VerdictRow, VerdictRow.seq == _newest_verdict())
        .outerjoin(RubricRow, RubricRow.seq == VerdictRow.rubric)
        .order_by(SubmissionRow.assignment, SubmissionRow.student)
    )
    if assignment is not None:
        query = query.where(SubmissionRow.assignment == assignment)
    return query.where(SubmissionRow.student.in_(students)) if students else query


def _newest_submissions() -> Select[int]:
    """The number of each student's newest file for each assignment."""
    return select(func.max(SubmissionRow.seq)).group_by(SubmissionRow.assignment, SubmissionRow.student)


def _counting_attempt() -> ColumnElement[int]:
    same_work = (
        AttemptRow.student == SubmissionRow.student,
        AttemptRow.assignment == SubmissionRow.assignment,
        AttemptRow.notebook == SubmissionRow.notebook,
    )
    newest = select(func.max(AttemptRow.seq)).where(*same_work).correlate(SubmissionRow)
    ran = newest.where(AttemptRow.outcome != Outcome.SANDBOX_UNAVAILABLE.value)
    return func.coalesce(ran.scalar_subquery(), newest.scalar_subquery())


def _newest_verdict() -> ColumnElement[int]:
    query = select(func.max(VerdictRow.seq)).where(VerdictRow.attempt == AttemptRow.seq).correlate(AttemptRow)
    return query.scalar_subquery()


def tokens_spent_before(
    session: Session, assignment: str, students: Collection[str] = (), *, policy: LatePolicy | None = None
) -> Mapping[str, int]:
    """Late tokens that each student spent on assignments due before this one; who spent none is absent.

    A student has so many for the whole course, first come, first served by date.

    Args:
        session: To read by.
        assignment: The one whose mark is asked for.
        students: Whose; all where none is named.
        policy: The assignment's, where it is to be another than its newest verdict's.
    """
    own = policy or _late_policy(session, assignment)
    if own is None or not own.tokens:
        return {}
    others = session.scalars(select(SubmissionRow.assignment).distinct()).all()
    policies = {name: policy for name in others if (policy := _late_policy(session, name))}
    earlier = {name: policy for name, policy in policies.items() if policy.due < own.due}
    work: dict[str, list[tuple[LatePolicy, HandedIn]]] = defaultdict(list)
    for row in _newest_of(session, earlier, students):
        handed_in = HandedIn(row.student, row.submitted_at, row.late)
        work[row.student].append((earlier[row.assignment], handed_in))
    return {student: tokens_spent(theirs) for student, theirs in work.items()}


def _late_policy(session: Session, assignment: str) -> LatePolicy | None:
    """What the assignment's newest verdict says of lateness."""
    newest = (
        select(VerdictRow)
        .join(RubricRow, RubricRow.seq == VerdictRow.rubric)
        .where(RubricRow.assignment == assignment)
        .order_by(VerdictRow.seq.desc())
        .limit(1)
    )
    row = session.scalar(newest)
    while row is not None:
        verdict = VerdictRecord.of(row).readable
        if verdict is not None:
            return verdict.late
        row = session.scalar(newest.where(VerdictRow.seq < row.seq))
    return None


def _newest_of(
    session: Session, assignments: Collection[str], students: Collection[str]
) -> Collection[SubmissionRow]:
    query = select(SubmissionRow).where(
        SubmissionRow.seq.in_(_newest_submissions()), SubmissionRow.assignment.in_(assignments)
    )
    rows = session.scalars(query.where(SubmissionRow.student.in_(students)) if students else query)
    dropped = standing_drops(session, students=students)
    return [row for row in rows if (row.assignment, row.student) not in dropped]
