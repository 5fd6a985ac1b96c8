"""Which rubric judges again where none is named: the course's own file, else the newest of the history."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

from grader.store import Store
from grader.store.records import RubricRecord
from grader.store.rubrics import LoadedRubric
from grader.workflows.regrading.reference import bundled
from grader.workflows.regrading.rubrics import (
    RubricShelf,
    load_rubric_file,
    require_assignment,
)

__all__ = ["ChosenRubric", "choose_rubric"]

_SHORT = 12


@dataclass(frozen=True)
class ChosenRubric:
    """A rubric, and in words which one it is and why it was taken."""

    loaded: LoadedRubric
    said: str


def choose_rubric(
    store: Store, assignment: str, named: str | None, places: Iterable[Path] = ()
) -> ChosenRubric:
    """The named rubric, else the file of the one that stands, else what the history holds of it.

    The one that stands was published at the desk, or is that of the newest verdict.

    That file is looked for in the `rubrics/` folders of `places` only. A bundled rubric of the name may be
    another course's than the one that the marks stand on, so it has to be named.

    Raises:
        UsageError: It is another assignment's, or nothing was judged yet.
        RubricError: The file that would judge is no rubric.
    """
    with store.reading() as history:
        published = history.published_rubric(assignment)
        newest = published.rubric if published else history.newest_rubric(assignment)
    if named is not None:
        loaded = RubricShelf(places, zone=store.zone).load(named)
        require_assignment(loaded, assignment)
        return ChosenRubric(loaded, f"{loaded.name} ({_short(loaded)}){_differs(loaded, newest)}")
    own = _own(newest, places, store.zone) if newest else None
    if own is not None:
        path, loaded = own
        return ChosenRubric(loaded, f"{path} ({_short(loaded)}){_differs(loaded, newest)}")
    if published is not None:
        loaded = store.rubric(published.rubric)
        return ChosenRubric(loaded, f"{loaded.name} ({_short(loaded)}), {published}")
    loaded = store.newest_rubric(assignment)
    return ChosenRubric(loaded, f"{loaded.name} ({_short(loaded)}), as the history holds it{_other(loaded)}")


def _own(
    newest: RubricRecord, places: Iterable[Path], zone: tzinfo | None
) -> tuple[Path, LoadedRubric] | None:
    """The course's own file of the newest rubric's name, with what stands in it now."""
    path = next((path for place in places if (path := place / "rubrics" / newest.name).is_file()), None)
    loaded = load_rubric_file(path, zone) if path else None
    return (path, loaded) if path and loaded and loaded.assignment == newest.assignment else None


def _differs(loaded: LoadedRubric, newest: RubricRecord | None) -> str:
    if newest is None or loaded.kept.key == newest.key:
        return ""
    return f"; the newest verdicts stood on {newest.name} ({newest.digest[:_SHORT]})"


def _other(recalled: LoadedRubric) -> str:
    """What to do where another text was meant to judge."""
    path = bundled("rubrics") / recalled.name
    if path.is_file() and load_rubric_file(path).kept.key != recalled.kept.key:
        return f"; the bundled {path.stem} is another one, and judges with --rubric {path.stem}"
    return "; a file that you changed judges with --rubric FILE"


def _short(loaded: LoadedRubric) -> str:
    return loaded.rubric.digest[:_SHORT]
