"""`grader show`: one student's standing on one assignment."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from grader.errors import RefusedError, UsageError
from grader.rubric.problems import nearest
from grader.store import Store
from grader.store.engine import shown
from grader.store.remarks import Remark
from grader.store.results import Result
from grader.store.timeline import TimelineEntry
from grader.workflows.views.dropped import how_to_bring_back, why_dropped
from grader.workflows.views.identity import pseudonym, real_names, shown_as
from grader.workflows.views.known import require_assignment

__all__ = [
    "each_result",
    "find_result",
    "find_results",
    "name_of",
    "refuse_dropped",
    "requests_of",
    "timeline",
]


def find_results(
    store: Store, assignment: str, students: Collection[str] = (), *, with_dropped: bool = False
) -> list[Result]:
    """The standing of the named students, or of all.

    Args:
        store: Where the history is.
        assignment: Which work.
        students: Whose, by id or pseudonym; all where none is named.
        with_dropped: Whether those that a person dropped are wanted too.

    Raises:
        RefusedError: One of the students named is dropped.
        UsageError: The assignment or one of the students is unknown.
    """
    return list(each_result(store, assignment, students, with_dropped=with_dropped))


def each_result(
    store: Store, assignment: str, students: Collection[str] = (), *, with_dropped: bool = False
) -> Iterator[Result]:
    """As `find_results`, one after another: of a large class all are more than a machine should hold.

    Raises:
        RefusedError: As `find_results`, once one comes to it.
        UsageError: As `find_results`; of a student, in the end.
    """
    named = tuple(students)
    with store.reading() as history:
        ids = real_names(history, assignment, named)
        typed = dict(zip(ids, named, strict=True))
        missing, anybody = set(ids), False
        for result in history.results(assignment=assignment, students=ids, with_dropped=True):
            anybody = True
            missing.discard(result.student)
            if not with_dropped and result.dropped:
                if typed:
                    refuse_dropped(result, typed[result.student])
                continue
            yield result
        if not anybody:
            require_assignment(history, assignment)
        if missing:
            name, known = min(missing), history.students(assignment)
            hint = nearest(name, known) if len(known) <= 12 else nearest(name, known).partition("; known")[0]
            raise UsageError(
                f"'{name}' handed in nothing for {assignment}{hint}", where=shown(store.location)
            )


def refuse_dropped(result: Result, typed: str) -> None:
    """Keeps what a person dropped from being worked on as if it counted.

    Args:
        result: Whose.
        typed: What a person called the student, id or pseudonym.

    Raises:
        RefusedError: It is dropped; says by whom and why.
    """
    if why := why_dropped(result):
        name = shown_as(typed, result.student)
        raise RefusedError(f"{name}: {why}", todo=how_to_bring_back(result, name))


def find_result(store: Store, student: str, assignment: str) -> Result:
    """One student's standing, dropped or not.

    Raises:
        UsageError: Assignment or student is unknown.
    """
    return find_results(store, assignment, [student], with_dropped=True)[0]


def timeline(store: Store, student: str, assignment: str) -> list[TimelineEntry]:
    """All that ever happened to a student's work on an assignment, oldest first."""
    with store.reading() as history:
        return history.timeline(student, assignment)


def requests_of(store: Store, result: Result) -> list[Remark]:
    """A student's remark requests on an assignment, oldest first."""
    with store.reading() as history:
        return history.remarks(assignment=result.assignment, student=result.student)


def name_of(store: Store, anonymous: bool) -> Callable[[str], str]:
    """How to call a student in a listing: by id, or by a pseudonym that stays the same."""
    if not anonymous:
        return lambda student: student
    with store.reading() as history:
        key = history.own_key()
    return lambda student: pseudonym(key, student)
