"""Marks that stand on another rubric than the one a run would judge by: what it would make of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from grader.errors import RefusedError
from grader.facts.case import Reference
from grader.store import Store
from grader.store.publications import Publication
from grader.store.results import Result
from grader.workflows.regrading.judging import Judge, by_what_counts
from grader.workflows.regrading.regrade import Regraded, regrade
from grader.workflows.running.planning import Work
from grader.workflows.views.streamed import Results

__all__ = ["EditedRubric", "judge_again", "marks_at_stake", "refusal", "supersede"]

#: A student's work: assignment and student.
_Key = tuple[str, str]


@dataclass(frozen=True)
class EditedRubric:
    """What a rubric, or reference answers, that were edited since would make of marks that are there.

    Attributes:
        judged: Whose stored evidence is judged again, in this run or not, and what comes of it.
        to_run: Whose notebooks are run again, because the rubric asks for what was not recorded.
        published: Rubrics that the desk published and that the run's own would take the place of.
    """

    judged: tuple[Regraded, ...]
    to_run: tuple[_Key, ...]
    published: tuple[Publication, ...] = ()

    @property
    def changed(self) -> tuple[Regraded, ...]:
        """Those whose mark comes out otherwise, or could not be judged."""
        return tuple(item for item in self.judged if item.changes or item.lateness or item.problem)

    @property
    def assignments(self) -> tuple[str, ...]:
        judged = (item.assignment for item in self.judged)
        to_run = (assignment for assignment, _ in self.to_run)
        published = (each.rubric.assignment for each in self.published)
        return tuple(sorted({*judged, *to_run, *published}))

    @property
    def touches_marks(self) -> bool:
        return bool(self.changed or self.to_run or self.published)


@dataclass(frozen=True)
class _Rubrics:
    """By which rubric each student's work would be judged now."""

    of_work: Mapping[_Key, Judge]
    of_assignment: Mapping[str, Judge]

    def of(self, result: Result) -> Judge | None:
        return self.of_work.get((result.assignment, result.student)) or self.of_assignment.get(
            result.assignment
        )


def marks_at_stake(
    works: Sequence[Work], store: Store, reference: Reference, *, fresh: bool = False
) -> EditedRubric:
    """What a run would make of marks that are there, before anything is written.

    A student who hands in another file than before is left out: that file is judged for the first time.

    Args:
        works: What is to be run.
        store: Where the marks are.
        reference: The course's own answers.
        fresh: Whether all that is in the run is to be run again, whatever its rubric.
    """
    rubrics = _rubrics(works, reference)
    work_of = {(work.assignment, work.student): work for work in works}
    to_run: list[_Key] = []

    def judged() -> Iterator[Result]:
        for result in _on_another_rubric(store, rubrics):
            work = work_of.get((result.assignment, result.student))
            if work is None:
                yield result
            elif fresh or work.file.notebook != result.submission.notebook:
                continue
            elif result.attempt and work.plan.digest != result.attempt.plan and not work.file.problem:
                to_run.append((result.assignment, result.student))
            else:
                yield result

    tried = regrade(store, judged(), lambda result: _needed(rubrics, result), actor="", dry_run=True)
    return EditedRubric(tuple(tried), tuple(to_run), tuple(_published(store, rubrics)))


def judge_again(
    edited: EditedRubric, works: Sequence[Work], store: Store, reference: Reference, *, actor: str
) -> None:
    """Lets the rubric count for the marks that it is not the rubric of, as `regrade` would."""
    rubrics = _rubrics(works, reference)
    results = Results(store, {(item.assignment, item.student) for item in edited.judged})
    counting: dict[tuple[str, str], Judge] = {}

    def judge_of(result: Result) -> Judge:
        judge = _needed(rubrics, result)
        key = judge.rubric.kept.key
        if key not in counting:
            counting[key] = by_what_counts(store, judge)
        return counting[key]

    regrade(store, results, judge_of, actor=actor, why="grader run")


def supersede(edited: EditedRubric, store: Store) -> None:
    """Lets the run's own rubric count where the desk had published another, after somebody allowed it."""
    if edited.published:
        with store.writing() as history:
            for each in edited.published:
                history.supersede_rubric(each.rubric.assignment)


def _published(store: Store, rubrics: _Rubrics) -> Iterator[Publication]:
    """What the desk published of assignments that another rubric is about to judge."""
    with store.reading() as history:
        for name in sorted({assignment for assignment, _ in rubrics.of_work}):
            published = history.published_rubric(name)
            judges = [judge for (assignment, _), judge in rubrics.of_work.items() if assignment == name]
            if published and any(judge.rubric.kept.key != published.rubric.key for judge in judges):
                yield published


def refusal(edited: EditedRubric) -> RefusedError:
    """What to say where nobody allowed that marks change."""
    if edited.published:
        published = edited.published[0]
        return RefusedError(
            f"the rubric {published.rubric.name} was {published}, and this run's is another",
            where=published.rubric.assignment,
            todo=f"{published.how_to_take_over}; --yes lets this run's judge all the same. Nothing was run.",
        )
    count = len(edited.changed) + len(edited.to_run)
    names = ", ".join(edited.assignments)
    return RefusedError(
        f"the rubric is another than the one that {count} marks stand on, and may change them"
        if count > 1
        else "the rubric is another than the one that 1 mark stands on, and may change it",
        where=names,
        todo="--yes allows it; `grader regrade --dry-run --assignment A` shows it at any time;"
        " with the rubric as it was, new submissions are graded as the others were. Nothing was run.",
    )


def _rubrics(works: Sequence[Work], reference: Reference) -> _Rubrics:
    judges = {work.rubric.rubric.digest: Judge(work.rubric, reference) for work in works}
    of_work = {(work.assignment, work.student): judges[work.rubric.rubric.digest] for work in works}
    by_assignment: dict[str, set[str]] = {}
    for work in works:
        by_assignment.setdefault(work.assignment, set()).add(work.rubric.rubric.digest)
    # Where two rubrics of one assignment judge in one run, nobody can tell by which the others would be.
    alone = {name: judges[min(digests)] for name, digests in by_assignment.items() if len(digests) == 1}
    return _Rubrics(of_work, alone)


def _needed(rubrics: _Rubrics, result: Result) -> Judge:
    judge = rubrics.of(result)
    assert judge is not None
    return judge


def _on_another_rubric(store: Store, rubrics: _Rubrics) -> Iterator[Result]:
    with store.reading() as history:
        for name in sorted({assignment for assignment, _ in rubrics.of_work}):
            for result in history.results(assignment=name):
                judge = rubrics.of(result)
                if judge is not None and not judge.stands(result) and result.mark is not None:
                    yield result
