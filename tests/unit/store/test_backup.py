"""One file holds the marks and all that they stand on, brings both back, and says the seal."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from pathlib import Path

import pytest

from grader.errors import StoreError, UsageError
from grader.files.leftovers import remove_leftovers
from grader.store import Signature, Store, open_store
from grader.store.audit import audit
from grader.store.backup import back_up, restore
from grader.store.records import SubmissionRecord


@pytest.fixture
def store(tmp_path: Path):
    with open_store(str(tmp_path / "grader.db")) as opened:
        for student in ("s1", "s2"):
            hand_in(opened, student, f"work of {student}".encode())
        yield opened


def hand_in(store: Store, student: str, raw: bytes) -> str:
    digest = store.blobs.put(raw)
    record = SubmissionRecord(
        student=student,
        assignment="mini",
        notebook=digest,
        path="p",
        submitted_at=None,
        late=False,
        problem="",
    )
    with store.writing() as history:
        history.hand_in(record, Signature("ann", store.clock(), "test"))
    return digest


def students(store: Store) -> list[str]:
    with store.reading() as history:
        return history.students("mini")


def test_a_backup_brings_back_marks_and_evidence_elsewhere_with_the_same_seal(
    store: Store, tmp_path: Path
) -> None:
    made = back_up(store, tmp_path / "one.backup")
    hand_in(store, "later", b"after the backup")
    (tmp_path / "new").mkdir()
    back = restore(tmp_path / "one.backup", str(tmp_path / "new" / "grader.db"))
    assert (back.seal, back.evidence, made.lacking) == (made.seal, 2, ())
    shutil.rmtree(tmp_path / "grader.db.evidence")
    with open_store(str(tmp_path / "new" / "grader.db"), create=False) as new:
        report = audit(new)
        assert report.sound
        assert f"{report.rows}:{report.head}" == made.seal
        assert students(new) == ["s1", "s2"]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["grader.db", "grader.db.evidence"]


def test_what_is_damaged_is_named_and_the_rest_is_in_the_backup(store: Store, tmp_path: Path) -> None:
    digest = hand_in(store, "s3", b"soon gone")
    (tmp_path / "grader.db.evidence" / digest[:2] / digest[2:]).unlink()
    made = back_up(store, tmp_path / "one.backup")
    assert made.evidence == 2
    assert len(made.lacking) == 1
    assert "s3" in made.lacking[0]
    restore(tmp_path / "one.backup", str(tmp_path / "back.db"))
    with open_store(str(tmp_path / "back.db")) as back:
        assert not audit(back).sound


@pytest.mark.parametrize("kept", [0, 1_000, 60_000])
def test_a_backup_that_was_cut_short_brings_nothing_back(store: Store, tmp_path: Path, kept: int) -> None:
    back_up(store, tmp_path / "one.backup")
    os.truncate(tmp_path / "one.backup", kept)
    with pytest.raises(UsageError, match="no whole backup"):
        restore(tmp_path / "one.backup", str(tmp_path / "back.db"))
    assert not (tmp_path / "back.db").exists()


def test_evidence_that_was_changed_in_a_backup_is_refused(store: Store, tmp_path: Path) -> None:
    back_up(store, tmp_path / "one.backup")
    raw = (tmp_path / "one.backup").read_bytes()
    (tmp_path / "one.backup").write_bytes(raw.replace(b"work of s1", b"work of sX"))
    with pytest.raises(StoreError, match="changed after it was written"):
        restore(tmp_path / "one.backup", str(tmp_path / "back.db"))
    assert not (tmp_path / "back.db").exists()


def test_neither_overwrites_anything(store: Store, tmp_path: Path) -> None:
    back_up(store, tmp_path / "one.backup")
    for act in (
        lambda: back_up(store, tmp_path / "one.backup"),
        lambda: restore(tmp_path / "one.backup", store.location),
    ):
        with pytest.raises(UsageError, match="already"):
            act()


@pytest.fixture
def unwritable(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a disk that is mounted read-only, for whoever may write everywhere."""
    for module in ("engine", "schema"):
        monkeypatch.setattr(f"grader.store.{module}.may_write", lambda _: False)


def test_a_copy_that_nobody_may_write_is_read_and_left_as_it_is(
    store: Store, tmp_path: Path, unwritable: None
) -> None:
    store.close()
    (tmp_path / "copy ?%#").mkdir()
    copy = tmp_path / "copy ?%#" / "grader.db"
    shutil.copy(tmp_path / "grader.db", copy)
    raw = copy.read_bytes()
    with open_store(str(copy), create=False) as opened:
        assert students(opened) == ["s1", "s2"]
        assert audit(opened, evidence=False).sound
        with pytest.raises(StoreError, match="may not be written"):
            hand_in(opened, "s3", b"x")
    back_up(opened, tmp_path / "of-the-copy.backup")
    assert copy.read_bytes() == raw
    assert [path.name for path in copy.parent.iterdir() if path.is_file()] == ["grader.db"]


def test_what_stands_in_the_log_beside_a_copy_is_read_with_it(
    store: Store, tmp_path: Path, unwritable: None
) -> None:
    (tmp_path / "copy").mkdir()
    copy = tmp_path / "copy" / "grader.db"
    with sqlite3.connect(tmp_path / "grader.db") as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM ledger").fetchall()
        digest = store.blobs.put(b"late")
        # Written while somebody reads: it stays in the log.
        for name in ("grader.db", "grader.db-wal"):
            shutil.copy(tmp_path / name, copy.parent / name)
        assert (copy.parent / "grader.db-wal").stat().st_size
    reader.close()
    with open_store(str(copy), create=False) as opened:
        assert students(opened) == ["s1", "s2"]
    assert digest in store.blobs
    assert sorted(path.name for path in copy.parent.iterdir()) == ["grader.db", "grader.db-wal"]


def test_what_killed_writers_left_is_removed_and_what_is_being_written_is_not(
    store: Store, tmp_path: Path
) -> None:
    folder = next(path for path in (tmp_path / "grader.db.evidence").iterdir() if path.is_dir())
    old, new = folder / ".new-old", folder / ".new-now"
    for path in (old, new, tmp_path / "grader-pdf-x", tmp_path / "grader-pdf-y", tmp_path / "other"):
        path.write_bytes(b"half")
    for path in (old, tmp_path / "grader-pdf-x", tmp_path / "other"):
        os.utime(path, (time.time() - 200_000,) * 2)
    store.remove_leftovers()
    assert remove_leftovers(tmp_path) == 1
    assert (old.exists(), new.exists()) == (False, True)
    assert (tmp_path / "grader-pdf-y").exists()
    assert (tmp_path / "other").exists()
    assert audit(store).sound
