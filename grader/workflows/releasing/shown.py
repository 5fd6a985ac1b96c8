"""What a student is shown of their work: the mark as of the release, and answers that were shown one by one.

Worked out from sealed rows whenever it is asked for. Nothing is copied, and what was written after the
release is left out while it is read, so that no half-done work can be seen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from grader.grading.marks import Decision
from grader.grading.requests import Action
from grader.store import History
from grader.store.releases import Release
from grader.store.remarks import Remark
from grader.store.results import Result

__all__ = ["ANSWERS", "Shown", "release_on", "released_works", "requests_shown", "shown_work"]

#: Steps that tell what became of a request.
ANSWERS = (Action.DECIDE, Action.REJECT)


@dataclass(frozen=True)
class Shown:
    """One student's work as they are shown it.

    Attributes:
        release: By which.
        result: As of the release, with the decisions of the answers that are shown.
        requests: The student's own, oldest first, with the steps that they are shown.
    """

    release: Release
    result: Result
    requests: tuple[Remark, ...]


def release_on(releases: Sequence[Release], on: datetime | None = None) -> Release | None:
    """The release that stands, or stood at a moment; None where nothing was shown.

    One that was taken back is not shown for the days before that either: it held what nobody was to see.

    Args:
        releases: Of one assignment, oldest first, with what took them back.
        on: The moment; None for now.
    """
    stood = [each for each in releases if on is None or each.at <= on]
    if not stood or stood[-1].upto is None:
        return None
    later = releases[len(stood) :]
    return None if any(each.upto is None for each in later) else stood[-1]


def shown_work(
    history: History, assignment: str, student: str, *, on: datetime | None = None
) -> Shown | None:
    """What one student is shown; None where nothing was released, or they have no mark in what was.

    Args:
        history: To read in.
        assignment: Which work.
        student: Whose, by id.
        on: As it was shown at a moment; None for now.
    """
    release = release_on(history.releases(assignment), on)
    if release is None:
        return None
    result = released_works(history, release, [student], on=on).get(student)
    if result is None or result.dropped or result.mark is None:
        return None
    return Shown(release, result, requests_shown(history, assignment, student, on=on))


def released_works(
    history: History, release: Release, students: Collection[str] = (), *, on: datetime | None = None
) -> dict[str, Result]:
    """Works as students are shown them, by student; dropped ones, and those without a mark, among them.

    Args:
        history: To read in.
        release: A release that was not taken back.
        students: Whose; all where none is named.
        on: As it was shown at a moment; None for now.
    """
    assert release.upto is not None
    now_as_then = _unchanged(history, release, students)
    if now_as_then is not None:
        return {now_as_then.student: now_as_then}
    with history.as_of(release.upto) as past:
        then = {
            result.student: result
            for result in past.results(assignment=release.assignment, students=students)
        }
    answered = _answered(history, release, students, on)
    if not answered:
        return then
    now = history.results(assignment=release.assignment, students=list(answered), with_dropped=True)
    for live in now:
        if live.student in then:
            more = _answers(live, release.upto, answered[live.student])
            result = then[live.student]
            then[live.student] = replace(result, decisions=(*result.decisions, *more))
    return then


def _unchanged(history: History, release: Release, students: Collection[str]) -> Result | None:
    """The work of one student as it is now, where no row came after the release that says anything of it.

    To read it once is enough then. None where something may have changed, or several are asked about.
    """
    assert release.upto is not None
    if len(students) != 1:
        return None
    [student] = students
    touched = history.students_since(release.assignment, release.upto)
    if touched is None or student in touched:
        return None
    found = list(history.results(assignment=release.assignment, students=[student], with_dropped=True))
    if len(found) != 1 or found[0].damaged or found[0].verdict is None:
        return None
    # Late days that are spent elsewhere count here as well.
    late = found[0].late_policy(found[0].verdict.late)
    return found[0] if late is None or not late.tokens else None


def _answered(
    history: History, release: Release, students: Collection[str], on: datetime | None
) -> dict[str, dict[int, int]]:
    """By student and request the newest row of each answer that was shown after the release's last row."""
    whose = {
        remark.id: remark.student
        for remark in history.remarks(assignment=release.assignment, students=students)
    }
    found: dict[str, dict[int, int]] = {}
    for shown in history.answers_shown(list(whose)) if whose else ():
        if shown.upto > (release.upto or 0) and (on is None or shown.at <= on):
            found.setdefault(whose[shown.request], {})[shown.request] = shown.upto
    return found


def _answers(live: Result, upto: int, reach: Mapping[int, int]) -> Iterator[Decision]:
    """Decisions of the answers that are shown, which the release's own rows do not have."""
    for decision in live.decisions:
        if decision.request is not None and upto < decision.seq <= reach.get(decision.request, 0):
            yield decision


def requests_shown(
    history: History, assignment: str, student: str, *, on: datetime | None = None
) -> tuple[Remark, ...]:
    """A student's own requests with the steps that they are shown, oldest first.

    What they did themselves, and that somebody looks at it, is theirs to know; what came of it is, once it
    is released or shown by itself.
    """
    remarks = [
        remark
        for remark in history.remarks(assignment=assignment, student=student)
        if on is None or remark.opened_at <= on
    ]
    if not remarks:
        return ()
    release = release_on(history.releases(assignment), on)
    released = 0 if release is None else release.upto or 0
    reach = dict.fromkeys((remark.id for remark in remarks), released)
    for shown in history.answers_shown(list(reach)):
        if release is not None and (on is None or shown.at <= on):
            reach[shown.request] = max(reach[shown.request], shown.upto)
    return tuple(_with_steps(remark, reach[remark.id], on) for remark in remarks)


def _with_steps(remark: Remark, upto: int, on: datetime | None) -> Remark:
    """Cut before the first answer that is not shown: what follows it would tell of it."""
    steps = []
    for step in remark.steps:
        if (step.action in ANSWERS and step.seq > upto) or (on is not None and step.at > on):
            break
        steps.append(step)
    return replace(remark, steps=tuple(steps))
