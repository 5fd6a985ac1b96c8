"""Students' names, from the paths under which Canvas and Moodle packed their files."""

from __future__ import annotations

from pathlib import PurePath

from grader.intake.identity import normalise_id
from grader.intake.layouts import Canvas, Moodle
from grader.intake.text import visible

__all__ = ["name_in_path"]


def name_in_path(student: str, path: PurePath) -> str:
    """The name that goes with an id, as intake found it; empty where the path tells none.

    Args:
        student: Normalised id.
        path: Of the submission, its root included.
    """
    if student in map(normalise_id, path.parts):
        return ""  # A folder called by the id: what is within it is the student's own invention.
    found = [Moodle.owner_of(part) for part in path.parts] + [Canvas.owner_of(path.name)]
    names = [owner.name for owner in found if owner is not None and normalise_id(owner.student) == student]
    return visible(names[0]) if names else ""
