"""Every assignment of a course at a glance, for whoever looks what there is to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from grader.errors import GraderError
from grader.store import Store
from grader.workflows.desk.requests import open_requests
from grader.workflows.desk.waiting import waiting

__all__ = ["Work", "works_of"]


@dataclass(frozen=True)
class Work:
    """One assignment.

    Attributes:
        title: As its newest rubric has it; its id where no rubric can be read.
        waiting: Answers that wait for a person, over all submissions.
        criteria: In how many criteria.
        remarks: Remark requests that wait for a decision.
    """

    assignment: str
    title: str
    submissions: int
    waiting: int
    criteria: int
    remarks: int


def works_of(store: Store) -> list[Work]:
    """All assignments in the order of their names, those among them to which nobody handed in yet."""
    return list(_works(store))


def _works(store: Store) -> Iterator[Work]:
    with store.reading() as history:
        assignments = history.known_assignments()
    for assignment in assignments:
        with store.reading() as history:
            submissions = history.counts(assignment).whole.get("all", 0)
        title = assignment
        with suppress(GraderError):
            title = store.rubric_at_hand(assignment).rubric.title
        found = waiting(store, assignment)
        yield Work(
            assignment=assignment,
            title=title,
            submissions=submissions,
            waiting=found.waits + len(found.held),
            criteria=len(found.criteria),
            remarks=open_requests(store, assignment),
        )
