"""Groups in a folder that is graded: which file counts for all of a group, and who is told so.

As online, a file that is new counts for each member, and one run of it is the attempt of all. A folder may
hold files of several members: the one that came last counts, where the folder says when each came.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from grader.store import History, JobKey
from grader.store.groups import Group, GroupFileRecord
from grader.store.records import SubmissionRecord
from grader.workflows.running.keeping import as_submission
from grader.workflows.running.planning import Work

__all__ = ["Spread", "spread", "who_runs"]

_NEUTRAL = "notebook.ipynb"


@dataclass(frozen=True, slots=True)
class ToRun:
    """Work that has to be asked for, with others of the group for whom it counts."""

    work: Work
    key: JobKey
    fellows: tuple[str, ...] = ()


@dataclass(frozen=True)
class Spread:
    """What a folder comes to once groups are known.

    Attributes:
        works: One for each student, those of members who lie nowhere in the folder among them.
        files: Rows of what was handed in, in that order.
        to_run: One for each file of a group, and those of all others.
        shared: For whom a file counts from now on.
        told: What of a group's files does not count, and what cannot be told, a line each.
    """

    works: tuple[Work, ...]
    files: tuple[SubmissionRecord, ...]
    to_run: tuple[ToRun, ...]
    shared: tuple[GroupFileRecord, ...]
    told: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Kept:
    work: Work
    key: JobKey

    def of(self, student: str) -> _Kept:
        """The same file as another member's."""
        submission = replace(self.work.file.submission, student=student, name="")
        work = replace(self.work, file=replace(self.work.file, submission=submission))
        return _Kept(work, replace(self.key, student=student))

    @property
    def at(self) -> datetime | None:
        return self.work.file.submission.submitted_at


def spread(history: History, kept: Sequence[tuple[Work, JobKey]]) -> Spread:
    """Gives each member of a group the file that counts for all of them.

    Args:
        history: What groups there are, and what was handed in before.
        kept: What lies in the folder, each with the job that it asks for.
    """
    all_of = [_Kept(work, key) for work, key in kept]
    groups = {name: history.groups(name) for name in {each.work.assignment for each in all_of}}
    group_of = {(name, who): group for name, found in groups.items()
                for group in found.values() for who in group.members}  # fmt: skip
    alone: list[_Kept] = []
    together: Mapping[tuple[str, str], list[_Kept]] = defaultdict(list)
    for each in all_of:
        group = group_of.get((each.work.assignment, each.work.student))
        if group is None:
            alone.append(each)
        else:
            together[each.work.assignment, group.name].append(each)
    found = [_as_alone(*alone)]
    found += [_of_group(history, groups[at][name], own) for (at, name), own in together.items()]
    return Spread(
        works=tuple(work for each in found for work in each.works),
        files=tuple(file for each in found for file in each.files),
        to_run=tuple(job for each in found for job in each.to_run),
        shared=tuple(record for each in found for record in each.shared),
        told=tuple(line for each in found for line in each.told),
    )


def _as_alone(*kept: _Kept, told: Sequence[str] = ()) -> Spread:
    works = tuple(each.work for each in kept)
    jobs = tuple(ToRun(each.work, each.key) for each in kept)
    return Spread(works, tuple(as_submission(work) for work in works), jobs, (), tuple(told))


def _of_group(history: History, group: Group, own: Sequence[_Kept]) -> Spread:
    readable = [each for each in own if not each.work.file.problem]
    if not readable:
        return _as_alone(*own)
    files = {each.work.file.notebook for each in readable}
    if len(files) > 1 and (any(each.at is None for each in readable) or _is_a_tie(readable)):
        names = ", ".join(sorted(each.work.student for each in readable))
        return _as_alone(
            *own,
            told=[
                f"{names}, group {group.name}: {len(files)} different files, and nothing says which came"
                " last; each is graded as its owner's own until one of them is taken out of the folder"
            ],
        )
    counts = max(readable, key=lambda each: (each.at is not None, each.at or datetime.min, each.work.student))
    return _shared(history, group, counts, own)


def _is_a_tie(readable: Sequence[_Kept]) -> bool:
    newest = max(each.at for each in readable if each.at is not None)
    return len({each.work.file.notebook for each in readable if each.at == newest}) > 1


def _shared(history: History, group: Group, counts: _Kept, own: Sequence[_Kept]) -> Spread:
    """One file for all members, but for who was dropped, or handed in something later elsewhere."""
    assignment, notebook = counts.work.assignment, counts.work.file.notebook
    here = {each.work.student: each for each in own if each.work.file.notebook == notebook}
    lie_here = {each.work.student for each in own}
    newest = {each: history.submission(each, assignment) for each in group.members}
    members = [
        each
        for each in group.members
        if each in lie_here or not (history.is_dropped(each, assignment) or _came_later(newest[each], counts))
    ]
    is_new = any(_is_another(newest[each], notebook) for each in members)
    told = [
        f"{each.work.student}, group {group.name}: another file than {counts.work.student}'s, which"
        f" {'came last and ' if not each.work.file.problem else ''}counts for all of the group"
        for each in own
        if each.work.file.notebook != notebook
    ]
    works = [here.get(each) or counts.of(each) for each in members]
    runs = who_runs(history, assignment, notebook, members)
    before = {*history.sharers(assignment, counts.work.student, notebook), counts.work.student}
    shares = is_new and len(members) > 1 and before != set(members)
    record = GroupFileRecord(
        assignment=assignment, notebook=notebook, name=group.name, members=tuple(members)
    )
    together = shares or before >= set(members)
    first = next(each for each in works if each.work.student == runs)
    fellows = tuple(each for each in members if each != runs)
    jobs = [ToRun(first.work, first.key, fellows)] if together else [ToRun(w.work, w.key) for w in works]
    return Spread(
        works=tuple(each.work for each in works),
        files=tuple(_file(each, is_own=each.work.student in here) for each in works),
        to_run=tuple(jobs),
        shared=(record,) if shares else (),
        told=tuple(told),
    )


def _is_another(file: SubmissionRecord | None, notebook: str) -> bool:
    return file is None or file.notebook != notebook or bool(file.problem)


def _came_later(file: SubmissionRecord | None, counts: _Kept) -> bool:
    """Whether somebody who lies nowhere in the folder handed in something later, as by the service."""
    return (
        file is not None
        and file.submitted_at is not None
        and counts.at is not None
        and file.submitted_at > counts.at
    )


def _file(kept: _Kept, *, is_own: bool) -> SubmissionRecord:
    """What is kept of a file; what another member calls it may be a name."""
    file = as_submission(kept.work)
    return file if is_own else replace(file, path=_NEUTRAL)


def who_runs(history: History, assignment: str, notebook: str, members: Sequence[str]) -> str:
    """Whose job a file's run is: one that waits already, else of somebody who has no attempt on it yet."""
    jobs = {each: history.job_on(each, assignment, notebook) for each in members}
    waiting = [each for each, job in jobs.items() if job is not None and job.state in ("queued", "claimed")]
    without = [each for each, job in jobs.items() if job is None or job.state == "superseded"]
    return next(iter(waiting or without or members))
