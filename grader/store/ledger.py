"""The hash chain over the history: each row sealed with who, when, why and the seal before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Dialect, Table, TypeDecorator, column, func, inspect, select
from sqlalchemy.orm import Session

from grader.store.models import Base, Entry, LedgerRow

__all__ = ["Break", "Signature", "append", "examine", "head", "seal"]

EntryT = TypeVar("EntryT", bound=Entry)

#: What a row holds in the database, by column: text, numbers, None.
Stored = Mapping[str, Any]

_BATCH = 500


@dataclass(frozen=True)
class Signature:
    """Who writes a row of the history, when (UTC) and why."""

    actor: str
    at: datetime
    why: str


@dataclass(frozen=True)
class Break:
    """The first place where the history is not what was sealed."""

    seq: int
    kind: str
    what: str


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


def head(session: Session) -> LedgerRow | None:
    """The newest seal; its digest vouches for all rows before it."""
    return session.scalars(select(LedgerRow).order_by(LedgerRow.seq.desc()).limit(1)).first()


def append(session: Session, row: EntryT, signature: Signature) -> EntryT:
    """Gives `row` the next number, seals it and adds both. Only within a writing transaction."""
    last = head(session)
    row.seq = 1 if last is None else last.seq + 1
    entry = LedgerRow(
        seq=row.seq,
        kind=row.__tablename__,
        at=signature.at,
        actor=signature.actor,
        why=signature.why,
        previous="" if last is None else last.digest,
    )
    dialect = session.connection().dialect
    entry.digest = seal(_as_stored(entry, dialect), _as_stored(row, dialect))
    session.add(entry)
    session.flush()
    session.add(row)
    session.flush()
    return row


def _as_stored(row: Base, dialect: Dialect) -> Stored:
    stored = {}
    for attribute in inspect(type(row)).column_attrs:
        kind: Any = attribute.columns[0].type
        value = getattr(row, attribute.key)
        decorated = isinstance(kind, TypeDecorator)
        stored[attribute.key] = kind.process_bind_param(value, dialect) if decorated else value
    return stored


def examine(session: Session) -> Break | None:
    """Checks every seal from the first on; None where the history is unbroken.

    Reads what is stored, not what the models make of it, so that a value that no longer fits its type is
    found like any other change.
    """
    previous, expected = "", 1
    for entry, row in _sealed(session):
        if entry["seq"] != expected:
            return Break(expected, str(entry["kind"]), "this row is gone")
        if row is None:
            return Break(expected, str(entry["kind"]), "the row that was sealed is gone")
        if entry["previous"] != previous or entry["digest"] != seal(entry, row):
            return Break(expected, entry["kind"], "the row or its seal was changed after it was written")
        previous, expected = entry["digest"], expected + 1
    return _unsealed(session)


def _sealed(session: Session) -> Iterator[tuple[Stored, Stored | None]]:
    """Every ledger entry with its row, in order, a batch at a time."""
    ledger, tables = _table(LedgerRow), _history_tables()
    after = -(2**62)
    while batch := _read(session, ledger, after=after):
        rows: dict[tuple[str, int], Stored] = {}
        for kind, entries in groupby(
            sorted(batch, key=lambda entry: str(entry["kind"])), lambda e: e["kind"]
        ):
            if kind in tables:
                found = _read(session, tables[kind], among=[entry["seq"] for entry in entries])
                rows |= {(kind, row["seq"]): row for row in found}
        yield from ((entry, rows.get((entry["kind"], entry["seq"]))) for entry in batch)
        after = batch[-1]["seq"]


def _read(
    session: Session, table: Table, *, after: int | None = None, among: Sequence[int] | None = None
) -> Sequence[Stored]:
    # Columns without a type give raw values.
    columns: list[ColumnElement[Any]] = [column(known.name) for known in table.c]
    query = select(*columns).select_from(table).order_by(table.c.seq)
    if after is not None:
        query = query.where(table.c.seq > after).limit(_BATCH)
    if among is not None:
        query = query.where(table.c.seq.in_(among))
    return [dict(row) for row in session.execute(query).mappings()]


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
