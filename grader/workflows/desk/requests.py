"""Remark requests of an assignment, a page at a time, for whoever decides them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice

from grader.errors import RubricError
from grader.grading.remarks import remark_rules
from grader.grading.requests import State
from grader.rubric.model import Policy
from grader.store import History, Store
from grader.store.remarks import Remark
from grader.workflows.desk.waiting import require_known
from grader.workflows.marking.remark_list import Listed, listed_at
from grader.workflows.views.following import Following, following

__all__ = ["RequestPage", "open_requests", "requests_after", "requests_page"]

#: Requests on one page.
PAGE = 50


@dataclass(frozen=True)
class RequestPage:
    """Some requests, the oldest first.

    Attributes:
        number: Of the page, from 1 to `pages`.
        total: Requests on all pages.
    """

    items: tuple[Listed, ...]
    number: int
    pages: int
    total: int


class _Requests(Following):
    """All requests of an assignment, by number."""

    def __init__(self, assignment: str) -> None:
        super().__init__(assignment)
        self.forget()

    def forget(self) -> None:
        self._all: dict[int, Remark] = {}
        self._open: dict[int, None] = {}

    def read(self, store: Store, history: History, changed: Collection[str] | None) -> None:
        require_known(history, self.assignment)
        for remark in history.remarks(assignment=self.assignment, students=changed or ()):
            self._all[remark.id] = remark
            self._open.pop(remark.id, None)
            if remark.state.is_open:
                self._open[remark.id] = None

    @property
    def waiting(self) -> int:
        return len(self._open)

    def chosen(self, number: int, size: int, *, every: bool) -> tuple[list[Remark], int, int]:
        """Requests of a page, the number of the nearest page there is, and how many requests there are."""
        ids = sorted(self._all if every else self._open)
        number = min(max(number, 1), max(1, -(-len(ids) // size)))
        return [self._all[id] for id in ids[(number - 1) * size : number * size]], number, len(ids)

    def after(self, id: int, size: int, state: State | None) -> tuple[list[Remark], bool]:
        """The first requests after one, and whether others follow."""
        ids = (each for each in sorted(self._all) if each > id)
        meant = (remark for each in ids if state in (None, (remark := self._all[each]).state))
        found = list(islice(meant, size + 1))
        return found[:size], len(found) > size


def open_requests(store: Store, assignment: str) -> int:
    """How many requests wait for a decision."""
    with following(store, lambda: _Requests(assignment), "requests", assignment) as found:
        return found.waiting


def requests_after(
    store: Store, assignment: str, id: int, size: int, *, state: State | None = None
) -> tuple[list[Remark], bool]:
    """The next requests in the order in which they were opened, and whether there are more.

    Args:
        store: Where they are.
        assignment: Which work.
        id: Number of the request before; 0 for the first ones.
        size: How many.
        state: Only those in this state.

    Raises:
        UsageError: No assignment is called so.
    """
    with following(store, lambda: _Requests(assignment), "requests", assignment) as found:
        return found.after(id, size, state)


def requests_page(
    store: Store, assignment: str, number: int = 1, *, every: bool = False, size: int = PAGE
) -> RequestPage:
    """One page of requests.

    Args:
        store: Where they are.
        assignment: Which work.
        number: Of the page; the nearest there is where it is none.
        every: Those that were answered as well.
        size: Requests on a page.

    Raises:
        UsageError: No assignment is called so.
    """
    with following(store, lambda: _Requests(assignment), "requests", assignment) as found:
        remarks, number, total = found.chosen(number, size, every=every)
    policies = _policies(store, assignment, {remark.student for remark in remarks})
    now = store.clock()
    items = tuple(listed_at(each, now, policies.get(each.student, Policy())) for each in remarks)
    return RequestPage(items, number, max(1, -(-total // size)), total)


def _policies(store: Store, assignment: str, students: Collection[str]) -> dict[str, Policy]:
    """The rules that each student's verdict stands on; none where this version cannot read them."""
    with store.reading() as history:
        numbers = history.rubrics_of(assignment, students)
        records = {number: history.rubric(number) for number in set(numbers.values())}
        found = history.dates(assignment)
    dates = found.dates if found else None
    policies: dict[int, Policy] = {}
    for number, record in records.items():
        try:
            rules = store.rubric(record).rubric.remarks if record else Policy()
            policies[number] = remark_rules(rules, dates)
        except RubricError:
            policies[number] = Policy()
    return {student: policies[number] for student, number in numbers.items()}
