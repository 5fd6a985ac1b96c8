"""Jobs that end with an attempt and its verdict: all that are written together, by few statements.

Whatever there is besides (a group whose members share the file, another end of the same student, a claim that
is no longer the newest) is left to others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, func, select, tuple_, update
from sqlalchemy.orm import Session

from grader.grading.verdict import Verdict
from grader.store import ledger
from grader.store.entering import in_state
from grader.store.group_tables import GroupFileRow
from grader.store.ledger import Judged, Signature
from grader.store.models import AttemptRow, JobRow, VerdictRow
from grader.store.records import NewAttempt, RubricRecord, RubricText

__all__ = ["JobEnd", "end_jobs", "verdict_row"]

_ENDED = (
    update(JobRow)
    .where(
        tuple_(JobRow.id, JobRow.token).in_(bindparam("claims", expanding=True)),
        in_state("claimed"),
    )
    # Who ended them stays there, so that it can be told so again.
    .values(state="done", lease_until=None)
    .returning(JobRow.id)
)
_NUMBERS = (
    select(AttemptRow.student, func.max(AttemptRow.number))
    .where(
        AttemptRow.assignment == bindparam("assignment"),
        AttemptRow.student.in_(bindparam("students", expanding=True)),
    )
    .group_by(AttemptRow.student)
)
_GROUPS = select(GroupFileRow.seq).where(GroupFileRow.assignment == bindparam("assignment")).limit(1)


@dataclass(frozen=True)
class JobEnd:
    """What came of a job.

    Attributes:
        token: Which claim of it ends it.
        rubric: By which the verdict is.
        version: Of the grader.
    """

    job: int
    token: int
    attempt: NewAttempt
    verdict: Verdict
    rubric: RubricText
    version: str
    signature: Signature


def end_jobs(
    session: Session,
    ends: Sequence[JobEnd],
    keep_rubric: Callable[[RubricText, Signature], RubricRecord],
) -> list[bool]:
    """Ends jobs, and writes the attempt and the verdict of each.

    Args:
        session: A writing transaction.
        ends: What came of them.
        keep_rubric: Keeps a rubric's text once.

    Returns:
        Whether each is written; of the others nothing is.
    """
    chosen = _alone(session, ends)
    claims = [(end.job, end.token) for end in chosen]
    connection = session.connection()
    ended = set(connection.execute(_ENDED, {"claims": claims}).scalars()) if claims else set[int]()
    written = [end for end in chosen if end.job in ended]
    numbers = _numbers(session, written)
    rubrics = [keep_rubric(end.rubric, end.signature).seq for end in written]
    first = ledger.next_number(session)
    rows = [
        (row, end.signature)
        for place, (end, rubric) in enumerate(zip(written, rubrics, strict=True))
        for row in (
            AttemptRow(**end.attempt.columns, number=numbers.get(_work(end), 0) + 1),
            verdict_row(end.verdict, first + 2 * place, rubric, end.version),
        )
    ]
    if rows:
        ledger.append_all(session, rows, [Judged(*_work(end)) for end in written])
    return [any(end is each for each in written) for end in ends]


def verdict_row(verdict: Verdict, attempt: int, rubric: int, version: str) -> VerdictRow:
    return VerdictRow(
        attempt=attempt,
        rubric=rubric,
        reference=verdict.reference,
        version=version,
        points=verdict.points,
        out_of=verdict.out_of,
        pending=verdict.pending,
        body=verdict.model_dump_json(),
    )


def _work(end: JobEnd) -> tuple[str, str]:
    return end.attempt.assignment, end.attempt.student


def _alone(session: Session, ends: Sequence[JobEnd]) -> list[JobEnd]:
    """Of each student and assignment the first one, where nobody shares files of the assignment."""
    first: dict[tuple[str, str], JobEnd] = {}
    for end in ends:
        first.setdefault(_work(end), end)
    shared = {
        assignment
        for assignment in {assignment for assignment, _ in first}
        if session.connection().execute(_GROUPS, {"assignment": assignment}).first() is not None
    }
    return [end for (assignment, _), end in first.items() if assignment not in shared]


def _numbers(session: Session, ends: Collection[JobEnd]) -> Mapping[tuple[str, str], int]:
    """Of the last attempt of each; absent where there is none."""
    students: dict[str, list[str]] = defaultdict(list)
    for end in ends:
        students[end.attempt.assignment].append(end.attempt.student)
    return {
        (assignment, student): number
        for assignment, names in students.items()
        for student, number in session.connection().execute(
            _NUMBERS, {"assignment": assignment, "students": names}
        )
    }
