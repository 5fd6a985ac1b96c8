"""Who a result of the history belongs to: by the roster, else by what the submission was called."""

from __future__ import annotations

from pathlib import PurePath

from grader.intake.names import canvas_id_in_path, name_in_path
from grader.intake.roster import Roster, RosterEntry
from grader.store.results import Result

__all__ = ["canvas_id_of", "find_person", "shown_name"]


def find_person(roster: Roster | None, result: Result) -> RosterEntry | None:
    """The roster's entry, found as intake finds it: by any id, else by the whole name."""
    return roster.find(result.student, _name_handed_in(result)) if roster else None


def canvas_id_of(result: Result) -> str:
    """The student's number in Canvas, where the submission tells it."""
    return canvas_id_in_path(result.student, PurePath(result.submission.path))


def shown_name(roster: Roster | None, result: Result) -> str:
    """What to call the student in a report; empty where there is only the id."""
    entry, name = find_person(roster, result), _name_handed_in(result)
    if entry is not None and entry.name:
        return entry.name
    return name if " " in name else ""  # Canvas writes "doejane", which is no way to address anybody.


def _name_handed_in(result: Result) -> str:
    return name_in_path(result.student, PurePath(result.submission.path))
