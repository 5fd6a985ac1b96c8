"""Which table says what of a person: all that is given out to them, and a reason for each that says nothing.

A table that stands in none of these lists keeps a test from passing until somebody has thought about it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.orm import Session

from grader.store.account_tables import AccountRow, EnrolmentRow, IdentityRow, SessionRow, SignInLinkRow
from grader.store.api_tables import ApiAnswerRow, ApiTokenRow
from grader.store.course import read_course
from grader.store.desk_tables import AnswerRow, RosterKeyRow, RosterRow
from grader.store.enrolling import book_in
from grader.store.group_tables import GroupFileRow, GroupRow
from grader.store.lti_tables import LtiArrivalRow, SentScoreRow
from grader.store.mail_tables import MailRow
from grader.store.models import AttemptRow, Base, JobRow, NameRow
from grader.store.precheck_tables import PreCheckFileRow, PreCheckRow
from grader.store.second_run_tables import SecondRunRow
from grader.store.standing_tables import CriterionRow, StandingRow

__all__ = ["NOBODYS", "THEIRS", "Whose", "rows_of", "whose"]


@dataclass(frozen=True)
class Whose:
    """A person by all keys under which tables know them.

    Attributes:
        student: As the history calls them; token: in sealed rows.
        course: This database's.
        accounts: Enrolled as this student here.
        people: On the roster.
        attempts: Of their work.
    """

    student: str
    token: str
    course: str
    accounts: tuple[int, ...]
    people: tuple[int, ...]
    attempts: tuple[int, ...]


def whose(session: Session, student: str, keys: Collection[str]) -> Whose:
    """Finds all keys of a person.

    Args:
        session: To read in.
        student: Whose.
        keys: Theirs on the roster.
    """
    course = read_course(session).name
    enrolled = select(EnrolmentRow.account).where(
        EnrolmentRow.course == course, EnrolmentRow.student == student
    )
    people = select(RosterKeyRow.person).where(RosterKeyRow.key.in_(sorted(keys))).distinct()
    attempts = select(AttemptRow.seq).where(AttemptRow.student == student)
    return Whose(
        student=student,
        token=book_in(session).token(student) or "",
        course=course,
        accounts=tuple(sorted(session.scalars(enrolled))),
        people=tuple(sorted(session.scalars(people))),
        attempts=tuple(sorted(session.scalars(attempts))),
    )


_Which = Callable[[Whose], ColumnElement[bool]]

#: Of each unsealed table about persons which rows are somebody's, so that they can be given out and erased.
THEIRS: Mapping[type[Base], _Which] = {
    RosterRow: lambda who: RosterRow.id.in_(who.people),
    RosterKeyRow: lambda who: RosterKeyRow.person.in_(who.people),
    NameRow: lambda who: NameRow.person == who.token if who.token else false(),
    StandingRow: lambda who: StandingRow.student == who.student,
    CriterionRow: lambda who: CriterionRow.student == who.student,
    JobRow: lambda who: JobRow.student == who.student,
    AnswerRow: lambda who: and_(AnswerRow.attempt.in_(who.attempts), AnswerRow.criterion != ""),
    SecondRunRow: lambda who: SecondRunRow.attempt.in_(who.attempts),
    PreCheckRow: lambda who: PreCheckRow.student == who.student,
    PreCheckFileRow: lambda who: PreCheckFileRow.pre_check.in_(
        select(PreCheckRow.id).where(PreCheckRow.student == who.student)
    ),
    MailRow: lambda who: MailRow.student == who.student,
    AccountRow: lambda who: AccountRow.id.in_(who.accounts),
    EnrolmentRow: lambda who: and_(EnrolmentRow.course == who.course, EnrolmentRow.student == who.student),
    IdentityRow: lambda who: IdentityRow.account.in_(who.accounts),
    SessionRow: lambda who: SessionRow.account.in_(who.accounts),
    SignInLinkRow: lambda who: SignInLinkRow.account.in_(who.accounts),
    LtiArrivalRow: lambda who: LtiArrivalRow.account.in_(who.accounts),
    SentScoreRow: lambda who: and_(SentScoreRow.course == who.course, SentScoreRow.student == who.student),
    ApiTokenRow: lambda who: ApiTokenRow.account.in_(who.accounts),
    ApiAnswerRow: lambda who: or_(
        ApiAnswerRow.token.in_(select(ApiTokenRow.id).where(ApiTokenRow.account.in_(who.accounts))),
        # What another's program was answered about them: it is gone after a day anyway.
        ApiAnswerRow.body.contains(f'"{who.student}"', autoescape=True),
    ),
}

#: Tables in which no person stands, or nobody but staff, whose names the history keeps; each with the reason.
NOBODYS: Mapping[str, str] = {
    "runs": "processes, by host and number",
    "wants": "which run asked for which job",
    "workers": "hosts, with who let them in",
    "regrades": "who of the staff judges again",
    "queue_pauses": "what of the queue waits, by which order",
    "rubric_drafts": "what staff would have a rubric say",
    "pre_check_rules": "how many pre-checks a course gives",
    "settings": "what the course says of itself",
    "secrets": "made by chance, of the database",
    "standing_blocks": "packed marks, in an order that names nobody; written anew when a student goes",
    "standing_counts": "how many",
    "standing_layouts": "criteria and their points",
    "standing_policies": "what lateness costs",
    "lti_platforms": "course systems",
    "lti_contexts": "a course system's courses",
    "lti_line_items": "a course system's columns",
    "lti_requests": "a browser on its way, for minutes, before anybody knows whose it is",
    "oidc_requests": "a browser on its way, for minutes, before anybody knows whose it is",
}

#: What signs somebody in, or would let names be tried: of no use to the person, and of much to others.
_SECRET = {
    (AccountRow, "password"),
    (SessionRow, "id"),
    (SignInLinkRow, "id"),
    (LtiArrivalRow, "ticket"),
    (LtiArrivalRow, "browser"),
    (ApiTokenRow, "secret"),
    (ApiAnswerRow, "body"),
    (ApiAnswerRow, "headers"),
    (NameRow, "salt"),
}


def rows_of(session: Session, student: str, keys: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    """All about a person that no history of a work lists, by table, as plain data; see `whose`.

    Unsealed rows without what signs somebody in, and the groups in which they stand, without the others.
    """
    who = whose(session, student, keys)
    found: dict[str, list[dict[str, Any]]] = {}
    for model, which in THEIRS.items():
        rows = [_plain(row) for row in session.scalars(select(model).where(which(who)))]
        if rows:
            found[model.__tablename__] = rows
    return found | _together(session, student)


def _together(session: Session, student: str) -> dict[str, list[dict[str, Any]]]:
    """In which sealed rows about several somebody stands, with nothing of the others."""
    rows: list[GroupRow | GroupFileRow] = [
        *session.scalars(select(GroupRow).order_by(GroupRow.seq)),
        *session.scalars(select(GroupFileRow).order_by(GroupFileRow.seq)),
    ]
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if student in row.members:
            own = {"row": row.seq, "assignment": row.assignment, "group": row.name}
            found.setdefault(row.__tablename__, []).append(own)
    return found


def _plain(row: Base) -> dict[str, Any]:
    model = type(row)
    names = [each.key for each in model.__table__.columns if (model, each.key) not in _SECRET]
    values = ((name, getattr(row, name)) for name in names)
    return {name: _shown(each) for name, each in values}


def _shown(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
