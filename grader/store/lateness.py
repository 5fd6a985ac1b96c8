"""What handing in late costs: by the newest verdict, the course's dates, and tokens spent before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import Session

from grader.grading.late import HandedIn, policy_for, with_dates
from grader.grading.late import tokens_spent as spent_by
from grader.rubric.model import LatePolicy
from grader.store.allowances import DatesSet, Extension, dates_of, standing_extensions
from grader.store.drops import standing_drops
from grader.store.models import RubricRow, SubmissionRow, VerdictRow
from grader.store.records import readable
from grader.store.setup_tables import ExtensionRow
from grader.store.silence import is_silent
from grader.store.unchanged import PAST, of_change

__all__ = ["late_policy", "newest_submissions", "policy_of_student", "tokens_spent", "tokens_spent_before"]

# Made once: to put a statement together takes longer than to ask it.
_JUDGED = (
    select(VerdictRow.seq, VerdictRow.body)
    .join(RubricRow, RubricRow.seq == VerdictRow.rubric)
    .where(RubricRow.assignment == bindparam("assignment"))
    .order_by(VerdictRow.seq.desc())
    .limit(1)
)


def newest_submissions(assignment: str | None, students: Collection[str]) -> Select[int]:
    """The number of each student's newest file for each assignment; of those named only, where any are."""
    query = select(func.max(SubmissionRow.seq)).group_by(SubmissionRow.assignment, SubmissionRow.student)
    if assignment is not None:
        query = query.where(SubmissionRow.assignment == assignment)
    return query.where(SubmissionRow.student.in_(students)) if students else query


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
    return tokens_spent(session, assignment, students, dates_of(session, assignment), policy)


def tokens_spent(
    session: Session,
    assignment: str,
    students: Collection[str],
    dates: DatesSet | None,
    policy: LatePolicy | None = None,
) -> Mapping[str, int]:
    """As `tokens_spent_before`, where the course's dates are known."""
    own = _by_dates(policy, dates) or _by_dates(_of_newest_verdict(session, assignment), dates)
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
    return {student: spent_by(theirs) for student, theirs in work.items()}


def late_policy(session: Session, assignment: str) -> LatePolicy | None:
    """What the assignment's newest verdict says of lateness, by the course's dates; None for nothing."""
    return _dated(session, assignment, _of_newest_verdict(session, assignment))


def _dated(session: Session, assignment: str, policy: LatePolicy | None) -> LatePolicy | None:
    return _by_dates(policy, dates_of(session, assignment))


def _by_dates(policy: LatePolicy | None, dates: DatesSet | None) -> LatePolicy | None:
    return with_dates(policy, dates.dates if dates else None)


def policy_of_student(
    session: Session, assignment: str, student: str, rubrics: LatePolicy | None
) -> LatePolicy | None:
    """A rubric's rule with the course's dates and the student's extension; see `History.late_policy_for`."""
    own: Mapping[tuple[str, str], Extension] = {}
    if not is_silent(session, ExtensionRow, assignment, student):
        own = standing_extensions(session, assignment=assignment, students=[student])
    extended = own[assignment, student].until if own else None
    return policy_for(_dated(session, assignment, rubrics), student, extended)


def _of_newest_verdict(session: Session, assignment: str) -> LatePolicy | None:
    return of_change(session, ("late", assignment), lambda: _read_newest_verdict(session, assignment))


def _read_newest_verdict(session: Session, assignment: str) -> LatePolicy | None:
    asked = {"assignment": assignment}
    # Quicker than the session, which alone leaves out what is later than a past that is read.
    ask = session if PAST in session.info else session.connection()
    row = ask.execute(_JUDGED, asked).first()
    while row is not None:
        verdict = readable(row.body)
        if verdict is not None:
            return verdict.late
        row = session.execute(_JUDGED.where(VerdictRow.seq < row.seq), asked).first()
    return None


def _newest_of(
    session: Session, assignments: Collection[str], students: Collection[str]
) -> Collection[SubmissionRow]:
    query = select(SubmissionRow).where(
        SubmissionRow.seq.in_(newest_submissions(None, students)), SubmissionRow.assignment.in_(assignments)
    )
    rows = session.scalars(query)
    dropped = standing_drops(session, students=students)
    return [row for row in rows if (row.assignment, row.student) not in dropped]
