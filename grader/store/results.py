"""Where each student's work stands: the newest file, its attempt, its verdict, and the mark that counts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from functools import cached_property

from sqlalchemy import BindParameter, ColumnElement, bindparam, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from grader.evidence.record import Outcome
from grader.grading.held import why_not_taken
from grader.grading.late import HandedIn, policy_for, with_dates
from grader.grading.marks import Decision, Mark, mark_of
from grader.grading.remarks import remark_rules
from grader.grading.verdict import Verdict
from grader.rubric.model import LatePolicy, Policy
from grader.store import ledger
from grader.store.allowances import DatesSet, Extension, dates_of, standing_extensions
from grader.store.damage import GARBAGE, hurt_works, without_rows
from grader.store.drops import Drop, standing_drops
from grader.store.engine import NOT_UTF_8
from grader.store.lateness import newest_submissions, tokens_spent
from grader.store.marks import DECIDED, Given, decisions
from grader.store.models import (
    AttemptRow,
    Base,
    BulkMarkRow,
    DropRow,
    MarkRow,
    RubricRow,
    SubmissionRow,
    VerdictRow,
)
from grader.store.moments import writes_alone
from grader.store.records import AttemptRecord, RubricRecord, SubmissionRecord, VerdictRecord
from grader.store.setup_tables import DatesRow, ExcuseRow, ExtensionRow
from grader.store.silence import silent_about
from grader.store.unchanged import PAST, of_change
from grader.store.zone import kept_zone

__all__ = ["Result", "results"]

_AT_A_TIME = 25
#: Under which a session keeps works that it read, and of how many asked for together at most.
_HELD, _MOST_HELD = "works held", 500
#: Works of so many students are held as long as nobody writes; of more, as long as the transaction lasts.
_FEW = 2


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
    held = _held(session)
    known = held.all_of(assignment, students) if held is not None and assignment is not None else None
    if known is None and 0 < len(students) <= _FEW and not writes_alone(session):
        asked = ("works", assignment, tuple(students))
        known = of_change(session, asked, lambda: list(_read(session, held, assignment, students, True)))
    if known is not None:
        yield from (result for result in known if with_dropped or result.dropped is None)
        return
    yield from _read(session, held, assignment, students, with_dropped)


def _read(
    session: Session,
    held: _Held | None,
    assignment: str | None,
    students: Collection[str],
    with_dropped: bool,
) -> Iterator[Result]:
    read: set[tuple[str, str]] = set()
    try:
        for result in _results(session, assignment, students, with_dropped):
            read.add((result.assignment, result.student))
            if held is not None and 0 < len(students) <= _MOST_HELD:
                held.works[result.assignment, result.student] = result
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


@dataclass
class _Held:
    """Works that a transaction read; one that writes follows them through the marks that it gives.

    Attributes:
        followed: So many of the rows that the transaction added are in them.
    """

    works: dict[tuple[str, str], Result] = field(default_factory=dict)
    followed: int = 0

    def all_of(self, assignment: str, students: Collection[str]) -> list[Result] | None:
        """The works of these students by name; None where one was not read, or none is named."""
        found = [self.works.get((assignment, student)) for student in sorted(set(students))]
        read = [result for result in found if result is not None]
        return read if read and len(read) == len(found) else None

    def follow(self, session: Session) -> None:
        added = session.info.get(ledger.ADDED, ())
        decided = session.info.get(DECIDED, {})
        for row in added[self.followed :]:
            # A row that says no more than itself is read with its work.
            if isinstance(row, (MarkRow, BulkMarkRow)) and row.seq in decided:
                for given in decided[row.seq]:
                    self._decide(given)
            else:
                self.works.clear()
        self.followed = len(added)

    def _decide(self, given: Given) -> None:
        key = given.assignment, given.student
        result = self.works.pop(key, None)
        if result is None or result.verdict is None or result.verdict_record is None:
            return
        # On an older verdict the criterion may have been worth something else: that is read again.
        if given.verdict == result.verdict_record.seq:
            worth = {finding.criterion: finding.out_of for finding in result.verdict.findings}
            decision = replace(given.decision, out_of=worth.get(given.decision.criterion))
            self.works[key] = replace(result, decisions=(*result.decisions, decision))


def _held(session: Session) -> _Held | None:
    """What this transaction read of works; None while it writes and reads the past."""
    past = session.info.get(PAST)
    if not writes_alone(session):
        # What a reader sees stays as it is to the end.
        return session.info.setdefault((_HELD, past), _Held())  # type: ignore[no-any-return]
    if past is not None:
        return None
    held: _Held = session.info.setdefault((_HELD, None), _Held())
    held.follow(session)
    return held


def _results(
    session: Session, assignment: str | None, students: Collection[str], with_dropped: bool
) -> Iterator[Result]:
    silent = _silent(session, assignment, students)
    if SubmissionRow in silent:
        return
    zone = kept_zone(session)
    dropped: Mapping[tuple[str, str], Drop] = {}
    if not silent >= {DropRow, ExcuseRow}:
        dropped = standing_drops(session, assignment=assignment, students=students)
    decided: Mapping[tuple[str, str], list[Decision]] = {}
    if not silent >= {MarkRow, BulkMarkRow}:
        several = BulkMarkRow not in silent
        decided = decisions(session, assignment=assignment, students=students, several=several)
    extended: Mapping[tuple[str, str], Extension] = {}
    if ExtensionRow not in silent:
        extended = standing_extensions(session, assignment=assignment, students=students)
    dates: dict[str, DatesSet | None] = {}
    spent: dict[str, Mapping[str, int]] = {}
    rubrics: dict[int, RubricRecord] = {}
    for file, attempt, verdict, rubric in _in_order(session, assignment, students):
        work, student = file.assignment, file.student
        if (work, student) in dropped and not with_dropped:
            continue
        if work not in spent:
            dates[work] = None if DatesRow in silent else dates_of(session, work)
            spent[work] = tokens_spent(session, work, students, dates[work])
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


def _silent(session: Session, assignment: str | None, students: Collection[str]) -> Set[type[Base]]:
    """Tables that say nothing of these works, asked at once: of most works few say anything.

    Of a whole class each is asked by itself anyway.
    """
    if assignment is None or not students:
        return frozenset()
    return silent_about(session, assignment, students)


def _in_order(
    session: Session, assignment: str | None, students: Collection[str]
) -> Iterator[tuple[SubmissionRow, AttemptRow | None, VerdictRow | None, RubricRow | None]]:
    """By assignment and name: rows hold tokens, which have no order that anybody would look for.

    Some at a time, since verdicts of a large class are more than a machine should hold.
    """
    if assignment is not None and 0 < len(students) <= _AT_A_TIME:
        few = session.execute(_STANDINGS_OF, {"assignment": assignment, "students": list(students)})
        for row in sorted(few, key=lambda row: str(row[0].student)):
            yield row[0], row[1], row[2], row[3]
        return
    newest = newest_submissions(assignment, students)
    query = select(SubmissionRow.assignment, SubmissionRow.student, SubmissionRow.seq)
    works = sorted(
        (work, who, seq) for work, who, seq in session.execute(query.where(SubmissionRow.seq.in_(newest)))
    )
    for first in range(0, len(works), _AT_A_TIME):
        numbers = [seq for _, _, seq in works[first : first + _AT_A_TIME]]
        found = {row[0].seq: row for row in session.execute(_STANDINGS, {"files": numbers})}
        for seq in numbers:
            file, attempt, verdict, rubric = found[seq]
            yield file, attempt, verdict, rubric


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


# Made once: to put a statement together takes longer than to ask it.
_STUDENTS: BindParameter[list[str]] = bindparam("students", expanding=True)
#: Files, each with the attempt, verdict and rubric that count.
_STANDING = (
    select(SubmissionRow, AttemptRow, VerdictRow, RubricRow)
    .outerjoin(AttemptRow, AttemptRow.seq == _counting_attempt())
    .outerjoin(VerdictRow, VerdictRow.seq == _newest_verdict())
    .outerjoin(RubricRow, RubricRow.seq == VerdictRow.rubric)
)
_STANDINGS = _STANDING.where(SubmissionRow.seq.in_(bindparam("files", expanding=True)))
_STANDINGS_OF = _STANDING.where(
    SubmissionRow.seq.in_(
        select(func.max(SubmissionRow.seq))
        .where(SubmissionRow.assignment == bindparam("assignment"), SubmissionRow.student.in_(_STUDENTS))
        .group_by(SubmissionRow.student)
    )
)
