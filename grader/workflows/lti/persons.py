"""Whose account a platform means: by the subject that it once named, else as its registration says."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from grader.errors import UsageError
from grader.store import Store
from grader.store.accounts import AccountRecord, EnrolmentRecord
from grader.store.platforms import PlatformRecord
from grader.workflows.accounts.people import plain_login
from grader.workflows.accounts.roles import Role
from grader.workflows.lti.messages import Message
from grader.workflows.lti.roster_ids import Ids, ids_in, meant_by

__all__ = ["Stranger", "Why", "account_brought", "role_told"]

_MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
#: What platforms call people in a course. Roles in the institution or the system count for nothing: who
#: teaches somewhere else is a stranger to this course.
_TOLD = {
    f"{_MEMBERSHIP}#Learner": Role.STUDENT,
    f"{_MEMBERSHIP}#Instructor": Role.INSTRUCTOR,
    f"{_MEMBERSHIP}/Instructor#TeachingAssistant": Role.TA,
    "Learner": Role.STUDENT,
    "Instructor": Role.INSTRUCTOR,
    "TeachingAssistant": Role.TA,
}


class Why(StrEnum):
    """Why somebody is not let in."""

    ROLE = "role"
    UNKNOWN = "unknown"
    SEVERAL = "several"
    TAKEN = "taken"


@dataclass(frozen=True)
class Stranger:
    """Somebody whom a platform brings and nobody knows.

    Attributes:
        subject: How the platform calls them, for whoever links them by hand.
        role: What they are over there.
    """

    why: Why
    subject: str
    role: Role | None


def role_told(roles: Sequence[str]) -> Role | None:
    """What somebody is in the platform's course, of several what may the least; None for any other role.

    A teaching assistant is called an instructor as well, which the specification asks for.
    """
    found = {_TOLD[role] for role in roles if role in _TOLD}
    return next((role for role in (Role.STUDENT, Role.TA, Role.INSTRUCTOR) if role in found), None)


def account_brought(
    home: Store, course: Store, name: str, platform: PlatformRecord, message: Message
) -> AccountRecord | Stranger:
    """The account of whom a platform brings to a course.

    Who is in the course stays what they are there, whatever the platform calls them. Others become what it
    calls them where the registration lets it.

    Args:
        home: Has the accounts.
        course: Has the roster.
        name: Of the course.
        platform: That brings them.
        message: What it says of them.
    """
    known = home.accounts.known_as(message.iss, message.sub)
    if known is not None and name in home.accounts.enrolments(known.id):
        return known
    role = role_told(message.roles)
    if role is None or role.value not in platform.enrols:
        return Stranger(Why.ROLE, message.sub, role)
    ids = ids_in(message.lis, message.ext, message.custom, message.email)
    if role is Role.STUDENT:
        return _student(home, course, name, message, ids)
    enrolment = EnrolmentRecord(course=name, role=role.value)
    found = home.accounts.admit(_logins(ids, message), enrolment, message.iss, message.sub)
    return found or Stranger(Why.TAKEN, message.sub, role)


def _student(home: Store, course: Store, name: str, message: Message, ids: Ids) -> AccountRecord | Stranger:
    """One of the roster, and the only one whom these ids may mean."""
    meant = meant_by(course, ids)
    if len(meant.people) != 1:
        why = Why.SEVERAL if meant.people else Why.UNKNOWN
        return Stranger(why, message.sub, Role.STUDENT)
    [person] = meant.people
    taken = home.accounts.enrolled_as(name, person.student)
    if taken is not None and not meant.by_email and list(home.accounts.enrolments(taken)) == [name]:
        # Theirs from before. Not where it is in other courses, for which this platform vouches nothing.
        linked = home.accounts.link_identity(taken, message.iss, message.sub)
        account = home.accounts.by_id(taken) if linked else None
        return account or Stranger(Why.TAKEN, message.sub, Role.STUDENT)
    enrolment = EnrolmentRecord(course=name, role=Role.STUDENT.value, student=person.student)
    logins = [*_logins(ids, message, person.login, person.student)]
    found = home.accounts.admit(logins, enrolment, message.iss, message.sub)
    return found or Stranger(Why.TAKEN, message.sub, Role.STUDENT)


def _logins(ids: Ids, message: Message, *more: str) -> list[str]:
    """What a new account may be called, best first; the last is free."""
    digest = hashlib.sha256(f"{message.iss} {message.sub}".encode()).hexdigest()
    wanted = (ids.login, *more, ids.email, f"lti-{digest[:16]}")
    return list(dict.fromkeys(filter(None, map(_login, wanted))))


def _login(text: str) -> str:
    try:
        return plain_login(text)
    except UsageError:
        return ""
