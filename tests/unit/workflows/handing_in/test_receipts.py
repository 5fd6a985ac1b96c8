"""Every way in which a receipt can fail to hold is told, and one that holds does."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grader.errors import UsageError
from grader.store import Store, open_store
from grader.workflows.handing_in.receipts import Receipt, read_receipt, receipt_of, verify
from grader.workflows.upkeep.person import erase, find_person
from tests import course
from tests.tampering import behind_its_back
from tests.unit.workflows.conftest import Clock
from tests.unit.workflows.handing_in.conftest import HandIn

RAW = course.notebook(course.GOOD)


@pytest.fixture
def receipt(store: Store, hand_in: HandIn) -> Receipt:
    """Of the second of three files, so that there are rows before and after."""
    hand_in(course.notebook("a = 1"), "s0")
    taken = hand_in(RAW)
    hand_in(course.notebook("b = 1"), "s2")
    return receipt_of(store, taken.received)


def wrong(store: Store, receipt: Receipt, notebook: bytes | None = None) -> dict[str, str]:
    return {each.what: each.found for each in verify(store, receipt, notebook) if each.right is False}


def changed(of: Receipt, **parts: Any) -> Receipt:
    return Receipt.model_validate({**of.model_dump(), **parts})


def test_a_receipt_holds_from_its_file_on(store: Store, receipt: Receipt, tmp_path: Path) -> None:
    path = tmp_path / "receipt.json"
    path.write_text(receipt.as_json())
    read = read_receipt(path)
    assert read == receipt and receipt.newest.row > receipt.row.row
    assert all(each.right for each in verify(store, read, RAW))
    assert wrong(store, read, RAW + b" ").keys() == {"the file that you have"}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda r: changed(r, course="other"), "the course"),
        (lambda r: changed(r, assignment="lab9"), "the assignment"),
        (lambda r: changed(r, student="s2"), "the student"),
        (lambda r: changed(r, file="other.ipynb"), "the file's name"),
        (lambda r: changed(r, size=r.size + 1), "the size in bytes"),
        (lambda r: changed(r, sha256="0" * 64), "the digest (SHA-256)"),
        (lambda r: changed(r, at=r.at.replace(microsecond=7)), "the time"),
        (lambda r: changed(r, at=r.at.replace(hour=3)), "the time"),
        (lambda r: changed(r, counts=False), "whether it counted then"),
        (lambda r: changed(r, row={"row": r.row.row, "digest": "0" * 64}), "row 4 of the history"),
        (lambda r: changed(r, row={"row": 1, "digest": r.row.digest}), "row 1 of the history"),
        (lambda r: changed(r, row={"row": 99, "digest": r.row.digest}), "row 99 of the history"),
        (lambda r: changed(r, newest={"row": 1, "digest": r.row.digest}), "the history up to row 1"),
        (lambda r: changed(r, newest={"row": 99, "digest": r.row.digest}), "the history up to row 99"),
        (lambda r: changed(r, newest={"row": 5, "digest": r.row.digest}), "the history up to row 5"),
    ],
)
def test_whatever_was_changed_in_a_receipt_is_named(
    store: Store, receipt: Receipt, change: Callable[[Receipt], Receipt], what: str
) -> None:
    assert what in wrong(store, change(receipt))


def test_a_history_that_was_changed_is_named(store: Store, receipt: Receipt) -> None:
    behind_its_back(store, "UPDATE hand_ins SET size = 7 WHERE seq = 2")
    found = wrong(store, receipt)
    assert "broken at row 2 (hand_ins)" in found[f"the history up to row {receipt.newest.row}"]


def test_what_came_after_the_newest_seal_does_not_matter(
    store: Store, receipt: Receipt, hand_in: HandIn
) -> None:
    later = hand_in(course.notebook("c = 1"), "s3").received
    behind_its_back(store, f"UPDATE hand_ins SET size = 7 WHERE seq = {later.seq}")
    assert wrong(store, receipt) == {}


def test_an_older_copy_of_the_history_lacks_the_row(
    store: Store, hand_in: HandIn, folder: Path, clock: Clock
) -> None:
    hand_in(RAW, "s0")
    with sqlite3.connect(store.location) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(folder / "grader.db", folder / "older.db")
    receipt = receipt_of(store, hand_in(course.notebook("x = 2")).received)
    with open_store(str(folder / "older.db"), clock=clock) as older:
        found = wrong(older, receipt)
    assert set(found) == {
        f"row {receipt.row.row} of the history",
        f"the history up to row {receipt.newest.row}",
    }


def test_a_file_that_is_gone_or_damaged_is_named(store: Store, receipt: Receipt) -> None:
    path = store.blobs.path_of(receipt.sha256)  # type: ignore[attr-defined]
    path.write_bytes(b"x")
    assert set(wrong(store, receipt)) == {"the file that the service keeps"}
    path.unlink()
    assert set(wrong(store, receipt)) == {"the file that the service keeps"}


def test_of_a_person_who_was_erased_it_says_what_can_be_said(store: Store, receipt: Receipt) -> None:
    person = find_person(store, "s1")
    assert [blob.what for blob in person.files] == ["notebook"]
    erase(store, person, "asked for", actor="ann")
    checks = {each.what: each.right for each in verify(store, receipt, RAW)}
    cannot = {what for what, right in checks.items() if right is None}
    assert cannot == {"the student", "the file's name", "the file that the service keeps"}
    assert all(right for what, right in checks.items() if what not in cannot)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", json.dumps({"receipt": 1}), "\ud800"],
)
def test_what_is_no_receipt_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "receipt.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(UsageError, match="no receipt"):
        read_receipt(path)


def test_a_receipt_of_a_later_format_is_not_guessed_at(tmp_path: Path, receipt: Receipt) -> None:
    path = tmp_path / "receipt.json"
    path.write_text(changed(receipt, receipt=2).as_json())
    with pytest.raises(UsageError, match="another version"):
        read_receipt(path)
