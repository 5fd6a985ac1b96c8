"""How a course system wants a file called that goes back to a student: by the name of what was handed in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import PurePath

from grader.intake.identity import normalise_id
from grader.intake.layouts import Canvas, Moodle

__all__ = ["SYSTEMS", "place_for"]

_CANVAS = re.compile(r"((?:LATE_)?anon_[^_]+_\d+|\w+?(?:_LATE)?_\d+_\d+)_.+")


def place_for(system: str, student: str, path: PurePath, file: str) -> str | None:
    """The path within the archive that the system takes; None where what was handed in does not tell it.

    Args:
        system: One of `SYSTEMS`.
        student: Their id, as intake took it from the path.
        path: Of the file handed in, with that of the archive or folder that the system gave.
        file: What the file going back is to be called.
    """
    return SYSTEMS[system](student, path, file)


def _canvas(student: str, path: PurePath, file: str) -> str | None:
    """``<name>[_LATE]_<user id>_<attachment id>_<file>``: all before the file's own name has to stay.

    Source: canvas-lms, `generate_comments_from_files`: of the parts between underscores the first two numbers
    are user and attachment, and the attachment has to be the student's.
    """
    owner, match = Canvas.owner_of(path.name), _CANVAS.fullmatch(path.name)
    if owner is None or match is None or normalise_id(owner.student) != student or _has_folder(student, path):
        return None
    return f"{match[1]}_{file}"


def _moodle(student: str, path: PurePath, file: str) -> str | None:
    """A folder ``<Full name>_<id>_assignsubmission_file_``, whatever the plug-in of the submission was.

    Source: Moodle, `assignfeedback_file_zip_importer`: a part of the path is a participant by its second word
    and a plug-in by its third and fourth.
    """
    if _has_folder(student, path):
        return None
    owners = [owner for owner in map(Moodle.owner_of, path.parts) if owner is not None]
    own = next((owner for owner in owners if normalise_id(owner.student) == student), None)
    return None if own is None else f"{own.name}_{own.student}_assignsubmission_file_/{file}"


def _markus(student: str, path: PurePath, file: str) -> str | None:
    """The group's folder, as MarkUs wrote it."""
    folders = path.parts[:-1]
    group = next((part for part in folders if normalise_id(part) == student), None)
    return None if group is None else f"{group}/{file}"


def _has_folder(student: str, path: PurePath) -> bool:
    """A folder called by the id: what is within it is the student's own invention."""
    return student in map(normalise_id, path.parts)


#: Course systems that take feedback as an archive, by name.
SYSTEMS: Mapping[str, Callable[[str, PurePath, str], str | None]] = {
    "canvas": _canvas,
    "moodle": _moodle,
    "markus": _markus,
}
