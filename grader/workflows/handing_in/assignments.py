"""Which assignments take files, and by which rubric each is judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import tzinfo
from functools import lru_cache
from pathlib import Path

from grader.errors import RubricError, UsageError
from grader.rubric.model import Rubric
from grader.store import History, Store
from grader.store.rubrics import LoadedRubric
from grader.workflows.regrading.rubrics import load_rubric_file

__all__ = ["assigned", "assigned_here", "is_of_photos"]

_KEPT = 64


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
        own = _own(places, history.zone)
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
        rubric = _counting(store, history, assignment, _own(places, history.zone))
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


def _own(places: Iterable[Path], zone: tzinfo | None) -> dict[str, LoadedRubric]:
    """The course's own files, by assignment."""
    found: dict[str, LoadedRubric] = {}
    for path in (path for place in places for path in sorted((place / "rubrics").glob("*.yaml"))):
        try:
            state = path.stat()
            rubric = _load(path, state.st_mtime_ns, state.st_size, zone)
        except (RubricError, OSError):
            continue
        found[rubric.assignment] = rubric
    return found


@lru_cache(maxsize=_KEPT)
def _load(path: Path, changed: int, size: int, zone: tzinfo | None) -> LoadedRubric:
    """A file of the course, read again once it was changed (`changed` and `size` tell that)."""
    return load_rubric_file(path, zone)
