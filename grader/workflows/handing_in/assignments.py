"""Which assignments take files, and by which rubric each is judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from grader.errors import UsageError
from grader.rubric.model import Rubric
from grader.store import History, Store
from grader.store.rubrics import LoadedRubric
from grader.workflows.regrading.own_rubrics import own_rubrics

__all__ = ["assigned", "assigned_here", "is_of_photos"]


def assigned(store: Store, places: Iterable[Path], *, photos: bool = False) -> list[LoadedRubric]:
    """The rubric of each assignment that takes notebooks, by the assignments' names.

    What the desk published stands first, then a file of the course, then what the newest verdicts stand on:
    the rubrics that come with the grader are no course's until it uses them. A file that is no rubric at the
    moment is left out.

    Args:
        store: The course's history.
        places: Folders in which the course's own `rubrics/` may lie.
        photos: Whether those that take photos are among them.
    """
    with store.reading() as history:
        own = own_rubrics(places, history.zone)
        names = sorted({*history.assignments(), *own})
        found = [_counting(store, history, name, own) for name in names]
    return [each for each in found if each is not None and (photos or not is_of_photos(each.rubric))]


def assigned_here(
    store: Store, places: Iterable[Path], assignment: str, *, photos: bool = False
) -> LoadedRubric:
    """The rubric of one assignment.

    Args:
        store: The course's history.
        places: Folders in which the course's own `rubrics/` may lie.
        assignment: Its name.
        photos: Whether it may be one of photos.

    Raises:
        UsageError: It takes no notebooks, or there is none of this name.
    """
    places = tuple(places)
    with store.reading() as history:
        rubric = _counting(store, history, assignment, own_rubrics(places, history.zone))
    if rubric is None or (is_of_photos(rubric.rubric) and not photos):
        taken = [each.assignment for each in assigned(store, places, photos=photos)]
        raise UsageError(
            f"no {'files' if photos else 'notebooks'} are handed in for this assignment",
            where=assignment,
            expected=", ".join(taken) or "a rubric in the course's rubrics/",
        )
    return rubric


def _counting(
    store: Store, history: History, assignment: str, own: Mapping[str, LoadedRubric]
) -> LoadedRubric | None:
    published = history.published_rubric(assignment)
    newest = None if published or assignment in own else history.newest_rubric(assignment)
    if published is not None:
        return store.rubric(published.rubric)
    return own.get(assignment) if newest is None else store.rubric(newest)


def is_of_photos(rubric: Rubric) -> bool:
    """Whether a rubric judges photos, which are no notebooks."""
    return any(criterion.check.of_photos for criterion in rubric.criteria)
