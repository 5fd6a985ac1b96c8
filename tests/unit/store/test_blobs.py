from __future__ import annotations

import base64
import hashlib
import os
import time
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.errors import StoreError
from grader.store.blobs import BlobFolder, BlobStore, is_whole


@pytest.fixture
def blobs(tmp_path: Path) -> BlobFolder:
    return BlobFolder(tmp_path / "evidence")


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=2000))
def test_content_reads_back_under_its_digest(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    blobs = BlobFolder(tmp_path_factory.mktemp("blobs"))
    digest = blobs.put(content)
    assert digest == hashlib.sha256(content).hexdigest()
    assert digest in blobs
    assert blobs.get(digest) == content


def test_text_is_kept_smaller_and_noise_no_larger(blobs: BlobFolder) -> None:
    text, noise = b"for epoch in range(30):\n" * 1000, os.urandom(20_000)
    assert blobs.path_of(blobs.put(text)).stat().st_size < len(text) / 10
    assert blobs.path_of(blobs.put(noise)).stat().st_size <= len(noise) + 1


@pytest.mark.parametrize(
    ("content", "at_most"),
    [
        (base64.b64encode(os.urandom(75_000)), 0.76),
        (b"for epoch in range(30):\n" * 5000, 0.02),
        (base64.b64encode(os.urandom(30_000)) + b"for epoch in range(30):\n" * 3000, 0.30),
    ],
)
def test_pictures_as_text_are_packed_without_looking_for_what_repeats_and_text_with_it(
    blobs: BlobFolder, content: bytes, at_most: float
) -> None:
    digest = blobs.put(content)
    assert blobs.path_of(digest).stat().st_size <= at_most * len(content)
    assert blobs.get(digest) == content


def test_equal_content_is_written_once(blobs: BlobFolder) -> None:
    path = blobs.path_of(blobs.put(b"same"))
    before = path.stat()
    blobs.put(b"same")
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert path.stat().st_ino == before.st_ino


def test_one_changed_bit_is_found_on_reading(blobs: BlobFolder) -> None:
    path = blobs.path_of(blobs.put(os.urandom(500)))
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    with pytest.raises(StoreError, match="changed after it was written"):
        blobs.get("".join(path.parts[-2:]))


def test_evidence_that_is_gone_is_named(blobs: BlobFolder) -> None:
    digest = blobs.put(b"x")
    blobs.path_of(digest).unlink()
    with pytest.raises(StoreError, match="gone"):
        blobs.get(digest)


def test_a_bomb_is_not_unpacked(blobs: BlobFolder) -> None:
    path = blobs.path_of("0" * 64)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\x01" + zlib.compress(b"0" * 10_000_000))
    with pytest.raises(StoreError, match="more than"):
        blobs.get("0" * 64, limit_bytes=1_000_000)


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_only_a_digest_becomes_a_path(blobs: BlobFolder, digest: str) -> None:
    with pytest.raises(StoreError):
        blobs.path_of(digest)


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="cannot be stored"):
        BlobFolder(tmp_path / "evidence").put(b"x")


def test_no_temporary_file_is_left_when_writing_fails(
    blobs: BlobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="cannot be stored"):
        blobs.put(b"x")
    assert [path for path in blobs.root.rglob("*") if path.is_file()] == []


def test_a_new_blob_has_its_name_before_it_and_its_folder_are_synced(
    blobs: BlobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    sync = os.fsync

    def note(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink())
        # Whatever of it is written is written: the name is there, and no other one any more.
        assert all(not path.name.startswith(".") for path in blobs.root.rglob("*"))
        sync(handle)

    monkeypatch.setattr(os, "fsync", note)
    path = blobs.path_of(blobs.put(b"new"))
    # The file was opened under the name that it had for the moment.
    assert {each.parent if each.name.startswith(".") else each for each in synced} == {
        path.parent,
        blobs.root,
    }
    assert len(synced) == 3
    assert path.stat().st_nlink == 1


def test_a_blob_that_came_meanwhile_is_not_replaced_by_one_that_is_not_synced(
    blobs: BlobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, link = BlobFolder(blobs.root), os.link
    inodes: list[int] = []

    def late(name: str, path: Path) -> None:
        if not inodes:
            inodes.append(0)
            inodes[0] = other.path_of(other.put(b"same")).stat().st_ino
        link(name, path)

    monkeypatch.setattr(os, "link", late)
    path = blobs.path_of(blobs.put(b"same"))
    assert [path.stat().st_ino] == inodes
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_place_that_knows_no_second_names_keeps_blobs_too(
    blobs: BlobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    digest = blobs.put(b"x")
    assert blobs.get(digest) == b"x"
    assert len([path for path in blobs.root.rglob("*") if path.is_file()]) == 1


def test_what_is_there_already_is_made_durable_before_anybody_counts_on_it(
    blobs: BlobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever wrote it may have been killed, or may still be on the way, between the file and its folder."""
    path = blobs.path_of(blobs.put(b"same"))
    synced: list[Path] = []
    sync = os.fsync

    def note(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink())
        sync(handle)

    monkeypatch.setattr(os, "fsync", note)
    another = BlobFolder(blobs.root)
    another.put(b"same")
    assert synced == [path, path.parent, blobs.root]
    another.put(b"same")
    assert len(synced) == 3
    another.remove(path.parent.name + path.name)
    another.put(b"same")
    another.put(b"same")
    assert synced.count(path) == 2


def test_what_was_read_through_is_not_read_again_until_somebody_touched_it(
    blobs: BlobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.store.blobs._SETTLING_NS", 0)
    read = list[str]()

    def counted(place: BlobStore, digest: str) -> bool:
        read.append(digest)
        return is_whole(place, digest)

    monkeypatch.setattr("grader.store.blobs.is_whole", counted)
    digest = blobs.put(b"a plan")
    for _ in range(3):
        blobs.put(b"a plan")
    assert read == [digest]
    # The same length, a moment later: it is found, and the right bytes are written.
    time.sleep(0.05)
    path = blobs.path_of(digest)
    path.write_bytes(bytes(path.stat().st_size))
    blobs.put(b"a plan")
    assert (read, blobs.get(digest)) == ([digest] * 2, b"a plan")


def test_a_file_that_was_written_just_now_is_read_through_each_time(
    blobs: BlobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock of a file system may be too coarse to tell a change within the same moment."""
    monkeypatch.setattr("grader.store.blobs._SETTLING_NS", 600_000_000_000)
    digest = blobs.put(b"a plan")
    blobs.put(b"a plan")
    path = blobs.path_of(digest)
    path.write_bytes(bytes(path.stat().st_size))
    blobs.put(b"a plan")
    assert blobs.get(digest) == b"a plan"
