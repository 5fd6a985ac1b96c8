"""Where each student's work stands: the newest file, its attempt, its verdict, and the mark that counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from functools import cached_property

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from grader.evidence.record import Outcome
from grader.grading.held import why_not_taken
from grader.grading.late import HandedIn, policy_for, tokens_spent, with_dates
from grader.grading.marks import Decision, Mark, mark_of
from grader.grading.remarks import remark_rules
from grader.grading.verdict import Verdict
from grader.rubric.model import LatePolicy, Policy
from grader.store.allowances import DatesSet, Extension, dates_of, standing_extensions
from grader.store.damage import GARBAGE, hurt_works, without_rows
from grader.store.drops import Drop, standing_drops
from grader.store.engine import NOT_UTF_8
from grader.store.marks import decisions
from grader.store.models import AttemptRow, RubricRow, SubmissionRow, VerdictRow
from grader.store.records import AttemptRecord, RubricRecord, SubmissionRecord, VerdictRecord
from grader.store.zone import kept_zone

__all__ = ["Result", "late_policy", "policy_of_student", "results", "tokens_spent_before"]

_AT_A_TIME = 25


@dataclass(frozen=True)
class Result:
    """Where a student's work on an assignment stands: the newest file, its attempt, its verdict.

    Attributes:
        verdict_record: The newest verdict as it is kept; None before the first.
        rubric: The one that this verdict stands on.
        tokens_spent: Late tokens that the student used on assignments due earlier.
        dropped: Who took it out of what counts, or excused the student; None where it counts.
        dates: What the course set in place of the rubric's dates; None where it set nothing.
        extension: Until when this student may hand in; None where that is as for all.
        zone: In which the course tells times; None where it has named none.
        damaged: Which row about this work cannot be read, in words; then nothing else is told of it. Empty
            where all can be read.
    """

    submission: SubmissionRecord
    attempt: AttemptRecord | None
    verdict_record: VerdictRecord | None
    rubric: RubricRecord | None
    decisions: tuple[Decision, ...] = ()
    tokens_spent: int = 0
    dropped: Drop | None = None
    dates: DatesSet | None = None
    extension: Extension | None = None
    zone: tzinfo | None = None
    damaged: str = ""

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
        handed_in = HandedIn(file.student, file.submitted_at, file.late, self.tokens_spent, self.zone)
        attempt = self.attempt
        not_taken = why_not_taken(attempt.outcome, attempt.detail) if attempt else ""
        late = self.late_policy(verdict.late)
        return mark_of(verdict, self.decisions, handed_in, late=late, not_taken=not_taken)

    def remark_rules(self, rubrics: Policy) -> Policy:
        """What holds for remark requests, by a rubric's rules and what the course set beside it."""
        return remark_rules(rubrics, self.dates.dates if self.dates else None)

    def late_policy(self, rubrics: LatePolicy | None) -> LatePolicy | None:
        """What handing in late costs this student, by a rubric's rule and what the course set beside it."""
        policy = with_dates(rubrics, self.dates.dates if self.dates else None)
        return policy_for(policy, self.student, self.extension.until if self.extension else None)


def results(
    session: Session,
    *,
    assignment: str | None = None,
    students: Collection[str] = (),
    with_dropped: bool = False,
) -> Iterator[Result]:
    """The standing of each student and assignment, in their order.

    An attempt that our own fault ended counts only where there is no better one. What a person dropped is
    left out unless it is asked for. A row that cannot be read costs the work that it is about, which is given
    as damaged, and no other.
    """
    read: set[tuple[str, str]] = set()
    try:
        for result in _results(session, assignment, students, with_dropped):
            read.add((result.assignment, result.student))
            yield result
    except (*GARBAGE, DBAPIError) as error:
        if isinstance(error, DBAPIError) and NOT_UTF_8 not in str(error):
            raise
        hurt = hurt_works(session)
        if hurt is None:
            raise
        ours = {
            (work, student): what
            for (work, student), what in hurt.works.items()
            if assignment in (None, work) and (not students or student in students)
        }
        with without_rows(session, hurt.rows):
            yield from _among(ours, read, _results(session, assignment, students, with_dropped))


def _among(
    hurt: Mapping[tuple[str, str], str], read: Collection[tuple[str, str]], rest: Iterator[Result]
) -> Iterator[Result]:
    """Works that were not read yet in their order, damaged ones in their places."""
    waiting = sorted(key for key in hurt if key not in read)
    for result in rest:
        key = (result.assignment, result.student)
        while waiting and waiting[0] < key:
            yield _damaged(*waiting[0], hurt[waiting.pop(0)])
        if key not in read and key not in hurt:
            yield result
    yield from (_damaged(*key, hurt[key]) for key in waiting)


def _damaged(assignment: str, student: str, what: str) -> Result:
    file = SubmissionRecord(
        student=student,
        assignment=assignment,
        notebook="",
        path="",
        submitted_at=None,
        late=False,
        problem="",
    )
    return Result(file, None, None, None, damaged=what)


def _results(
    session: Session, assignment: str | None, students: Collection[str], with_dropped: bool
) -> Iterator[Result]:
    zone = kept_zone(session)
    dropped = standing_drops(session, assignment=assignment, students=students)
    decided = decisions(session, assignment=assignment, students=students)
    extended = standing_extensions(session, assignment=assignment, students=students)
    dates: dict[str, DatesSet | None] = {}
    spent: dict[str, Mapping[str, int]] = {}
    rubrics: dict[int, RubricRecord] = {}
    for file, attempt, verdict, rubric in _in_order(session, assignment, students):
        work, student = file.assignment, file.student
        if (work, student) in dropped and not with_dropped:
            continue
        if work not in spent:
            spent[work] = tokens_spent_before(session, work, students)
            dates[work] = dates_of(session, work)
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
            dates=dates[work],
            extension=extended.get((work, student)),
            zone=zone,
        )


def _in_order(
    session: Session, assignment: str | None, students: Collection[str]
) -> Iterator[tuple[SubmissionRow, AttemptRow | None, VerdictRow | None, RubricRow | None]]:
    """By assignment and name: rows hold tokens, which have no order that anybody would look for.

    Some at a time, since verdicts of a large class are more than a machine should hold.
    """
    newest = _newest_submissions(assignment, students)
    query = select(SubmissionRow.assignment, SubmissionRow.student, SubmissionRow.seq)
    works = sorted(
        (work, who, seq) for work, who, seq in session.execute(query.where(SubmissionRow.seq.in_(newest)))
    )
    for first in range(0, len(works), _AT_A_TIME):
        numbers = [seq for _, _, seq in works[first : first + _AT_A_TIME]]
        found = {row[0].seq: row for row in session.execute(_standings(numbers))}
        for seq in numbers:
            file, attempt, verdict, rubric = found[seq]
            yield file, attempt, verdict, rubric


def _standings(files: Collection[int]) -> Select[SubmissionRow, AttemptRow, VerdictRow, RubricRow]:
    """Files by their numbers, each with the attempt, verdict and rubric that count."""
    return (
        select(SubmissionRow, AttemptRow, VerdictRow, RubricRow)
        .where(SubmissionRow.seq.in_(files))
        .outerjoin(AttemptRow, AttemptRow.seq == _counting_attempt())
        .outerjoin(VerdictRow, VerdictRow.seq == _newest_verdict())
        .outerjoin(RubricRow, RubricRow.seq == VerdictRow.rubric)
    )


def _newest_submissions(assignment: str | None, students: Collection[str]) -> Select[int]:
    """The number of each student's newest file for each assignment; of those named only, where any are."""
    query = select(func.max(SubmissionRow.seq)).group_by(SubmissionRow.assignment, SubmissionRow.student)
    if assignment is not None:
        query = query.where(SubmissionRow.assignment == assignment)
    return query.where(SubmissionRow.student.in_(students)) if students else query


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
    own = _dated(session, assignment, policy) or late_policy(session, assignment)
    if own is None or not own.tokens:
        return {}
    others = session.scalars(select(SubmissionRow.assignment).distinct()).all()
    policies = {name: policy for name in others if (policy := late_policy(session, name))}
    earlier = {name: policy for name, policy in policies.items() if policy.due < own.due}
    work: dict[str, list[tuple[LatePolicy, HandedIn]]] = defaultdict(list)
    extended = standing_extensions(session, students=students)
    for row in _newest_of(session, earlier, students):
        handed_in = HandedIn(row.student, row.submitted_at, row.late)
        own_date = extended.get((row.assignment, row.student))
        rule = policy_for(earlier[row.assignment], row.student, own_date.until if own_date else None)
        assert rule is not None
        work[row.student].append((rule, handed_in))
    return {student: tokens_spent(theirs) for student, theirs in work.items()}


def late_policy(session: Session, assignment: str) -> LatePolicy | None:
    """What the assignment's newest verdict says of lateness, by the course's dates; None for nothing."""
    return _dated(session, assignment, _of_newest_verdict(session, assignment))


def _dated(session: Session, assignment: str, policy: LatePolicy | None) -> LatePolicy | None:
    found = dates_of(session, assignment)
    return with_dates(policy, found.dates if found else None)


def policy_of_student(
    session: Session, assignment: str, student: str, rubrics: LatePolicy | None
) -> LatePolicy | None:
    """A rubric's rule with the course's dates and the student's extension; see `History.late_policy_for`."""
    own = standing_extensions(session, assignment=assignment, students=[student])
    extended = own[assignment, student].until if own else None
    return policy_for(_dated(session, assignment, rubrics), student, extended)


def _of_newest_verdict(session: Session, assignment: str) -> LatePolicy | None:
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
        SubmissionRow.seq.in_(_newest_submissions(None, students)), SubmissionRow.assignment.in_(assignments)
    )
    rows = session.scalars(query)
    dropped = standing_drops(session, students=students)
    return [row for row in rows if (row.assignment, row.student) not in dropped]
