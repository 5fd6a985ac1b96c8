"""Late tokens spent so far: a student has so many for the whole course, first come, first served by date."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grader.grading.late import HandedIn, tokens_spent
from grader.rubric.model import LatePolicy
from grader.store.models import RubricRow, SubmissionRow, VerdictRow
from grader.store.verdicts import verdict_in

__all__ = ["tokens_spent_before"]


def tokens_spent_before(
    session: Session, assignment: str, students: Collection[str] = (), *, policy: LatePolicy | None = None
) -> Mapping[str, int]:
    """Tokens that each student spent on assignments due before this one; who spent none is absent.

    Args:
        session: To read by.
        assignment: The one whose mark is asked for.
        students: Whose; all where none is named.
        policy: The assignment's, where it is to be another than its newest verdict's.
    """
    own = policy or _policy(session, assignment)
    if own is None or not own.tokens:
        return {}
    others = session.scalars(select(SubmissionRow.assignment).distinct()).all()
    policies = {name: policy for name in others if (policy := _policy(session, name))}
    earlier = {name: policy for name, policy in policies.items() if policy.due < own.due}
    work: dict[str, list[tuple[LatePolicy, HandedIn]]] = defaultdict(list)
    for row in _newest(session, earlier, students):
        handed_in = HandedIn(row.student, row.submitted_at, row.late)
        work[row.student].append((earlier[row.assignment], handed_in))
    return {student: tokens_spent(theirs) for student, theirs in work.items()}


def _policy(session: Session, assignment: str) -> LatePolicy | None:
    """What the assignment's newest verdict says of lateness."""
    newest = (
        select(VerdictRow)
        .join(RubricRow, RubricRow.seq == VerdictRow.rubric)
        .where(RubricRow.assignment == assignment)
        .order_by(VerdictRow.seq.desc())
        .limit(1)
    )
    row = session.scalar(newest)
    return verdict_in(row).late if row else None


def _newest(
    session: Session, assignments: Collection[str], students: Collection[str]
) -> Collection[SubmissionRow]:
    newest = select(func.max(SubmissionRow.seq)).group_by(SubmissionRow.assignment, SubmissionRow.student)
    query = select(SubmissionRow).where(
        SubmissionRow.seq.in_(newest), SubmissionRow.assignment.in_(assignments)
    )
    return session.scalars(query.where(SubmissionRow.student.in_(students)) if students else query).all()
