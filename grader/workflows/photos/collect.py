"""`grader photos collect`: takes a class's photos out of what was handed in, as they are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from grader.errors import IntakeError, SubmissionError, UsageError
from grader.evidence.photos import MOST_PHOTOS, LeftOut
from grader.files.whole import write_whole
from grader.intake.archive import archive_entries
from grader.intake.entries import is_litter
from grader.intake.photos import FoundFile, PhotoSubmission, find_photos
from grader.store import Store
from grader.workflows.photos.collection import Collection, Folder, Kept, PhotosOf

__all__ = ["Collected", "collect", "collect_handed_in"]

_MOST_LEFT_OUT = 100
#: What a student's photos may take together.
_MOST_BYTES = 2 * 1024**3


@dataclass(frozen=True)
class Collected:
    """What was taken.

    Attributes:
        gone: Students of an earlier call who are not among these; they are kept.
    """

    collection: Collection
    gone: tuple[str, ...] = ()


def collect(
    submissions: Path, into: Path, *, format: str | None = None, tell: Callable[[str], None] = lambda _: None
) -> Collected:
    """Copies every photo, byte by byte, under the digest of its bytes.

    Collected again, a student's photos replace those of before; students who are not there this time stay.

    Args:
        submissions: A folder or archive of a class, or one student's.
        into: Made where it is missing.
        format: Name of a layout; None recognises it.
        tell: Told each student before their photos are read.

    Raises:
        IntakeError: There are no photos at `submissions`.
        UsageError: `into` holds something else, or lies within the submissions.
    """
    folder = Folder(into)
    before = _before(folder, submissions)
    found = find_photos(submissions, format=format)
    folder.make()
    taken = {}
    for each in found.submissions:
        tell(each.student)
        taken[each.student] = _taken(each, folder)
    gone = tuple(student for student in before if student not in taken)
    students = tuple(each for _, each in sorted({**before, **taken}.items()))
    collection = Collection(layout=found.format, students=students, problems=found.problems)
    folder.write(collection)
    return Collected(collection, gone)


def collect_handed_in(
    store: Store, assignment: str, into: Path, *, tell: Callable[[str], None] = lambda _: None
) -> Collected:
    """Takes the photos that count out of what students handed in at the server; see `collect`.

    Args:
        store: The course's history.
        assignment: For which.
        into: Made where it is missing.
        tell: Told each student before their photos are read.

    Raises:
        IntakeError: Nobody handed in any.
        UsageError: `into` holds something else.
        StoreError: What was handed in is gone.
    """
    folder = Folder(into)
    before = _before(folder, None)
    with store.reading() as history:
        came = {(each.record.student, each.record.notebook) for each in history.received_on(assignment)}
        counting = [history.submission(student, assignment) for student in {student for student, _ in came}]
        gone = {student for student, _ in came if history.is_erased(student)}
    files = [
        each
        for each in counting
        if each and (each.student, each.notebook) in came and each.student not in gone
    ]
    if not files:
        raise IntakeError(
            "nobody handed in photos for this assignment at the server",
            where=assignment,
            todo="name the folder of submissions, or the course system's download",
        )
    folder.make()
    taken = {}
    for each in sorted(files, key=lambda file: file.student):
        tell(each.student)
        path = Path(each.path or "photos.zip")
        entries = archive_entries(path, content=store.file(each.notebook))
        submission = PhotoSubmission(
            each.student,
            (path,),
            submitted_at=each.submitted_at,
            late=each.late,
            entries=tuple(entry for entry in entries if not is_litter(entry.inside)),
        )
        found = _taken(submission, folder)
        taken[each.student] = found.model_copy(update={"handed_in": each.notebook, "path": each.path})
    left = tuple(student for student in before if student not in taken)
    students = tuple(each for _, each in sorted({**before, **taken}.items()))
    collection = Collection(layout="handed in at the server", students=students)
    folder.write(collection)
    return Collected(collection, left)


def _before(folder: Folder, submissions: Path | None) -> dict[str, PhotosOf]:
    if submissions is not None and folder.root.resolve().is_relative_to(submissions.resolve()):
        raise UsageError(
            "photos must not be collected into the folder that they come from",
            where=str(folder.root),
            todo="give another folder with --into",
        )
    if folder.is_there():
        return {each.student: each for each in folder.read().students}
    if folder.root.exists() and (not folder.root.is_dir() or any(folder.root.iterdir())):
        raise UsageError(
            "this folder holds something else",
            where=str(folder.root),
            expected="a new or empty folder, or one with collected photos",
        )
    return {}


def _taken(submission: PhotoSubmission, folder: Folder) -> PhotosOf:
    photos: list[Kept] = []
    left_out: list[LeftOut] = []
    cut, size = False, 0
    for file in submission.files():
        if not file.is_photo:
            cut = cut or bool(file.problem)
            left_out.append(LeftOut(name=file.name, why=file.problem or "it is no photo"))
        elif len(photos) >= MOST_PHOTOS or size > _MOST_BYTES:
            cut = True
        else:
            photos.append(_kept(file, folder))
            size += photos[-1].size_bytes
    return PhotosOf(
        student=submission.student,
        name=submission.name,
        path=", ".join(map(str, submission.paths[:3])),
        submitted_at=submission.submitted_at,
        late=submission.late,
        photos=tuple(sorted(photos, key=lambda photo: photo.name)),
        left_out=tuple(left_out[:_MOST_LEFT_OUT]),
        cut=cut or len(left_out) > _MOST_LEFT_OUT,
    )


def _kept(file: FoundFile, folder: Folder) -> Kept:
    """Copies one photo; what is wrong with it is written down."""
    try:
        raw = file.read()
    except SubmissionError as error:
        return Kept(name=file.name, why=error.what)
    digest = hashlib.sha256(raw).hexdigest()
    path = folder.photo(digest)
    if not path.exists():
        write_whole(path, raw)
    return Kept(name=file.name, sha256=digest, size_bytes=len(raw))
