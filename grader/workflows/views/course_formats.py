"""`grader export` to course systems: results of the history as marks that an export writes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from grader.errors import EvidenceError, RubricError, StoreError, UsageError
from grader.evidence.record import Outcome
from grader.exports import (
    FORMATS,
    Course,
    CriterionLine,
    Export,
    Gradebook,
    LeftOut,
    Person,
    StudentMark,
    select,
)
from grader.files.named import write_bytes
from grader.grading.held import parted
from grader.grading.marks import CriterionMark, Mark
from grader.intake.roster import Roster, RosterEntry
from grader.reporting.findings import FindingView, view
from grader.reporting.text import count, number
from grader.store import Store
from grader.store.results import Result
from grader.workflows.views.dropped import excused_in_words, why_dropped
from grader.workflows.views.held import why_held
from grader.workflows.views.people import canvas_id_of, find_person
from grader.workflows.views.report import file_name, report_input

__all__ = [
    "ClassMarks",
    "class_marks",
    "course_of",
    "excused_without_work",
    "make_export",
    "save_export",
    "student_mark",
]

_NOBODY_KNOWN = Person()


def make_export(
    form: str,
    course: Course,
    marks: Sequence[StudentMark],
    *,
    into: Gradebook | None = None,
    include_pending: bool = False,
) -> Export:
    """Writes the marks that can be published, and names everybody else.

    Args:
        form: Name of a format.
        course: The assignment.
        marks: Of all students.
        into: A file that the course system exported, to be filled in.
        include_pending: Whether marks of which points still wait are published as they stand.

    Raises:
        UsageError: The format cannot be filled in, or the file is not of this format.
    """
    known = FORMATS[form]
    kept, waiting = select(marks, include_pending=include_pending, excused=known.takes_excused)
    if into is None:
        made = known.write(course, kept)
    elif known.fill is None:
        fillable = ", ".join(name for name, other in FORMATS.items() if other.fill)
        raise UsageError(f"{form} has no file to fill in", expected=f"--into with one of: {fillable}")
    else:
        made = known.fill(course, kept, into)
    return replace(made, left_out=(*waiting, *made.left_out))


def save_export(export: Export, out: Path) -> list[Path]:
    """Writes the file, or a folder with a file for each student.

    A format with a file for each student writes straight to a name that ends in ``.json`` where there is one
    student only.

    Raises:
        UsageError: A place cannot be written.
    """
    if "" in export.files or (len(export.files) == 1 and out.suffix == ".json"):
        [raw] = export.files.values()
        write_bytes(out, raw)
        return [out]
    taken: set[str] = set()
    paths = []
    for student, raw in export.files.items():
        path = out / file_name(student, taken, ".json")
        write_bytes(path, raw)
        paths.append(path)
    return paths


def course_of(store: Store, assignment: str) -> Course:
    """The assignment by the rubric of its newest verdict.

    Raises:
        UsageError: Nothing was judged yet.
    """
    rubric = store.newest_rubric(assignment).rubric
    with store.reading() as history:
        late = history.late_policy(assignment)
    return Course(
        assignment=assignment,
        title=rubric.title,
        out_of=rubric.total,
        criteria={criterion.id: criterion.title for criterion in rubric.criteria},
        due=late.due if late else None,
    )


@dataclass(frozen=True)
class ClassMarks:
    """The marks of a class.

    Attributes:
        handed_in_nothing: Students of the roster without a submission.
    """

    marks: list[StudentMark]
    handed_in_nothing: list[LeftOut]

    @property
    def students(self) -> set[str]:
        return {mark.student for mark in self.marks}


def class_marks(
    results: Iterable[Result], roster: Roster | None = None, *, messages_from: Store | None = None
) -> ClassMarks:
    """The results of a class as an export needs them.

    Args:
        results: Gone through once.
        roster: As of `student_mark`.
        messages_from: As of `student_mark`.
    """
    marks, there = [], []
    for result in results:
        marks.append(student_mark(result, roster, messages_from=messages_from))
        there.append(find_person(roster, result))
    absent = roster.without_submission(there) if roster else ()
    return ClassMarks(marks, [LeftOut(entry.student, "handed in nothing") for entry in absent])


def student_mark(
    result: Result, roster: Roster | None = None, *, messages_from: Store | None = None
) -> StudentMark:
    """A result as an export needs it.

    Args:
        result: From the history.
        roster: Tells names and other ids.
        messages_from: Where the evidence is, for formats that show students what was found.

    """
    mark, attempt = result.mark, result.attempt
    entry = find_person(roster, result)
    person = _person(entry) if entry else _NOBODY_KNOWN
    if not person.canvas_id and (canvas_id := canvas_id_of(result)):
        person = replace(person, canvas_id=canvas_id)
    missing = _missing(result)
    if mark is None or attempt is None:
        return StudentMark(
            result.student, 0.0, 0.0, missing=missing, person=person, excused=_is_excused(result)
        )
    views: Mapping[str, FindingView] = {}
    try:
        views = _views(messages_from, result) if messages_from and not missing else {}
    except (StoreError, EvidenceError, RubricError) as error:
        missing = f"what was found cannot be read: {error.what}"
    return StudentMark(
        student=result.student,
        points=mark.points,
        out_of=mark.out_of,
        pending=mark.pending,
        criteria=tuple(_line(item, views.get(item.criterion)) for item in mark.criteria),
        late_points=mark.late.points if mark.late else 0.0,
        late_why=mark.late.why if mark.late else "",
        submitted_at=result.submission.submitted_at,
        wall_time_s=attempt.wall_time_s,
        waits=_waits(mark),
        missing=missing,
        person=person,
        excused=_is_excused(result),
    )


def _is_excused(result: Result) -> bool:
    return result.dropped is not None and result.dropped.excused


def excused_without_work(
    store: Store, assignment: str, there: Collection[str], roster: Roster | None = None
) -> list[StudentMark]:
    """Who is excused and handed in nothing.

    Args:
        store: Where the history is.
        assignment: Which work.
        there: Who did hand in.
        roster: Tells names and other ids.
    """
    with store.reading() as history:
        excuses, zone = history.excuses(assignment), store.zone
    marks = []
    for student in sorted(excuses.keys() - set(there)):
        entry = roster.find(student) if roster else None
        why = excused_in_words(excuses[student], zone)
        person = _person(entry) if entry else Person()
        marks.append(StudentMark(student, 0.0, 0.0, missing=why, person=person, excused=True))
    return marks


def _missing(result: Result) -> str:
    if result.dropped:
        return why_dropped(result)
    if result.damaged:
        return result.damaged
    if result.attempt is None:
        return "not run yet"
    if Outcome(result.attempt.outcome).our_fault:
        return f"the service could not run it: {result.attempt.detail}"
    if reason := why_held(result):
        return f"could not be taken, and waits for a TA: {parted(reason)[0]}"
    return "" if result.mark else "not judged yet"


def _waits(mark: Mark) -> str:
    waiting = [item.criterion for item in mark.criteria if item.pending]
    parts = [f"{mark.pending:g} points wait for a TA ({', '.join(waiting)})"] if waiting else []
    if mark.late is not None and mark.late.undecided:
        parts.append("marked as late without a time: settle its days in the rubric (late: days)")
    return "; ".join(parts)


def _line(item: CriterionMark, shown: FindingView | None) -> CriterionLine:
    line = _plain_line(item.criterion, item.finding.title, item.points, item.out_of, item.pending)
    return line if shown is None else replace(line, message=_message(shown), tone=shown.look.tone)


#: In a class most have the same of a criterion.
_plain_line = lru_cache(maxsize=1024)(CriterionLine)


def _views(store: Store, result: Result) -> dict[str, FindingView]:
    """What the feedback report tells the student of each criterion, expected values held back alike."""
    report = report_input(store, result)
    return {item.criterion: view(report, item) for item in report.mark.criteria} if report else {}


def _message(shown: FindingView) -> str:
    """What was found, and below it what a TA decided and why."""
    said = shown.message or f"{shown.look.word}."
    decision = shown.decision
    if decision is None:
        return said
    points = f"A TA decided: {number(shown.points)} of {count(shown.out_of, 'point')}."
    return f"{said}\n{points} {decision.why}".rstrip()


def _person(entry: RosterEntry) -> Person:
    first, last = entry.first_name, entry.last_name
    if "," in entry.name and not (first and last):
        last, _, first = (part.strip() for part in entry.name.partition(","))
    return Person(
        name=entry.name,
        first_name=first,
        last_name=last,
        email=entry.email,
        section=entry.section,
        number=entry.number,
        login=entry.login or entry.student,
        canvas_id=entry.canvas_id,
    )
