"""Whom a set-up may name: who handed in anything in the course, or is on its roster."""

from __future__ import annotations

from collections.abc import Iterable

from grader.errors import UsageError
from grader.intake.roster import keys_typed
from grader.rubric.problems import nearest
from grader.store import History
from grader.store.roster import PersonRecord
from grader.workflows.views.identity import ids_of, normalise_id, real_names

__all__ = ["known_as", "require_why", "student_meant", "students_meant", "whole_class"]


def student_meant(history: History, typed: str, assignment: str | None = None) -> str:
    """The id of a student as a person typed them, who need not have handed in anything yet.

    Args:
        history: To read in.
        typed: An id, pseudonym, login or name.
        assignment: Whose ids come first, where a student goes by several.

    Raises:
        UsageError: Nobody is called so, or several are.
    """
    for work in (assignment, None) if assignment is not None else (None,):
        [name] = real_names(history, work, [typed])
        if history.handed_in(name):
            return name
    people = {person for found in history.people_by(keys_typed(typed)).values() for person in found}
    if len(people) == 1:
        return known_as(history, people.pop())
    if people:
        raise UsageError(f"'{typed}' may be any of {len(people)} students", todo="name the one meant by id")
    known = {each for work in history.assignments() for each in history.students(work)}
    known |= {person.student for person in history.people()}
    near = nearest(typed, known).partition("; known")[0]
    raise UsageError(
        f"'{typed}' handed in nothing and is not on the roster{near}",
        todo="`grader roster FILE` brings in who has not handed in yet",
    )


def students_meant(history: History, typed: Iterable[str], assignment: str) -> list[str]:
    """As `student_meant`, of several, each once and in their order."""
    return list(dict.fromkeys(student_meant(history, each, assignment) for each in typed))


def known_as(history: History, person: PersonRecord, assignment: str | None = None) -> str:
    """Under which id somebody of the roster hands in; the roster's own where they have not."""
    ids = ids_of(person)
    return next((each for each in ids if history.handed_in(each, assignment)), normalise_id(person.student))


def whole_class(history: History, assignment: str) -> dict[str, PersonRecord | None]:
    """Everybody of an assignment by id, those with work first: who handed in, and who is on the roster."""
    found: dict[str, PersonRecord | None] = dict.fromkeys(history.students(assignment))
    for person in history.people():
        ids = ids_of(person)
        own = next((each for each in ids if each in found), normalise_id(person.student))
        found[own] = person
    return found


def require_why(reason: str) -> str:
    """A reason in one line.

    Raises:
        UsageError: There is none.
    """
    if not reason.strip():
        raise UsageError("this needs a reason for the history", expected="--reason TEXT")
    return " ".join(reason.split())
