"""What a row of this database may hold, and which rows hold something else: the one place that knows it.

A history in order has none, since its tables refuse such values. A flipped bit, another program or a hand in
the file makes them. Who comes upon one while reading asks here which it is, so that a message can name it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Column, Integer, LargeBinary, Table, column, event, select
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.orm.exc import FlushError

from grader.errors import DamagedRow, GraderError
from grader.evidence.record import Outcome
from grader.grading.requests import Action, Kind
from grader.grading.verdict import Verdict
from grader.judging.judgement import Status
from grader.store import desk_tables, standing_tables
from grader.store.hand_ins import Way
from grader.store.ledger import any_bytes
from grader.store.models import AttemptRow, Base, Entry, LedgerRow, VerdictRow
from grader.store.names import PATH, STUDENT, book_of
from grader.store.packing import key_of
from grader.store.pauses import QueueAction
from grader.store.types import Flag, Real, UtcTime
from grader.store.unchanged import nothing_held

__all__ = ["GARBAGE", "Damage", "Hurt", "damages", "hurt_works", "in_plain_words", "without_rows"]

#: What reading a damaged value ends in, whoever reads it.
GARBAGE = (
    ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError, RecursionError,
    FlushError,
)  # fmt: skip
_BATCH = 500
_SHOWN = 60
_MOST = 3
#: Tables that are worked out from the history and can be written again.
_PROJECTED = frozenset(
    mapper.class_.__tablename__
    for mapper in Base.registry.mappers
    if mapper.class_.__module__ == standing_tables.__name__
)
_ROSTER = frozenset((desk_tables.RosterRow.__tablename__, desk_tables.RosterKeyRow.__tablename__))
_ANSWERS = desk_tables.AnswerRow.__tablename__
_DRAFTS = desk_tables.RubricDraftRow.__tablename__


@dataclass(frozen=True)
class Damage:
    """A value that no version of the grader writes.

    Attributes:
        key: Of the row: its number, or what else tells it from others.
        expected: What the column holds.
        found: What is there, in short.
        row: Number of the row, where its table belongs to the history; else None.
        work: Assignment and student (as stored) that it is about; None where the row does not say.
    """

    table: str
    key: str
    column: str
    expected: str
    found: str
    row: int | None = None
    work: tuple[str, str] | None = None

    @property
    def where(self) -> str:
        return f"{self.table}, {'row ' if self.row is not None else ''}{self.key}, {self.column}"

    @property
    def todo(self) -> str:
        """What is worked out or brought in is written again; the history comes from a backup."""
        if self.table in _PROJECTED:
            return "no mark hangs on it: `grader db reproject` writes it again from the history"
        if self.table in _ROSTER:
            return "bring the roster in again: `grader roster FILE`"
        if self.table == _ANSWERS:
            return "empty the table answers: what it holds is worked out again"
        if self.table == _DRAFTS:
            return "empty the table rubric_drafts: drafts count for nothing"
        if self.table.startswith("pre_check"):
            return "no mark hangs on it: take the row away, and the student sends the notebook again"
        if self.table == "settings":
            return "set it again: `grader db zone ZONE`, `grader db evidence PLACE`"
        return "put a backup in its place (`grader db restore`); `grader audit` tells what else was changed"

    def __str__(self) -> str:
        return f"{self.where}: expected {self.expected}, found {self.found}"


def damages(session: Session) -> Iterator[Damage]:
    """All values that cannot be, table after table. Reads everything: for when something was not readable."""
    with any_bytes(session):
        for table in sorted(Base.metadata.tables.values(), key=lambda table: table.name):
            keys = {key.column.table.name: _keys(session, key.column.table) for key in table.foreign_keys}
            for row in _rows(session, table):
                yield from _of_row(table, row, keys)


@dataclass(frozen=True)
class Hurt:
    """Damage that can be told apart by whose work it is about, so that it stops nobody else's.

    Attributes:
        works: What is wrong with each, in short and without what stood there.
        rows: Numbers of the rows to leave out, by table of the history.
    """

    works: dict[tuple[str, str], str]
    rows: dict[str, list[int]]


def hurt_works(session: Session) -> Hurt | None:
    """Whose works have damaged rows; None where there is damage that is nobody's, or none at all."""
    book = book_of(session.connection().dialect)
    works: dict[tuple[str, str], str] = {}
    rows: dict[str, list[int]] = {}
    for each in damages(session):
        if each.row is None:
            continue
        work = each.work or _judged_work(session, each)
        if work is None:
            return None
        name = book.text(work[1])
        whose = (work[0], work[1] if name is None else name)
        works.setdefault(whose, f"row {each.row} of {each.table} is damaged ({each.column})")
        rows.setdefault(each.table, []).append(each.row)
    return Hurt(works, rows) if works else None


def _judged_work(session: Session, damage: Damage) -> tuple[str, str] | None:
    """Whose a verdict is, by its attempt."""
    if damage.table != VerdictRow.__tablename__ or damage.column == "attempt":
        return None
    names: list[Any] = [column("assignment"), column("student")]
    attempt: Any = (
        select(column("attempt")).select_from(VerdictRow.__table__).where(column("seq") == damage.row)
    )
    query = select(*names).select_from(AttemptRow.__table__).where(column("seq") == attempt.scalar_subquery())
    found = session.execute(query).mappings().first()
    return None if found is None else _work(dict(found))


@contextmanager
def without_rows(session: Session, rows: dict[str, list[int]]) -> Iterator[None]:
    """Leaves rows of the history out of all that the session reads."""
    hidden = [
        with_loader_criteria(model, model.seq.not_in(rows[name]), include_aliases=True)
        for name, model in _models().items()
        if name in rows and issubclass(model, (Entry, LedgerRow))
    ]

    def hide(state: ORMExecuteState) -> None:
        if state.is_select:
            state.statement = state.statement.options(*hidden)

    event.listen(session, "do_orm_execute", hide)
    try:
        with nothing_held(session):
            yield
    finally:
        event.remove(session, "do_orm_execute", hide)


def in_plain_words(found: Iterable[Damage]) -> DamagedRow | None:
    """The error for who came upon damaged values; None where there are none, and the fault is another."""
    some = [each for _, each in zip(range(_MOST), found, strict=False)]
    if not some:
        return None
    first, *others = some
    more = "".join(f"; also {each}" for each in others)
    return DamagedRow(
        "a value in the database is not as the grader writes it",
        where=first.where,
        expected=first.expected,
        found=f"{first.found}{more}",
        todo=first.todo,
    )


def _of_row(table: Table, row: dict[str, Any], keys: dict[str, frozenset[Any]]) -> Iterator[Damage]:
    model = _models().get(table.name)
    sealed = model is not None and issubclass(model, (Entry, LedgerRow))
    names = [each.name for each in table.primary_key]
    key = ", ".join(_short(row[name]) for name in names)
    number = row["seq"] if sealed and isinstance(row["seq"], int) else None
    for each in table.columns:
        expected = _wrong(table, each, row[each.name]) or _astray(each, row[each.name], keys)
        if expected:
            found = _short(row[each.name])
            yield Damage(table.name, key, each.name, expected, found, number, _work(row))


def _work(row: dict[str, Any]) -> tuple[str, str] | None:
    assignment, student = row.get("assignment"), row.get("student")
    if isinstance(assignment, str) and isinstance(student, str) and _is_text(assignment + student):
        return assignment, student
    return None


def _wrong(table: Table, each: Column[Any], value: Any) -> str:
    """What the column holds instead; empty where the value can be."""
    if value is None:
        return "" if each.nullable else "a value"
    expected, is_right = _kind(each)
    if not is_right(value):
        return expected
    told = _TOLD.get((table.name, each.name))
    return told[0] if told is not None and not told[1](value) else ""


def _astray(each: Column[Any], value: Any, keys: dict[str, frozenset[Any]]) -> str:
    for key in each.foreign_keys:
        if value is not None and value not in keys[key.column.table.name]:
            return f"a row of {key.column.table.name}"
    return ""


def _kind(each: Column[Any]) -> tuple[str, Callable[[Any], bool]]:
    if isinstance(each.type, UtcTime):
        return "a time in ISO 8601 with an offset", _is_time
    if isinstance(each.type, Flag):
        return "0 or 1", lambda value: type(value) is int and value in (0, 1)
    if isinstance(each.type, Real):
        return "a number", lambda value: type(value) in (int, float) and math.isfinite(value)
    if isinstance(each.type, LargeBinary):
        return "bytes", lambda value: isinstance(value, bytes)
    if isinstance(each.type, Integer):
        return "a whole number", lambda value: type(value) is int
    return "text in UTF-8", _is_text


def _is_time(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not any("\udc80" <= character <= "\udcff" for character in value)


def _one_of(words: Iterable[str]) -> tuple[str, Callable[[str], bool]]:
    known = sorted(words)
    return f"one of {', '.join(known)}", lambda value: value in known


def _is_read(read: Callable[[str], object]) -> Callable[[str], bool]:
    def is_read(value: str) -> bool:
        try:
            read(value)
        except (*GARBAGE, GraderError):
            return False
        return True

    return is_read


def _about(text: str) -> None:
    for student, verdict, mark in json.loads(text):
        numbers = all(each is None or type(each) is int for each in (verdict, mark))
        if not isinstance(student, str) or not numbers:
            raise ValueError


def _students(text: str) -> None:
    if not all(isinstance(student, str) for student in json.loads(text)):
        raise ValueError


def _digests(text: str) -> None:
    for digest in text.split():
        key_of(digest)


def _layout(text: str) -> None:
    for criterion, out_of in json.loads(text):
        if not isinstance(criterion, str) or not math.isfinite(out_of):
            raise ValueError


def _differing(text: str) -> None:
    for each in json.loads(text):
        words = all(isinstance(each[name], str) for name in ("criterion", "title", "said"))
        for status, points, pending in (each["first"], each["second"]):
            Status(status)
            if not words or not math.isfinite(points + pending):
                raise ValueError


#: What single columns hold beyond their type, by table and column.
_TOLD: dict[tuple[str, str], tuple[str, Callable[[Any], bool]]] = {
    ("attempts", "outcome"): _one_of(each.value for each in Outcome),
    ("remark_requests", "kind"): _one_of(each.value for each in Kind),
    ("remark_actions", "action"): _one_of(each.value for each in Action),
    ("jobs", "state"): _one_of(("queued", "claimed", "done", "superseded")),
    ("verdicts", "body"): ("a verdict as JSON", _is_read(Verdict.model_validate_json)),
    ("bulk_marks", "about"): ("a list of [student, verdict, mark] as JSON", _is_read(_about)),
    ("shares", "students"): ("a list of students as JSON", _is_read(_students)),
    ("groups", "members"): ("a list of students as JSON", _is_read(_students)),
    ("group_files", "members"): ("a list of students as JSON", _is_read(_students)),
    ("standing_layouts", "criteria"): ("a list of [criterion, points] as JSON", _is_read(_layout)),
    ("secrets", "value"): ("a secret", bool),
    ("settings", "value"): ("a value", bool),
    ("second_runs", "state"): _one_of(("waiting", "steady", "unsteady", "failed")),
    ("second_runs", "differing"): ("what differed by criterion, as JSON", _is_read(_differing)),
    ("mails", "state"): _one_of(("waiting", "sending", "sent", "given up")),
    ("let_go", "what"): _one_of(("uploads", "evidence")),
    ("let_go", "digests"): ("digests in hex, with blanks between", _is_read(_digests)),
    ("pre_checks", "state"): _one_of(("waiting", "told", "failed")),
    ("names", "kind"): _one_of((STUDENT, PATH)),
    ("queue_orders", "action"): _one_of(each.value for each in QueueAction),
    ("hand_ins", "way"): _one_of(each.value for each in Way),
}


@cache
def _models() -> dict[str, type[Base]]:
    return {mapper.class_.__tablename__: mapper.class_ for mapper in Base.registry.mappers}


def _keys(session: Session, table: Table) -> frozenset[Any]:
    """Keys of a table's rows, as they are stored."""
    [name] = [each.name for each in table.primary_key]
    query: Any = select(column(name)).select_from(table)
    return frozenset(session.scalars(query))


def _rows(session: Session, table: Table) -> Iterator[dict[str, Any]]:
    """Rows as they are stored; columns without a type give raw values."""
    columns: list[Any] = [column(name) for name in table.columns.keys()]  # noqa: SIM118 - names, not columns
    query = select(*columns).select_from(table).execution_options(yield_per=_BATCH)
    for row in session.execute(query).mappings():
        yield dict(row)


def _short(value: Any) -> str:
    shown = "nothing" if value is None else repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 3]}..."
