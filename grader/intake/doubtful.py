"""Ids that are hardly a student's: an assignment's, a file's or a folder's, where another one was meant."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["is_doubtful"]

_WORD = re.compile(r"[^\W_]+")
#: Folders and files as courses, computers and students without imagination call them.
_NO_STUDENT = frozenset(
    {"all", "answers", "code", "data", "desktop", "documents", "downloads", "final", "hand in", "handed in"}
    | {"handin", "main", "my drive", "mydrive", "new folder", "notebooks", "solution", "solutions", "src"}
    | {"submission", "submissions", "submit", "submitted", "test", "unnamed", "work"}
)
_NUMBERED = re.compile(
    r"(?:copy of )?(?:assignment|exercise|ex|homework|hw|lab|notebook|part|problem set|project|ps|task"
    r"|tutorial|untitled|week)(?: ?\d+)?(?: ?[a-z])?(?: (?:\d+|copy|final|solution|submission|v\d+))*"
)


def is_doubtful(student: str, assignments: Iterable[str]) -> bool:
    """Whether an id looks like the name of something else.

    Args:
        student: As intake gives it.
        assignments: Names of the course's own.
    """
    words = _words(student)
    if words in _NO_STUDENT or _NUMBERED.fullmatch(words):
        return True
    together = words.replace(" ", "")
    return bool(together) and any(together == _words(name).replace(" ", "") for name in assignments)


def _words(name: str) -> str:
    return " ".join(_WORD.findall(name.casefold()))
