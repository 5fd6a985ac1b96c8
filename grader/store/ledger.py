"""The hash chain over the history: each row sealed with who, when, why and the seal before it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import func, inspect, select
from sqlalchemy.orm import Session

from grader.store.engine import lock_history
from grader.store.models import Entry, LedgerRow

__all__ = ["Break", "Signature", "append", "examine", "head", "seal"]

EntryT = TypeVar("EntryT", bound=Entry)


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


def seal(entry: LedgerRow, row: dict[str, Any]) -> str:
    """SHA-256, in hex, over a row and its seal as canonical JSON.

    Keys are sorted, text is escaped to ASCII and floats are written as Python's shortest form that reads
    back equal, so that equal rows give equal bytes on every database.
    """
    content = {
        "seq": entry.seq,
        "kind": entry.kind,
        "at": _plain(entry.at),
        "actor": entry.actor,
        "why": entry.why,
        "previous": entry.previous,
        "row": {name: _plain(value) for name, value in row.items()},
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _plain(value: Any) -> Any:
    return value.isoformat(timespec="microseconds") if isinstance(value, datetime) else value


def head(session: Session) -> LedgerRow | None:
    """The newest seal; its digest vouches for all rows before it."""
    return session.scalars(select(LedgerRow).order_by(LedgerRow.seq.desc()).limit(1)).first()


def append(session: Session, row: EntryT, signature: Signature) -> EntryT:
    """Gives `row` the next number, seals it and adds both. Only within a writing transaction."""
    lock_history(session.connection())
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
    entry.digest = seal(entry, _columns(row))
    session.add(entry)
    session.flush()
    session.add(row)
    session.flush()
    return row


def _columns(row: Entry) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in inspect(type(row)).column_attrs}


def examine(session: Session) -> Break | None:
    """Checks every seal from the first on; None where the history is unbroken."""
    tables = _history_tables()
    previous, expected = "", 1
    entries = iter(
        session.scalars(select(LedgerRow).order_by(LedgerRow.seq).execution_options(yield_per=500))
    )
    while True:
        try:
            entry = next(entries, None)
            if entry is None:
                return _unsealed(session, tables)
            broken = _check(session, entry, tables, previous, expected)
        except (ValueError, TypeError) as error:
            return Break(expected, "ledger", f"a value cannot be read any more ({error})")
        if broken:
            return broken
        previous, expected = entry.digest, expected + 1


def _history_tables() -> dict[str, type[Entry]]:
    classes = (mapper.class_ for mapper in Entry.registry.mappers)
    return {table.__tablename__: table for table in classes if issubclass(table, Entry)}


def _check(
    session: Session, entry: LedgerRow, tables: dict[str, type[Entry]], previous: str, expected: int
) -> Break | None:
    if entry.seq != expected:
        return Break(expected, entry.kind, "this row is gone")
    row = session.get(tables[entry.kind], entry.seq) if entry.kind in tables else None
    if row is None:
        return Break(entry.seq, entry.kind, "the row that was sealed is gone")
    if entry.previous != previous or entry.digest != seal(entry, _columns(row)):
        return Break(entry.seq, entry.kind, "the row or its seal was changed after it was written")
    return None


def _unsealed(session: Session, tables: dict[str, type[Entry]]) -> Break | None:
    """Rows slipped in beside the chain."""
    for kind, table in tables.items():
        sealed = select(LedgerRow.seq).where(LedgerRow.kind == kind)
        stray = session.scalar(select(func.min(table.seq)).where(table.seq.not_in(sealed)))
        if stray is not None:
            return Break(stray, kind, "this row has no seal")
    return None
