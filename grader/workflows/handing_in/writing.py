"""What is written of a file that came: its row, that of what counts, and the job; all of it, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from grader.errors import RefusedError
from grader.store import Ask, JobKey, Priority, Signature, Store, WritableHistory
from grader.store.entering import ANYWHERE
from grader.store.first_files import FirstFile
from grader.store.groups import GroupFileRecord
from grader.store.hand_ins import HandInRecord, Received
from grader.store.records import SubmissionRecord
from grader.store.rubrics import LoadedRubric
from grader.workflows.handing_in.assignments import is_of_photos
from grader.workflows.handing_in.deadline import deadline_of
from grader.workflows.mailing.telling import Came, tell_handed_in
from grader.workflows.running.groups import who_runs
from grader.workflows.running.keeping import keep_plan
from grader.workflows.running.planning import plan_of

__all__ = ["write"]

#: What a fellow's rows have in place of the name of a file and of who sent it: either may be a name.
_NEUTRAL, _NEUTRAL_ZIP, _BY_GROUP = "notebook.ipynb", "photos.zip", "a member of the group"


def write(
    store: Store,
    rubric: LoadedRubric,
    came: SubmissionRecord,
    record: HandInRecord,
    signature: Signature,
    *,
    again: int | None = None,
) -> tuple[Received, bool]:
    """Writes all of it in one transaction, with that of others which wait.

    Args:
        store: The course's history.
        rubric: Of the assignment.
        came: What counts of the file.
        record: That it came.
        signature: Who sent it.
        again: The receipt of a file that came too late and is to count after all.

    Returns:
        What was written, and whether it took the place of an earlier file.

    Raises:
        RefusedError: It is to count after all and would not.
    """
    file = _File(store, rubric, came, record, signature, _ask(store, rubric, came), again)
    return store.add(file, None if again is not None else _first_ones)


@dataclass(frozen=True)
class _File:
    """A file that waits for its transaction."""

    store: Store
    rubric: LoadedRubric
    came: SubmissionRecord
    record: HandInRecord
    signature: Signature
    ask: Ask | None
    again: int | None

    def __call__(self, history: WritableHistory) -> tuple[Received, bool]:
        """Writes it, whatever there is of its student, and whoever else it is of."""
        came, record, again = self.came, self.record, self.again
        neutral = _NEUTRAL if self.ask is not None else _NEUTRAL_ZIP
        # What a person decides about one student's file is about that student alone.
        group = None if again is not None else history.group_of(record.assignment, record.student)
        own, *others = [_receive(history, self.rubric, came, record, self.signature)] + [
            _receive(
                history,
                self.rubric,
                replace(came, student=fellow, path=neutral),
                replace(record, student=fellow, file=neutral, link=""),
                replace(self.signature, actor=_BY_GROUP),
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
            history.note_group_file(shared, self.signature)
        if counting and self.ask is not None:
            runs = who_runs(history, record.assignment, came.notebook, counting)
            fellows = tuple(each for each in counting if each != runs)
            ask = replace(self.ask, key=replace(self.ask.key, student=runs), fellows=fellows)
            history.queue([ask], self.store.clock())
        return own.received, own.replaced


def _first_ones(history: WritableHistory, files: Sequence[_File]) -> list[tuple[Received, bool] | None]:
    """Writes those of students of whom there is nothing yet: such a file counts, however late it is."""
    now = files[0].store.clock()
    received = history.receive_first(
        [FirstFile(each.came, each.record, each.ask, each.signature) for each in files], now
    )
    tell_handed_in(history, [_came(each) for each in received if each is not None])
    return [None if each is None else (each, False) for each in received]


def _came(received: Received) -> Came:
    record = received.record
    return Came(record.assignment, record.student, received.seq, record.sha256, received.at)


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
    tell_handed_in(history, [_came(received)])
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
