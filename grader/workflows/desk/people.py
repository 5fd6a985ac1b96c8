"""Who is in a course: the roster, and who has which role."""

from __future__ import annotations

from dataclasses import dataclass

from grader.store import Store
from grader.store.accounts import Enrolled
from grader.store.roster import PersonRecord
from grader.workflows.views.identity import ids_of

__all__ = ["PEOPLE", "PeopleView", "people_view"]

#: People of the roster on one page.
PEOPLE = 100


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

    roles: tuple[Enrolled, ...]
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
        ids = [ids_of(person) for person in shown]
        present = history.present({id for own in ids for id in own})
    return PeopleView(
        roles=tuple(accounts.accounts.enrolled_in(course)),
        people=tuple(shown),
        absent=frozenset(
            person.student for person, own in zip(shown, ids, strict=True) if present.isdisjoint(own)
        ),
        number=number,
        pages=pages,
        total=total,
    )
