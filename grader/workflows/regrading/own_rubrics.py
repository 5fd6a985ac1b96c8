"""The rubric files of a course: what lies in its own `rubrics/`, by assignment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import tzinfo
from functools import lru_cache
from pathlib import Path

from grader.errors import RubricError
from grader.store.rubrics import LoadedRubric
from grader.workflows.regrading.rubrics import load_rubric_file

__all__ = ["own_rubrics"]

_KEPT = 64


def own_rubrics(places: Iterable[Path], zone: tzinfo | None) -> dict[str, LoadedRubric]:
    """What they hold just now; a file that is no rubric at the moment is left out.

    Args:
        places: Folders in which the course's own `rubrics/` may lie.
        zone: In which dates are read that name none.
    """
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
