"""Names taken out of what a student wrote, for whoever grades blind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from grader.intake.names import name_in_path
from grader.intake.roster import keys_typed
from grader.reporting.anonymous import Disguise
from grader.store import History, Result
from grader.workflows.views.identity import ids_of

__all__ = ["hidden_names"]


def hidden_names(history: History, result: Result) -> Callable[[str], str]:
    """A function that hides who a text is of: every id and name of its student that the course knows."""
    handed_in = name_in_path(result.student, PurePath(result.submission.path))
    disguises = [Disguise(result.student, handed_in)]
    for found in history.people_by(keys_typed(result.student)).values():
        disguises += [Disguise(id, person.name) for person in found for id in ids_of(person)]

    def hide(text: str) -> str:
        for disguise in disguises:
            text = disguise.text(text)
        return text

    return hide
