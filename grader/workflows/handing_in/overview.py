"""What a student sees before and after handing in: dates, which file counts, receipts, how far it is."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from grader.errors import ServiceError, StoreError
from grader.grading.times import lasting
from grader.store import History, Store
from grader.store.hand_ins import Received
from grader.store.rubrics import LoadedRubric
from grader.workflows.handing_in.assignments import assigned, assigned_here, is_of_photos
from grader.workflows.handing_in.deadline import Deadline, deadline
from grader.workflows.handing_in.links import HandInLink
from grader.workflows.handing_in.reading import Found, Readers, shared_readers
from grader.workflows.handing_in.time_left import beside_of, time_left
from grader.workflows.running.pausing import is_paused

__all__ = [
    "Handing",
    "Offer",
    "OwnGroup",
    "Progress",
    "handing_in",
    "offers",
    "photos_in",
    "progress_of",
    "receipt_by",
]


_SOON, _LATER = timedelta(seconds=3), timedelta(minutes=1)


@dataclass(frozen=True)
class Progress:
    """How far the file that counts is.

    Attributes:
        state: ``none``, ``queued``, ``running``, ``graded``, ``held`` where a person has to look first, or
            ``collected`` of photos, which the course looks at together.
        before: How many files come before it, where it is queued.
        paused: Whether the course lets nothing be run at the moment.
        left: How long it takes until it was run, where it is queued; None where that cannot be told.
        nobody: It is queued, and nobody works at the queue.
    """

    state: str
    before: int = 0
    paused: bool = False
    left: timedelta | None = None
    nobody: bool = False

    @property
    def is_settled(self) -> bool:
        """Whether nothing will change by waiting."""
        return self.state in ("none", "graded", "held", "collected")

    @property
    def time_left(self) -> str:
        """In words, as ``12 min``; empty where it cannot be told."""
        return "" if self.left is None else lasting(self.left)

    @property
    def again_s(self) -> int:
        """In how many seconds it is worth to ask again: of a long wait a few seconds change nothing."""
        left = _SOON if self.left is None else self.left
        return round(min(max(left / 20, _SOON), _LATER).total_seconds())


@dataclass(frozen=True)
class Offer:
    """An assignment that takes files, for a list.

    Attributes:
        received: How many files came from the student.
    """

    assignment: str
    title: str
    deadline: Deadline
    received: int


@dataclass(frozen=True)
class OwnGroup:
    """With whom a student hands in.

    Attributes:
        others: How many they are.
        names: Who, where the course lets members know.
    """

    others: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class Handing:
    """All that the page of one assignment shows.

    Attributes:
        of_photos: It takes photos rather than a notebook.
        received: What came, the newest first.
        counts: Number of the receipt of the file that counts; None where none does.
        counts_elsewhere: When the file that counts came, where it is none of these.
        group: With whom they hand in; None where they do so by themselves.
        paused: Whether a file that comes now is not run before the course goes on running.
    """

    assignment: str
    title: str
    of_photos: bool
    deadline: Deadline
    received: tuple[Received, ...]
    counts: int | None
    counts_elsewhere: datetime | None
    progress: Progress
    group: OwnGroup | None = None
    paused: bool = False


def offers(store: Store, places: Iterable[Path], student: str, only: str | None = None) -> list[Offer]:
    """Each assignment that takes files, with what it would cost this student to hand in now.

    Args:
        store: The course's history.
        places: Folders in which the course's own rubrics may lie.
        student: Who looks.
        only: The one to tell of; all where it is None.
    """
    rubrics, zone, now = assigned(store, places, photos=True), store.zone, store.clock()
    with store.reading() as history:
        return [
            Offer(
                rubric.assignment,
                rubric.rubric.title,
                deadline(history, rubric.rubric, student, now, zone),
                len(history.received_from(student, rubric.assignment)),
            )
            for rubric in rubrics
            if only in (None, rubric.assignment)
        ]


def handing_in(
    store: Store,
    places: Iterable[Path],
    student: str,
    assignment: str,
    link: HandInLink | None = None,
    *,
    beside: Sequence[Store] = (),
) -> Handing:
    """What one student sees of one assignment.

    Args:
        store: The course's history.
        places: Folders in which the course's own rubrics may lie.
        student: Who looks.
        assignment: At which.
        link: By which they look; of what came otherwise it shows nothing.
        beside: As of `progress_of`.

    Raises:
        UsageError: No files are handed in for this assignment.
    """
    rubric = assigned_here(store, places, assignment, photos=True)
    zone, now = store.zone, store.clock()
    with store.reading() as history:
        dates = deadline(history, rubric.rubric, student, now, zone)
        return _handing(history, rubric, student, dates, now, link, beside)


def progress_of(store: Store, student: str, assignment: str, *, beside: Sequence[Store] = ()) -> Progress:
    """How far the file is that counts of a student.

    Args:
        store: The course's history.
        student: Whose.
        assignment: For which.
        beside: Other courses on the same seats, in the order in which these go on from this one.
    """
    with store.reading() as history:
        return _progress(history, student, assignment, store.clock(), beside)


def receipt_by(
    store: Store, student: str, assignment: str, seq: int, link: str | None = None
) -> Received | None:
    """A receipt of one student's, for one assignment; None where there is none of this number.

    Args:
        store: The course's history.
        student: Whose it has to be.
        assignment: For which.
        seq: Its number.
        link: Digest of the link that it has to have come by; None for all.
    """
    with store.reading() as history:
        received = history.received(seq)
    if received is None:
        return None
    record = received.record
    theirs = (record.student, record.assignment) == (student, assignment)
    return received if theirs and link in (None, record.link) else None


def photos_in(store: Store, received: Received, readers: Readers | None = None) -> Found | None:
    """What is in a zip of photos that came, looked at anew; None where that cannot be done just now.

    Args:
        store: The course's history.
        received: What came.
        readers: Processes that read it; those of the program where none are given.
    """
    try:
        raw = store.file(received.record.notebook)
        with tempfile.TemporaryFile(prefix="grader-upload-") as content:
            content.write(raw)
            content.flush()
            reading = readers or shared_readers()
            return reading.read(content, received.record.file, of_photos=True)
    except (StoreError, ServiceError):
        return None


def _handing(
    history: History,
    rubric: LoadedRubric,
    student: str,
    dates: Deadline,
    now: datetime,
    link: HandInLink | None,
    beside: Sequence[Store],
) -> Handing:
    every = history.received_from(student, rubric.assignment)
    counting = history.submission(student, rubric.assignment)
    # The same bytes may have come several times: the first of them has the time that counts.
    fits = [each for each in every if counting is not None and each.record.notebook == counting.notebook]
    first = next((each.seq for each in fits if counting and each.at == counting.submitted_at), None)
    counts = first if first is not None else (fits[0].seq if fits else None)
    shown = [each for each in every if link is None or each.record.link == link.digest]
    counts = counts if any(each.seq == counts for each in shown) else None
    elsewhere = counting is not None and counts is None
    return Handing(
        rubric.assignment,
        rubric.rubric.title,
        is_of_photos(rubric.rubric),
        dates,
        tuple(reversed(shown)),
        counts,
        counting.submitted_at if counting is not None and elsewhere else None,
        _progress(history, student, rubric.assignment, now, beside),
        _own_group(history, student, rubric.assignment),
        not is_of_photos(rubric.rubric) and is_paused(history, rubric.assignment),
    )


def _own_group(history: History, student: str, assignment: str) -> OwnGroup | None:
    group = history.group_of(assignment, student)
    if group is None:
        return None
    others = tuple(each for each in group.members if each != student)
    return OwnGroup(len(others), others if history.shows_group_names() else ())


def _progress(
    history: History, student: str, assignment: str, now: datetime, beside: Sequence[Store]
) -> Progress:
    counting = history.submission(student, assignment)
    if counting is None:
        return Progress("none")
    if counting.problem:
        return Progress("held")
    of = (student, *history.sharers(assignment, student, counting.notebook))
    found = [job for each in of if (job := history.job_on(each, assignment, counting.notebook)) is not None]
    if not found and history.received_from(student, assignment):
        # A notebook that came has a job from the same transaction.
        return Progress("collected")
    # A group's file is run once, as the job of one of them.
    job = next((each for each in found if each.state != "superseded"), None)
    if job is None:
        return Progress("none")
    if job.state == "queued":
        pace = history.pace()
        others = None if job.paused else beside_of(beside)
        left = None if others is None else time_left(pace, now, job.ahead, assignment, others)
        nobody = not pace.running and not history.is_served()
        return Progress("queued", job.ahead.number, job.paused, left, nobody)
    return Progress("running" if job.state == "claimed" else "graded")
