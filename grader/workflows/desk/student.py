"""One student's work on an assignment, criterion by criterion, for whoever judges it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from grader.grading.marks import Mark
from grader.reporting.findings import Look, look_for_staff
from grader.store import Store
from grader.store.remarks import Remark
from grader.store.results import Result
from grader.workflows.desk.names import hidden_names
from grader.workflows.views.attempt_ending import ending
from grader.workflows.views.cells import NamedCells
from grader.workflows.views.dropped import why_dropped
from grader.workflows.views.held import why_held
from grader.workflows.views.identity import names_of, real_names
from grader.workflows.views.show import find_result, find_results, name_of, requests_of, timeline
from grader.workflows.views.telling import Told, tell

__all__ = ["CriterionLine", "OneStudent", "StudentWork", "one_student", "works_of_students"]


@dataclass(frozen=True)
class CriterionLine:
    """One criterion of one student.

    Attributes:
        message: True whoever decides, with cells by name.
        open: Why a person has to look, while nobody has decided.
        by: Who decided; empty where nobody has.
        why: What they wrote.
    """

    id: str
    title: str
    look: Look
    points: float
    pending: float
    out_of: float
    message: str
    open: str
    by: str
    why: str


@dataclass(frozen=True, kw_only=True)
class StudentWork:
    """Where one student's work stands.

    Attributes:
        shown: What to call them.
        name: By the roster; empty where there is none, and beside a pseudonym.
        mark: None before the first verdict.
        held: Why the file could not be taken.
        dropped: Who took it out of what counts, and why.
    """

    assignment: str
    shown: str
    name: str
    attempt: int | None
    mark: Mark | None
    lines: tuple[CriterionLine, ...]
    held: str
    dropped: str


@dataclass(frozen=True, kw_only=True)
class OneStudent(StudentWork):
    """What a page about one student's work shows.

    Attributes:
        ended: How the attempt ended, in words.
    """

    outcome: str
    ended: str
    requests: tuple[Remark, ...]
    history: tuple[Told, ...]


def one_student(store: Store, assignment: str, student: str, *, anonymous: bool = False) -> OneStudent:
    """Reads one student's standing with its history.

    Args:
        store: Where they are.
        assignment: Which work.
        student: By id or pseudonym.
        anonymous: Whether the student goes by a pseudonym, also in messages that quote them.

    Raises:
        UsageError: Assignment or student is unknown.
    """
    result = find_result(store, student, assignment)
    cells, attempt = NamedCells(store, result), result.attempt
    [work] = _works(store, [result], anonymous, cells)
    return OneStudent(
        **{each.name: getattr(work, each.name) for each in fields(work)},
        outcome=attempt.outcome if attempt else "",
        ended=ending(store, result) if attempt else "",
        requests=tuple(requests_of(store, result)),
        history=tuple(tell(timeline(store, result.student, assignment), result.student, work.shown)),
    )


def works_of_students(
    store: Store, assignment: str, students: Sequence[str], *, anonymous: bool = False
) -> list[StudentWork]:
    """Where the works of some students stand, in the order in which they are named.

    Args:
        store: Where they are.
        assignment: Which work.
        students: By id or pseudonym.
        anonymous: Whether students go by pseudonyms, also in messages that quote them.

    Raises:
        UsageError: Assignment or student is unknown.
    """
    with store.reading() as history:
        named = real_names(history, assignment, students)
    found = {each.student: each for each in find_results(store, assignment, named, with_dropped=True)}
    return _works(store, [found[student] for student in named], anonymous)


def _works(
    store: Store, results: Sequence[Result], anonymous: bool, cells: NamedCells | None = None
) -> list[StudentWork]:
    names: Mapping[str, str] = {}
    if not anonymous:
        with store.reading() as history:
            names = names_of(history, [result.student for result in results])
    called = name_of(store, anonymous)
    return [
        StudentWork(
            assignment=result.assignment,
            shown=called(result.student),
            name=names.get(result.student, ""),
            attempt=result.attempt.number if result.attempt else None,
            mark=result.mark,
            lines=_lines(store, result, anonymous, cells or NamedCells(store, result)),
            held=why_held(result),
            dropped=why_dropped(result),
        )
        for result in results
    ]


def _lines(store: Store, result: Result, anonymous: bool, cells: NamedCells) -> tuple[CriterionLine, ...]:
    with store.reading() as history:
        hide = hidden_names(history, result) if anonymous else str
    return tuple(
        CriterionLine(
            id=item.criterion,
            title=item.finding.title,
            look=look_for_staff(item.status, item.points, item.out_of),
            points=item.points,
            pending=item.pending,
            out_of=item.out_of,
            message=hide(cells.text(item.finding.message)),
            open="" if item.decision else hide(cells.text(item.finding.open)),
            by=item.decision.by if item.decision else "",
            why=item.decision.why if item.decision else "",
        )
        for item in (result.mark.criteria if result.mark else ())
    )
