"""Students' names, from the paths under which Canvas and Moodle packed their files."""

from __future__ import annotations

from pathlib import PurePath

from grader.intake.identity import normalise_id
from grader.intake.layouts import Canvas, Moodle, Owner
from grader.intake.text import visible

__all__ = ["canvas_id_in_path", "name_in_path"]


def name_in_path(student: str, path: PurePath) -> str:
    """The name that goes with an id, as intake found it; empty where the path tells none.

    Args:
        student: Normalised id.
        path: Of the submission, its root included.
    """
    owners = _owners(student, path)
    return visible(owners[0].name) if owners else ""


def canvas_id_in_path(student: str, path: PurePath) -> str:
    """The student's number in Canvas, where the file came from a download that is not anonymous."""
    owner = Canvas.owner_of(path.name)
    return student if owner is not None and owner.name and owner in _owners(student, path) else ""


def _owners(student: str, path: PurePath) -> list[Owner]:
    if student in map(normalise_id, path.parts):
        return []  # A folder called by the id: what is within it is the student's own invention.
    found = [*map(Moodle.owner_of, path.parts), Canvas.owner_of(path.name)]
    return [owner for owner in found if owner is not None and normalise_id(owner.student) == student]
