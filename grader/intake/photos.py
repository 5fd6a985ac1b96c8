"""Finds the photos that each student handed in: zips, folders, zips within zips; read one by one.

No archive is ever held in memory, and none is unpacked: one that lies within another is copied to a temporary
file without a name of the student's, and every photo is read by itself under a cap.
"""

from __future__ import annotations

import re
import tempfile
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO

from grader.errors import IntakeError, SubmissionError
from grader.grading.held import parted
from grader.intake.archive import archive_entries
from grader.intake.entries import Entry, is_litter
from grader.intake.folder import folder_entries
from grader.intake.identity import normalise_id
from grader.intake.layouts import LAYOUTS, Layout, Owner
from grader.intake.text import visible

__all__ = ["MAX_PHOTO_BYTES", "PHOTO_ENDINGS", "FoundFile", "PhotoIntake", "PhotoSubmission", "find_photos"]

#: Endings of files that are photos, or should be; what they are their bytes say.
PHOTO_ENDINGS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".png", ".heic", ".heif", ".webp", ".gif", ".bmp", ".tif", ".tiff"}
)
#: A photo of a phone has 2 to 15 MB.
MAX_PHOTO_BYTES = 60 * 1024**2
_MAX_ARCHIVE_BYTES = 1024**3
_MAX_ARCHIVES = 40
_DEEPEST = 3
_CHUNK = 1024**2
#: ``<last-name>_<student-number>``, as the handout asks for.
_NAMED = re.compile(r"(?P<name>.+?)[ _-]+(?P<number>\d{5,12})(?:[ _-]*\(\d+\)|-\d)?")


@dataclass(frozen=True)
class FoundFile:
    """One file of a student's, open to be read while the next has not been asked for.

    Attributes:
        name: Path within what was handed in, archives as folders.
        read: Gives its bytes; raises SubmissionError where it cannot be read.
        problem: Why it must not be read.
    """

    name: str
    read: Callable[[], bytes]
    problem: str = ""

    @property
    def is_photo(self) -> bool:
        """By its name."""
        return PurePosixPath(self.name).suffix.lower() in PHOTO_ENDINGS


@dataclass(frozen=True)
class PhotoSubmission:
    """What one student handed in, not yet opened.

    Attributes:
        student: Normalised id.
        paths: Where it lies, for messages.
        late: The format marks it as late.
        name: The student's name where it is told, else empty.
        entries: Files and archives as they lie there.
    """

    student: str
    paths: tuple[Path, ...]
    submitted_at: datetime | None = None
    late: bool = False
    name: str = ""
    entries: tuple[Entry, ...] = field(default=(), repr=False)

    def files(self) -> Iterator[FoundFile]:
        """All files one by one, in order of their names; what nobody hands in on purpose is left away."""
        left = [_MAX_ARCHIVES]
        alone = len(self.entries) == 1
        for entry in self.entries:
            in_front = "" if alone and _is_archive(entry.inside) else str(entry.inside)
            yield from _files(entry, in_front, 0, left)


@dataclass(frozen=True)
class PhotoIntake:
    """All students of a folder or archive, ordered by id.

    Attributes:
        format: Name of the layout.
        problems: Files that belong to nobody.
    """

    submissions: tuple[PhotoSubmission, ...]
    format: str
    problems: tuple[str, ...] = ()


class _HandedIn(Entry):
    """A file as layouts see it: here an archive or a photo is what a notebook is elsewhere."""

    @property
    def is_notebook(self) -> bool:
        return not self.is_folder and _is_handed_in(self)

    @property
    def stem(self) -> str:
        return self.inside.stem


def find_photos(path: Path, *, format: str | None = None) -> PhotoIntake:
    """Finds who handed in what.

    Args:
        path: A folder, a zip archive of a whole class, or one student's zip or folder.
        format: Name of a layout; None recognises it.

    Raises:
        IntakeError: There is nothing at `path`, or nothing of the kind in it.
    """
    if not path.exists():
        raise IntakeError("there is nothing here", where=str(path), expected="a folder or a zip with photos")
    entries = folder_entries(path) if path.is_dir() else archive_entries(path)
    kept = [_as_handed_in(entry) for entry in entries if not is_litter(entry.inside)]
    if not any(entry.is_notebook for entry in kept):
        raise IntakeError(
            "no photos were found",
            where=str(path),
            expected="zips or folders of photos, one for each student",
            found=f"{len(kept)} other files" if kept else "nothing",
            todo="name the folder of submissions, or the course system's download",
        )
    if _is_one_students(kept):
        return PhotoIntake((_alone(path, kept),), "one student")
    layout, seen = _layout(kept, format, path)
    return _by_student(layout, seen)


def _as_handed_in(entry: Entry) -> _HandedIn:
    return _HandedIn(**{item.name: getattr(entry, item.name) for item in fields(Entry)})


def _is_archive(inside: PurePosixPath) -> bool:
    return inside.suffix.lower() == ".zip"


def _is_handed_in(entry: Entry) -> bool:
    return _is_archive(entry.inside) or entry.inside.suffix.lower() in PHOTO_ENDINGS


def _is_one_students(entries: Sequence[_HandedIn]) -> bool:
    """Photos lie at the top, or in folders called by a letter, also within one folder around all of them."""
    parts = [entry.inside.parts for entry in entries if entry.is_notebook]
    tops = {each[0] for each in parts}
    if len(tops) == 1 and all(len(each) > 1 for each in parts):
        parts = [each[1:] for each in parts]
    photos = [each for each in parts if PurePosixPath(each[-1]).suffix.lower() in PHOTO_ENDINGS]
    letters = sum(len(each) == 2 and len(each[0].strip("_- ")) == 1 for each in photos)
    flat = sum(len(each) == 1 and not _owner_in_front(each[0]) for each in photos)
    return bool(photos) and letters + flat > len(parts) / 2


def _owner_in_front(name: str) -> bool:
    """Whether a course system put a student before the file's name."""
    return any(kind().owners(Entry(PurePosixPath(name), Path(name), bytes)) for kind in LAYOUTS[1:3])


def _alone(path: Path, entries: Sequence[_HandedIn]) -> PhotoSubmission:
    owner = _plain_owner(Owner(path.stem if path.is_file() else path.resolve().name))
    return PhotoSubmission(
        normalise_id(owner.student), (path,), name=visible(owner.name), entries=tuple(entries)
    )


def _layout(entries: list[_HandedIn], format: str | None, path: Path) -> tuple[Layout, list[_HandedIn]]:
    kinds = [kind for kind in LAYOUTS if format in (None, kind.name)]
    if not kinds:
        known = ", ".join(kind.name for kind in LAYOUTS)
        raise IntakeError("there is no such format of submissions", expected=known, found=format)
    for kind in kinds:
        layout = kind()
        for seen in (entries, _without_wrapper(entries)):
            if layout.fits(seen):
                layout.prepare(seen)
                return layout, seen
    raise IntakeError(
        "whose photos these are cannot be told",
        where=str(path),
        expected=f"a layout such as {', '.join(kind.name for kind in LAYOUTS)}",
        todo="one zip or folder for each student, called by the student's id",
    )


def _without_wrapper(entries: list[_HandedIn]) -> list[_HandedIn]:
    """The files without the only folder around all of them."""
    if len({entry.inside.parts[0] for entry in entries}) != 1 or any(
        len(entry.inside.parts) == 1 for entry in entries
    ):
        return entries
    return [
        _HandedIn(**{**vars(entry), "inside": PurePosixPath(*entry.inside.parts[1:])}) for entry in entries
    ]


def _by_student(layout: Layout, entries: Sequence[_HandedIn]) -> PhotoIntake:
    groups: dict[str, list[tuple[Owner, _HandedIn]]] = defaultdict(list)
    strays = []
    for entry in entries:
        owners = [] if entry.is_folder and not entry.inside.parts else layout.owners(entry)
        for owner in map(_plain_owner, owners):
            groups[normalise_id(owner.student)].append((owner, entry))
        if not owners and not layout.is_own_file(entry) and _is_handed_in(entry):
            strays.append(f"{visible(str(entry.shown))}: belongs to no student in the layout '{layout.name}'")
    found = [_submission(student, files) for student, files in sorted(groups.items())]
    return PhotoIntake(tuple(found), layout.name, tuple(strays))


def _plain_owner(owner: Owner) -> Owner:
    """``doe_1001234567`` is the student 1001234567; what a course system calls a student stays."""
    named = _NAMED.fullmatch(owner.student)
    if named is None or owner.name:
        return owner
    return Owner(named["number"], named["name"], owner.submitted_at, owner.late, owner.order, owner.file)


def _submission(student: str, files: Sequence[tuple[Owner, _HandedIn]]) -> PhotoSubmission:
    times = [owner.submitted_at for owner, _ in files if owner.submitted_at is not None]
    return PhotoSubmission(
        student,
        tuple(dict.fromkeys(entry.shown for _, entry in files)),
        submitted_at=max(times, default=None),
        late=any(owner.late for owner, _ in files),
        name=visible(next((owner.name for owner, _ in files if owner.name), "")),
        entries=tuple(entry for _, entry in files),
    )


def _files(entry: Entry, name: str, depth: int, left: list[int]) -> Iterator[FoundFile]:
    """A file, or what an archive holds."""
    if (entry.is_folder and not entry.problem) or is_litter(entry.inside):
        return
    if _is_archive(entry.inside) and entry.problem is None:
        yield from _in_archive(entry, name, depth, left)
    elif entry.problem is not None:
        problem, _ = parted(entry.problem)
        yield FoundFile(visible(name or entry.inside.name), lambda: _refused(problem), problem)
    else:
        yield FoundFile(visible(name or entry.inside.name), lambda: _read(entry))


def _in_archive(entry: Entry, name: str, depth: int, left: list[int]) -> Iterator[FoundFile]:
    problem = _too_deep(depth, left)
    shown = visible(name or entry.inside.name)
    with tempfile.NamedTemporaryFile(prefix="grader-photos-") as copy:
        try:
            if problem:
                raise SubmissionError(problem)
            _copy(entry, copy)
            inner = archive_entries(entry.shown, content=Path(copy.name))
        except (SubmissionError, IntakeError) as error:
            why = error.what if error.found is None else f"{error.what}: {error.found}"
            yield FoundFile(shown, lambda: _refused(why), why)
            return
        for each in inner:
            below = f"{name}/{each.inside}" if name else str(each.inside)
            yield from _files(each, below, depth + 1, left)


def _too_deep(depth: int, left: list[int]) -> str:
    left[0] -= 1
    if depth >= _DEEPEST:
        return f"archives lie within archives more than {_DEEPEST} deep"
    return f"there are more than {_MAX_ARCHIVES} archives" if left[0] < 0 else ""


def _copy(entry: Entry, target: IO[bytes]) -> None:
    """Copies an archive piece by piece, no more of it than the cap."""
    try:
        with _opened(entry) as source:
            for size in range(0, _MAX_ARCHIVE_BYTES + _CHUNK, _CHUNK):
                piece = source.read(_CHUNK)
                if not piece:
                    target.flush()
                    return
                if size >= _MAX_ARCHIVE_BYTES:
                    break
                target.write(piece)
    except _UNREADABLE as error:
        raise SubmissionError("the archive cannot be read", found=str(error)) from error
    raise SubmissionError(f"the archive has more than {_MAX_ARCHIVE_BYTES // 1024**2} MB")


#: What reading a damaged or hostile archive may raise.
_UNREADABLE = (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, RuntimeError)


def _opened(entry: Entry) -> AbstractContextManager[IO[bytes]]:
    assert entry.open is not None
    return entry.open()


def _read(entry: Entry) -> bytes:
    try:
        with _opened(entry) as file:
            raw = file.read(MAX_PHOTO_BYTES + 1)
    except _UNREADABLE as error:
        raise SubmissionError("the file cannot be unpacked", found=str(error)) from error
    if len(raw) > MAX_PHOTO_BYTES:
        raise SubmissionError(f"the file has more than {MAX_PHOTO_BYTES // 1024**2} MB")
    return raw


def _refused(problem: str) -> bytes:
    raise SubmissionError(problem)
