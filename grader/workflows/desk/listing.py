"""`grader list`: every submission of a class, or all of one student, with marks and what waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grader.errors import UsageError
from grader.grading.points import settled_points
from grader.rubric.problems import nearest
from grader.store import History, Result, Store
from grader.store.class_views import FileOn, Standing
from grader.workflows.desk.waiting import require_known
from grader.workflows.views.dropped import why_dropped
from grader.workflows.views.held import why_held
from grader.workflows.views.identity import names_of, pseudonym, pseudonyms_in_order, real_names

__all__ = ["PAGE", "ListPage", "Listed", "as_plain", "lines_of", "list_page", "list_work"]

#: Submissions on one page.
PAGE = 50


@dataclass(frozen=True)
class Listed:
    """One submission as it stands.

    Attributes:
        shown: What to call the student: the id, or a pseudonym.
        name: By the roster; empty where there is none, and beside a pseudonym.
        attempt: Number of the attempt; None before the first.
        outcome: Of the attempt; empty before the first.
        points: None where there is no mark yet, or all of them wait.
        waits: Ids of the criteria that wait for a person.
        marked: Criteria that a person has decided on.
        remarks: Open remark requests.
        flags: Flags for the head TA that stand.
        state: In a few words, where there is more to say than points: held, dropped, not judged.
    """

    student: str
    shown: str
    name: str
    assignment: str
    attempt: int | None
    outcome: str
    points: float | None
    out_of: float | None
    pending: float | None
    waits: tuple[str, ...]
    marked: int
    remarks: int
    flags: int
    late: bool
    state: str


@dataclass(frozen=True)
class ListPage:
    """Some submissions of an assignment, in the order of the names that are shown.

    Attributes:
        number: Of the page, from 1 to `pages`.
        total: Submissions on all pages.
    """

    items: tuple[Listed, ...]
    number: int
    pages: int
    total: int


def list_page(
    store: Store, assignment: str, number: int = 1, *, anonymous: bool = False, size: int = PAGE
) -> ListPage:
    """One page of a class; it costs what it shows, and a name for each student.

    Args:
        store: Where the history is.
        assignment: Which work.
        number: Of the page; the nearest there is where it is none.
        anonymous: Whether students go by pseudonyms, and stand in their order.
        size: Submissions on a page.

    Raises:
        UsageError: No assignment is called so.
    """
    with store.reading() as history:
        require_known(history, assignment)
        total = history.size(assignment)
        pages = max(1, -(-total // size))
        number = min(max(number, 1), pages)
        start = (number - 1) * size
        if anonymous:
            order = pseudonyms_in_order(history, assignment)[start : start + size]
            shown = {student: name for name, student in order}
        else:
            shown = {name: name for name in history.students_on(assignment, start=start, size=size)}
        items = lines_of(history, assignment, shown, anonymous=anonymous)
    return ListPage(tuple(items), number, pages, total)


def lines_of(history: History, assignment: str, shown: Mapping[str, str], *, anonymous: bool) -> list[Listed]:
    """Lines of some students, by what to call each, in their order.

    From the standing; of the few that it has no words for, from the history.
    """
    standings = {each.student: each for each in history.standings(assignment, list(shown), criteria=False)}
    odd = [student for student, each in standings.items() if each.state not in ("waiting", "settled")]
    told = {
        each.student: each for each in (_list(history, assignment, odd, anonymous=anonymous) if odd else ())
    }
    waits = history.waits_of(assignment, list(shown))
    files = history.files_on(assignment, list(shown))
    flags = Counter(flag.student for flag in history.flags(assignment=assignment, students=list(shown)))
    names = {} if anonymous else names_of(history, shown)
    return [
        told.get(student)
        or _line(
            standings[student],
            tuple(waits.get(student, ())),
            files[student],
            called,
            names.get(student, ""),
            flags[student],
        )
        for student, called in shown.items()
    ]


def _line(
    standing: Standing, waits: tuple[str, ...], file: FileOn, shown: str, name: str, flags: int
) -> Listed:
    return Listed(
        student=standing.student,
        shown=shown,
        name=name,
        assignment=standing.assignment,
        attempt=file.attempt,
        outcome=standing.outcome,
        points=settled_points(standing.points, standing.out_of, standing.pending),
        out_of=standing.out_of,
        pending=standing.pending,
        waits=waits,
        marked=standing.marked,
        remarks=standing.requests,
        flags=flags,
        late=file.late,
        state="",
    )


def list_work(
    store: Store, *, assignment: str | None = None, student: str | None = None, anonymous: bool = False
) -> list[Listed]:
    """Lists submissions, by assignment and student; those that a person dropped are among them.

    Args:
        store: Where the history is.
        assignment: Only this one's; all where it is None.
        student: Only this one's, by id, pseudonym, login or name.
        anonymous: Whether students go by pseudonyms.

    Raises:
        UsageError: No assignment or student is called so.
    """
    with store.reading() as history:
        works = history.assignments()
        if assignment is not None:
            require_known(history, assignment)
        students = () if student is None else _known(history, works, assignment, student)
        return _list(history, assignment, students, anonymous=anonymous)


def _list(
    history: History, assignment: str | None, students: Sequence[str], *, anonymous: bool
) -> list[Listed]:
    """Those of the students named, or of all, by assignment and name."""
    results = list(history.results(assignment=assignment, students=students, with_dropped=True))
    requests = Counter(
        (remark.assignment, remark.student)
        for remark in history.remarks(assignment=assignment)
        if remark.state.is_open
    )
    flags = Counter((flag.assignment, flag.student) for flag in history.flags(assignment=assignment))
    names = {} if anonymous else names_of(history, {result.student for result in results})
    key = history.own_key() if anonymous else b""
    listed = [
        _listed(
            result,
            pseudonym(key, result.student) if anonymous else result.student,
            names.get(result.student, ""),
            requests[result.assignment, result.student],
            flags[result.assignment, result.student],
        )
        for result in results
    ]
    return sorted(listed, key=lambda item: (item.assignment, item.shown))


def _known(history: History, works: Sequence[str], assignment: str | None, student: str) -> tuple[str, ...]:
    [name] = real_names(history, assignment, [student])
    if not history.handed_in(name, assignment):
        known = {each for work in works for each in history.students(work)}
        whose = f" for {assignment}" if assignment else ""
        raise UsageError(f"'{name}' handed in nothing{whose}{nearest(name, known).partition('; known')[0]}")
    return (name,)


def _listed(result: Result, shown: str, name: str, remarks: int, flags: int) -> Listed:
    mark, attempt = result.mark, result.attempt
    criteria = mark.criteria if mark else ()
    return Listed(
        student=result.student,
        shown=shown,
        name=name,
        assignment=result.assignment,
        attempt=attempt.number if attempt else None,
        outcome=attempt.outcome if attempt else "",
        points=mark.shown if mark else None,
        out_of=mark.out_of if mark else None,
        pending=mark.pending if mark else None,
        waits=tuple(item.criterion for item in criteria if item.pending),
        marked=sum(item.decision is not None for item in criteria),
        remarks=remarks,
        flags=flags,
        late=result.submission.late,
        state="; ".join(_state(result)),
    )


def _state(result: Result) -> Iterator[str]:
    if dropped := why_dropped(result):
        yield dropped
    if result.damaged:
        yield result.damaged
    elif result.attempt is None:
        yield "not run yet"
    elif result.unreadable is not None:
        yield "its verdict cannot be read"
    elif reason := why_held(result):
        yield f"could not be taken: {reason}"
    elif result.mark is None:
        yield "not judged yet"


def as_plain(item: Listed) -> dict[str, Any]:
    """As `grader list --json` has it; the student goes by the name that is shown."""
    plain = {name: getattr(item, name) for name in Listed.__dataclass_fields__ if name != "shown"}
    return {**plain, "student": item.shown, "waits": list(item.waits)}
