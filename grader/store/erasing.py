"""A person is erased: names, roster, queue and answers; before that, what is held about them is shown.

Sealed rows stay as they are, and say `erased-` and some letters where the name stood. What is in them in free
text stays as well, which is why it can be looked for by name.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Text, and_, delete, func, or_, select, type_coerce, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from grader.errors import RefusedError
from grader.store import ledger
from grader.store.account_tables import AccountRow, EnrolmentRow
from grader.store.answers import AnswerRecord, keep_answers
from grader.store.api_tables import ApiAnswerRow
from grader.store.course import read_course
from grader.store.desk_tables import AnswerRow, RosterKeyRow, RosterRow
from grader.store.drops import DropRecord, record_drop, standing_drops
from grader.store.enrolling import book_in, rewrite
from grader.store.flags import FlagRecord, record_flag, standing_flags
from grader.store.group_tables import GroupFileRow, GroupRow
from grader.store.leases import lapsed
from grader.store.ledger import Signature
from grader.store.lti_tables import SentScoreRow
from grader.store.mail_tables import MailRow
from grader.store.models import (
    AttemptRow,
    BulkMarkRow,
    DropRow,
    Entry,
    ErasureRow,
    FlagRow,
    JobRow,
    LedgerRow,
    MarkRow,
    NameRow,
    ReleaseRow,
    RemarkActionRow,
    RemarkRow,
    RubricRow,
    SubmissionRow,
    VerdictRow,
)
from grader.store.names import PATH, is_token
from grader.store.persons import rows_of
from grader.store.prechecks import forget_pre_checks, held_pre_checks
from grader.store.queue_tables import QueueOrderRow
from grader.store.roster import PersonRecord, new_edition
from grader.store.second_run_tables import SecondRunRow
from grader.store.setup_tables import DatesRow, ExcuseRow, ExtensionRow, ShareRow
from grader.store.standing import forget_student

__all__ = ["HeldAbout", "Said", "erase", "held_about", "said_of"]

_AT_A_TIME = 25
#: Free text in sealed rows, by table and column.
_FREE_TEXT: tuple[tuple[type[Entry | LedgerRow], InstrumentedAttribute[str]], ...] = (
    (LedgerRow, LedgerRow.why),
    (MarkRow, MarkRow.comment),
    (BulkMarkRow, BulkMarkRow.comment),
    (FlagRow, FlagRow.note),
    (RemarkRow, RemarkRow.reason),
    (RemarkRow, RemarkRow.late_because),
    (RemarkActionRow, RemarkActionRow.reason),
    (DropRow, DropRow.reason),
    (ReleaseRow, ReleaseRow.reason),
    (DatesRow, DatesRow.reason),
    (ExtensionRow, ExtensionRow.reason),
    (ExcuseRow, ExcuseRow.reason),
    (ShareRow, ShareRow.how),
    (QueueOrderRow, QueueOrderRow.reason),
    (GroupRow, GroupRow.name),
    (GroupRow, GroupRow.reason),
    (GroupFileRow, GroupFileRow.name),
    (ErasureRow, ErasureRow.reason),
    (AttemptRow, AttemptRow.detail),
    (SubmissionRow, SubmissionRow.problem),
    (VerdictRow, VerdictRow.body),
    (RubricRow, RubricRow.text),
)


@dataclass(frozen=True)
class HeldAbout:
    """What is held about a student beside the rows of their work.

    Attributes:
        sealed_by_name: Whether sealed rows hold the name itself, as those do from before there were tokens.
        running: Jobs of theirs that are being run now.
        people: Their entries in the roster.
        jobs: Rows of the queue, finished ones among them.
        answers: What answers look like, kept to find their like.
        accounts: Logins by which they may sign in, where the accounts are in this database.
        mails: In the outbox, sent ones among them.
        pre_checks: Looks at notebooks that were not handed in.
        sent: Columns of course systems that took a mark of theirs, as far as this database knows.
    """

    sealed_by_name: bool
    running: int
    people: tuple[PersonRecord, ...]
    jobs: int
    answers: int
    mails: int = 0
    pre_checks: int = 0
    accounts: tuple[str, ...] = ()
    sent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Said:
    """Free text of a sealed row in which a name stands.

    Attributes:
        row: Its number.
        table, column: Where it stands.
    """

    row: int
    table: str
    column: str


def held_about(session: Session, student: str, keys: Collection[str]) -> HeldAbout:
    """What is held about a student, who is known; see `HeldAbout`."""
    token = book_in(session).token(student)
    people = session.scalars(select(RosterRow).where(RosterRow.id.in_(_on_roster(session, keys))))
    jobs, claimed = JobRow.student == student, and_(JobRow.state == "claimed", ~lapsed(JobRow.lease_until))
    return HeldAbout(
        sealed_by_name=token is not None and not is_token(token),
        running=_count(session, JobRow.id, jobs, claimed),
        people=tuple(PersonRecord.of(row) for row in people),
        jobs=_count(session, JobRow.id, jobs),
        answers=_count(session, AnswerRow.attempt, AnswerRow.criterion != "", _answers_of(student)),
        mails=_count(session, MailRow.id, MailRow.student == student),
        pre_checks=held_pre_checks(session, student),
        accounts=tuple(
            session.scalars(select(AccountRow.login).where(AccountRow.id.in_(_accounts(session, student))))
        ),
        sent=tuple(
            session.scalars(
                select(SentScoreRow.line_item)
                .where(_sent_for(session, student))
                .order_by(SentScoreRow.line_item)
            )
        ),
    )


def _count(session: Session, what: InstrumentedAttribute[int], *where: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count(what)).where(*where)) or 0


def _answers_of(student: str) -> ColumnElement[bool]:
    return AnswerRow.attempt.in_(select(AttemptRow.seq).where(AttemptRow.student == student))


def _enrolled_as(session: Session, student: str) -> ColumnElement[bool]:
    """Enrolments in this course: another's ids may mean other people."""
    return and_(EnrolmentRow.course == read_course(session).name, EnrolmentRow.student == student)


def _sent_for(session: Session, student: str) -> ColumnElement[bool]:
    return and_(SentScoreRow.course == read_course(session).name, SentScoreRow.student == student)


def _accounts(session: Session, student: str) -> list[int]:
    return list(session.scalars(select(EnrolmentRow.account).where(_enrolled_as(session, student))))


def _on_roster(session: Session, keys: Collection[str]) -> list[int]:
    query = select(RosterKeyRow.person).where(RosterKeyRow.key.in_(sorted(keys))).distinct()
    return sorted(session.scalars(query))


def said_of(session: Session, names: Collection[str]) -> list[Said]:
    """Free text of the history in which one of these names stands, whatever its case, by row."""
    found: list[Said] = []
    whole = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in sorted(names)), re.IGNORECASE)
    for table, text in _FREE_TEXT if names else ():
        plain = func.lower(type_coerce(text, Text()))
        said = or_(*(plain.contains(name.lower(), autoescape=True) for name in sorted(names)))
        rows = session.execute(select(table.seq, text).where(said).execution_options(yield_per=_AT_A_TIME))
        found += [Said(row, table.__tablename__, text.key) for row, words in rows if whole.search(words)]
    return sorted(found, key=lambda each: (each.row, each.column))


def erase(session: Session, student: str, reason: str, keys: Collection[str], signature: Signature) -> str:
    """Erases a student's names and drops their work; see `WritableHistory.erase`.

    Raises:
        RefusedError: Nobody is called so, or sealed rows hold the name itself.
    """
    book = book_in(session)
    token = book.token(student)
    if token is None and rows_of(session, student, keys):
        # On the roster, say, with an account, and nothing was ever handed in.
        forget_pre_checks(session, student)
        _forget_on_roster(session, keys)
        _forget_accounts(session, student)
        return ""
    if token is None or not is_token(token) or book.is_erased(student):
        raise RefusedError("this name stands in sealed rows, or nowhere, and cannot be erased")
    # The standing, jobs and roster hold texts: they are told while the name is still there.
    forget_student(session, student)
    label = book.label_of(token)
    forget_pre_checks(session, student)
    _forget_jobs(session, student, label)
    _forget_on_roster(session, keys)
    _forget_answers(session, student)
    _forget_accounts(session, student)
    for name, kind in session.execute(
        select(NameRow.token, NameRow.kind).where(NameRow.person == token)
    ).all():
        rewrite(session, name, kind, "" if kind == PATH else label)
    ledger.append(session, ErasureRow(student=label, reason=reason), signature)
    _settle(session, label, signature)
    return label


def _forget_jobs(session: Session, student: str, label: str) -> None:
    """What waits is not run any more: what it would run is gone."""
    theirs = update(JobRow).where(JobRow.student == student)
    still_open = JobRow.state.in_(("queued", "claimed"))
    session.execute(theirs.where(still_open).values(state="superseded", run=None, lease_until=None))
    session.execute(theirs.values(student=label, error=""))


def _forget_on_roster(session: Session, keys: Collection[str]) -> None:
    people = _on_roster(session, keys)
    session.execute(delete(RosterKeyRow).where(RosterKeyRow.person.in_(people)))
    session.execute(delete(RosterRow).where(RosterRow.id.in_(people)))
    if people:
        new_edition(session)


def _forget_answers(session: Session, student: str) -> None:
    """All count as looked at, or somebody would look for what is gone."""
    attempts = sorted(session.scalars(select(AttemptRow.seq).where(AttemptRow.student == student)))
    session.execute(delete(AnswerRow).where(AnswerRow.attempt.in_(attempts)))
    # What a second run found may say what they wrote.
    session.execute(delete(SecondRunRow).where(SecondRunRow.attempt.in_(attempts)))
    keep_answers(session, [AnswerRecord.looked_at(attempt) for attempt in attempts])


def _forget_accounts(session: Session, student: str) -> None:
    """Out of this course; who is in no other has no account any more, nor a session."""
    accounts = _accounts(session, student)
    session.execute(delete(EnrolmentRow).where(_enrolled_as(session, student)))
    elsewhere = select(EnrolmentRow.account).where(EnrolmentRow.account.in_(accounts))
    session.execute(delete(AccountRow).where(AccountRow.id.in_(accounts), AccountRow.id.not_in(elsewhere)))
    session.execute(delete(SentScoreRow).where(_sent_for(session, student)))
    session.execute(delete(ApiAnswerRow).where(ApiAnswerRow.body.contains(f'"{student}"', autoescape=True)))
    session.execute(delete(MailRow).where(MailRow.student == student))


def _settle(session: Session, label: str, signature: Signature) -> None:
    """Their work counts nowhere from now on, and nobody is asked about it."""
    works = set(session.scalars(select(SubmissionRow.assignment).where(SubmissionRow.student == label)))
    dropped = {assignment for assignment, _ in standing_drops(session, students=[label])}
    for assignment in sorted(works - dropped):
        drop = DropRecord(student=label, assignment=assignment, reason="this person was erased", dropped=True)
        record_drop(session, drop, signature)
    for flag in standing_flags(session, student=label):
        settled = FlagRecord(
            student=label,
            assignment=flag.assignment,
            criterion=flag.criterion,
            note="this person was erased",
            raised=False,
        )
        record_flag(session, settled, signature)
