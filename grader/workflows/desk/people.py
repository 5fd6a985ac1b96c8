"""Who is in a course: the roster, and who has which role."""

from __future__ import annotations

from dataclasses import dataclass

from grader.store import Store
from grader.store.roster import PersonRecord
from grader.workflows.views.identity import ids_of

__all__ = ["PEOPLE", "PeopleView", "RoleLine", "people_view"]

#: People of the roster on one page.
PEOPLE = 100


@dataclass(frozen=True)
class RoleLine:
    """An account with its role in the course; `student` is the id that it hands in under."""

    login: str
    role: str
    student: str


@dataclass(frozen=True)
class PeopleView:
    """Who is in a course.

    Attributes:
        roles: Accounts that are enrolled, by role and login.
        people: Of the roster, those on this page.
        absent: Ids of those on the page who handed in nothing.
        number: Of the page, from 1 to `pages`.
        total: People of the roster.
    """

    roles: tuple[RoleLine, ...]
    people: tuple[PersonRecord, ...]
    absent: frozenset[str]
    number: int
    pages: int
    total: int


def people_view(store: Store, accounts: Store, course: str, number: int = 1) -> PeopleView:
    """One page of the roster, with roles. Changes nothing.

    Args:
        store: Of the course.
        accounts: Where accounts are kept.
        course: Its name.
        number: Of the page; the nearest there is where it is none.
    """
    with store.reading() as history:
        total = history.number_of_people()
        pages = max(1, -(-total // PEOPLE))
        number = min(max(number, 1), pages)
        shown = history.people_on(start=(number - 1) * PEOPLE, size=PEOPLE)
        present = history.present({id for person in shown for id in ids_of(person)})
    roles = [
        RoleLine(account.login, enrolment.role, enrolment.student)
        for account, enrolments in accounts.accounts.everybody()
        for enrolment in enrolments
        if enrolment.course == course
    ]
    return PeopleView(
        roles=tuple(sorted(roles, key=lambda each: (each.role, each.login))),
        people=tuple(shown),
        absent=frozenset(person.student for person in shown if not present.intersection(ids_of(person))),
        number=number,
        pages=pages,
        total=total,
    )
