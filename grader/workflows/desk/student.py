"""One student's work on an assignment, criterion by criterion, for whoever judges it."""

from __future__ import annotations

from dataclasses import dataclass

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
from grader.workflows.views.identity import names_of
from grader.workflows.views.show import find_result, name_of, requests_of, timeline
from grader.workflows.views.telling import Told, tell

__all__ = ["CriterionLine", "OneStudent", "one_student"]


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


@dataclass(frozen=True)
class OneStudent:
    """What a page about one student's work shows.

    Attributes:
        shown: What to call them.
        name: By the roster; empty where there is none, and beside a pseudonym.
        mark: None before the first verdict.
        ended: How the attempt ended, in words.
        held: Why the file could not be taken.
        dropped: Who took it out of what counts, and why.
    """

    assignment: str
    shown: str
    name: str
    attempt: int | None
    outcome: str
    ended: str
    mark: Mark | None
    lines: tuple[CriterionLine, ...]
    requests: tuple[Remark, ...]
    history: tuple[Told, ...]
    held: str
    dropped: str


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
    shown = name_of(store, anonymous)(result.student)
    attempt, name = result.attempt, ""
    if not anonymous:
        with store.reading() as history:
            name = names_of(history, [result.student]).get(result.student, "")
    return OneStudent(
        assignment=assignment,
        shown=shown,
        name=name,
        attempt=attempt.number if attempt else None,
        outcome=attempt.outcome if attempt else "",
        ended=ending(store, result) if attempt else "",
        mark=result.mark,
        lines=_lines(store, result, anonymous),
        requests=tuple(requests_of(store, result)),
        history=tuple(tell(timeline(store, result.student, assignment), result.student, shown)),
        held=why_held(result),
        dropped=why_dropped(result),
    )


def _lines(store: Store, result: Result, anonymous: bool) -> tuple[CriterionLine, ...]:
    cells = NamedCells(store, result)
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
