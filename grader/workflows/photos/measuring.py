"""Measures the photos of a collection, each once, and compares them with each other and with known ones."""

from __future__ import annotations

import hashlib
import os
import queue
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grader.errors import EvidenceError, UsageError
from grader.evidence.photos import Alike, Photo, PhotoSet
from grader.files.named import read_bytes
from grader.files.whole import write_whole
from grader.photos.alike import SMALL, Fingerprint, find_alike
from grader.photos.apart import Apart, frame_of, read_frame
from grader.photos.decode import NotRead, Unreadable
from grader.photos.measure import VERSION, Measured
from grader.photos.names import letter_of_folder, letter_of_name, number_of_name
from grader.workflows.photos.collection import Collection, Folder, Kept, PhotosOf

__all__ = ["Answer", "ClassPhotos", "measure_class", "read_answer"]

_ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".heic", ".webp", ".bmp"})
_MOST_KNOWN = 100_000
_MOST_BYTES = 64 * 1024**2


@dataclass(frozen=True)
class Answer:
    """What came of looking at one photo: its measures, or why there are none."""

    measured: Measured | None = None
    unreadable: str = ""
    not_read: str = ""


@dataclass(frozen=True)
class ClassPhotos:
    """Every student's photos as a record, and small pictures of all that could be opened, by digest."""

    sets: Mapping[str, PhotoSet]
    small: Mapping[str, bytes]


def measure_class(
    collection: Collection,
    folder: Folder,
    *,
    known: Path | None = None,
    jobs: int | None = None,
    tell: Callable[[int, int], None] = lambda _done, _all: None,
) -> ClassPhotos:
    """Looks at all photos; what was measured before by this version is taken from the folder.

    Args:
        collection: Whose photos.
        folder: Where they lie.
        known: A folder of pictures that the course knew before; each is measured as well.
        jobs: Processes at a time; by the number of cores where it is None.
        tell: Told how many of how many are done.

    Raises:
        UsageError: `known` holds no pictures.
    """
    kept = {photo.sha256 for each in collection.students for photo in each.photos if photo.sha256}
    before = _known(known)
    paths = {digest: folder.photo(digest) for digest in kept} | before
    answers = _answers(paths, folder, jobs or min(8, len(os.sched_getaffinity(0))), tell)
    prints = [
        _fingerprint(each.student, photo, answers[photo.sha256].measured)
        for each in collection.students
        for photo in each.photos
        if photo.sha256
    ]
    prints += [_fingerprint("", Kept(name="", sha256=digest), answers[digest].measured) for digest in before]
    compared = [each for each in prints if each is not None]
    alike = {
        (one.student, one.name): found for one, found in zip(compared, find_alike(compared), strict=True)
    }
    others = len(collection.students) - 1
    sets = {each.student: _set(each, answers, alike, others, len(before)) for each in collection.students}
    small = {digest: answers[digest].measured for digest in kept}
    return ClassPhotos(sets, {digest: found.small for digest, found in small.items() if found is not None})


def _known(folder: Path | None) -> dict[str, Path]:
    """Pictures by the digests of their bytes."""
    if folder is None:
        return {}
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _ENDINGS and path.is_file())
    if not files or len(files) > _MOST_KNOWN:
        raise UsageError(
            "this folder cannot be compared with",
            where=str(folder),
            expected=f"pictures, {_MOST_KNOWN} at most",
            found=f"{len(files)} of them",
        )
    return {hashlib.sha256(read_bytes(path)).hexdigest(): path for path in files}


def _answers(
    paths: Mapping[str, Path], folder: Folder, jobs: int, tell: Callable[[int, int], None]
) -> dict[str, Answer]:
    """Asks some processes apart for what is not in the folder yet."""
    found = {digest: answer for digest in paths if (answer := read_answer(folder, digest)) is not None}
    wanted = sorted(set(paths) - set(found))
    free: queue.SimpleQueue[Apart] = queue.SimpleQueue()
    readers = [Apart() for _ in range(min(jobs, max(1, len(wanted))))]
    for reader in readers:
        free.put(reader)
    lock = threading.Lock()

    def look_at(digest: str) -> None:
        reader = free.get()
        try:
            answer = _look_at(reader, read_bytes(paths[digest]))
        finally:
            free.put(reader)
        _write_answer(folder, digest, answer)
        with lock:
            found[digest] = answer
            tell(len(found), len(paths))

    try:
        with ThreadPoolExecutor(len(readers)) as threads:
            list(threads.map(look_at, wanted))
    finally:
        for reader in readers:
            reader.close()
    return found


def _look_at(reader: Apart, raw: bytes) -> Answer:
    try:
        return Answer(reader.measure(raw))
    except Unreadable as error:
        return Answer(unreadable=str(error))
    except NotRead as error:
        return Answer(not_read=str(error))


def read_answer(folder: Folder, digest: str) -> Answer | None:
    """What was measured before; None where nothing was, by another version, or where we gave up."""
    path = folder.measured(digest)
    if not path.is_file():
        return None
    try:
        body, raw = read_frame(path.read_bytes()[8:], limit_bytes=_MOST_BYTES)
        if body["version"] != VERSION:
            return None
        if body["unreadable"]:
            return Answer(unreadable=str(body["unreadable"]))
        cut = int(body["copy"])
        photo = Photo.model_validate(body["photo"])
        return Answer(Measured(photo, str(body["hash"]), str(body["mirrored"]), raw[:cut], raw[cut:]))
    except (EvidenceError, KeyError, TypeError, ValueError):
        return None


def _write_answer(folder: Folder, digest: str, answer: Answer) -> None:
    """What we gave up on is tried again next time."""
    if answer.not_read:
        return
    body: dict[str, Any] = {"version": VERSION, "unreadable": answer.unreadable}
    raw, found = b"", answer.measured
    if found is not None:
        body |= {"photo": found.photo.model_dump(mode="json"), "hash": found.hash, "mirrored": found.mirrored}
        body["copy"] = len(found.copy)
        raw = found.copy + found.small
    write_whole(folder.measured(digest), frame_of(body, raw))


def _fingerprint(student: str, photo: Kept, found: Measured | None) -> Fingerprint | None:
    if found is None:
        return None
    return Fingerprint(
        student=student,
        name=photo.name,
        sha256=photo.sha256,
        pixels=found.photo.pixels,
        hash=int(found.hash, 16),
        mirrored=int(found.mirrored, 16),
        small=np.frombuffer(found.copy, dtype=np.uint8).reshape(SMALL, SMALL, 3),
    )


def _set(
    handed_in: PhotosOf,
    answers: Mapping[str, Answer],
    alike: Mapping[tuple[str, str], Sequence[Alike]],
    others: int,
    known: int,
) -> PhotoSet:
    photos = tuple(
        _photo(photo, answers.get(photo.sha256, Answer()), alike.get((handed_in.student, photo.name), ()))
        for photo in handed_in.photos
    )
    return PhotoSet(
        photos=photos, left_out=handed_in.left_out, cut=handed_in.cut, compared=others, known=known
    )


def _photo(kept: Kept, answer: Answer, alike: Iterable[Alike]) -> Photo:
    about: dict[str, Any] = {
        "name": kept.name,
        "sha256": kept.sha256,
        "size_bytes": kept.size_bytes,
        "letter_of_name": letter_of_name(kept.name),
        "letter_of_folder": letter_of_folder(kept.name),
        "number_of_name": number_of_name(kept.name),
    }
    if answer.measured is not None:
        return answer.measured.photo.model_copy(update={**about, "alike": tuple(alike)})
    if answer.unreadable:
        return Photo(**about, state="unreadable", why=answer.unreadable)
    return Photo(**about, state="not_read", why=kept.why or answer.not_read)
