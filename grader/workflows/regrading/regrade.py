"""`grader regrade`: judges stored evidence again, and tells who gains and who loses before writing."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TypeVar

from grader.errors import GraderError
from grader.grading.changes import Change, LateChange, compare, late_change
from grader.grading.marks import Mark
from grader.grading.points import add_up
from grader.grading.verdict import Verdict
from grader.judging.judgement import Status
from grader.store import Signature, Store
from grader.store.records import AttemptRecord
from grader.store.results import Result
from grader.workflows.regrading.judging import Judge
from grader.workflows.regrading.parallel import judge_all

__all__ = [
    "JudgedAgain",
    "Points",
    "Regraded",
    "ToJudge",
    "changes_between",
    "judged_again",
    "lacking",
    "regrade",
    "to_judge",
]

_T = TypeVar("_T")

#: Verdicts in one transaction: others wait for it no longer than for a page.
_MOST_AT_ONCE = 32
#: Works that are read at a time, since a class of them is more than a machine should hold.
_READ_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Points:
    """What a mark comes to."""

    points: float
    out_of: float


@dataclass(frozen=True, slots=True)
class Regraded:
    """What judging again came to for one submission; of a class all are held until they are told.

    Attributes:
        before: The mark that counted; None where there was none.
        after: The mark that counts by the new verdict; None where it could not be judged.
        changes: Criteria whose status or points differ.
        lateness: What became of the line for lateness; None where it is as before.
        missing: Criteria that need evidence never recorded: only a new attempt can answer them.
        problem: Why it could not be judged, empty where it could.
        dropped: A person took it out of what counts.
    """

    assignment: str
    student: str
    before: Points | None
    after: Points | None
    changes: tuple[Change, ...] = ()
    lateness: LateChange | None = None
    missing: tuple[str, ...] = ()
    problem: str = ""
    dropped: bool = False

    def concerns(self, criterion: str) -> bool:
        """Whether the criterion comes out otherwise than before, or nobody can say how."""
        return bool(self.problem) or any(change.criterion == criterion for change in self.changes)

    @property
    def difference(self) -> float:
        """Points that the mark gained in all, or lost where negative; 0 where the old mark stays."""
        if self.after is None:
            return 0.0
        return add_up((self.after.points, -self.before.points if self.before else 0.0))


@dataclass(frozen=True, slots=True)
class ToJudge:
    """A work with an attempt, and what judges it."""

    assignment: str
    student: str
    judge: Judge


@dataclass(frozen=True)
class JudgedAgain:
    """A new verdict that nobody has written yet; None where there is none."""

    regraded: Regraded
    judge: Judge
    attempt: AttemptRecord
    verdict: Verdict | None


def to_judge(results: Iterable[Result], judge_of: Callable[[Result], Judge]) -> list[ToJudge]:
    """The works that there is an attempt of; of a large class the results need not be in memory.

    Args:
        results: Gone through once.
        judge_of: By which rubric.
    """
    return [
        ToJudge(item.assignment, item.student, judge_of(item)) for item in results if item.attempt is not None
    ]


def regrade(
    store: Store,
    results: Iterable[Result],
    judge_of: Callable[[Result], Judge],
    *,
    actor: str,
    why: str = "grader regrade",
    dry_run: bool = False,
    criterion: str | None = None,
) -> list[Regraded]:
    """Judges each result's stored evidence again; each submission's verdict is written whole or not.

    Verdicts are written several at a time, the more the longer it takes: what a regrade that is killed had
    written stays, and a class does not wait for each row by itself. Of a class a few works are in memory.

    Args:
        store: Where evidence and history are.
        results: Whose; those without an attempt are passed over. Gone through once, before any is judged.
        judge_of: By which rubric.
        actor: Who is written down.
        why: In one line.
        dry_run: Whether only to tell what would change.
        criterion: Leaves alone, and out, every submission in which this criterion stays as it is.
    """
    works = to_judge(results, judge_of)
    if dry_run:
        return [
            item.regraded
            for item in judged_again(store, works)
            if criterion is None or item.regraded.concerns(criterion)
        ]
    done = []
    with _Writer(store, Signature(actor, store.clock(), why), works) as writer:
        for item in judged_again(store, works):
            if criterion is not None and not item.regraded.concerns(criterion):
                continue
            if item.verdict is not None:
                writer.add(item.judge, item.verdict, item.attempt)
            done.append(item.regraded)
        writer.write()
    return done


def judged_again(store: Store, works: Collection[ToJudge]) -> Iterator[JudgedAgain]:
    """Judges each work's stored evidence again, and writes nothing.

    A work is read when its turn comes. One that has no attempt any more, as another file came meanwhile, is
    passed over: that file is judged when it is run.

    Args:
        store: Where the evidence is.
        works: Whose, by which rubric.
    """
    under_way: deque[tuple[Judge, Result, AttemptRecord]] = deque()

    def attempts() -> Iterator[tuple[Judge, AttemptRecord]]:
        for judge, result in _read(store, works):
            if (attempt := result.attempt) is not None:
                under_way.append((judge, result, attempt))
                yield judge, attempt

    purse, shared = _Purse(store), _Shared()
    judges = list({id(work.judge): work.judge for work in works}.values())
    for after in judge_all(store, attempts(), judges=judges, size=len(works)):
        judge, result, attempt = under_way.popleft()
        regraded = _regraded(result, after, purse.spent(result, judge), shared)
        yield JudgedAgain(regraded, judge, attempt, after if isinstance(after, Verdict) else None)


def _read(store: Store, works: Iterable[ToJudge]) -> Iterator[tuple[Judge, Result]]:
    """Where the works stand now, some at a time, each time of one assignment."""
    for assignment, same in groupby(works, key=lambda work: work.assignment):
        of_assignment = list(same)
        for first in range(0, len(of_assignment), _READ_AT_ONCE):
            some = of_assignment[first : first + _READ_AT_ONCE]
            names = [work.student for work in some]
            with store.reading() as history:
                found = {
                    result.student: result
                    for result in history.results(assignment=assignment, students=names, with_dropped=True)
                }
            for work in some:
                if work.student in found:
                    yield work.judge, found.pop(work.student)


class _Writer:
    """Writes verdicts in transactions of one, two, four and so on; says meanwhile that it is under way."""

    def __init__(self, store: Store, signature: Signature, works: Iterable[ToJudge]) -> None:
        self._store = store
        self._signature = signature
        self._works = Counter(work.assignment for work in works)
        self._under_way: dict[str, int] = {}
        self._written: Counter[str] = Counter()
        self._waiting: list[tuple[Judge, Verdict, AttemptRecord]] = []
        self._size = 1

    def __enter__(self) -> _Writer:
        for assignment, works in self._works.items():
            if works > 1:
                begun = self._store.regrades.begin(assignment, works, self._signature.actor)
                self._under_way[assignment] = begun
        return self

    def __exit__(self, kind: type[BaseException] | None, _: object, __: object) -> None:
        for assignment, id in self._under_way.items():
            self._store.regrades.end(id, whole=kind is None or not self._written[assignment])

    def add(self, judge: Judge, verdict: Verdict, attempt: AttemptRecord) -> None:
        self._waiting.append((judge, verdict, attempt))
        if len(self._waiting) >= self._size:
            self.write()
            self._size = min(2 * self._size, _MOST_AT_ONCE)

    def write(self) -> None:
        """Writes what waits."""
        if not self._waiting:
            return
        with self._store.writing() as history:
            for judge, verdict, attempt in self._waiting:
                judge.write(history, verdict, attempt, self._signature)
        self._written.update(attempt.assignment for _, _, attempt in self._waiting)
        self._waiting.clear()
        for assignment, id in self._under_way.items():
            self._store.regrades.beat(id, self._written[assignment])


def lacking(store: Store, results: Iterable[Result], judge: Judge, criterion: str) -> set[tuple[str, str]]:
    """Of whose criterion stored evidence does not tell, or tells otherwise than their verdict.

    Returns:
        Assignments and students.
    """
    judged = regrade(store, results, lambda _: judge, actor="", dry_run=True)
    return {
        (item.assignment, item.student)
        for item in judged
        if item.concerns(criterion) or criterion in item.missing
    }


def changes_between(before: Sequence[Result], after: Iterable[Result]) -> list[Regraded]:
    """What became of results when they were run again; those that came to no verdict are left out."""
    older = {(result.assignment, result.student): result for result in before}
    found, shared = {}, _Shared()
    for new in after:
        key = new.assignment, new.student
        if key in older and new.verdict is not None:
            found[key] = _told(older[key], new.mark, shared)
    return [found[key] for key in older if key in found]


def _regraded(result: Result, after: Verdict | GraderError, tokens_spent: int, shared: _Shared) -> Regraded:
    if isinstance(after, GraderError):
        return replace(_told(result, None, shared), problem=str(after))
    return _told(result, replace(result, tokens_spent=tokens_spent).mark_by(after), shared)


def _told(result: Result, after: Mark | None, shared: _Shared) -> Regraded:
    """Of two marks what is told of them."""
    before = result.mark
    late = late_change(before.late if before else None, after.late) if after else None
    return Regraded(
        assignment=result.assignment,
        student=result.student,
        before=shared.one_of(_points(before)),
        after=shared.one_of(_points(after)),
        changes=tuple(map(shared.one_of, compare(before, after))) if after else (),
        lateness=shared.one_of(late),
        missing=_missing(after.verdict) if after else (),
        dropped=result.dropped is not None,
    )


def _points(mark: Mark | None) -> Points | None:
    return Points(mark.points, mark.out_of) if mark else None


class _Shared:
    """Equal values as one object: what changes for a class is much the same for most."""

    def __init__(self) -> None:
        self._known: dict[object, object] = {}

    def one_of(self, value: _T) -> _T:
        return self._known.setdefault(value, value)  # type: ignore[return-value]


class _Purse:
    """Late tokens that students spent before, by the policy that a new verdict brings."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._spent: dict[tuple[str, str], Mapping[str, int]] = {}

    def spent(self, result: Result, judge: Judge) -> int:
        rubric = judge.rubric.rubric
        key = (result.assignment, rubric.digest)
        if key not in self._spent:
            with self._store.reading() as history:
                self._spent[key] = history.tokens_spent_before(result.assignment, rubric.late)
        return self._spent[key].get(result.student, 0)


def _missing(verdict: Verdict) -> tuple[str, ...]:
    return tuple(item.criterion for item in verdict.findings if item.status is Status.MISSING_EVIDENCE)
