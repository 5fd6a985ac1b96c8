"""The set-up of an assignment, held: it concerns the whole class, and a page shows a few lines of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from grader.store import History, Store
from grader.store.allowances import Excuse, Extension
from grader.store.groups import Group
from grader.store.roster import PersonRecord
from grader.store.set_up_news import NewestSetUp
from grader.store.shares import Share
from grader.workflows.setting_up.meant import by_id
from grader.workflows.views.following import Following, following

__all__ = ["SetUp", "set_up"]

ValueT = TypeVar("ValueT")


class SetUp(Following):
    """Who is in a class, whose they are, with whom they hand in and what they were allowed.

    Attributes:
        everybody: All of the class by id: who handed in, and who is on the roster.
        present: Who handed in.
        waiting: In whose work something waits for a person.
        shares: By grader; groups: by name; extensions, excuses: by student, in their order.
    """

    def __init__(self, assignment: str) -> None:
        super().__init__(assignment)
        self.forget()

    def forget(self) -> None:
        self.everybody: dict[str, PersonRecord | None] = {}
        self.present: set[str] = set()
        self.waiting: set[str] = set()
        self.shares: dict[str, Share] = {}
        self.groups: dict[str, Group] = {}
        self.extensions: dict[str, Extension] = {}
        self.excuses: dict[str, Excuse] = {}
        self._people: list[PersonRecord] = []
        self._made: dict[str, Any] = {}

    def stands_on(self, history: History) -> NewestSetUp:
        return history.newest_set_up()

    def read(self, store: Store, history: History, changed: Collection[str] | None) -> None:
        before, now = self.stood_on, self.stands_on(history)
        if changed is None or not isinstance(before, NewestSetUp):
            before = NewestSetUp("never", -1, -1, -1, -1)
        there = len(self.present)
        self._read_works(history, changed)
        if before.roster != now.roster:
            self._people = history.people()
        if before.roster != now.roster or there != len(self.present):
            self.everybody = by_id(sorted(self.present), self._people)
        if before.share != now.share:
            self.shares = dict(history.shares(self.assignment))
        if before.group != now.group:
            self.groups = history.groups(self.assignment)
        if before.extension != now.extension:
            self.extensions = dict(sorted(history.extensions(self.assignment).items()))
        if before.excuse != now.excuse:
            self.excuses = dict(sorted(history.excuses(self.assignment).items()))
        self._made.clear()

    def _read_works(self, history: History, changed: Collection[str] | None) -> None:
        if changed is None:
            self.present = set(history.students(self.assignment))
            self.waiting = history.students_waiting(self.assignment)
            return
        self.waiting.difference_update(changed)
        for each in history.standings(self.assignment, changed) if changed else ():
            self.present.add(each.student)
            if each.state == "waiting":
                self.waiting.add(each.student)

    def made(self, name: str, make: Callable[[], ValueT]) -> ValueT:
        """What is worked out of it, once until it is another; nobody may change what is given."""
        if name not in self._made:
            self._made[name] = make()
        value: ValueT = self._made[name]
        return value


@contextmanager
def set_up(store: Store, assignment: str) -> Iterator[SetUp]:
    """The set-up as it stands now; empty where no such assignment is known."""
    with following(store, lambda: SetUp(assignment), "set-up", assignment) as held:
        yield held
