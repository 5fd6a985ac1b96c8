"""`grader audit` in words: whether the history is the one that was written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from weakref import WeakKeyDictionary

from grader.errors import UsageError
from grader.store import Store
from grader.store.audit import AuditReport, audit

__all__ = ["Audited", "Proved", "audited", "prove", "proved", "read_seal"]

#: Differences of the standing that are told one by one.
_SHOWN = 20


@dataclass(frozen=True)
class Audited:
    """What was found.

    Attributes:
        problems: What is wrong, a line each.
        notes: What is to be known and is no fault of the history, a line each.
        seal: Of the newest row, as ``ROW:DIGEST``; empty where something is wrong.
    """

    sound: bool
    rows: int
    problems: tuple[str, ...]
    seal: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proved:
    """What a proof came to, and when."""

    found: Audited
    at: datetime


_PROVED: WeakKeyDictionary[Store, Proved] = WeakKeyDictionary()


def prove(store: Store, *, evidence: bool = False, expect: str = "") -> Proved:
    """Proves the history as `audited` does, and remembers that as long as the program runs.

    What somebody expected is theirs alone, and is not remembered.

    Raises:
        UsageError: What is expected is no seal.
    """
    made = Proved(audited(store, evidence=evidence, expect=expect), store.clock())
    if not expect:
        _PROVED[store] = made
    return made


def proved(store: Store) -> tuple[int, Proved | None]:
    """How many rows there are now, and the newest proof that this program made; None for none."""
    with store.reading() as history:
        return history.newest_row(), _PROVED.get(store)


def audited(store: Store, *, evidence: bool = True, expect: str = "") -> Audited:
    """Proves the history.

    Args:
        store: What to prove.
        evidence: Whether all stored evidence is read as well.
        expect: A seal that was noted down earlier, ``ROW:SEAL``; empty for none.

    Raises:
        UsageError: That is no seal.
    """
    report = audit(store, evidence=evidence, expected=read_seal(expect) if expect else None)
    seal = f"{report.rows}:{report.head}" if report.sound else ""
    return Audited(report.sound, report.rows, tuple(_problems(report)), seal, tuple(_notes(report)))


def read_seal(text: str) -> tuple[int, str]:
    """Reads a seal as it was noted down: number and digest of a row.

    Raises:
        UsageError: That is no seal.
    """
    row, _, digest = text.partition(":")
    if not row.isdecimal() or not digest:
        raise UsageError("this is no seal", expected="ROW:SEAL, as `grader audit` prints it", found=text)
    return int(row), digest


def _notes(report: AuditReport) -> list[str]:
    notes = [
        f"files of {label} are still there, who was erased: `grader person erase {label}` removes them"
        for label in report.left_behind
    ]
    if report.still_there:
        notes.append(
            f"{report.still_there} files are still there that the course let go of: `grader retention apply`"
            " removes them"
        )
    return notes


def _problems(report: AuditReport) -> list[str]:
    lines = [*report.damaged, *report.unguarded]
    lines += [f"a name is not the one that was sealed: {what}" for what in report.names]
    lines += [f"the database file is damaged: {problem}" for problem in report.corrupt]
    if report.broken is not None:
        lines.append(f"broken at row {report.broken.seq} ({report.broken.kind}): {report.broken.what}")
    if report.head_differs:
        lines.append("the history is not the one that was noted down: rows were changed or are gone")
    lines += [f"the standing is not what the history says: {what}" for what in report.standing[:_SHOWN]]
    if len(report.standing) > _SHOWN:
        lines.append(f"and {len(report.standing) - _SHOWN} more differences of the standing")
    if report.standing:
        lines.append("no mark hangs on the standing; `grader db reproject` writes it again from the history")
    return lines
