"""What a release would show: how many marks, what of them waits, and what changed since the last one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from grader.grading.points import add_up
from grader.store import History, Store
from grader.store.releases import Release
from grader.workflows.releasing.changes import Change, Moved, changes, may_have_moved
from grader.workflows.releasing.release import in_words_of, kept_back
from grader.workflows.releasing.shown import release_on
from grader.workflows.views.following import Following, following
from grader.workflows.views.identity import names_of
from grader.workflows.views.known import require_assignment

__all__ = ["Change", "Moved", "Preview", "WaitingCriterion", "named", "preview_of"]

#: States of works that have no mark to show.
_WITHOUT = ("not_run", "not_judged", "unreadable", "held")
#: Where rows concern more students, all is read again.
_MOST_AGAIN = 2000


@dataclass(frozen=True)
class WaitingCriterion:
    """A criterion that would go out undecided, for how many students, with how many points in all."""

    criterion: str
    students: int
    points: float


@dataclass(frozen=True)
class Preview:
    """A release as it would be now.

    Attributes:
        upto: The newest row of the history: what is confirmed is a release up to this one.
        standing: What is released; None where nothing is.
        releases: All there were and what took them back, the newest first.
        marks: Students who would be shown a mark.
        incomplete: Of those, how many have points that wait.
        without: Who handed in and has no mark yet.
        changes: By student; without names.
        requests: Remark requests that wait for a decision.
        kept_back: Requests with an answer that is not shown, and would be.
        in_pieces: Why a part of the class alone stands on its newest verdicts, a line each: a release now
            would show students marks by one rubric, and others by another.
    """

    assignment: str
    upto: int
    standing: Release | None
    releases: tuple[Release, ...]
    marks: int
    incomplete: int
    pending: float
    without: tuple[str, ...]
    waiting: tuple[WaitingCriterion, ...]
    changes: tuple[Change, ...]
    requests: tuple[int, ...]
    kept_back: tuple[int, ...]
    in_pieces: tuple[str, ...] = ()

    @cached_property
    def _by_kind(self) -> Mapping[str, list[Change]]:
        found: dict[str, list[Change]] = {moved: [] for moved in Moved}
        for each in self.changes:
            found[each.moved].append(each)
        return found

    def that(self, moved: str) -> list[Change]:
        """Changes of one kind."""
        return self._by_kind[moved]


def preview_of(store: Store, assignment: str) -> Preview:
    """Works out what a release up to the newest row would show. Writes nothing.

    Raises:
        UsageError: There is no such assignment.
    """
    held = following(store, lambda: _Held(assignment), "release", assignment)
    with held as found, store.reading() as history:
        return found.preview(history)


def named(store: Store, found: Iterable[Change]) -> list[Change]:
    """Changes with the names that the roster has."""
    listed = list(found)
    with store.reading() as history:
        names = names_of(history, [each.student for each in listed])
    return [replace(each, name=names.get(each.student, "")) for each in listed]


class _Held(Following):
    """What a release would show of a class; of whom rows concern it is worked out again."""

    FOLLOWED = 5000

    def __init__(self, assignment: str) -> None:
        super().__init__(assignment)
        self.forget()

    def forget(self) -> None:
        self._pending: dict[str, list[tuple[str, float]]] = {}
        self._tally: Counter[tuple[str, float]] = Counter()
        self._without: set[str] = set()
        self._changes: dict[str, Change] = {}
        self._requests: dict[str, list[int]] = {}
        self._kept_back: dict[str, list[int]] = {}
        self._preview: Preview | None = None

    def stands_on(self, history: History) -> Hashable:
        """The release, and by what lateness is reckoned: in which zone, and who spent tokens elsewhere."""
        release = release_on(history.releases(self.assignment))
        rules = history.token_rules(self.assignment)
        return release.seq if release else None, str(history.zone), rules

    def concerned(self, history: History, seq: int) -> Collection[str] | None:
        found = history.answers_shown_since(self.assignment, seq)
        spends_tokens = bool(history.token_rules(self.assignment))
        for name in history.assignments() if spends_tokens else [self.assignment]:
            students = history.students_since(name, seq)
            if students is None:
                return None
            found |= students
        return found if len(found) <= _MOST_AGAIN else None

    def read(self, store: Store, history: History, changed: Collection[str] | None) -> None:
        require_assignment(history, self.assignment)
        if changed is not None and self.stands_on(history) != self.stood_on:
            self.forget()
            changed = None
        self._preview = None
        self._read_waiting(history, changed)
        self._read_without(history, changed)
        self._read_requests(history, changed)
        self._read_changes(history, changed)

    def _read_waiting(self, history: History, changed: Collection[str] | None) -> None:
        for student in changed or ():
            self._tally.subtract(self._pending.pop(student, ()))
        for row in history.open_rows(self.assignment, changed):
            if row.waits == 1 and row.pending > 0:
                waits = row.criterion, row.pending
                self._pending.setdefault(row.student, []).append(waits)
                self._tally[waits] += 1

    def _read_without(self, history: History, changed: Collection[str] | None) -> None:
        if changed is None:
            number = history.counts(self.assignment).whole.get("all", 0)
            found = history.page(self.assignment, size=number, states=_WITHOUT)
            self._without = {each.student for each in found}
            return
        self._without.difference_update(changed)
        found = history.standings(self.assignment, changed)
        self._without.update(each.student for each in found if each.state in _WITHOUT)

    def _read_requests(self, history: History, changed: Collection[str] | None) -> None:
        for student in changed or ():
            self._requests.pop(student, None)
            self._kept_back.pop(student, None)
        remarks = history.remarks(assignment=self.assignment, students=changed or ())
        for remark in remarks:
            if remark.state.is_open:
                self._requests.setdefault(remark.student, []).append(remark.id)
        for remark in kept_back(history, self.assignment, remarks):
            self._kept_back.setdefault(remark.student, []).append(remark.id)

    def _read_changes(self, history: History, changed: Collection[str] | None) -> None:
        standing = release_on(history.releases(self.assignment))
        if standing is None:
            return
        if changed is None:
            changed = may_have_moved(history, standing)
        for student in changed or ():
            self._changes.pop(student, None)
        self._changes.update((each.student, each) for each in changes(history, standing, changed))

    def preview(self, history: History) -> Preview:
        """As of the moment; what the history alone does not tell is asked each time."""
        counts, releases = history.counts(self.assignment).whole, history.releases(self.assignment)
        now = {
            "upto": history.newest_row(),
            "standing": release_on(releases),
            "releases": tuple(reversed(releases)),
            "marks": counts.get("settled", 0) + counts.get("waiting", 0),
            "in_pieces": tuple(map(in_words_of, history.regrades_under_way(self.assignment))),
        }
        held = self._preview = self._preview or self._made()
        if any(getattr(held, name) != value for name, value in now.items()):
            held = self._preview = replace(held, **now)  # type: ignore[arg-type]
        return held

    def _made(self) -> Preview:
        waiting = list(self._waiting())
        return Preview(
            assignment=self.assignment,
            upto=0,
            standing=None,
            releases=(),
            marks=0,
            incomplete=len(self._pending),
            pending=add_up(each.points for each in waiting),
            without=tuple(sorted(self._without)),
            waiting=tuple(sorted(waiting, key=lambda line: (-line.points, line.criterion))),
            changes=tuple(self._changes[student] for student in sorted(self._changes)),
            requests=_in_order(self._requests),
            kept_back=_in_order(self._kept_back),
        )

    def _waiting(self) -> Iterable[WaitingCriterion]:
        found: dict[str, list[tuple[float, int]]] = {}
        for (criterion, points), number in self._tally.items():
            if number:
                found.setdefault(criterion, []).append((points, number))
        for criterion, each in found.items():
            total = add_up(points * number for points, number in each)
            yield WaitingCriterion(criterion, sum(number for _, number in each), total)


def _in_order(by_student: Mapping[str, Iterable[int]]) -> tuple[int, ...]:
    return tuple(sorted(id for ids in by_student.values() for id in ids))
