"""`grader photos check`: from collected photos to attempts and verdicts in the history."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grader.errors import UsageError
from grader.evidence.codec import Bundle
from grader.evidence.photos import PhotoSet
from grader.evidence.record import NOTHING_CAME, Environment, Evidence, Outcome
from grader.facts.case import Reference
from grader.photos.measure import VERSION
from grader.photos.packages import require_packages
from grader.store import Ask, JobKey, Queue, Signature, Store
from grader.store.queue import Claim
from grader.store.records import SubmissionRecord
from grader.store.results import Result
from grader.store.rubrics import LoadedRubric
from grader.workflows.photos.collection import Collection, Folder, PhotosOf
from grader.workflows.photos.measuring import ClassPhotos, measure_class
from grader.workflows.regrading.judging import Judge
from grader.workflows.regrading.regrade import regrade
from grader.workflows.running.recording import Recording
from grader.workflows.views.streamed import Results

__all__ = ["SANDBOX", "CheckRequest", "Checked", "check_photos", "require_photo_rubric"]

#: What stands in attempts in place of a sandbox: nothing of the student's was run.
SANDBOX = "photos"
_WHY = "grader photos check"
#: Between two looks for what another check holds, or held when it was killed.
_POLL_S = 0.5


@dataclass(frozen=True)
class CheckRequest:
    """What somebody wants looked at.

    Attributes:
        folder: Of a collection.
        known: A folder of pictures that the course knew before.
        jobs: Processes at a time; by the number of cores where it is None.
        actor: Who is written into the history.
        reference: The course's own answers, which verdicts name; photos need none.
    """

    folder: Folder
    rubric: LoadedRubric
    actor: str
    reference: Reference = field(default_factory=Reference)
    known: Path | None = None
    jobs: int | None = None


@dataclass(frozen=True)
class Checked:
    """Where the students of a collection stand, and small pictures of their photos by digest."""

    collection: Collection
    results: tuple[Result, ...]
    small: Mapping[str, bytes]


def require_photo_rubric(rubric: LoadedRubric) -> None:
    """Makes sure that a rubric has something to say of photos.

    Raises:
        UsageError: It judges notebooks.
    """
    if not any(criterion.check.of_photos for criterion in rubric.rubric.criteria):
        raise UsageError(
            "this rubric judges no photos",
            where=rubric.name,
            expected="criteria with photo_count, photo_form or photo_hints, as rubrics/lab3a.yaml has them",
        )


def check_photos(
    request: CheckRequest, store: Store, *, tell: Callable[[int, int], None] = lambda _done, _all: None
) -> Checked:
    """Measures, compares and judges every student's photos, and keeps it as of any lab.

    What has not changed since the last time makes no new attempt.

    Args:
        request: Whose photos, by which rubric.
        store: Where the history is.
        tell: Told how many of how many photos are measured.

    Raises:
        UsageError: The folder holds no photos, the rubric judges none, or packages are missing.
        StoreError: The database or the evidence folder failed.
    """
    require_packages()
    require_photo_rubric(request.rubric)
    collection = request.folder.read()
    found = measure_class(collection, request.folder, known=request.known, jobs=request.jobs, tell=tell)
    judge = Judge(request.rubric, request.reference)
    _record(collection, found, judge, request, store)
    results = Results(store, {(judge.rubric.assignment, each.student) for each in collection.students})
    stale = (result for result in results if not judge.stands(result))
    regrade(store, stale, lambda _: judge, actor=request.actor, why=_WHY)
    return Checked(collection, tuple(results), found.small)


def _record(
    collection: Collection, found: ClassPhotos, judge: Judge, request: CheckRequest, store: Store
) -> None:
    """Writes what was handed in, and an attempt with its verdict for all that is new."""
    works = [
        _Work.of(each, found.sets[each.student], judge.rubric.assignment, store)
        for each in collection.students
    ]
    signature = Signature(request.actor, store.clock(), _WHY)
    with Queue(store) as queue:
        with store.writing() as history:
            for work in works:
                history.hand_in(work.submitted, signature)
            jobs = queue.enqueue(history, [Ask(work.key) for work in works], fresh=False)
        recording = Recording(store, queue, request.actor, _WHY)
        work_of = dict(zip(jobs, works, strict=True))
        while claim := _next(queue):
            recording.write(recording.judge(claim, work_of[claim.id].bundle, judge))


def _next(queue: Queue) -> Claim | None:
    """The next job; what another process holds is done there, or free in a moment."""
    while True:
        claim = queue.claim()
        if claim is not None or not queue.progress().open:
            return claim
        time.sleep(_POLL_S)


@dataclass(frozen=True)
class _Work:
    """One student's photos, ready to be written down."""

    key: JobKey
    submitted: SubmissionRecord
    bundle: Bundle

    @classmethod
    def of(cls, handed_in: PhotosOf, photos: PhotoSet, assignment: str, store: Store) -> _Work:
        # What came at the server stands in the history already, by the zip as it was sent.
        manifest = handed_in.handed_in or store.blobs.put(_manifest(handed_in))
        outcome, detail = _outcome(handed_in)
        # What others handed in is part of what was found, so that it makes another attempt where it changes.
        measured = hashlib.sha256(photos.model_dump_json().encode()).hexdigest()
        plan = store.blobs.put(json.dumps({"photos": VERSION, "measured": measured}).encode())
        evidence = Evidence(
            notebook=manifest,
            plan=plan,
            outcome=outcome,
            outcome_detail=detail,
            environment=Environment(sandbox=SANDBOX),
            photos=photos,
        )
        submitted = SubmissionRecord(
            student=handed_in.student,
            assignment=assignment,
            notebook=manifest,
            path=handed_in.path,
            submitted_at=handed_in.submitted_at,
            late=handed_in.late,
            problem=detail if outcome is Outcome.INVALID_SUBMISSION else "",
        )
        key = JobKey(handed_in.student, assignment, manifest, plan, image="")
        return cls(key, submitted, Bundle(evidence))


def _manifest(handed_in: PhotosOf) -> bytes:
    """What stands for the photos in the history, which holds no pictures: their names and digests."""
    rows = [{"name": photo.name, "sha256": photo.sha256} for photo in handed_in.photos]
    return json.dumps({"photos": rows}, ensure_ascii=True, sort_keys=True).encode()


def _outcome(handed_in: PhotosOf) -> tuple[Outcome, str]:
    """An archive that nobody could open is held for a person; nothing at all is nothing."""
    if handed_in.photos:
        return Outcome.COMPLETED, ""
    if not handed_in.left_out:
        return Outcome.INVALID_SUBMISSION, NOTHING_CAME
    first = handed_in.left_out[0]
    named: Sequence[str] = [each.name for each in handed_in.left_out[:5]]
    return Outcome.INVALID_SUBMISSION, f"there are no photos in what came: {', '.join(named)} ({first.why})"
