"""Writing to the history and reading it: submissions, attempts, rubrics, verdicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from grader.evidence.record import Outcome
from grader.grading.held import why_not_taken
from grader.grading.late import HandedIn
from grader.grading.marks import Decision, Mark, mark_of
from grader.grading.verdict import Verdict
from grader.store import ledger
from grader.store.lateness import tokens_spent_before
from grader.store.ledger import Signature
from grader.store.models import (
    AttemptRow,
    Entry,
    LedgerRow,
    MarkRow,
    RemarkActionRow,
    RemarkRow,
    RubricRow,
    SubmissionRow,
    VerdictRow,
)
from grader.store.verdicts import verdict_in

__all__ = [
    "Result",
    "TimelineEntry",
    "add_attempt",
    "add_verdict",
    "assignments",
    "decisions",
    "hand_in",
    "keep_rubric",
    "newest_rubric",
    "results",
    "students",
    "timeline",
]


@dataclass(frozen=True)
class Result:
    """Where a student's work on an assignment stands: the newest file, its attempt, its verdict.

    Attributes:
        tokens_spent: Late tokens that the student used on assignments due earlier.
    """

    submission: SubmissionRow
    attempt: AttemptRow | None
    verdict_row: VerdictRow | None
    rubric: RubricRow | None
    decisions: tuple[Decision, ...] = ()
    tokens_spent: int = 0

    @property
    def student(self) -> str:
        return self.submission.student

    @property
    def assignment(self) -> str:
        return self.submission.assignment

    @cached_property
    def verdict(self) -> Verdict | None:
        return None if self.verdict_row is None else verdict_in(self.verdict_row)

    @cached_property
    def mark(self) -> Mark | None:
        """The mark that counts: verdict, decisions and lateness; None before the first verdict."""
        return None if self.verdict is None else self.mark_by(self.verdict)

    def mark_by(self, verdict: Verdict) -> Mark:
        """The mark that counts once `verdict` is the newest."""
        row = self.submission
        handed_in = HandedIn(row.student, row.submitted_at, row.late, self.tokens_spent)
        attempt = self.attempt
        not_taken = why_not_taken(attempt.outcome, attempt.detail) if attempt else ""
        return mark_of(verdict, self.decisions, handed_in, not_taken=not_taken)


@dataclass(frozen=True)
class TimelineEntry:
    """One row of the history with its seal."""

    seal: LedgerRow
    row: Entry


def hand_in(session: Session, row: SubmissionRow, signature: Signature) -> SubmissionRow:
    """Records a submission, unless the student's newest one is the same file with the same standing."""
    newest = session.scalars(
        select(SubmissionRow)
        .filter_by(student=row.student, assignment=row.assignment)
        .order_by(SubmissionRow.seq.desc())
        .limit(1)
    ).first()
    if newest is not None and _standing(newest) == _standing(row):
        return newest
    return ledger.append(session, row, signature)


def _standing(row: SubmissionRow) -> tuple[object, ...]:
    return row.notebook, row.submitted_at, row.late, row.problem


def add_attempt(session: Session, row: AttemptRow, signature: Signature) -> AttemptRow:
    """Records an attempt under the next number of this student and assignment."""
    before = session.scalar(
        select(func.max(AttemptRow.number)).filter_by(student=row.student, assignment=row.assignment)
    )
    row.number = (before or 0) + 1
    return ledger.append(session, row, signature)


def keep_rubric(session: Session, row: RubricRow, signature: Signature) -> RubricRow:
    """Records a rubric's text once."""
    known = session.scalars(select(RubricRow).filter_by(digest=row.digest, handout=row.handout)).first()
    return known or ledger.append(session, row, signature)


def add_verdict(
    session: Session,
    verdict: Verdict,
    *,
    attempt: int,
    rubric: RubricRow,
    version: str,
    signature: Signature,
) -> VerdictRow:
    """Records a verdict, unless the attempt's newest one says the same by the same rubric and reference."""
    row = VerdictRow(
        attempt=attempt,
        rubric=rubric.seq,
        reference=verdict.reference,
        version=version,
        points=verdict.points,
        out_of=verdict.out_of,
        pending=verdict.pending,
        body=verdict.model_dump_json(),
    )
    newest = session.scalars(
        select(VerdictRow).filter_by(attempt=attempt).order_by(VerdictRow.seq.desc()).limit(1)
    ).first()
    if newest is not None and (newest.rubric, newest.body) == (row.rubric, row.body):
        return newest
    return ledger.append(session, row, signature)


def results(
    session: Session, *, assignment: str | None = None, students: Collection[str] = ()
) -> Iterator[Result]:
    """The standing of each student and assignment, in their order.

    An attempt that our own fault ended counts only where there is no better one.
    """
    newest = select(func.max(SubmissionRow.seq)).group_by(SubmissionRow.assignment, SubmissionRow.student)
    query = (
        select(SubmissionRow, AttemptRow, VerdictRow, RubricRow)
        .where(SubmissionRow.seq.in_(newest))
        .outerjoin(AttemptRow, AttemptRow.seq == _counting_attempt())
        .outerjoin(VerdictRow, VerdictRow.seq == _newest_verdict())
        .outerjoin(RubricRow, RubricRow.seq == VerdictRow.rubric)
        .order_by(SubmissionRow.assignment, SubmissionRow.student)
    )
    if assignment is not None:
        query = query.where(SubmissionRow.assignment == assignment)
    if students:
        query = query.where(SubmissionRow.student.in_(students))
    decided = decisions(session, assignment=assignment, students=students)
    spent: dict[str, Mapping[str, int]] = {}
    for row in session.execute(query):
        work, student = row[0].assignment, row[0].student
        if work not in spent:
            spent[work] = tokens_spent_before(session, work, students)
        theirs = decided.get((work, student), ())
        yield Result(*row, decisions=tuple(theirs), tokens_spent=spent[work].get(student, 0))


def decisions(
    session: Session, *, assignment: str | None = None, students: Collection[str] = ()
) -> dict[tuple[str, str], list[Decision]]:
    """All decisions on marks, oldest first, by assignment and student."""
    query = select(MarkRow, LedgerRow).join(LedgerRow, LedgerRow.seq == MarkRow.seq).order_by(MarkRow.seq)
    if assignment is not None:
        query = query.where(MarkRow.assignment == assignment)
    if students:
        query = query.where(MarkRow.student.in_(students))
    found: dict[tuple[str, str], list[Decision]] = defaultdict(list)
    for row, seal in session.execute(query):
        decision = Decision(row.seq, row.criterion, row.points, seal.actor, seal.at, row.comment, row.request)
        found[row.assignment, row.student].append(decision)
    return found


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


def assignments(session: Session) -> list[str]:
    return list(
        session.scalars(select(SubmissionRow.assignment).distinct().order_by(SubmissionRow.assignment))
    )


def students(session: Session, assignment: str) -> list[str]:
    query = select(SubmissionRow.student).filter_by(assignment=assignment).distinct()
    return sorted(session.scalars(query))


def newest_rubric(session: Session, assignment: str) -> RubricRow | None:
    """The rubric that the assignment's newest verdict stands on."""
    query = (
        select(RubricRow)
        .join(VerdictRow, VerdictRow.rubric == RubricRow.seq)
        .where(RubricRow.assignment == assignment)
        .order_by(VerdictRow.seq.desc())
        .limit(1)
    )
    return session.scalars(query).first()


def timeline(session: Session, student: str, assignment: str) -> list[TimelineEntry]:
    """All rows about a student's work on an assignment, oldest first."""
    attempts = select(AttemptRow.seq).filter_by(student=student, assignment=assignment)
    queries = [
        select(LedgerRow, table)
        .join(table, table.seq == LedgerRow.seq)
        .where(table.student == student, table.assignment == assignment)
        for table in (SubmissionRow, AttemptRow, MarkRow, RemarkRow)
    ]
    verdicts = select(LedgerRow, VerdictRow).join(VerdictRow, VerdictRow.seq == LedgerRow.seq)
    queries.append(verdicts.where(VerdictRow.attempt.in_(attempts)))
    requests = select(RemarkRow.seq).filter_by(student=student, assignment=assignment)
    actions = select(LedgerRow, RemarkActionRow).join(RemarkActionRow, RemarkActionRow.seq == LedgerRow.seq)
    queries.append(actions.where(RemarkActionRow.request.in_(requests)))
    entries = [TimelineEntry(*row) for query in queries for row in session.execute(query)]
    return sorted(entries, key=lambda entry: entry.seal.seq)
