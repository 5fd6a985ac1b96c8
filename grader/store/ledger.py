"""The hash chain over the history: each row sealed with who, when, why and the seal before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import (
    ColumnElement,
    Dialect,
    Insert,
    Select,
    Table,
    TypeDecorator,
    column,
    func,
    insert,
    inspect,
    select,
)
from sqlalchemy.orm import Session

from grader.store.enrolling import names_at_once, replace_actor, replace_names
from grader.store.models import Base, Entry, HandInRow, LedgerRow, SubmissionRow

__all__ = [
    "ADDED",
    "Break",
    "HandedIn",
    "Head",
    "Judged",
    "Signature",
    "any_bytes",
    "append",
    "append_all",
    "examine",
    "head",
    "head_at",
    "next_number",
    "own_head",
    "seal",
    "until_added",
]

EntryT = TypeVar("EntryT", bound=Entry)
ValueT = TypeVar("ValueT")

#: What a row holds in the database, by column: text, numbers, None.
Stored = Mapping[str, Any]

_BATCH = 500
#: Under which a session lists what it added to the history: rows, of files that were handed in `HandedIn`, of
#: attempts that were added with their verdicts `Judged`.
ADDED = "added"
#: Under which it keeps what it was answered.
_ANSWERED = "answered"
#: Under which it keeps the newest seal of its own.
_HEAD = "head"
_ENTER = insert(LedgerRow)
_COLUMNS = tuple(LedgerRow.__table__.c.keys())


@dataclass(frozen=True)
class Signature:
    """Who writes a row of the history, when (UTC) and why."""

    actor: str
    at: datetime
    why: str


class HandedIn(NamedTuple):
    """What is kept, until its transaction ends, of a file that was handed in.

    Attributes:
        first: Whether it is known that there is nothing else of this student and assignment.
    """

    assignment: str
    student: str
    first: bool = False


class Judged(NamedTuple):
    """What is kept, until its transaction ends, of an attempt that was added with its verdict."""

    assignment: str
    student: str


@dataclass(frozen=True)
class Break:
    """The first place where the history is not what was sealed."""

    seq: int
    kind: str
    what: str


@dataclass(frozen=True)
class Head:
    """The newest seal; its digest vouches for all rows before it."""

    seq: int
    digest: str


def seal(entry: Stored, row: Stored) -> str:
    """SHA-256, in hex, over a row and its ledger entry as canonical JSON of what the database stores.

    Keys are sorted, text is escaped to ASCII and floats are written as Python's shortest form that reads
    back equal, so that equal rows give equal bytes on every database. Absent values are left out, so that
    a later schema can add columns without breaking old seals.
    """
    kept = {name: value for name, value in entry.items() if name != "digest"}
    content = {**kept, "row": {name: value for name, value in row.items() if value is not None}}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def head(session: Session) -> Head | None:
    """The newest seal, read as it is stored, so that a damaged one does not stop those who ask."""
    return _head(session, _newest())


@cache
def _newest() -> Select[Any]:
    table = _table(LedgerRow)
    return _raw(table, "seq", "digest").order_by(None).order_by(table.c.seq.desc()).limit(1)


def head_at(session: Session, seq: int) -> Head | None:
    """The seal of one row, as `head` gives the newest."""
    table = _table(LedgerRow)
    return _head(session, _raw(table, "seq", "digest").where(table.c.seq == seq))


def _head(session: Session, query: Select[Any]) -> Head | None:
    with any_bytes(session):
        row = session.execute(query).first()
    return None if row is None else Head(*row)


def own_head(session: Session) -> Head:
    """The seal that this transaction wrote last; it has to have written one."""
    newest: Head = session.info[_HEAD]
    return newest


def next_number(session: Session) -> int:
    """That the row gets which is added next, within a writing transaction."""
    last = session.info.get(_HEAD) or head(session)
    return 1 if last is None else int(last.seq) + 1


def append(session: Session, row: EntryT, signature: Signature) -> EntryT:
    """Gives `row` the next number, seals it and adds both. Only within a writing transaction.

    What is personal is sealed as tokens, so that it can be erased; who is new gets one.
    """
    replace_names(session, row)
    entry = _entry(session, row, signature)
    connection = session.connection()
    entry.digest = seal(_as_stored(entry, connection.dialect), _as_stored(row, connection.dialect))
    # No object of the session: what was bound is a token, and who asks is to read the text.
    connection.execute(_ENTER, {name: getattr(entry, name) for name in _COLUMNS})
    session.add(row)
    session.flush()
    # Nobody else writes until this transaction ends.
    session.info[_HEAD] = Head(entry.seq, entry.digest)
    if isinstance(row, SubmissionRow):
        session.expire(row, ["path"])
    elif isinstance(row, HandInRow):
        session.expire(row, ["file"])
    # A class hands in thousands in one transaction; all that is asked of them at its end is whose they are.
    noted = HandedIn(row.assignment, row.student) if isinstance(row, SubmissionRow) else row
    session.info.setdefault(ADDED, []).append(noted)
    return row


def append_all(
    session: Session, rows: Sequence[tuple[Entry, Signature]], noted: Iterable[HandedIn | Judged]
) -> list[Head]:
    """Seals and adds several rows as `append` does one after another, with a statement for each table.

    They are no objects of the session afterwards.

    Args:
        session: A writing transaction.
        rows: What is added, in its order.
        noted: What its end is told of them.

    Returns:
        The seal of each.
    """
    with names_at_once(session):
        for row, _ in rows:
            replace_names(session, row)
    connection = session.connection()
    entries: list[Stored] = []
    by_table: dict[Table, list[Stored]] = {}
    heads: list[Head] = []
    for row, signature in rows:
        entry = _entry(session, row, signature)
        entry.digest = seal(_as_stored(entry, connection.dialect), _as_stored(row, connection.dialect))
        session.info[_HEAD] = Head(entry.seq, entry.digest)
        heads.append(session.info[_HEAD])
        entries.append({name: getattr(entry, name) for name in _COLUMNS})
        table = _table(type(row))
        by_table.setdefault(table, []).append({name: getattr(row, name) for name, _ in _kinds(type(row))})
    connection.execute(_ENTER, entries)
    for table, values in by_table.items():
        connection.execute(_adding(table), values)
    session.info.setdefault(ADDED, []).extend(noted)
    return heads


@cache
def _adding(table: Table) -> Insert:
    return insert(table)


def _entry(session: Session, row: Entry, signature: Signature) -> LedgerRow:
    """Gives a row the next number; its entry still lacks the seal."""
    last = session.info.get(_HEAD) or head(session)
    row.seq = 1 if last is None else last.seq + 1
    return LedgerRow(
        seq=row.seq,
        kind=row.__tablename__,
        at=signature.at,
        actor=replace_actor(session, row, signature.actor),
        why=signature.why,
        previous="" if last is None else last.digest,
    )


def until_added(
    session: Session, kinds: tuple[type[Base], ...], name: Hashable, ask: Callable[[], ValueT]
) -> ValueT:
    """What a writing transaction was answered before, asked again once it added rows of these kinds.

    Nobody else writes until it ends. Nobody may change what it gives.

    Args:
        session: A writing transaction.
        kinds: Of rows that change the answer.
        name: Tells the question from others.
        ask: Asks it.
    """
    added: Sequence[object] = session.info.get(ADDED, ())
    known: dict[Hashable, tuple[Any, int]] = session.info.setdefault(_ANSWERED, {})
    value, upto = known.get(name, (None, -1))
    if upto < 0 or any(isinstance(row, kinds) for row in added[upto:]):
        value = ask()
    known[name] = value, len(added)
    return value  # type: ignore[no-any-return]


def _as_stored(row: Base, dialect: Dialect) -> Stored:
    return {
        name: getattr(row, name) if kind is None else kind.process_bind_param(getattr(row, name), dialect)
        for name, kind in _kinds(type(row))
    }


@cache
def _kinds(model: type[Base]) -> tuple[tuple[str, TypeDecorator[Any] | None], ...]:
    """The columns of a table, each with what makes of its values what is stored."""
    kinds = ((each.key, each.columns[0].type) for each in inspect(model).column_attrs)
    return tuple((name, kind if isinstance(kind, TypeDecorator) else None) for name, kind in kinds)


def examine(session: Session) -> Break | None:
    """Checks every seal from the first on; None where the history is unbroken.

    Reads what is stored, not what the models make of it, so that a value that no longer fits its type is
    found like any other change.
    """
    with any_bytes(session):
        return _first_break(session) or _unsealed(session)


def _first_break(session: Session) -> Break | None:
    previous, expected = "", 1
    for entry, row in _sealed(session):
        if entry["seq"] < expected:
            return Break(entry["seq"], entry["kind"], "this row is numbered before the first")
        if entry["seq"] > expected:
            return Break(expected, entry["kind"], "this row is gone")
        if row is None:
            return Break(expected, entry["kind"], "the row that was sealed is gone")
        if entry["previous"] != previous or entry["digest"] != _seal_again(entry, row):
            return Break(expected, entry["kind"], "the row or its seal was changed after it was written")
        previous, expected = entry["digest"], expected + 1
    return None


def _seal_again(entry: Stored, row: Stored) -> str:
    """The seal of what is stored now; empty where it cannot be sealed, such as an infinity."""
    try:
        return seal(entry, row)
    except ValueError:
        return ""


@contextmanager
def any_bytes(session: Session) -> Iterator[None]:
    """Lets SQLite's driver read text that is no UTF-8, as one flipped bit makes it, instead of failing."""
    driver: Any = session.connection().connection.driver_connection
    if session.connection().dialect.name != "sqlite":
        yield
        return
    driver.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = str


def _sealed(session: Session) -> Iterator[tuple[Stored, Stored | None]]:
    """Every ledger entry with its row, in order, a batch at a time."""
    ledger, tables = _table(LedgerRow), _history_tables()
    after = None
    while batch := _read(session, ledger, after=after):
        rows: dict[tuple[str, int], Stored] = {}
        for kind, entries in groupby(
            sorted(batch, key=lambda entry: str(entry["kind"])), lambda e: e["kind"]
        ):
            if kind in tables:
                found = _among(session, tables[kind], [entry["seq"] for entry in entries])
                rows |= {(kind, row["seq"]): row for row in found}
        yield from ((entry, rows.get((entry["kind"], entry["seq"]))) for entry in batch)
        after = batch[-1]["seq"]


def _read(session: Session, table: Table, *, after: int | None) -> Sequence[Stored]:
    """The next batch; the first one starts wherever the table does."""
    query = _raw(table).limit(_BATCH)
    return _stored(session, query if after is None else query.where(table.c.seq > after))


def _among(session: Session, table: Table, numbers: Sequence[int]) -> Sequence[Stored]:
    return _stored(session, _raw(table).where(table.c.seq.in_(numbers)))


def _stored(session: Session, query: Select[Any]) -> Sequence[Stored]:
    return [dict(row) for row in session.execute(query).mappings()]


def _raw(table: Table, *names: str) -> Select[Any]:
    """Rows in their order; columns without a type give raw values."""
    columns: list[ColumnElement[Any]] = [column(name) for name in names or table.c.keys()]
    return select(*columns).select_from(table).order_by(table.c.seq)


def _table(model: type[Base]) -> Table:
    table = inspect(model).local_table
    assert isinstance(table, Table)
    return table


def _history_tables() -> dict[str, Table]:
    models = (mapper.class_ for mapper in Base.registry.mappers)
    return {model.__tablename__: _table(model) for model in models if issubclass(model, Entry)}


def _unsealed(session: Session) -> Break | None:
    """Rows slipped in beside the chain."""
    for kind, table in _history_tables().items():
        sealed = select(LedgerRow.seq).where(LedgerRow.kind == kind)
        stray = session.scalar(select(func.min(table.c.seq)).where(table.c.seq.not_in(sealed)))
        if stray is not None:
            return Break(stray, kind, "this row has no seal")
    return None
