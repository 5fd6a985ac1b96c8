"""What has to be known of a job that somebody else queued: had from database and stored files alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from grader.errors import StoreError
from grader.evidence.plan import Plan
from grader.facts.case import Reference
from grader.intake import Submission
from grader.store import Store
from grader.store.entering import PRE_CHECK
from grader.store.queue import Claim
from grader.store.rubrics import LoadedRubric
from grader.workflows.handing_in.assignments import assigned_here
from grader.workflows.regrading.judging import Judge
from grader.workflows.running.execution import Order
from grader.workflows.running.planning import require_data

__all__ = ["ROUNDS", "CourseFiles", "QueuedOrders", "files_of"]


#: What is looked for one after another where there are several courses: the purpose that is left alone, and
#: whether second runs are taken. The last takes all, in the order of one queue.
ROUNDS: tuple[tuple[str | None, bool], ...] = ((PRE_CHECK, False), (None, False), (None, True))


@dataclass(frozen=True)
class CourseFiles:
    """What a course has of its own beside its database.

    Attributes:
        places: Folders in which its rubrics may lie.
        reference: Its answers.
    """

    places: tuple[Path, ...] = ()
    reference: Reference = field(default_factory=Reference)


def files_of(
    stores: Sequence[Store], reference: Reference, places: Iterable[Path], own: Mapping[str, CourseFiles]
) -> list[CourseFiles]:
    """Those of each course: what lies in the home course's folders is never another's.

    Args:
        stores: One a course, the home course first.
        reference: The home course's answers.
        places: Its folders.
        own: Of further courses, by name; one that is not there has no rubrics but those in its database.
    """
    home = CourseFiles(tuple(places), reference)
    rest = [own.get(store.course.name, CourseFiles((), reference)) for store in stores[1:]]
    return [home, *rest]


class QueuedOrders:
    """Gives orders of queued jobs. Safe to share between threads.

    Args:
        store: Whose queue.
        reference: The course's own answers.
        places: Folders in which the course's own rubrics may lie.
        data: Folder of data sets.
        needs_data: Whether it has to hold what a rubric names, since notebooks are run on this machine.
    """

    def __init__(
        self,
        store: Store,
        reference: Reference,
        places: Iterable[Path] = (),
        data: Path | None = None,
        *,
        needs_data: bool = True,
    ) -> None:
        self._store = store
        self._reference = reference
        self._places = tuple(places)
        self._data = data
        self._needs_data = needs_data
        self._plans: dict[str, Plan] = {}

    def __call__(self, job: Claim) -> Order:
        """The order of a job, by the rubric that counts at this moment.

        Raises:
            StoreError: Its plan is gone, or the database does not answer.
            UsageError: Nothing of its assignment can be run or judged here: no rubric is of it, or a data set
                is missing.
            RubricError: That rubric cannot be read.
        """
        rubric = assigned_here(self._store, self._places, job.key.assignment)
        if self._needs_data:
            require_data(rubric, self._data)
        plan = self._plan(job.key.plan)
        if job.key.purpose == PRE_CHECK:
            return self._early(job, plan, rubric)
        with self._store.reading() as history:
            record = history.file_of(job.key.student, job.key.assignment, job.key.notebook)
        path = Path(record.path if record and record.path else "notebook.ipynb")
        submission = Submission(job.key.student, path, lambda: self._store.file(job.key.notebook))
        return Order(plan, Judge(rubric, self._reference), submission, record.problem if record else "")

    def _early(self, job: Claim, plan: Plan, rubric: LoadedRubric) -> Order:
        """Of a notebook that was not handed in: its file lies apart, and only what is public is judged."""
        store, id = self._store, job.id
        name = Path(store.pre_checks.file_name(id))
        submission = Submission(job.key.student, name, lambda: store.pre_checks.content(id))
        return Order(plan, Judge(rubric, self._reference, early=True), submission, content=submission.read)

    def _plan(self, digest: str) -> Plan:
        known = self._plans.get(digest)
        if known is None:
            try:
                known = Plan.model_validate_json(self._store.blobs.get(digest))
            except ValidationError as error:
                raise StoreError(
                    "a stored plan cannot be read",
                    where=f"plan {digest}",
                    found=f"{error.error_count()} places that are not as the grader writes them",
                    todo="`grader regrade --rerun` makes another",
                ) from error
            self._plans[digest] = known
        return known
