"""The standing is written: in the transaction of each row of the history, or all of it again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from itertools import groupby

from sqlalchemy import bindparam, delete, insert, select, text, union_all
from sqlalchemy.orm import Session

from grader.rubric.model import LatePolicy
from grader.store import ledger, marks
from grader.store.models import (
    AttemptRow,
    Base,
    BulkMarkRow,
    DropRow,
    ErasureRow,
    MarkRow,
    RemarkActionRow,
    RemarkRow,
    SubmissionRow,
    VerdictRow,
)
from grader.store.setup_tables import DatesRow, ExcuseRow, ExtensionRow
from grader.store.standing_rows import (
    OWN,
    Columns,
    blocks_of,
    counts_of,
    policy_of,
    projections,
    standing_of_file,
    table_of,
)
from grader.store.standing_tables import BlockRow, CriterionRow, LayoutRow, PolicyRow, StandingRow
from grader.store.types import LiteralText

__all__ = ["forget_student", "project", "reproject"]

#: An assignment and a student.
Work = tuple[str, str]
_BATCH = 500

_ADD = text(
    "INSERT INTO standing_counts (assignment, criterion, what, number)"
    " VALUES (:assignment, :criterion, :what, :number) ON CONFLICT (assignment, criterion, what)"
    " DO UPDATE SET number = standing_counts.number + excluded.number"
).bindparams(*(bindparam(name, type_=LiteralText()) for name in ("assignment", "criterion", "what")))


def project(session: Session) -> None:
    """Writes the standing of everybody whom this transaction's new rows of the history concern."""
    added = session.info.pop(ledger.ADDED, [])
    handed_in = {
        work for row in added if isinstance(row, ledger.HandedIn) for work in _works_of(session, row)
    }
    others = [row for row in added if not isinstance(row, ledger.HandedIn)]
    touched = {work for row in others for work in _works_of(session, row)}
    if not touched and not handed_in:
        return
    ruled = (VerdictRow, DatesRow)
    judged = {work for row in others if isinstance(row, ruled) for work in _works_of(session, row)}
    changed = {name for name in {assignment for assignment, _ in judged} if _note_policy(session, name)}
    touched |= _through_tokens(session, touched | handed_in, changed)
    for assignment, students in _by_assignment(handed_in - touched):
        touched |= {(assignment, student) for student in _more_than_files(session, assignment, students)}
    for assignment, students in _by_assignment(handed_in - touched):
        _write_files(session, assignment, students)
    for assignment, students in _by_assignment(touched):
        _write(session, assignment, students)


def _more_than_files(session: Session, assignment: str, students: Collection[str]) -> set[str]:
    """Those of whom the history has more than files: their standing has to be worked out."""
    tables = (AttemptRow, DropRow, ExcuseRow, RemarkRow)
    queries = (
        select(table.student).where(table.assignment == assignment, table.student.in_(students))
        for table in tables
    )
    return set(session.scalars(union_all(*queries)))


def _write_files(session: Session, assignment: str, students: Collection[str]) -> None:
    """Writes the rows of those who only handed in: of a class's rush, all of them.

    Such a row says nothing of the file, so that a second file changes nothing of it.
    """
    there = select(StandingRow.student).where(
        StandingRow.assignment == assignment, StandingRow.student.in_(students)
    )
    new = sorted(set(students) - set(session.scalars(there)))
    rows = [standing_of_file(assignment, student) for student in new]
    if rows:
        session.execute(insert(table_of(StandingRow)), rows)
        _move_counts(session, assignment, sum((counts_of(row, ()) for row in rows), Counter()))


def reproject(session: Session) -> int:
    """Writes the whole standing again from the history.

    Returns:
        For how many students' works.
    """
    for model in OWN:
        session.execute(delete(model))
    number = 0
    for assignment in session.scalars(select(SubmissionRow.assignment).distinct()).all():
        _note_policy(session, assignment)
        number += _write(session, assignment, ())
    return number


def forget_student(session: Session, student: str) -> None:
    """Takes a student out of the standing: who is called otherwise from now on is written anew."""
    query = select(StandingRow.assignment, StandingRow.block).where(StandingRow.student == student)
    for assignment, block in session.execute(query).all():
        moved: Counter[tuple[str, str]] = Counter()
        moved.subtract(_take_out(session, assignment, [student]))
        _move_counts(session, assignment, moved)
        _write_blocks(session, assignment, {block})


def _take_out(session: Session, assignment: str, students: Collection[str]) -> Counter[tuple[str, str]]:
    """Deletes rows of students; gives what they have added to the counters."""
    counted = _counted_before(session, assignment, students)
    for model in (StandingRow, CriterionRow):
        table = table_of(model)
        session.execute(delete(table).where(table.c.assignment == assignment, table.c.student.in_(students)))
    return counted


def _write(session: Session, assignment: str, students: Collection[str]) -> int:
    """Writes the rows of some students, or of all, and moves the counters by what changed."""
    moved: Counter[tuple[str, str]] = Counter()
    rows: dict[type[Base], list[Columns]] = defaultdict(list)
    layouts: dict[str, Columns] = {}
    if students:
        moved.subtract(_take_out(session, assignment, students))
    for each in projections(session, assignment, students):
        rows[StandingRow].append(each.standing)
        rows[CriterionRow] += each.criteria
        if each.layout is not None:
            layouts[each.layout["layout"]] = each.layout
        moved.update(each.counts)
    for kind, made in rows.items():
        for start in range(0, len(made), _BATCH):
            session.execute(insert(table_of(kind)), made[start : start + _BATCH])
    _note_layouts(session, assignment, layouts)
    _write_blocks(session, assignment, {row["block"] for row in rows[StandingRow]})
    _move_counts(session, assignment, moved)
    return len(rows[StandingRow])


def _counted_before(session: Session, assignment: str, students: Collection[str]) -> Counter[tuple[str, str]]:
    """What rows that are about to be replaced have added to the counters."""
    counted: Counter[tuple[str, str]] = Counter()
    found: dict[type[Base], dict[str, list[Columns]]] = {}
    for model in (StandingRow, CriterionRow):
        table = table_of(model)
        query = select(table).where(table.c.assignment == assignment, table.c.student.in_(students))
        found[model] = defaultdict(list)
        for row in session.execute(query).mappings():
            found[model][row["student"]].append(dict(row))
    for student, [standing] in found[StandingRow].items():
        counted.update(counts_of(standing, found[CriterionRow][student]))
    return counted


def _move_counts(session: Session, assignment: str, moved: Counter[tuple[str, str]]) -> None:
    changes = [
        {"assignment": assignment, "criterion": criterion, "what": what, "number": number}
        for (criterion, what), number in sorted(moved.items())
        if number
    ]
    if changes:
        session.execute(_ADD, changes)


def _write_blocks(session: Session, assignment: str, blocks: Collection[int]) -> None:
    """Puts the marks of blocks together again from the rows of their students."""
    session.execute(
        delete(BlockRow).where(BlockRow.assignment == assignment, BlockRow.block.in_(sorted(blocks)))
    )
    query = (
        select(StandingRow.block, StandingRow.layout, StandingRow.packed)
        .where(StandingRow.assignment == assignment, StandingRow.block.in_(sorted(blocks)))
        .where(StandingRow.counted == 1)
        .order_by(StandingRow.student)
    )
    made = blocks_of(assignment, session.connection().execute(query).all())
    if made:
        session.execute(insert(table_of(BlockRow)), made)


def _note_layouts(session: Session, assignment: str, layouts: Mapping[str, Columns]) -> None:
    known = select(LayoutRow.layout).where(
        LayoutRow.assignment == assignment, LayoutRow.layout.in_(list(layouts))
    )
    there = set(session.scalars(known)) if layouts else set()
    new = [row for layout, row in layouts.items() if layout not in there]
    if new:
        session.execute(insert(table_of(LayoutRow)), new)


def _note_policy(session: Session, assignment: str) -> bool:
    """Keeps what the newest verdict says of lateness; whether that changes what tokens others may spend."""
    now = policy_of(session, assignment)
    row = session.get(PolicyRow, assignment)
    before = row.late if row else ""
    if row is None and now:
        session.add(PolicyRow(assignment=assignment, late=now))
    elif row is not None:
        row.late = now
    session.flush()
    return before != now and any(policy.tokens for policy in map(_read, (before, now)) if policy)


def _read(late: str) -> LatePolicy | None:
    return LatePolicy.model_validate_json(late) if late else None


def _through_tokens(session: Session, touched: set[Work], changed: set[str]) -> set[Work]:
    """Works whose lateness hangs on what was touched: late tokens are the course's, spent by date."""
    policies = {
        row.assignment: policy for row in session.scalars(select(PolicyRow)) if (policy := _read(row.late))
    }
    with_tokens = {name for name, policy in policies.items() if policy.tokens}
    if changed:
        return {
            (name, student)
            for name in with_tokens | changed
            for student in session.scalars(
                select(SubmissionRow.student).filter_by(assignment=name).distinct()
            )
        }
    return {
        (later, student)
        for assignment, student in touched
        if assignment in policies
        for later in with_tokens
        if policies[later].due > policies[assignment].due
    }


def _by_assignment(works: set[Work]) -> Iterator[tuple[str, list[str]]]:
    """Students of each assignment, no more at a time than a statement takes."""
    for assignment, group in groupby(sorted(works), key=lambda work: work[0]):
        students = [student for _, student in group]
        for start in range(0, len(students), _BATCH):
            yield assignment, students[start : start + _BATCH]


def _works_of(session: Session, row: Base | ledger.HandedIn) -> Iterator[Work]:
    """Whose standing a new row of the history concerns."""
    match row:
        case VerdictRow():
            yield from _works_of(session, session.get_one(AttemptRow, row.attempt))
        case RemarkActionRow():
            yield from _works_of(session, session.get_one(RemarkRow, row.request))
        case BulkMarkRow():
            yield from ((row.assignment, each.student) for each in marks.BulkMarkRecord.of(row).about)
        case ErasureRow():
            theirs = select(SubmissionRow.assignment).filter_by(student=row.student).distinct()
            yield from ((assignment, row.student) for assignment in session.scalars(theirs))
        case DatesRow():
            everybody = select(SubmissionRow.student).filter_by(assignment=row.assignment).distinct()
            yield from ((row.assignment, student) for student in session.scalars(everybody))
        case ledger.HandedIn() | AttemptRow() | MarkRow() | RemarkRow() | DropRow():
            yield row.assignment, row.student
        case ExtensionRow() | ExcuseRow():
            yield row.assignment, row.student
        case _:
            return
