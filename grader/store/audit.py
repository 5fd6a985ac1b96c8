"""`grader audit`: proves that the history of marks is the one that was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import UniqueConstraint, text
from sqlalchemy.orm import Session

from grader.errors import GraderError
from grader.store import ledger
from grader.store.kept import Named, erased_blobs, let_go_blobs, named_blobs
from grader.store.ledger import Break, Head
from grader.store.migrations.guards import REFUSE_CHANGE, postgresql_guards, sqlite_guards
from grader.store.models import Base, Entry, LedgerRow
from grader.store.names_check import name_problems
from grader.store.standing_check import differences
from grader.store.store import Store

__all__ = ["AuditReport", "audit", "damaged_blobs"]

#: Lines of SQLite's own report; a damaged file gives one for each entry of an index.
_SHOWN = 10

_SQLITE = "SELECT tbl_name, name, sql, 1 FROM sqlite_master WHERE type = 'trigger'"
# A trigger may also be switched off, or call a function of our function's name that does nothing.
_POSTGRESQL = """
    SELECT class.relname, trigger.tgname, pg_get_triggerdef(trigger.oid, true),
        trigger.tgenabled IN ('O', 'A') AND function.prosrc = :refuse_change
    FROM pg_trigger AS trigger
        JOIN pg_class AS class ON class.oid = trigger.tgrelid
        JOIN pg_proc AS function ON function.oid = trigger.tgfoid
    WHERE class.relnamespace = current_schema()::regnamespace AND NOT trigger.tgisinternal
"""


@dataclass(frozen=True)
class AuditReport:
    """What was found.

    Attributes:
        rows: Rows of the history.
        head: Digest of the newest seal; written down elsewhere, it vouches for every row up to `rows`.
        broken: The first row that is not as it was sealed.
        corrupt: What SQLite finds wrong with its file, such as an index that no longer fits its table.
        unguarded: What is wrong with the triggers, one line each.
        damaged: What marks stand on and is gone or was changed, each with the row that names it.
        standing: Where the standing beside the history is not what the history says, one line each; not
            looked for where the history itself is broken.
        names: Where a token in the history no longer stands for the text that it was made of, one line each;
            looked for as the standing is.
        left_behind: Evidence that only erased people handed in and that is still there, by their labels.
        still_there: How many files are still there that the course let go of.
        head_differs: The seal that was asked for is not the one in the history.
    """

    rows: int
    head: str
    broken: Break | None
    corrupt: tuple[str, ...] = ()
    unguarded: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    standing: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    left_behind: tuple[str, ...] = ()
    still_there: int = 0
    head_differs: bool = False

    @property
    def sound(self) -> bool:
        broken = self.broken or self.corrupt or self.unguarded or self.damaged or self.standing
        return not (broken or self.names or self.head_differs)


def audit(store: Store, *, evidence: bool = True, expected: tuple[int, str] | None = None) -> AuditReport:
    """Checks every seal, the database's own structures, the standing and, by default, all stored evidence.

    Args:
        store: What to prove.
        evidence: Whether notebooks, plans and evidence are read and hashed.
        expected: Row number and digest of a seal that was written down earlier. A whole chain could be
            forged by someone who has both the database and this program; not one that fits a seal
            kept elsewhere.
    """
    with store.database.reading() as session:
        newest = ledger.head(session)
        sealed = expected and ledger.head_at(session, expected[0])
        broken = ledger.examine(session)
        corrupt = _corruption(session)
        unguarded = _guard_problems(session)
        blobs = named_blobs(session) if evidence else {}
        erased = erased_blobs(session) if evidence else {}
        gone = let_go_blobs(session) if evidence else {}
        standing = () if broken or corrupt else tuple(differences(session))
        names = () if broken or corrupt else tuple(name_problems(session))
    return AuditReport(
        rows=newest.seq if newest else 0,
        head=newest.digest if newest else "",
        broken=broken,
        corrupt=tuple(corrupt),
        unguarded=tuple(unguarded),
        damaged=tuple(_damage(store, blobs)),
        standing=standing,
        names=names,
        still_there=sum(digest in store.blobs for digest in gone),
        left_behind=tuple(sorted({whose for digest, whose in erased.items() if digest in store.blobs})),
        head_differs=expected is not None and sealed != Head(*expected),
    )


def _corruption(session: Session) -> list[str]:
    """Marks are found through indexes, which no seal covers."""
    if session.connection().dialect.name != "sqlite":
        return []
    found = session.scalars(text(f"PRAGMA integrity_check({_SHOWN})")).all()
    return [line for line in found if line != "ok"]


def damaged_blobs(store: Store) -> list[tuple[str, Named]]:
    """Digest of all that marks stand on and is gone or was changed, with whose it is."""
    with store.database.reading() as session:
        blobs = named_blobs(session)
    return [(digest, named) for digest, named in blobs.items() if not _is_whole(store, digest)]


def _is_whole(store: Store, digest: str) -> bool:
    try:
        store.blobs.get(digest)
    except GraderError:
        return False
    return True


def _damage(store: Store, blobs: dict[str, Named]) -> Iterator[str]:
    for digest, named in blobs.items():
        try:
            store.blobs.get(digest)
        except GraderError as error:
            yield f"{named.whose}: {error}"


@dataclass(frozen=True)
class _Trigger:
    table: str
    made_by: str
    works: bool = True


def _guard_problems(session: Session) -> list[str]:
    """What is wrong with the triggers that keep the history append-only: gone, another one, or not ours."""
    expected, found = _expected(session), _found(session)
    problems = [
        f"the table {ours.table} can be changed: its trigger {name} "
        + ("is not the one that was made" if name in found else "is gone")
        for name, ours in expected.items()
        if found.get(name) != ours
    ]
    problems += [
        f"the table {other.table} has a trigger that the grader did not make: {name}"
        for name, other in found.items()
        if name not in expected
    ]
    return sorted(problems)


def _found(session: Session) -> dict[str, _Trigger]:
    if session.connection().dialect.name == "postgresql":
        listing = session.execute(text(_POSTGRESQL), {"refuse_change": REFUSE_CHANGE})
    else:
        listing = session.execute(text(_SQLITE))
    return {name: _Trigger(table, made_by, bool(works)) for table, name, made_by, works in listing}


def _expected(session: Session) -> dict[str, _Trigger]:
    postgresql = session.connection().dialect.name == "postgresql"
    return {
        name: _Trigger(table, made_by)
        for table, keys in _history_tables()
        for name, made_by in _guards(table, keys, postgresql).items()
    }


def _guards(table: str, keys: list[tuple[str, ...]], postgresql: bool) -> Mapping[str, str]:
    return postgresql_guards(table) if postgresql else sqlite_guards(table, keys)


def _history_tables() -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """Each table with the columns of its unique keys."""
    names = (
        mapper.class_.__tablename__
        for mapper in Base.registry.mappers
        if issubclass(mapper.class_, (LedgerRow, Entry))
    )
    for name in names:
        unique = (key for key in Base.metadata.tables[name].constraints if isinstance(key, UniqueConstraint))
        yield name, [tuple(column.name for column in key.columns) for key in unique]
