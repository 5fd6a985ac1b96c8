"""Dates of an assignment that the course sets in place of the rubric's, and dates of one student's own.

Each is a sealed row with who, when and why; lateness and marks follow in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from grader.errors import GraderError, RefusedError, UsageError
from grader.grading.late import Dates, with_dates
from grader.grading.remarks import remark_rules
from grader.rubric.model import LatePolicy, Policy
from grader.store import History, Signature, Store
from grader.store.allowances import DatesRecord, DatesSet, Extension, ExtensionRecord
from grader.workflows.setting_up.meant import require_why, students_meant, whole_class
from grader.workflows.views.known import require_assignment

__all__ = ["KEYS", "DatesView", "dates_view", "extend", "extensions_of", "set_dates", "take_back"]

#: What can be set, by its name in commands and pages.
KEYS = ("due", "until", "remarks_from", "remarks_until")
_WHY = "dates of an assignment"


@dataclass(frozen=True)
class DatesView:
    """The dates of an assignment.

    Attributes:
        rubrics: By the rubric at hand; None where it says nothing, or there is none yet.
        course: What the course set in their place; None where it set nothing.
        late: The rule for all, by both; None where nothing is ever late.
        remarks: The rules for remark requests, by both.
    """

    rubrics: Dates
    course: DatesSet | None
    late: LatePolicy | None
    remarks: Policy

    @property
    def now(self) -> Dates:
        """What holds."""
        late, remarks = self.late, self.remarks
        return Dates(
            late.due if late else None,
            late.until if late else None,
            remarks.remarks_open_from,
            remarks.remarks_open_until,
        )


def dates_view(store: Store, assignment: str) -> DatesView:
    """The dates of an assignment. Writes nothing.

    Raises:
        UsageError: No assignment is called so.
    """
    late, remarks = _of_rubric(store, assignment)
    with store.reading() as history:
        require_assignment(history, assignment)
        course = history.dates(assignment)
    return _view(late, remarks, course)


def _of_rubric(store: Store, assignment: str) -> tuple[LatePolicy | None, Policy]:
    with suppress(GraderError):
        rubric = store.rubric_at_hand(assignment).rubric
        return rubric.late, rubric.remarks
    return None, Policy()


def _view(late: LatePolicy | None, remarks: Policy, course: DatesSet | None) -> DatesView:
    own = DatesView(Dates(), None, late, remarks).now
    dates = course.dates if course else None
    return DatesView(own, course, with_dates(late, dates), remark_rules(remarks, dates))


def set_dates(
    store: Store, assignment: str, changed: Mapping[str, datetime | None], reason: str, *, actor: str
) -> DatesView:
    """Sets dates in place of the rubric's; those not named stay as they are.

    Args:
        store: Where the history is.
        assignment: Which work.
        changed: By `KEYS`; None for what the rubric says.
        reason: Why.
        actor: Who says so.

    Raises:
        RefusedError: Nothing would change, or the dates are in no order.
        UsageError: The assignment is unknown, or there is no reason.
    """
    why = require_why(reason)
    late, remarks = _of_rubric(store, assignment)
    with store.writing() as history:
        require_assignment(history, assignment)
        before = history.dates(assignment)
        old = before.dates if before else Dates()
        new = old._replace(**changed)
        if new == old:
            raise RefusedError("these are the dates that hold already", todo="nothing was written")
        signature = Signature(actor, store.clock(), _WHY)
        made = DatesSet(new, actor, signature.at, why)
        view = _view(late, remarks, made if any(new) else None)
        _require_order(view, new)
        history.set_dates(DatesRecord(assignment=assignment, **new._asdict(), reason=why), signature)
    return view


def _require_order(view: DatesView, new: Dates) -> None:
    now = view.now
    due, until = now.due, new.until
    if new.until and not due:
        raise RefusedError("when nothing counts any more needs a date when it is due", expected="due as well")
    if due and until and until < due:
        raise RefusedError("nothing would count any more before it is due", expected=f"{due} or later")
    opens, closes = now.remarks_from, now.remarks_until
    if opens and closes and opens >= closes:
        raise RefusedError("remark requests would close before they open")


def extensions_of(store: Store, assignment: str) -> dict[str, Extension]:
    """Dates of students' own, by name.

    Raises:
        UsageError: No assignment is called so.
    """
    with store.reading() as history:
        require_assignment(history, assignment)
        return dict(sorted(history.extensions(assignment).items()))


def extend(
    store: Store,
    assignment: str,
    students: Sequence[str],
    until: datetime,
    reason: str,
    *,
    section: str = "",
    actor: str,
) -> list[str]:
    """Lets students hand in until another date without being late.

    Args:
        store: Where the history is.
        assignment: Which work.
        students: By id, login, name or pseudonym.
        until: The date.
        reason: Why.
        section: A section of the roster, all of whom are meant as well.
        actor: Who says so.

    Returns:
        Their ids.

    Raises:
        RefusedError: The date is not later than when the work is due.
        UsageError: The assignment or a student is unknown, none is named, or there is no reason.
    """
    why = require_why(reason)
    late, remarks = _of_rubric(store, assignment)
    with store.writing() as history:
        meant = _meant(history, assignment, students, section)
        rule = _view(late, remarks, history.dates(assignment)).late
        if rule is not None and until <= rule.due:
            raise RefusedError(
                "this is no extension: it is not later than the date for all",
                expected=f"later than {rule.due.isoformat(' ', 'minutes')}",
            )
        for student in meant:
            record = ExtensionRecord(student=student, assignment=assignment, until=until, reason=why)
            history.extend(record, Signature(actor, store.clock(), "grader extend"))
    return meant


def take_back(
    store: Store, assignment: str, students: Sequence[str], reason: str, *, section: str = "", actor: str
) -> list[str]:
    """Takes extensions back, of all named or of none.

    Raises:
        RefusedError: One of them has none.
        UsageError: As `extend`.
    """
    why = require_why(reason)
    with store.writing() as history:
        meant = _meant(history, assignment, students, section)
        held = history.extensions(assignment)
        for student in meant:
            if student not in held:
                raise RefusedError(f"{student} has no extension", todo="nothing was written")
            record = ExtensionRecord(student=student, assignment=assignment, until=None, reason=why)
            history.extend(record, Signature(actor, store.clock(), "grader extend --undo"))
    return meant


def _meant(history: History, assignment: str, students: Sequence[str], section: str) -> list[str]:
    require_assignment(history, assignment)
    meant = students_meant(history, students, assignment)
    if section:
        everybody = whole_class(history, assignment)
        meant += [each for each, person in everybody.items() if person and person.section == section]
    if not meant:
        raise UsageError("nobody is named", expected="students, or a section that the roster knows")
    return list(dict.fromkeys(meant))
