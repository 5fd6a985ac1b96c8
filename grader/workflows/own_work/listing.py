"""A student's own works at a glance: what came, whether it is graded, and what is shown of it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePath

from grader.errors import GraderError
from grader.grading.marks import Mark
from grader.store import History, Store
from grader.workflows.handing_in.deadline import Deadline
from grader.workflows.handing_in.overview import Offer, offers
from grader.workflows.releasing.shown import requests_shown, shown_work

__all__ = ["OwnWork", "own_work", "own_works"]


@dataclass(frozen=True)
class OwnWork:
    """One assignment, as its student may know it.

    Attributes:
        title: As the newest rubric has it; the id where none can be read.
        file: Name of the newest file; empty where nothing was handed in.
        submitted_at: When it was, where that is known.
        graded: Whether a program has judged it, whatever is shown of that.
        problem: Whether it could not be taken.
        released_at: When marks were released; None where this student is shown none.
        mark: As it is shown.
        waiting: Own remark requests that wait for an answer.
        deadline: Until when files are taken, and at what cost; None where none are taken.
    """

    assignment: str
    title: str
    file: str = ""
    submitted_at: datetime | None = None
    late: bool = False
    graded: bool = False
    problem: bool = False
    released_at: datetime | None = None
    mark: Mark | None = None
    waiting: int = 0
    deadline: Deadline | None = None


def own_works(store: Store, student: str, places: Iterable[Path] = ()) -> list[OwnWork]:
    """All assignments of the course, by name: those that were handed in, and those that take files.

    Args:
        store: Where they are.
        student: Whose, by id.
        places: Folders in which the course's own rubrics may lie.
    """
    taken = {each.assignment: each for each in offers(store, places, student)}
    with store.reading() as history:
        names = sorted({*history.assignments(), *taken})
        works = [_work(history, name, student) for name in names]
    return [_offered(_titled(store, work), taken.get(work.assignment)) for work in works]


def own_work(store: Store, assignment: str, student: str, places: Iterable[Path] = ()) -> OwnWork | None:
    """One of them; None where the course has no such assignment."""
    offer = next(iter(offers(store, places, student, only=assignment)), None)
    with store.reading() as history:
        if offer is None and assignment not in history.assignments():
            return None
        work = _work(history, assignment, student)
    return _offered(_titled(store, work), offer)


def _offered(work: OwnWork, offer: Offer | None) -> OwnWork:
    return work if offer is None else replace(work, title=offer.title, deadline=offer.deadline)


def _work(history: History, assignment: str, student: str) -> OwnWork:
    live = next(iter(history.results(assignment=assignment, students=[student], with_dropped=True)), None)
    if live is None:
        return OwnWork(assignment, assignment)
    shown = shown_work(history, assignment, student)
    requests = requests_shown(history, assignment, student)
    return OwnWork(
        assignment=assignment,
        title=assignment,
        file=PurePath(live.submission.path).name,
        submitted_at=live.submission.submitted_at,
        late=live.submission.late,
        graded=live.verdict_record is not None,
        problem=bool(live.submission.problem),
        released_at=shown.release.at if shown else None,
        mark=shown.result.mark if shown else None,
        waiting=sum(request.state.is_open for request in requests),
    )


def _titled(store: Store, work: OwnWork) -> OwnWork:
    with suppress(GraderError):
        return replace(work, title=store.rubric_at_hand(work.assignment).rubric.title)
    return work
