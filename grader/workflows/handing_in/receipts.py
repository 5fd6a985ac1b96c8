"""Receipts: what the service says of a file that it received, kept by its student and checked by anybody.

A receipt names a row of the history with its seal, and the newest seal of all at the time: whoever has it can
tell later whether that row, or any row before that seal, was changed or is gone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from grader.errors import GraderError, LetGoError, StoreError, UsageError
from grader.files.named import read_bytes
from grader.grading.times import in_words
from grader.store import History, Store
from grader.store.hand_ins import Received

__all__ = ["FORMAT", "Checked", "Receipt", "Sealed", "file_name", "read_receipt", "receipt_of", "verify"]

FORMAT = 1
_DIGEST = r"^[0-9a-f]{64}$"


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sealed(_Said):
    """A row of the history with the digest of its seal, which vouches for all rows before it."""

    row: int = Field(ge=1)
    digest: str = Field(pattern=_DIGEST)


class Receipt(_Said):
    """What a receipt says, in the order in which its file has it.

    Attributes:
        receipt: Version of this format.
        file: What the student called it.
        size, sha256: Of the bytes as they were sent.
        at: When the last of them was here, by the service's clock.
        counts: False where nothing counted any more then.
        row: What the history has of it.
        newest: The newest seal when this was written.
    """

    receipt: int = FORMAT
    course: str
    assignment: str
    student: str
    file: str
    size: int = Field(ge=0)
    sha256: str = Field(pattern=_DIGEST)
    at: AwareDatetime
    counts: bool
    row: Sealed
    newest: Sealed

    def as_json(self) -> str:
        return self.model_dump_json(indent=2) + "\n"


@dataclass(frozen=True)
class Checked:
    """One thing that was looked at: whether it is right, and in words what was found.

    Attributes:
        right: None where it cannot be told any more, since the student was erased.
    """

    what: str
    right: bool | None
    found: str


def receipt_of(store: Store, received: Received) -> Receipt:
    """The receipt of a file, with the newest seal of this moment.

    Raises:
        StoreError: The history has no seals, which cannot be.
    """
    with store.reading() as history:
        newest = history.newest_seal()
    if newest is None:
        raise StoreError("the history has no seal", where=store.location, todo="run `grader audit`")
    record = received.record
    return Receipt(
        course=store.course.name,
        assignment=record.assignment,
        student=record.student,
        file=record.file,
        size=record.size,
        sha256=record.sha256,
        at=received.at,
        counts=record.counts,
        row=Sealed(row=received.seq, digest=received.digest),
        newest=Sealed(row=newest.seq, digest=newest.digest),
    )


def file_name(receipt: Receipt) -> str:
    """What to call a receipt's file."""
    return f"receipt-{receipt.assignment}-{receipt.row.row}.json"


def read_receipt(path: Path) -> Receipt:
    """Reads a receipt's file.

    Raises:
        UsageError: It cannot be read, or is no receipt that this version knows.
    """
    raw = read_bytes(path)
    try:
        receipt = Receipt.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(
            "this is no receipt",
            where=str(path),
            expected="a file as the hand-in page gives it, unchanged",
            found=f"{where}: {first['msg']}" if where else str(first["msg"]),
        ) from None
    if receipt.receipt != FORMAT:
        raise UsageError(
            "this receipt was written by another version of the grader",
            where=str(path),
            expected=f"receipt {FORMAT}",
            found=f"receipt {receipt.receipt}",
        )
    return receipt


def verify(store: Store, receipt: Receipt, notebook: bytes | None = None) -> list[Checked]:
    """Checks a receipt against the history; each thing by itself, so that one that fails hides no other.

    Of a student who was erased since it says what can be said still: that the row is there as it was sealed.

    Args:
        store: The course's history.
        receipt: As it was read.
        notebook: The bytes that the student has, where they are at hand.
    """
    checks = [_same("the course", receipt.course, store.course.name)]
    with store.reading() as history:
        received = history.received(receipt.row.row)
        erased = received is not None and history.is_erased(received.record.student)
        checks += [
            _row(history, receipt, received),
            *(_said(receipt, received, erased=erased) if received is not None else []),
            *_chain(history, receipt),
        ]
    if received is not None:
        checks.append(_kept(store, received, erased=erased))
    if notebook is not None:
        found = hashlib.sha256(notebook).hexdigest()
        checks.append(_same("the file that you have", receipt.sha256, found))
    return checks


def _same(what: str, expected: object, found: object) -> Checked:
    if expected == found:
        return Checked(what, True, str(found))
    return Checked(what, False, f"the receipt says {expected}, and this is {found}")


def _yes(said: bool) -> str:
    return "yes" if said else "no"


def _row(history: History, receipt: Receipt, received: Received | None) -> Checked:
    number = receipt.row.row
    what = f"row {number} of the history"
    if received is None:
        seal = history.seal(number)
        found = "it is not there" if seal is None else f"it is a row of another kind ({seal.kind})"
        return Checked(what, False, f"{found}: another history, an older copy of this one, or a changed one")
    if received.digest != receipt.row.digest:
        return Checked(what, False, "its seal is not the receipt's: the row or the receipt was changed")
    return Checked(what, True, "it is there, with the seal that the receipt names")


def _said(receipt: Receipt, received: Received, *, erased: bool) -> list[Checked]:
    """What both say of the file."""
    record = received.record
    checks = [
        _same("the assignment", receipt.assignment, record.assignment),
        _same("the digest (SHA-256)", receipt.sha256, record.sha256),
        _same("the size in bytes", receipt.size, record.size),
        _same("the time", in_words(receipt.at), in_words(received.at)),
        _same("whether it counted then", _yes(receipt.counts), _yes(record.counts)),
    ]
    if receipt.at != received.at and checks[3].right:
        checks[3] = Checked("the time", False, "it differs by less than a second: the receipt was changed")
    if erased:
        gone = "the student was erased since, so that this cannot be compared any more"
        return [*checks, Checked("the student", None, gone), Checked("the file's name", None, gone)]
    return [
        *checks,
        _same("the student", receipt.student, record.student),
        _same("the file's name", receipt.file, record.file),
    ]


def _chain(history: History, receipt: Receipt) -> list[Checked]:
    """Whether nothing up to the newest seal that the receipt names was changed since."""
    newest = receipt.newest
    what = f"the history up to row {newest.row}"
    if newest.row < receipt.row.row:
        return [Checked(what, False, "it ends before the receipt's own row: the receipt was changed")]
    there = history.seal_of(newest.row)
    if there is None:
        return [Checked(what, False, "it ends earlier: this is an older copy, or rows are gone")]
    if there.digest != newest.digest:
        found = "its seal is not the receipt's: rows up to it were written anew, or the receipt was changed"
        return [Checked(what, False, found)]
    broken = history.first_break()
    if broken is not None and broken.seq <= newest.row:
        return [Checked(what, False, f"it is broken at row {broken.seq} ({broken.kind}): {broken.what}")]
    return [Checked(what, True, "unbroken, with the seal that the receipt names")]


def _kept(store: Store, received: Received, *, erased: bool) -> Checked:
    what = "the file that the service keeps"
    try:
        raw = store.file(received.record.notebook)
    except LetGoError as gone:
        return Checked(what, None, gone.what)
    except GraderError as error:
        if erased:
            return Checked(what, None, "it was removed when the student was erased")
        return Checked(what, False, error.what)
    if hashlib.sha256(raw).hexdigest() != received.record.sha256:
        return Checked(what, False, "it has other bytes than were received")
    return Checked(what, True, f"{len(raw)} bytes, those that were received")
