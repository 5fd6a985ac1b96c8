"""One remark request for whoever decides it, who may be blind."""

from __future__ import annotations

from dataclasses import dataclass

from grader.errors import NotRunYet
from grader.judging.judgement import Status
from grader.store import Store
from grader.store.remarks import Remark
from grader.workflows.desk.names import hidden_names
from grader.workflows.marking.marks import graded_result
from grader.workflows.marking.remark import find
from grader.workflows.marking.remark_view import view_of
from grader.workflows.views.show import name_of

__all__ = ["Same", "Wanted", "request_for"]

#: So many with the same finding are named.
_NAMED = 30


@dataclass(frozen=True)
class Same:
    """Somebody else of whom the same was found, and what counts for them."""

    shown: str
    points: float


@dataclass(frozen=True)
class Wanted:
    """A request as a page shows it.

    Attributes:
        shown: What to call the student.
        reason: In the student's words.
        parts: What `grader remark show` says besides, labelled.
        same: Others with the same finding: what is decided here may be owed to them as well.
        more: Of those, how many are not named.
    """

    remark: Remark
    shown: str
    reason: str
    parts: tuple[tuple[str, str], ...]
    same: tuple[Same, ...] = ()
    more: int = 0


def request_for(store: Store, id: int, *, anonymous: bool = False) -> Wanted:
    """Gathers a request; for whoever is blind without names in the student's own words.

    Raises:
        RefusedError: There is no such request.
        NotRunYet: A newer file of the student waits for its run.
        StoreError: The evidence is gone or was changed.
    """
    remark = find(store, id)
    _refuse_unrun(store, remark, name_of(store, anonymous)(remark.student))
    view = view_of(store, id, anonymous=anonymous)
    with store.reading() as history:
        result = graded_result(history, remark.student, remark.assignment, with_dropped=True)
        hide = hidden_names(history, result) if anonymous else str
    same, number = _same_finding(store, remark, anonymous=anonymous)
    return Wanted(
        remark=remark,
        shown=name_of(store, anonymous)(remark.student),
        reason=hide(remark.reason),
        parts=tuple((label, hide(text)) for label, text in view.parts),
        same=same,
        more=number - len(same),
    )


def _refuse_unrun(store: Store, remark: Remark, shown: str) -> None:
    with store.reading() as history:
        works = history.results(assignment=remark.assignment, students=[remark.student], with_dropped=True)
        result = next(works, None)
    if result is not None and result.attempt is None:
        raise NotRunYet(
            f"a newer file of {shown} for {remark.assignment}, handed in since request {remark.id}, has not"
            " been run yet",
            todo="wait for its run: the request is about what stands then",
        )


def _same_finding(store: Store, remark: Remark, *, anonymous: bool) -> tuple[tuple[Same, ...], int]:
    """Some of whom a program said the same, and how many there are; nobody where it left it to a person."""
    if not remark.criterion:
        return (), 0
    work, criterion, student = remark.assignment, remark.criterion, remark.student
    with store.reading() as history:
        own = next(iter(history.class_rows(work, criterion, [student])), None)
        if own is None or own.status == Status.NEEDS_TA:
            return (), 0
        # Pseudonyms have an order of their own, which tells nothing of the names.
        most = None if anonymous else _NAMED
        rows, number = history.alike_to(work, criterion, student, own.alike, most=most)
    name = name_of(store, anonymous)
    shown = sorted((Same(name(row.student), row.points) for row in rows), key=lambda each: each.shown)
    return tuple(shown[:_NAMED]), number
