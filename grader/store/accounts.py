"""Accounts and who is what in which course, in the database of the first course that a server shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, delete, exists, select, update
from sqlalchemy.orm import Session

from grader.errors import UsageError
from grader.store.account_tables import AccountRow, EnrolmentRow, IdentityRow, SessionRow, SignInLinkRow
from grader.store.engine import Database
from grader.store.lti_tables import SentScoreRow

__all__ = ["AccountRecord", "Accounts", "Enrolled", "EnrolmentRecord"]


@dataclass(frozen=True, kw_only=True)
class AccountRecord:
    """Somebody who can sign in; `password` is its hash, empty where there is none."""

    id: int
    login: str
    email: str
    password: str
    made: datetime


@dataclass(frozen=True, kw_only=True)
class EnrolmentRecord:
    """What somebody is in a course; `student` is the id that they hand in under, empty for who does not."""

    course: str
    role: str
    student: str = ""


class Enrolled(NamedTuple):
    """An account as one course knows it; `student` as in `EnrolmentRecord`."""

    login: str
    role: str
    student: str


# Made once, and of columns alone: a course may have thousands.
_ENROLLED = (
    select(AccountRow.__table__.c.login, EnrolmentRow.__table__.c.role, EnrolmentRow.__table__.c.student)
    .join(EnrolmentRow.__table__, EnrolmentRow.__table__.c.account == AccountRow.__table__.c.id)
    .where(EnrolmentRow.__table__.c.course == bindparam("course"))
)


class Accounts:
    """Who may come in. Safe to share between threads.

    What is changed here ends the sessions and links that stood on what was before.

    Args:
        database: The home course's.
        clock: Gives the time in UTC.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def any(self) -> bool:
        """Whether there is an account at all."""
        with self._database.reading() as session:
            return bool(session.scalar(select(exists().select_from(AccountRow))))

    def find(self, login: str) -> AccountRecord | None:
        with self._database.reading() as session:
            row = session.scalar(select(AccountRow).where(AccountRow.login == login))
            return None if row is None else _record(row)

    def by_id(self, account: int) -> AccountRecord | None:
        with self._database.reading() as session:
            row = session.get(AccountRow, account)
            return None if row is None else _record(row)

    def by_email(self, email: str) -> list[AccountRecord]:
        with self._database.reading() as session:
            rows = session.scalars(select(AccountRow).where(AccountRow.email == email))
            return [_record(row) for row in rows]

    def everybody(self) -> list[tuple[AccountRecord, list[EnrolmentRecord]]]:
        """All accounts by login, each with what they are in which course."""
        with self._database.reading() as session:
            enrolled: dict[int, list[EnrolmentRecord]] = defaultdict(list)
            for row in session.scalars(select(EnrolmentRow).order_by(EnrolmentRow.course)):
                enrolled[row.account].append(_enrolment(row))
            rows = session.scalars(select(AccountRow).order_by(AccountRow.login))
            return [(_record(row), enrolled[row.id]) for row in rows]

    def enrolled_in(self, course: str) -> list[Enrolled]:
        """Who is what in a course, by role and login."""
        with self._database.reading() as session:
            rows = session.connection().execute(_ENROLLED, {"course": course})
            return sorted(map(Enrolled._make, rows.all()), key=lambda each: (each.role, each.login))

    def logins(self, course: str, roles: Collection[str]) -> list[str]:
        """Who has one of these roles in a course, by login."""
        query = (
            select(AccountRow.login)
            .join(EnrolmentRow, EnrolmentRow.account == AccountRow.id)
            .where(EnrolmentRow.course == course, EnrolmentRow.role.in_(roles))
            .order_by(AccountRow.login)
        )
        with self._database.reading() as session:
            return list(session.scalars(query))

    def enrolments(self, account: int) -> Mapping[str, EnrolmentRecord]:
        """What somebody is, by course."""
        with self._database.reading() as session:
            rows = session.scalars(select(EnrolmentRow).where(EnrolmentRow.account == account))
            return {row.course: _enrolment(row) for row in rows}

    def add(self, login: str, email: str, enrolment: EnrolmentRecord | None = None) -> AccountRecord:
        """Makes an account, in a course at once where that is said.

        Raises:
            UsageError: There is one of this login.
        """
        with self._database.queueing() as session:
            if session.scalar(select(exists().where(AccountRow.login == login))):
                raise UsageError(
                    "there is an account of this name",
                    where=login,
                    todo="`grader account role NAME ROLE` enrols it in a course",
                )
            row = AccountRow(login=login, email=email, password="", made=self._clock())
            session.add(row)
            session.flush()
            if enrolment is not None:
                session.add(_enrolment_row(row.id, enrolment))
            return _record(row)

    def admit(
        self, logins: Sequence[str], enrolment: EnrolmentRecord, issuer: str, subject: str
    ) -> AccountRecord | None:
        """The account of whom a course system brings, in this course from now on; made, where none is.

        Nobody who is in the course already becomes anything else there.

        Args:
            logins: What a new account may be called; the first that is free.
            enrolment: What they become, unless they are in the course.
            issuer: The course system.
            subject: Whom it means by this, for good.

        Returns:
            None where another account hands in under this student's id, or no login is free.
        """
        with self._database.queueing() as session:
            # In this order: whoever was admitted meanwhile by another of their clicks is known by now.
            holder = _enrolled_as(session, enrolment) if enrolment.student else None
            known = session.get(IdentityRow, (issuer, subject))
            account = None if known is None else known.account
            if account is not None and session.get(EnrolmentRow, (account, enrolment.course)) is not None:
                return _record(session.get_one(AccountRow, account))
            if holder not in (None, account):
                return None
            if account is None:
                account = self._new(session, logins)
                if account is None:
                    return None
                session.add(IdentityRow(issuer=issuer, subject=subject, account=account))
            session.add(_enrolment_row(account, enrolment))
            return _record(session.get_one(AccountRow, account))

    def _new(self, session: Session, logins: Sequence[str]) -> int | None:
        taken = set(session.scalars(select(AccountRow.login).where(AccountRow.login.in_(logins))))
        login = next((each for each in logins if each not in taken), None)
        if login is None:
            return None
        row = AccountRow(login=login, email="", password="", made=self._clock())
        session.add(row)
        session.flush()
        return row.id

    def enrolled_as(self, course: str, student: str) -> int | None:
        """Whose account hands in under this id; None where nobody's does."""
        with self._database.reading() as session:
            wanted = EnrolmentRecord(course=course, role="", student=student)
            return _enrolled_as(session, wanted)

    def subjects(self, issuer: str, course: str) -> dict[str, str]:
        """How a course system calls those who hand in to a course, by the id that they hand in under."""
        query = (
            select(EnrolmentRow.student, IdentityRow.subject)
            .join(IdentityRow, IdentityRow.account == EnrolmentRow.account)
            .where(IdentityRow.issuer == issuer, EnrolmentRow.course == course, EnrolmentRow.student != "")
        )
        with self._database.reading() as session:
            return dict(session.execute(query).all())

    def remove(self, account: int) -> None:
        """Erases somebody with all that is theirs here; the history keeps the name that their marks have."""
        with self._database.queueing() as session:
            _forget_sent(session, account)
            session.execute(delete(AccountRow).where(AccountRow.id == account))

    def set_password(self, account: int, hashed: str) -> None:
        with self._database.queueing() as session:
            session.execute(update(AccountRow).where(AccountRow.id == account).values(password=hashed))
            _sign_out(session, account)

    def refresh_password(self, account: int, before: str, hashed: str) -> None:
        """Keeps the same password under a stronger hash, where it was not changed meanwhile."""
        with self._database.queueing() as session:
            same = (AccountRow.id == account, AccountRow.password == before)
            session.execute(update(AccountRow).where(*same).values(password=hashed))

    def set_email(self, account: int, email: str) -> None:
        with self._database.queueing() as session:
            session.execute(update(AccountRow).where(AccountRow.id == account).values(email=email))

    def enrol(self, account: int, enrolment: EnrolmentRecord) -> None:
        """Says what somebody is in a course, in place of what they were there."""
        with self._database.queueing() as session:
            _leave(session, account, enrolment.course)
            session.add(_enrolment_row(account, enrolment))
            _sign_out(session, account)

    def leave(self, account: int, course: str) -> bool:
        """Takes somebody out of a course.

        Returns:
            Whether they were in it.
        """
        with self._database.queueing() as session:
            _forget_sent(session, account, course)
            was_in = _leave(session, account, course)
            _sign_out(session, account)
            return was_in

    def sign_out(self, account: int) -> int:
        """Ends all sessions of somebody.

        Returns:
            How many there were.
        """
        with self._database.queueing() as session:
            return _sign_out(session, account)

    def known_as(self, issuer: str, subject: str) -> AccountRecord | None:
        """Whom an identity provider means."""
        with self._database.reading() as session:
            query = (
                select(AccountRow)
                .join(IdentityRow, IdentityRow.account == AccountRow.id)
                .where(IdentityRow.issuer == issuer, IdentityRow.subject == subject)
            )
            row = session.scalar(query)
            return None if row is None else _record(row)

    def link_identity(self, account: int, issuer: str, subject: str) -> bool:
        """Says for good whom a provider means by this subject.

        Returns:
            Whether it is so now; not where the provider means somebody else by it, or means this account by
            another subject.
        """
        with self._database.queueing() as session:
            known = session.get(IdentityRow, (issuer, subject))
            if known is not None:
                return known.account == account
            other = exists().where(IdentityRow.issuer == issuer, IdentityRow.account == account)
            if session.scalar(select(other)):
                return False
            session.add(IdentityRow(issuer=issuer, subject=subject, account=account))
            return True


def _record(row: AccountRow) -> AccountRecord:
    return AccountRecord(id=row.id, login=row.login, email=row.email, password=row.password, made=row.made)


def _enrolment(row: EnrolmentRow) -> EnrolmentRecord:
    return EnrolmentRecord(course=row.course, role=row.role, student=row.student)


def _enrolment_row(account: int, enrolment: EnrolmentRecord) -> EnrolmentRow:
    return EnrolmentRow(
        account=account, course=enrolment.course, role=enrolment.role, student=enrolment.student
    )


def _enrolled_as(session: Session, wanted: EnrolmentRecord) -> int | None:
    here = (EnrolmentRow.course == wanted.course, EnrolmentRow.student == wanted.student)
    return session.scalar(select(EnrolmentRow.account).where(*here).order_by(EnrolmentRow.account).limit(1))


def _leave(session: Session, account: int, course: str) -> bool:
    here = (EnrolmentRow.account == account, EnrolmentRow.course == course)
    was_in = bool(session.scalar(select(exists().where(*here))))
    session.execute(delete(EnrolmentRow).where(*here))
    return was_in


def _forget_sent(session: Session, account: int, course: str | None = None) -> None:
    """What a course system took of somebody goes with what they were in the course, or in all of them.

    Else it would be theirs for good: erasing them in a course's own database does not reach this one.
    """
    left = select(EnrolmentRow.course, EnrolmentRow.student).where(
        EnrolmentRow.account == account, EnrolmentRow.student != ""
    )
    if course is not None:
        left = left.where(EnrolmentRow.course == course)
    for name, student in session.execute(left).all():
        theirs = (SentScoreRow.course == name, SentScoreRow.student == student)
        session.execute(delete(SentScoreRow).where(*theirs))


def _sign_out(session: Session, account: int) -> int:
    ended = session.scalars(delete(SessionRow).where(SessionRow.account == account).returning(SessionRow.id))
    number = len(ended.all())
    session.execute(delete(SignInLinkRow).where(SignInLinkRow.account == account))
    return number
