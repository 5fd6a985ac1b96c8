"""What another rubric would make of a whole class, by all stored evidence; nothing is written."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from grader.facts.case import Reference
from grader.grading.changes import Change, CriterionStanding
from grader.grading.what_if import Distribution, distribution
from grader.store import Store
from grader.store.rubrics import LoadedRubric
from grader.workflows.regrading.judging import Judge
from grader.workflows.regrading.regrade import Points, Regraded, judged_again, to_judge
from grader.workflows.views.show import each_result, name_of

__all__ = ["BINS", "CriterionMoved", "Moved", "Told", "Trial", "Unfit", "trial_of", "try_on_class"]

#: Parts of the whole mark in which marks are counted.
BINS = 10

#: Told of how many works of how many are judged; may raise, to stop.
Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Moved:
    """One student whose mark, or what waits of it, would be another.

    Attributes:
        shown: What to call them.
        difference: Points gained, or lost where negative; 0 where only findings change.
        criteria: Titles of the criteria that change.
        late: The line for lateness changes.
    """

    shown: str
    before: float
    after: float
    difference: float
    out_of: float
    criteria: tuple[str, ...]
    late: bool


@dataclass(frozen=True)
class CriterionMoved:
    """One criterion as it changes for a class.

    Attributes:
        gain, lose: Students who get more, or less, of its points.
        other: Students whose finding changes and whose points do not.
        appear, vanish: Works in which it begins to wait for a person, or waits no longer.
        state: ``new``, ``gone`` or empty.
    """

    id: str
    title: str
    gain: int
    lose: int
    other: int
    appear: int
    vanish: int
    state: str


@dataclass(frozen=True)
class Unfit:
    """A mark by a person that the new rubric has no room for."""

    shown: str
    criterion: str
    note: str

    @property
    def told(self) -> str:
        """Of which criterion, and why; equal for those of whom the same is to be said."""
        return f"{self.criterion}: {self.note}"


@dataclass(frozen=True)
class Trial:
    """What a rubric would make of a class.

    Attributes:
        judged: Works with evidence.
        moved: Everybody for whom something changes, those who lose most first.
        unfit: Marks by people that wait to be given again, are cut or fall away.
        problems: Who cannot be judged, and why; their marks stay.
        missing: Criteria that ask for what no run recorded, each with how many works: only a new run helps.
        before, after: Marks, each part of the points with how many have so much.
    """

    judged: int
    moved: tuple[Moved, ...]
    criteria: tuple[CriterionMoved, ...]
    unfit: tuple[Unfit, ...]
    problems: tuple[tuple[str, str], ...]
    missing: tuple[tuple[str, int], ...]
    before: Distribution
    after: Distribution

    @property
    def gain(self) -> tuple[Moved, ...]:
        """Whose mark goes up, by most first."""
        return tuple(each for each in reversed(self.moved) if each.difference > 0)

    @property
    def lose(self) -> tuple[Moved, ...]:
        """Whose mark goes down, by most first."""
        return tuple(each for each in self.moved if each.difference < 0)

    @property
    def appear(self) -> int:
        return sum(each.appear for each in self.criteria)

    @property
    def vanish(self) -> int:
        return sum(each.vanish for each in self.criteria)


def try_on_class(
    store: Store,
    loaded: LoadedRubric,
    reference: Reference,
    *,
    anonymous: bool = False,
    told: Told = lambda done, of: None,
) -> Trial:
    """Judges all stored evidence of an assignment by a rubric and writes nothing.

    Args:
        store: Where evidence and history are.
        loaded: The rubric.
        reference: The course's own answers.
        anonymous: Whether students go by pseudonyms.
        told: Told of each work that is judged; what it raises ends the trial.

    Raises:
        UsageError: Nothing of the assignment was handed in.
    """
    judge = Judge(loaded, reference)
    works = to_judge(each_result(store, loaded.assignment), lambda _: judge)
    done: list[Regraded] = []
    told(0, len(works))
    for item in judged_again(store, works):
        done.append(item.regraded)
        told(len(done), len(works))
    return trial_of(done, loaded, name_of(store, anonymous))


def trial_of(done: Sequence[Regraded], loaded: LoadedRubric, name: Callable[[str], str]) -> Trial:
    """Sums up what judging again came to.

    Args:
        done: One for each work.
        loaded: The rubric that judged.
        name: What to call a student.
    """
    titles = _titles(done, loaded)
    told = {item.student: _telling(item) for item in done}
    changes = [(item, change) for item in done for change in told[item.student]]
    moved = [
        _moved(item, told[item.student], titles, name)
        for item in done
        if item.after and (told[item.student] or item.lateness)
    ]
    missing = Counter(criterion for item in done for criterion in item.missing)
    return Trial(
        judged=len(done),
        moved=tuple(sorted(moved, key=lambda each: (each.difference, each.shown))),
        criteria=tuple(_criteria([change for _, change in changes], loaded, titles)),
        unfit=tuple(
            Unfit(name(item.student), titles.get(change.criterion, change.criterion), change.note)
            for item, change in changes
            if change.note and not change.note.endswith(" stays")
        ),
        problems=tuple((name(item.student), item.problem.split("\n")[0]) for item in done if item.problem),
        missing=tuple((titles.get(criterion, criterion), times) for criterion, times in missing.items()),
        before=_spread(item.before for item in done),
        after=_spread(item.after or item.before for item in done),
    )


def _titles(done: Sequence[Regraded], loaded: LoadedRubric) -> dict[str, str]:
    """Of all criteria of the new rubric, and those of old ones of which something is told after them."""
    titles = {criterion.id: criterion.title for criterion in loaded.rubric.criteria}
    for item in done:
        for change in item.changes:
            if change.before is not None:
                titles.setdefault(change.criterion, change.before.title)
    return titles


def _telling(item: Regraded) -> list[Change]:
    """Changes that a student or a TA would notice: not that nothing is now nothing of more points."""
    return [change for change in item.changes if _noticed(change)] if item.after is not None else []


def _noticed(change: Change) -> bool:
    before, after = change.before, change.after
    if before is None or after is None or change.difference:
        return True
    return (before.status, _waits(before)) != (after.status, _waits(after))


def _moved(
    item: Regraded, changes: Sequence[Change], titles: Mapping[str, str], name: Callable[[str], str]
) -> Moved:
    assert item.after is not None
    return Moved(
        shown=name(item.student),
        before=item.before.points if item.before else 0.0,
        after=item.after.points,
        difference=item.difference,
        out_of=item.after.out_of,
        criteria=tuple(titles.get(change.criterion, change.criterion) for change in changes),
        late=item.lateness is not None,
    )


def _criteria(
    changes: Sequence[Change], loaded: LoadedRubric, titles: Mapping[str, str]
) -> Iterator[CriterionMoved]:
    """Those that change, in the new rubric's order and then those that it has no more."""
    of: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        of[change.criterion].append(change)
    now = {criterion.id for criterion in loaded.rubric.criteria}
    for id in (criterion for criterion in titles if criterion in of):
        found = of[id]
        gain = sum(change.difference > 0 for change in found)
        lose = sum(change.difference < 0 for change in found)
        waited = [(_waits(change.before), _waits(change.after)) for change in found]
        new = all(change.before is None for change in found)
        yield CriterionMoved(
            id=id,
            title=titles[id],
            gain=gain,
            lose=lose,
            other=len(found) - gain - lose,
            appear=waited.count((False, True)),
            vanish=waited.count((True, False)),
            state="gone" if id not in now else "new" if new else "",
        )


def _waits(standing: CriterionStanding | None) -> bool:
    return standing is not None and bool(standing.pending)


def _spread(marks: Iterable[Points | None]) -> Distribution:
    import numpy as np

    classes: dict[float, list[float]] = defaultdict(list)
    for mark in marks:
        if mark is not None:
            classes[mark.out_of].append(mark.points)
    return distribution([(np.asarray(points), out_of) for out_of, points in classes.items()], bins=BINS)
