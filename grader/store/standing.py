"""The standing is written: in the transaction of each row of the history, or all of it again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from itertools import groupby
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    LargeBinary,
    Table,
    and_,
    bindparam,
    delete,
    insert,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.orm import Session

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
from grader.store.policies import kept_policies, read_policy
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
#: What no two rows of a table share.
Key = tuple[Any, ...]
_BATCH = 500

_ADD = text(
    "INSERT INTO standing_counts (assignment, criterion, what, number)"
    " VALUES (:assignment, :criterion, :what, :number) ON CONFLICT (assignment, criterion, what)"
    " DO UPDATE SET number = standing_counts.number + excluded.number"
).bindparams(*(bindparam(name, type_=LiteralText()) for name in ("assignment", "criterion", "what")))


#: Rows that say what handing in late costs, and rows by which nobody spends a token of theirs.
_RULING = (VerdictRow, DatesRow, ledger.Judged)
_OF_TOKENS_NOTHING = (MarkRow, BulkMarkRow, RemarkRow, RemarkActionRow)


def project(session: Session) -> None:
    """Writes the standing of everybody whom this transaction's new rows of the history concern."""
    added = [(row, set(_works_of(session, row))) for row in session.info.get(ledger.ADDED, ())]
    handed_in = {work for row, works in added if isinstance(row, ledger.HandedIn) for work in works}
    touched = {work for row, works in added if not isinstance(row, ledger.HandedIn) for work in works}
    if not touched and not handed_in:
        return
    ruled = {name for row, works in added if isinstance(row, _RULING) for name, _ in works}
    changed = {name for name in ruled if _note_policy(session, name)}
    late = {work for row, works in added if not isinstance(row, _OF_TOKENS_NOTHING) for work in works}
    if late:
        touched |= _through_tokens(session, late, changed)
    first = {row[:2] for row, _ in added if isinstance(row, ledger.HandedIn) and row.first} - touched
    for assignment, students in _by_assignment(handed_in - touched - first):
        touched |= {(assignment, student) for student in _more_than_files(session, assignment, students)}
    for assignment, students in _by_assignment(handed_in - touched - first):
        _write_files(session, assignment, _without_standing(session, assignment, students))
    for assignment, students in _by_assignment(first):
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


def _without_standing(session: Session, assignment: str, students: Collection[str]) -> list[str]:
    """Those of whom there is no row. One of a file says nothing of it: a second one changes nothing there."""
    there = select(StandingRow.student).where(
        StandingRow.assignment == assignment, StandingRow.student.in_(students)
    )
    return sorted(set(students) - set(session.scalars(there)))


def _write_files(session: Session, assignment: str, students: Collection[str]) -> None:
    """Writes the rows of those who only handed in: of a class's rush, all of them."""
    rows = [standing_of_file(assignment, student) for student in students]
    if rows:
        session.connection().execute(_ADD_FILES, rows)
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
    works = session.scalars(select(StandingRow.assignment).where(StandingRow.student == student)).all()
    for assignment in works:
        before = _before(session, assignment, [student])
        for model, rows in before.items():
            _put(session, model, rows, {})
        moved: Counter[tuple[str, str]] = Counter()
        moved.subtract(_counted(before))
        _move_counts(session, assignment, moved)
        _write_blocks(session, assignment, before[StandingRow].values())


def _write(session: Session, assignment: str, students: Collection[str]) -> int:
    """Writes the rows of some students, or of all, and moves the counters by what changed.

    Of students named, rows that say the same stay as they are: a mark changes one criterion of many.
    """
    before = _before(session, assignment, students) if students else {}
    moved: Counter[tuple[str, str]] = Counter()
    moved.subtract(_counted(before))
    made: dict[type[Base], dict[Key, Columns]] = {StandingRow: {}, CriterionRow: {}}
    layouts: dict[str, Columns] = {}
    for each in projections(session, assignment, students):
        made[StandingRow][_key(StandingRow, each.standing)] = each.standing
        made[CriterionRow].update((_key(CriterionRow, row), row) for row in each.criteria)
        if each.layout is not None:
            layouts[each.layout["layout"]] = each.layout
        moved.update(each.counts)
    for model, rows in made.items():
        _put(session, model, before.get(model, {}), rows)
    works = [*before.get(StandingRow, {}).values(), *made[StandingRow].values()]
    known = {row["layout"] for row in before.get(StandingRow, {}).values()}
    _note_layouts(session, assignment, {name: row for name, row in layouts.items() if name not in known})
    _write_blocks(session, assignment, works)
    _move_counts(session, assignment, moved)
    return len(made[StandingRow])


def _before(
    session: Session, assignment: str, students: Collection[str]
) -> dict[type[Base], dict[Key, Columns]]:
    """Rows that are about to be replaced, by table and key."""
    asked = {"assignment": assignment, "students": list(students)}
    return {
        model: {
            _key(model, row): row for row in map(dict[str, Any], session.execute(query, asked).mappings())
        }
        for model, query in _BEFORE.items()
    }


def _counted(before: Mapping[type[Base], Mapping[Key, Columns]]) -> Counter[tuple[str, str]]:
    """What rows have added to the counters."""
    counted: Counter[tuple[str, str]] = Counter()
    criteria: dict[str, list[Columns]] = defaultdict(list)
    for row in before.get(CriterionRow, {}).values():
        criteria[row["student"]].append(row)
    for row in before.get(StandingRow, {}).values():
        counted.update(counts_of(row, criteria[row["student"]]))
    return counted


def _put(
    session: Session, model: type[Base], before: Mapping[Key, Columns], made: Mapping[Key, Columns]
) -> None:
    """Puts rows in place of those before, and writes what differs."""
    new = [row for key, row in made.items() if key not in before]
    changed = [_bound(row) for key, row in made.items() if key in before and before[key] != row]
    gone = [_bound(row) for key, row in before.items() if key not in made]
    connection = session.connection()
    for start in range(0, len(new), _BATCH):
        connection.execute(insert(table_of(model)), new[start : start + _BATCH])
    if changed:
        connection.execute(_CHANGE[model], changed)
    if gone:
        connection.execute(_TAKE_OUT[model], gone)


def _key(model: type[Base], row: Mapping[str, Any]) -> Key:
    return tuple(row[name] for name in _KEYS[model])


def _bound(row: Columns) -> Columns:
    """A row's columns as the statements below name them."""
    return {f"_{name}": value for name, value in row.items()}


def _tables() -> Iterator[tuple[type[Base], Table, ColumnElement[bool]]]:
    for model, names in _KEYS.items():
        table = table_of(model)
        yield model, table, and_(*(table.c[name] == bindparam(f"_{name}") for name in names))


_KEYS: Mapping[type[Base], tuple[str, ...]] = {
    StandingRow: ("assignment", "student"),
    CriterionRow: ("assignment", "student", "criterion"),
}
# Made once: each mark asks them, and to put one together takes longer than to ask it.
_BEFORE = {
    model: select(table).where(
        table.c.assignment == bindparam("assignment"),
        table.c.student.in_(bindparam("students", expanding=True)),
    )
    for model, table, _ in _tables()
}
_ADD_FILES = insert(table_of(StandingRow))
_CHANGE = {
    model: update(table).where(own).values({column: bindparam(f"_{column.name}") for column in table.c})
    for model, table, own in _tables()
}
_TAKE_OUT = {model: delete(table).where(own) for model, table, own in _tables()}


def _move_counts(session: Session, assignment: str, moved: Counter[tuple[str, str]]) -> None:
    changes = [
        {"assignment": assignment, "criterion": criterion, "what": what, "number": number}
        for (criterion, what), number in sorted(moved.items())
        if number
    ]
    if changes:
        session.execute(_ADD, changes)


def _write_blocks(session: Session, assignment: str, works: Collection[Columns]) -> None:
    """Puts the marks of blocks together again from the rows of their students.

    Args:
        session: A writing transaction.
        assignment: Whose.
        works: Rows of the standing that were replaced, and those in their place.
    """
    connection = session.connection()
    asked = {"assignment": assignment, "blocks": sorted({row["block"] for row in works})}
    made = blocks_of(assignment, connection.execute(_OF_BLOCKS, asked).all())
    if made:
        connection.execute(_PUT_BLOCK, made)
    # What has no mark is in no block.
    before = {(row["block"], row["layout"]) for row in works if row["layout"]}
    gone = before - {(row["block"], row["layout"]) for row in made}
    for block, layout in gone:
        own = {"assignment": assignment, "block": block, "layout": layout}
        session.execute(delete(BlockRow).filter_by(**own))


_BLOCKS: BindParameter[list[int]] = bindparam("blocks", expanding=True)
_PUT_BLOCK = text(
    "INSERT INTO standing_blocks (assignment, block, layout, marks)"
    " VALUES (:assignment, :block, :layout, :marks) ON CONFLICT (assignment, block, layout)"
    " DO UPDATE SET marks = excluded.marks"
).bindparams(bindparam("assignment", type_=LiteralText()), bindparam("marks", type_=LargeBinary()))
_OF_BLOCKS = (
    select(StandingRow.block, StandingRow.layout, StandingRow.packed)
    .where(StandingRow.assignment == bindparam("assignment"), StandingRow.block.in_(_BLOCKS))
    .where(StandingRow.counted == 1)
    .order_by(StandingRow.student)
)


def _note_layouts(session: Session, assignment: str, layouts: Mapping[str, Columns]) -> None:
    if not layouts:
        return
    known = select(LayoutRow.layout).where(
        LayoutRow.assignment == assignment, LayoutRow.layout.in_(list(layouts))
    )
    there = set(session.scalars(known))
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
    return before != now and any(policy.tokens for policy in map(read_policy, (before, now)) if policy)


def _through_tokens(session: Session, touched: set[Work], changed: set[str]) -> set[Work]:
    """Works whose lateness hangs on what was touched: late tokens are the course's, spent by date."""
    policies = kept_policies(session)
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


def _works_of(session: Session, row: Base | ledger.HandedIn | ledger.Judged) -> Iterator[Work]:
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
        case ledger.HandedIn() | ledger.Judged() | AttemptRow() | MarkRow() | RemarkRow() | DropRow():
            yield row.assignment, row.student
        case ExtensionRow() | ExcuseRow():
            yield row.assignment, row.student
        case _:
            return
