"""Marks as plain data, in the words of `grader export json`, for who may know names and for who may not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from grader.errors import DamagedRow, UsageError
from grader.store import History, Store
from grader.store.results import Result
from grader.workflows.desk.listing import Listed, lines_of
from grader.workflows.desk.names import hidden_names
from grader.workflows.desk.waiting import require_known
from grader.workflows.marking.seen import seen_in
from grader.workflows.programs.walking import walk
from grader.workflows.views.export import as_plain
from grader.workflows.views.identity import pseudonym
from grader.workflows.views.show import find_result, timeline
from grader.workflows.views.telling import tell

__all__ = ["LinesPage", "MarksPage", "history_of", "lines_page", "mark_of_student", "marks_page"]


@dataclass(frozen=True)
class MarksPage:
    """Marks of some students; `after` says where to go on, empty at the end."""

    items: tuple[dict[str, Any], ...]
    after: str


@dataclass(frozen=True)
class LinesPage:
    """Submissions of some students, a line each."""

    items: tuple[Listed, ...]
    after: str


def lines_page(
    store: Store, assignment: str, *, after: str, size: int, anonymous: bool, state: str = ""
) -> LinesPage:
    """The next submissions of an assignment.

    Args:
        store: Where the history is.
        assignment: Which work.
        after: The last student of the page before; empty for the first page.
        size: How many.
        anonymous: Whether students go by pseudonyms.
        state: Only those in this one, as `Standing` names them; empty for all.

    Raises:
        UsageError: No assignment is called so.
    """
    with store.reading() as history:
        require_known(history, assignment)
        walked = walk(
            history,
            assignment,
            after,
            size,
            anonymous=anonymous,
            wanted=lambda standing: not state or standing.state == state,
        )
        shown = {student: name for name, student in walked.students}
        return LinesPage(tuple(lines_of(history, assignment, shown, anonymous=anonymous)), walked.after)


def marks_page(store: Store, assignment: str, *, after: str, size: int, anonymous: bool) -> MarksPage:
    """The marks of the next students of an assignment; what was dropped or not run yet is left out.

    Raises:
        UsageError: No assignment is called so.
    """
    with store.reading() as history:
        require_known(history, assignment)
        walked = walk(
            history,
            assignment,
            after,
            size,
            anonymous=anonymous,
            wanted=lambda standing: standing.state not in ("dropped", "not_run"),
        )
        names = [student for _, student in walked.students]
        results = {
            result.student: result
            for result in (history.results(assignment=assignment, students=names) if names else ())
            if result.attempt is not None and not result.damaged
        }
        items = tuple(
            _plain(history, results[student], anonymous=anonymous) for student in names if student in results
        )
    return MarksPage(items, walked.after)


def mark_of_student(store: Store, assignment: str, student: str, *, anonymous: bool) -> dict[str, Any]:
    """One student's mark, dropped or not.

    Args:
        store: Where the history is.
        assignment: Which work.
        student: By id or pseudonym.
        anonymous: Whether they go by a pseudonym, also in what quotes them.

    Raises:
        UsageError: Assignment or student is unknown, or nothing was run yet.
        DamagedRow: A row of theirs cannot be read.
    """
    result = find_result(store, student, assignment)
    if result.damaged:
        raise DamagedRow("a row of this work cannot be read", todo="`grader audit` tells more")
    if result.attempt is None:
        raise UsageError("this submission was not run yet")
    with store.reading() as history:
        return _plain(history, result, anonymous=anonymous)


def history_of(store: Store, assignment: str, student: str, *, anonymous: bool) -> list[dict[str, Any]]:
    """All that ever happened to a student's work, oldest first, in words.

    Raises:
        UsageError: Assignment or student is unknown.
    """
    result = find_result(store, student, assignment)
    with store.reading() as history:
        shown, hide = _disguise(history, result, anonymous=anonymous)
    told = tell(timeline(store, result.student, assignment), result.student, shown)
    plain: list[dict[str, Any]] = [_hidden(each.plain(), hide) for each in told]
    return plain


def _plain(history: History, result: Result, *, anonymous: bool) -> dict[str, Any]:
    """As `grader export json` has it, with what whoever marks a criterion has to say that they saw."""
    shown, hide = _disguise(history, result, anonymous=anonymous)
    plain = as_plain(result)
    for line, mark in zip(plain["criteria"], result.mark.criteria if result.mark else (), strict=True):
        line["title"] = mark.finding.title
        line["seen"] = str(seen_in(result, mark))
    return {**_hidden(plain, hide), "student": shown, "assignment": result.assignment}


def _disguise(history: History, result: Result, *, anonymous: bool) -> tuple[str, Callable[[str], str]]:
    """What to call a student, and what hides them in texts."""
    if not anonymous:
        return result.student, str
    return pseudonym(history.own_key(), result.student), hidden_names(history, result)


#: Texts of ours, which hold no student's words and must stay as they are.
_OURS = frozenset({"id", "status", "finding_status", "outcome", "seen", "at", "kind"})


def _hidden(plain: Any, hide: Callable[[str], str]) -> Any:
    if hide is str:
        return plain
    if isinstance(plain, str):
        return hide(plain)
    if isinstance(plain, dict):
        return {key: value if key in _OURS else _hidden(value, hide) for key, value in plain.items()}
    if isinstance(plain, list | tuple):
        return [_hidden(each, hide) for each in plain]
    return plain
