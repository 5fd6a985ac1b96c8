"""A file that came is taken: read apart, kept, and written with its receipt and its job in one transaction.

What cannot be taken is refused with the reason and what to do, and leaves nothing behind. What came when
nothing counts any more is kept and sealed all the same, and takes no other's place: a person decides.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from grader.errors import RefusedError, UsageError
from grader.grading.held import parted
from grader.store import Ask, JobKey, Priority, Signature, Store, WritableHistory
from grader.store.entering import ANYWHERE
from grader.store.groups import GroupFileRecord
from grader.store.hand_ins import HandInRecord, Received, Way
from grader.store.records import SubmissionRecord
from grader.store.rubrics import LoadedRubric
from grader.workflows.handing_in.assignments import assigned, assigned_here, is_of_photos
from grader.workflows.handing_in.deadline import deadline_of
from grader.workflows.handing_in.pictures import is_zip, pack
from grader.workflows.handing_in.reading import Found, Readers, shared_readers
from grader.workflows.mailing.telling import tell_handed_in
from grader.workflows.regrading.rubrics import another_assignment
from grader.workflows.running.keeping import keep_plan
from grader.workflows.running.planning import plan_of

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
#: What a fellow's rows have in place of the name of a file and of who sent it: either may be a name.
_NEUTRAL, _NEUTRAL_ZIP, _BY_GROUP = "notebook.ipynb", "photos.zip", "a member of the group"


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
        sha256=hashlib.sha256(raw).hexdigest(),
        size=len(raw),
        file=name,
        way=sender.way.value,
        link=sender.link,
        counts=True,
    )
    received, replaced = _write(store, rubric, came, record, Signature(sender.actor, sent.at, why))
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
    received, _ = _write(store, rubric, came, record, signature, again=seq)
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


def _write(
    store: Store,
    rubric: LoadedRubric,
    came: SubmissionRecord,
    record: HandInRecord,
    signature: Signature,
    *,
    again: int | None = None,
) -> tuple[Received, bool]:
    """The row of the file, that of what counts, and the job: all of it, or nothing."""
    ask = _ask(store, rubric, came)
    neutral = _NEUTRAL if ask is not None else _NEUTRAL_ZIP

    def add(history: WritableHistory) -> tuple[Received, bool]:
        # What a person decides about one student's file is about that student alone.
        group = None if again is not None else history.group_of(record.assignment, record.student)
        own, *others = [_receive(history, rubric, came, record, signature)] + [
            _receive(
                history,
                rubric,
                replace(came, student=fellow, path=neutral),
                replace(record, student=fellow, file=neutral, link=""),
                replace(signature, actor=_BY_GROUP),
            )
            for fellow in (group.members if group else ())
            if fellow != record.student
        ]
        if again is not None and not own.counts:
            raise RefusedError(
                f"the file of receipt {again} came when nothing counted any more, and still would not count",
                todo="extend this student's dates first",
            )
        counting = [each.received.record.student for each in (own, *others) if each.counts]
        if group is not None and len(counting) > 1:
            shared = GroupFileRecord(
                assignment=record.assignment, notebook=came.notebook, name=group.name, members=tuple(counting)
            )
            history.note_group_file(shared, signature)
        if counting and ask is not None:
            # The same bytes may wait already, as the job of another member.
            known = (each for each in counting if history.job_on(each, record.assignment, came.notebook))
            runs = next(known, counting[0])
            fellows = tuple(each for each in counting if each != runs)
            history.queue([replace(ask, key=replace(ask.key, student=runs), fellows=fellows)], store.clock())
        return own.received, own.replaced

    return store.add(add)


def _ask(store: Store, rubric: LoadedRubric, came: SubmissionRecord) -> Ask | None:
    """The job on a file; none on photos, which the course looks at all together."""
    if is_of_photos(rubric.rubric):
        return None
    plan = plan_of(rubric)
    key = JobKey(came.student, came.assignment, came.notebook, keep_plan(store, plan), ANYWHERE)
    return Ask(key, priority=Priority.HANDED_IN, gpu=plan.cuda)


@dataclass(frozen=True)
class _One:
    """What was written of a file for one student."""

    received: Received
    counts: bool
    replaced: bool


def _receive(
    history: WritableHistory,
    rubric: LoadedRubric,
    came: SubmissionRecord,
    record: HandInRecord,
    signature: Signature,
) -> _One:
    """The rows of one student: by their own dates it counts, or does not."""
    before = history.submission(record.student, record.assignment)
    counts = _counts(history, rubric, came, before)
    same = before is not None and before.notebook == came.notebook and not before.problem
    if counts and not same:
        history.hand_in(came, signature)
    received = history.receive(_with_counts(record, counts), signature)
    tell_handed_in(history, record.assignment, record.student, received.seq, record.sha256, signature.at)
    return _One(received, counts, counts and before is not None and not same)


def _counts(
    history: WritableHistory, rubric: LoadedRubric, came: SubmissionRecord, before: SubmissionRecord | None
) -> bool:
    """Whether a file counts: unless it comes when nothing counts, and another counts that came before.

    Where it is the only one, it stands in the lists of the course with its lateness, for a person to see.
    What a person dropped comes back by a person alone.
    """
    if history.is_dropped(came.student, came.assignment):
        return False
    policy = deadline_of(history, rubric.rubric, came.student)
    if before is None or before.notebook == came.notebook or policy is None or policy.until is None:
        return True
    return _by(policy.until, came) or not _by(policy.until, before)


def _by(moment: datetime, file: SubmissionRecord) -> bool:
    """Whether a file came by then, as far as that is known."""
    return file.submitted_at is None or file.submitted_at <= moment


def _with_counts(record: HandInRecord, counts: bool) -> HandInRecord:
    return HandInRecord(**{**record.columns, "counts": counts})


def plain_name(name: str) -> str:
    """What a file is called, without the folders that some browsers put before it, in letters that show."""
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(each for each in last if each.isprintable()).strip()
    return shown[-_LONGEST_NAME:] or "notebook.ipynb"


def whole(file: IO[bytes]) -> bytes:
    """All of a file, from its beginning."""
    file.seek(0)
    return b"".join(iter(lambda: file.read(_CHUNK), b""))
