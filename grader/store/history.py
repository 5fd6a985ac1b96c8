"""The history of marks as its readers and writers see it: what can be asked, and what can be added.

Whoever has a `History` sees one moment of it. With a `WritableHistory` they can add to it as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from grader.grading.verdict import Verdict
from grader.rubric.model import LatePolicy
from grader.store import drops, ledger, marks, remarks, results
from grader.store.drops import Drop, DropRecord
from grader.store.ledger import Break, Signature
from grader.store.marks import MarkRecord
from grader.store.models import (
    AttemptRow,
    DropRow,
    Entry,
    LedgerRow,
    MarkRow,
    RemarkActionRow,
    RemarkRow,
    RubricRow,
    SubmissionRow,
    VerdictRow,
)
from grader.store.records import (
    AttemptRecord,
    NewAttempt,
    Record,
    RubricRecord,
    RubricText,
    Seal,
    SubmissionRecord,
    VerdictRecord,
)
from grader.store.remarks import Remark, RemarkRecord, StepRecord
from grader.store.results import Result

__all__ = ["History", "TimelineEntry", "WritableHistory"]


@dataclass(frozen=True)
class TimelineEntry:
    """What one row of the history says, and its seal."""

    seal: Seal
    record: Record


#: What stands in the tables of a student's work.
_RECORDS: dict[type[Entry], type[Record]] = {
    SubmissionRow: SubmissionRecord,
    AttemptRow: AttemptRecord,
    VerdictRow: VerdictRecord,
    MarkRow: MarkRecord,
    RemarkRow: RemarkRecord,
    RemarkActionRow: StepRecord,
    DropRow: DropRecord,
}


class History:
    """The history as it stood at one moment.

    Attributes:
        session: For this package only.
    """

    def __init__(self, session: Session) -> None:
        self.session = session

    def own_key(self) -> bytes:
        """What no other history has, and nobody knows who has not this one: the digest of its first seal."""
        first = self.session.get(LedgerRow, 1)
        return (first.digest if first else "").encode()

    def first_break(self) -> Break | None:
        """The first place where the history is not what was sealed; None where it is unbroken."""
        return ledger.examine(self.session)

    def assignments(self) -> list[str]:
        query = select(SubmissionRow.assignment).distinct().order_by(SubmissionRow.assignment)
        return list(self.session.scalars(query))

    def students(self, assignment: str) -> list[str]:
        query = select(SubmissionRow.student).filter_by(assignment=assignment).distinct()
        return sorted(self.session.scalars(query))

    def results(
        self,
        *,
        assignment: str | None = None,
        students: Collection[str] = (),
        with_dropped: bool = False,
    ) -> Iterator[Result]:
        """The standing of each student and assignment, in their order.

        An attempt that our own fault ended counts only where there is no better one. What a person dropped
        is left out unless it is asked for.
        """
        return results.results(
            self.session, assignment=assignment, students=students, with_dropped=with_dropped
        )

    def tokens_spent_before(self, assignment: str, policy: LatePolicy | None) -> Mapping[str, int]:
        """Late tokens that students spent on assignments due before this one, if `policy` were its own."""
        return results.tokens_spent_before(self.session, assignment, policy=policy)

    def dropped(self, assignment: str) -> Mapping[str, Drop]:
        """Whose work on an assignment a person took out of what counts."""
        found = drops.standing_drops(self.session, assignment=assignment)
        return {student: drop for (_, student), drop in found.items()}

    def timeline(self, student: str, assignment: str) -> list[TimelineEntry]:
        """All that ever happened to a student's work on an assignment, oldest first."""
        entries = [
            TimelineEntry(Seal.of(seal), _RECORDS[type(row)].of(row))
            for query in _about(student, assignment)
            for seal, row in self.session.execute(query)
        ]
        return sorted(entries, key=lambda entry: entry.seal.seq)

    def rubric(self, seq: int) -> RubricRecord | None:
        """The rubric with this number."""
        row = self.session.get(RubricRow, seq)
        return RubricRecord.of(row) if row else None

    def rubric_numbers(self) -> list[int]:
        return sorted(self.session.scalars(select(RubricRow.seq)))

    def newest_rubric(self, assignment: str) -> RubricRecord | None:
        """The rubric that the assignment's newest verdict stands on."""
        query = (
            select(RubricRow)
            .join(VerdictRow, VerdictRow.rubric == RubricRow.seq)
            .where(RubricRow.assignment == assignment)
            .order_by(VerdictRow.seq.desc())
            .limit(1)
        )
        row = self.session.scalars(query).first()
        return RubricRecord.of(row) if row else None

    def files_marked(self, assignments: Collection[str]) -> Mapping[int, str]:
        """Of each mark that a person gave, by its number, the digest of the file that they had read."""
        return marks.files_read(self.session, assignments)

    def remarks(self, *, assignment: str | None = None, student: str | None = None) -> list[Remark]:
        """Requests in the order in which they were opened."""
        return remarks.requests(self.session, assignment=assignment, student=student)

    def remark(self, id: int) -> Remark | None:
        return remarks.find(self.session, id)


def _about(student: str, assignment: str) -> Iterator[Select[LedgerRow, Entry]]:
    """Queries for seals and rows of a student's work, one for each table."""
    attempts = select(AttemptRow.seq).filter_by(student=student, assignment=assignment)
    requests = select(RemarkRow.seq).filter_by(student=student, assignment=assignment)
    for table in (SubmissionRow, AttemptRow, MarkRow, RemarkRow, DropRow):
        yield _sealed(table).where(table.student == student, table.assignment == assignment)
    yield _sealed(VerdictRow).where(VerdictRow.attempt.in_(attempts))
    yield _sealed(RemarkActionRow).where(RemarkActionRow.request.in_(requests))


def _sealed(table: type[Entry]) -> Select[LedgerRow, Entry]:
    return select(LedgerRow, table).join(table, table.seq == LedgerRow.seq)


class WritableHistory(History):
    """The history while nobody else can add to it."""

    def hand_in(self, file: SubmissionRecord, signature: Signature) -> None:
        """Records a submission, unless the student's newest one is the same file with the same standing."""
        newest = self.session.scalars(
            select(SubmissionRow)
            .filter_by(student=file.student, assignment=file.assignment)
            .order_by(SubmissionRow.seq.desc())
            .limit(1)
        ).first()
        if newest is None or SubmissionRecord.of(newest).standing != file.standing:
            ledger.append(self.session, SubmissionRow(**file.columns), signature)

    def add_attempt(self, attempt: NewAttempt, signature: Signature) -> AttemptRecord:
        """Records an attempt under the next number of this student and assignment."""
        before = self.session.scalar(
            select(func.max(AttemptRow.number)).filter_by(
                student=attempt.student, assignment=attempt.assignment
            )
        )
        row = AttemptRow(**attempt.columns, number=(before or 0) + 1)
        return AttemptRecord.of(ledger.append(self.session, row, signature))

    def keep_rubric(self, rubric: RubricText, signature: Signature) -> RubricRecord:
        """Records a rubric's text once."""
        query = select(RubricRow).filter_by(digest=rubric.digest, handout=rubric.handout)
        known = self.session.scalars(query).first()
        return RubricRecord.of(known or ledger.append(self.session, RubricRow(**rubric.columns), signature))

    def add_verdict(
        self,
        verdict: Verdict,
        *,
        attempt: AttemptRecord,
        rubric: RubricRecord,
        version: str,
        signature: Signature,
    ) -> VerdictRecord:
        """Records a verdict, unless the attempt's newest one says the same by the same rubric."""
        row = VerdictRow(
            attempt=attempt.seq,
            rubric=rubric.seq,
            reference=verdict.reference,
            version=version,
            points=verdict.points,
            out_of=verdict.out_of,
            pending=verdict.pending,
            body=verdict.model_dump_json(),
        )
        query = select(VerdictRow).filter_by(attempt=attempt.seq).order_by(VerdictRow.seq.desc()).limit(1)
        newest = self.session.scalars(query).first()
        if newest is not None and (newest.rubric, newest.body) == (row.rubric, row.body):
            return VerdictRecord.of(newest)
        return VerdictRecord.of(ledger.append(self.session, row, signature))

    def give_mark(self, mark: MarkRecord, signature: Signature) -> None:
        """Records points that a person gave; whether they may is for whoever asks to know."""
        marks.give(self.session, mark, signature)

    def drop(self, drop: DropRecord, signature: Signature) -> None:
        """Records that a submission counts nowhere, or again; nothing of it is deleted."""
        drops.record_drop(self.session, drop, signature)

    def open_remark(self, remark: RemarkRecord, signature: Signature) -> int:
        """Records a request.

        Returns:
            Its number.
        """
        return remarks.open_request(self.session, remark, signature)

    def add_step(self, step: StepRecord, signature: Signature) -> None:
        """Records what was done with a request."""
        remarks.add_step(self.session, step, signature)
