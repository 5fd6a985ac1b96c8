"""A file that came is taken: read apart, kept, and written with its receipt and its job in one transaction.

What cannot be taken is refused with the reason and what to do, and leaves nothing behind. What came when
nothing counts any more is kept and sealed all the same, and takes no other's place: a person decides.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from grader.errors import RefusedError, UsageError
from grader.grading.held import parted
from grader.store import Signature, Store
from grader.store.hand_ins import HandInRecord, Received, Way
from grader.store.records import SubmissionRecord
from grader.store.rubrics import LoadedRubric
from grader.workflows.handing_in.assignments import assigned, assigned_here, is_of_photos
from grader.workflows.handing_in.pictures import is_zip, pack
from grader.workflows.handing_in.reading import Found, Readers, shared_readers
from grader.workflows.handing_in.writing import write
from grader.workflows.regrading.rubrics import another_assignment

__all__ = [
    "MOST_BYTES",
    "NotTaken",
    "Sender",
    "Sent",
    "Taken",
    "count_after_all",
    "plain_name",
    "read_apart",
    "require_room",
    "take",
    "whole",
]

#: Of one file, unless a server says otherwise.
MOST_BYTES = 32 * 1024**2
#: What one student may send for one assignment within a day.
_DAY = timedelta(days=1)
_MOST_FILES, _MOST_SENT = 60, 512 * 1024**2
_LONGEST_NAME = 200
_CHUNK = 1024**2


class NotTaken(UsageError):
    """A file that was refused; `what` and `todo` are for its student."""


@dataclass(frozen=True)
class Sender:
    """Who sends a file, and for whom.

    Attributes:
        student: Whose it is, as the history calls them.
        actor: Who is written into the history; the student, or whoever hands in for them.
        link: SHA-256 of the link that it comes by; empty for others.
    """

    student: str
    way: Way
    actor: str
    link: str = ""


@dataclass(frozen=True)
class Sent:
    """A file as it came.

    Attributes:
        content: An open file of the system, which belongs to whoever asked.
        name: As its student called it; never a path of ours.
        at: When its last byte was here.
        files: Where several came one after another in it, as photos do, the name and length of each.
    """

    content: IO[bytes]
    name: str
    at: datetime
    files: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Taken:
    """What was written.

    Attributes:
        replaced: Whether it took the place of an earlier file; False also where that has the same bytes.
        left_out: What lay beside the notebook and could not be taken, each with the reason.
    """

    received: Received
    replaced: bool
    left_out: tuple[str, ...]


def take(
    store: Store,
    places: Iterable[Path],
    assignment: str,
    sender: Sender,
    sent: Sent,
    *,
    readers: Readers | None = None,
    why: str = "handed in",
) -> Taken:
    """Takes a file for one student and assignment.

    The same bytes again are received again and change nothing: the earlier time stays.

    Args:
        store: The course's history.
        places: Folders in which the course's own rubrics may lie.
        assignment: For which.
        sender: Who sends it.
        sent: The file.
        readers: Processes that read it; those of the program where none are given.
        why: For the history, in one line.

    Raises:
        NotTaken: It is no notebook, another assignment's, or one too many; nothing was written.
        UsageError: No files are handed in for this assignment.
        StoreError: It cannot be kept; no receipt is given.
        ServiceError: It cannot be read here just now.
    """
    places = tuple(places)
    with store.moment():
        rubric = assigned_here(store, places, assignment, photos=True)
        require_room(store, sender.student, assignment, sent.at)
    with _as_one(rubric, sent) as one:
        found = read_apart(store, places, rubric, one, readers)
        raw = whole(one.content)
    digest = store.blobs.put(raw)
    name = plain_name(one.name)
    came = SubmissionRecord(
        student=sender.student,
        assignment=assignment,
        notebook=digest,
        path=name,
        submitted_at=sent.at,
        late=False,
        problem="",
    )
    record = HandInRecord(
        student=sender.student,
        assignment=assignment,
        notebook=digest,
        sha256=digest,
        size=len(raw),
        file=name,
        way=sender.way.value,
        link=sender.link,
        counts=True,
    )
    received, replaced = write(store, rubric, came, record, Signature(sender.actor, sent.at, why))
    return Taken(received, replaced, found.left_out)


def read_apart(
    store: Store, places: tuple[Path, ...], rubric: LoadedRubric, sent: Sent, readers: Readers | None = None
) -> Found:
    """What a file is, read in a process behind walls.

    Raises:
        NotTaken: It is no notebook, or another assignment's, or no photos where these are asked for.
        ServiceError: It cannot be read here just now.
    """
    if len(sent.files) > 1:
        raise NotTaken("this form brings more than one file", todo="choose one file, or one zip with all")
    of_photos = is_of_photos(rubric.rubric)
    found = (readers or shared_readers()).read(sent.content, sent.name, of_photos=of_photos)
    if found.problem:
        what, todo = parted(found.problem)
        raise NotTaken(what, todo=todo or None)
    if of_photos:
        return found
    other = another_assignment(rubric, _all(store, places), found.cells)
    if other is not None:
        raise NotTaken(
            f"this is the notebook of {other.rubric.title}",
            expected=f"that of {rubric.rubric.title}",
            todo="send the notebook of this assignment",
        )
    return found


@contextmanager
def _as_one(rubric: LoadedRubric, sent: Sent) -> Iterator[Sent]:
    """What is kept: the file that came, or photos that came one by one as one zip.

    Raises:
        NotTaken: Nothing was chosen, or two photos have the same name.
    """
    if not sent.files or not is_of_photos(rubric.rubric):
        yield sent
        return
    named = [(plain_name(name), size) for name, size in sent.files if name or size]
    if not named:
        raise NotTaken("no photo was chosen", todo="choose your photos (.jpg), or one zip of them")
    sent.content.seek(0)
    photos = [(name, sent.content.read(size)) for name, size in named]
    if len(photos) == 1 and is_zip(photos[0][1]):
        yield Sent(sent.content, photos[0][0], sent.at)
        return
    try:
        raw = pack(photos)
    except UsageError as error:
        raise NotTaken(error.what, found=error.found, todo=error.todo) from None
    with tempfile.TemporaryFile(prefix="grader-upload-") as content:
        content.write(raw)
        content.flush()
        yield Sent(content, "1 photo.zip" if len(photos) == 1 else f"{len(photos)} photos.zip", sent.at)


def count_after_all(store: Store, places: Iterable[Path], seq: int, *, actor: str, reason: str) -> Received:
    """Lets a file count that came when nothing counted any more, once its student's dates allow it.

    Args:
        store: The course's history.
        places: Folders in which the course's own rubrics may lie.
        seq: Of its receipt.
        actor: Who decides.
        reason: Why.

    Returns:
        What is received now in its place, with the time at which it came first.

    Raises:
        RefusedError: It counts already, or would come too late still.
        UsageError: There is no such receipt, or no reason.
    """
    if not reason.strip():
        raise UsageError("to let a late file count needs a reason for the history", expected="--reason TEXT")
    with store.reading() as history:
        before = history.received(seq)
    if before is None:
        raise UsageError(f"row {seq} of the history is no receipt", expected="the number on a receipt")
    record = before.record
    if record.counts:
        raise RefusedError(f"the file of receipt {seq} counts already")
    rubric = assigned_here(store, places, record.assignment, photos=True)
    # It has to be there still.
    store.file(record.notebook)
    came = SubmissionRecord(
        student=record.student,
        assignment=record.assignment,
        notebook=record.notebook,
        path=record.file or "notebook.ipynb",
        submitted_at=before.at,
        late=False,
        problem="",
    )
    signature = Signature(actor, store.clock(), f"receipt {seq} counts: {reason.strip()}")
    received, _ = write(store, rubric, came, record, signature, again=seq)
    return received


def _all(store: Store, places: tuple[Path, ...]) -> Iterator[LoadedRubric]:
    """The course's rubrics, looked for once somebody asks: for a notebook that is not like its handout."""
    yield from assigned(store, places)


def require_room(store: Store, student: str, assignment: str, at: datetime) -> None:
    """Keeps one student from filling the disk.

    Raises:
        NotTaken: So much came from them within a day that nobody needs more.
    """
    with store.reading() as history:
        number, size = history.sent_since(student, assignment, at - _DAY)
    if number >= _MOST_FILES or size >= _MOST_SENT:
        raise NotTaken(
            f"{number} files of yours came within a day, with {size / 1024**2:.0f} MB together",
            expected=f"at most {_MOST_FILES} files and {_MOST_SENT // 1024**2} MB",
            todo="wait until tomorrow, or ask your course to take it",
        )


def plain_name(name: str) -> str:
    """What a file is called, without the folders that some browsers put before it, in letters that show."""
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(each for each in last if each.isprintable()).strip()
    return shown[-_LONGEST_NAME:] or "notebook.ipynb"


def whole(file: IO[bytes]) -> bytes:
    """All of a file, from its beginning."""
    file.seek(0)
    return b"".join(iter(lambda: file.read(_CHUNK), b""))
