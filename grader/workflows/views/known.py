"""Which assignments there are, for whatever takes the name of one."""

from __future__ import annotations

from grader.errors import UsageError
from grader.rubric.problems import nearest
from grader.store import History

__all__ = ["require_assignment"]


def require_assignment(history: History, assignment: str) -> None:
    """Refuses what the course does not call an assignment: see `History.known_assignments`.

    Raises:
        UsageError: It is not known; names the nearest one.
    """
    if not history.is_assignment(assignment):
        near = nearest(assignment, history.known_assignments())
        raise UsageError(
            f"no assignment is called '{assignment}' here{near}",
            todo="its rubric in the course's rubrics/ makes an assignment known before anybody hands in",
        )
