"""`grader regrade`: judges stored evidence again, and tells who gains and who loses before writing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

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

__all__ = ["JudgedAgain", "Regraded", "changes_between", "judged_again", "lacking", "regrade"]

#: Verdicts in one transaction: others wait for it no longer than for a page.
_MOST_AT_ONCE = 32


@dataclass(frozen=True)
class Regraded:
    """What judging again came to for one submission.

    Attributes:
        before: The mark that counted; None where there was none.
        after: The mark that counts by the new verdict; None where it could not be judged.
        changes: Criteria whose status or points differ.
        missing: Criteria that need evidence never recorded: only a new attempt can answer them.
        problem: Why it could not be judged, empty where it could.
    """

    result: Result
    before: Mark | None
    after: Mark | None
    changes: tuple[Change, ...] = ()
    missing: tuple[str, ...] = ()
    problem: str = ""

    @property
    def student(self) -> str:
        return self.result.student

    def concerns(self, criterion: str) -> bool:
        """Whether the criterion comes out otherwise than before, or nobody can say how."""
        return bool(self.problem) or any(change.criterion == criterion for change in self.changes)

    @property
    def lateness(self) -> LateChange | None:
        """What became of the line for lateness; None where it is as before."""
        if self.after is None:
            return None
        return late_change(self.before.late if self.before else None, self.after.late)

    @property
    def difference(self) -> float:
        """Points that the mark gained in all, or lost where negative; 0 where the old mark stays."""
        if self.after is None:
            return 0.0
        return add_up((self.after.points, -self.before.points if self.before else 0.0))


@dataclass(frozen=True)
class JudgedAgain:
    """A new verdict that nobody has written yet; None where there is none."""

    regraded: Regraded
    judge: Judge
    attempt: AttemptRecord
    verdict: Verdict | None


def regrade(
    store: Store,
    results: Sequence[Result],
    judge_of: Callable[[Result], Judge],
    *,
    actor: str,
    why: str = "grader regrade",
    dry_run: bool = False,
    criterion: str | None = None,
) -> list[Regraded]:
    """Judges each result's stored evidence again; each submission's verdict is written whole or not.

    Verdicts are written several at a time, the more the longer it takes: what a regrade that is killed had
    written stays, and a class does not wait for each row by itself.

    Args:
        store: Where evidence and history are.
        results: Whose; those without an attempt are passed over.
        judge_of: By which rubric.
        actor: Who is written down.
        why: In one line.
        dry_run: Whether only to tell what would change.
        criterion: Leaves alone, and out, every submission in which this criterion stays as it is.
    """
    if dry_run:
        return [
            item.regraded
            for item in judged_again(store, results, judge_of)
            if criterion is None or item.regraded.concerns(criterion)
        ]
    done = []
    with _Writer(store, Signature(actor, store.clock(), why), results) as writer:
        for item in judged_again(store, results, judge_of):
            if criterion is not None and not item.regraded.concerns(criterion):
                continue
            if item.verdict is not None:
                writer.add(item.judge, item.verdict, item.attempt)
            done.append(item.regraded)
        writer.write()
    return done


def judged_again(
    store: Store, results: Sequence[Result], judge_of: Callable[[Result], Judge]
) -> Iterator[JudgedAgain]:
    """Judges each result's stored evidence again, and writes nothing.

    Args:
        store: Where the evidence is.
        results: Whose; those without an attempt are passed over.
        judge_of: By which rubric.
    """
    judged = [(judge_of(item), item, item.attempt) for item in results if item.attempt is not None]
    verdicts = judge_all(store, [(judge, attempt) for judge, _, attempt in judged])
    purse = _Purse(store)
    for (judge, result, attempt), after in zip(judged, verdicts, strict=True):
        regraded = _regraded(result, after, purse.spent(result, judge))
        yield JudgedAgain(regraded, judge, attempt, after if isinstance(after, Verdict) else None)


class _Writer:
    """Writes verdicts in transactions of one, two, four and so on; says meanwhile that it is under way."""

    def __init__(self, store: Store, signature: Signature, results: Sequence[Result]) -> None:
        self._store = store
        self._signature = signature
        self._works = Counter(result.assignment for result in results if result.attempt is not None)
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


def lacking(store: Store, results: Sequence[Result], judge: Judge, criterion: str) -> list[Result]:
    """Those of whose criterion stored evidence does not tell, or tells otherwise than their verdict."""
    judged = regrade(store, results, lambda _: judge, actor="", dry_run=True)
    return [item.result for item in judged if item.concerns(criterion) or criterion in item.missing]


def changes_between(before: Sequence[Result], after: Sequence[Result]) -> list[Regraded]:
    """What became of results when they were run again; those that came to no verdict are left out."""
    newer = {(result.assignment, result.student): result for result in after}
    changed = []
    for result in before:
        new = newer.get((result.assignment, result.student))
        if new is not None and new.verdict is not None:
            changes = compare(result.mark, new.mark)
            changed.append(Regraded(result, result.mark, new.mark, changes, _missing(new.verdict)))
    return changed


def _regraded(result: Result, after: Verdict | GraderError, tokens_spent: int) -> Regraded:
    if isinstance(after, GraderError):
        return Regraded(result, result.mark, None, problem=str(after))
    mark = replace(result, tokens_spent=tokens_spent).mark_by(after)
    return Regraded(result, result.mark, mark, compare(result.mark, mark), _missing(after))


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
