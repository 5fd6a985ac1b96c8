"""The whole of `grader regrade`: whose work, by which rubric, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.errors import RefusedError
from grader.facts.case import Reference
from grader.store import Store
from grader.store.publications import Publication
from grader.store.results import Result
from grader.workflows.regrading.chosen_rubric import ChosenRubric, choose_rubric
from grader.workflows.regrading.judging import Judge
from grader.workflows.regrading.regrade import Regraded, lacking, regrade
from grader.workflows.views.filters import criteria_of, ended_so, require_criterion
from grader.workflows.views.show import each_result
from grader.workflows.views.streamed import Results

__all__ = [
    "Chosen",
    "RegradeReport",
    "RegradeRequest",
    "choose",
    "regrade_assignment",
    "take_the_place_of_published",
    "to_run_again",
]


@dataclass(frozen=True)
class RegradeRequest:
    """What somebody wants judged again.

    Attributes:
        students: Names or ids; all where none is given.
        rubric: A file or a name; None takes the newest.
        criterion: Only where this criterion comes out otherwise.
        outcome: Only attempts that ended so.
        places: Folders in which the course's own rubrics may lie.
        reference: The course's own answers.
        actor: Who is written into the history.
        over_published: Whether it may judge by another rubric than the one that the desk published.
    """

    assignment: str
    students: Sequence[str]
    rubric: str | None
    criterion: str | None
    outcome: str | None
    places: tuple[Path, ...]
    reference: Reference
    actor: str
    over_published: bool = False


@dataclass(frozen=True)
class Chosen:
    """The submissions that a request means, and the rubric that judges them.

    Attributes:
        results: Of a large class they are not in memory.
        instead_of: What the desk published, where it is another rubric.
    """

    results: Results
    by: ChosenRubric
    judge: Judge
    instead_of: Publication | None = None


@dataclass(frozen=True)
class RegradeReport:
    """What became of each submission, how many stayed as they were, and by which rubric."""

    changes: tuple[Regraded, ...]
    unchanged: int
    judged_by: str

    @property
    def problems(self) -> bool:
        """Whether any could not be judged, through a fault of the service."""
        return any(item.problem for item in self.changes)


def choose(request: RegradeRequest, store: Store) -> Chosen:
    """Finds whose work is meant and what judges it.

    Raises:
        UsageError: No such student, assignment, criterion or outcome.
        RubricError: The file that would judge is no rubric.
    """
    wanted = ended_so(request.outcome)
    known: set[str] = set()
    works = []
    for result in each_result(store, request.assignment, request.students):
        if wanted(result):
            works.append((result.assignment, result.student))
        if request.criterion is not None:
            known |= criteria_of((result,))
    by = choose_rubric(store, request.assignment, request.rubric, request.places)
    known |= {item.id for item in by.loaded.rubric.criteria}
    require_criterion(request.criterion, known, request.assignment)
    with store.reading() as history:
        published = history.published_rubric(request.assignment)
    another = published is not None and published.rubric.key != by.loaded.kept.key
    return Chosen(
        Results(store, works), by, Judge(by.loaded, request.reference), published if another else None
    )


def take_the_place_of_published(request: RegradeRequest, chosen: Chosen, store: Store) -> None:
    """Lets the chosen rubric count where the desk had published another.

    Raises:
        RefusedError: Nobody allowed it.
    """
    published = chosen.instead_of
    if published is None:
        return
    if not request.over_published:
        raise RefusedError(
            f"the rubric {published.rubric.name} was {published}, and the one that would judge is another",
            where=request.assignment,
            found=chosen.by.said,
            todo=f"{published.how_to_take_over}; --yes lets the other judge. Nothing was written.",
        )
    with store.writing() as history:
        history.supersede_rubric(request.assignment)


def regrade_assignment(request: RegradeRequest, store: Store, *, dry_run: bool = False) -> RegradeReport:
    """Judges stored evidence again; runs nothing.

    Args:
        request: Whose work, and by which rubric.
        store: Where evidence and history are.
        dry_run: Whether only to tell what would change.

    Raises:
        UsageError: As `choose`.
        RefusedError: The desk published another rubric, and nobody allowed that it counts no longer.
    """
    chosen = choose(request, store)
    if not dry_run:
        take_the_place_of_published(request, chosen, store)
    judged = 0

    def judge_of(_: Result) -> Judge:
        nonlocal judged
        judged += 1
        return chosen.judge

    done = regrade(
        store,
        chosen.results,
        judge_of,
        actor=request.actor,
        dry_run=dry_run,
        criterion=request.criterion,
    )
    return RegradeReport(tuple(done), judged - len(done), chosen.by.said)


def to_run_again(request: RegradeRequest, chosen: Chosen, store: Store) -> tuple[Result, ...]:
    """All that were chosen; with a criterion those that stored evidence does not settle as they stand."""
    if request.criterion is None:
        return tuple(chosen.results)
    open_works = lacking(store, chosen.results, chosen.judge, request.criterion)
    return tuple(item for item in chosen.results if (item.assignment, item.student) in open_works)
