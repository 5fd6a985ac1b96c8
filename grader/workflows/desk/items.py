"""What pages of one criterion ask again and again, kept while nothing of it changed.

A TA opens a page, the frame of its answer, and then the next: what the second and the third need is worked
out while the first is read.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from datetime import datetime, timedelta

from grader.facts.case import Reference
from grader.store import History, Store
from grader.store.given import CommentUsed, GivenMark
from grader.workflows.desk.item import Item, read_item
from grader.workflows.views.following import Following, following
from grader.workflows.views.report import NO_REFERENCE

__all__ = ["comments_kept", "item_kept", "last_kept"]

#: So many are kept of an assignment; each has the pictures of its answer.
_MOST = 100
#: No row of the history says that the roster changed, by whose names answers are made anonymous.
_STAYS = timedelta(minutes=5)

_Name = tuple[str, str, bool, str]


class _Items(Following):
    """Items of an assignment that were asked for lately."""

    def __init__(self, assignment: str) -> None:
        super().__init__(assignment)
        self.forget()

    def forget(self) -> None:
        self._items: OrderedDict[_Name, tuple[Item, datetime]] = OrderedDict()

    def read(self, store: Store, history: History, changed: Collection[str] | None) -> None:
        kept = self._items.items()
        self._items = OrderedDict(
            (name, each) for name, each in kept if each[0].student not in (changed or ())
        )

    def find(self, name: _Name, now: datetime) -> Item | None:
        item, at = self._items.get(name, (None, now))
        return item if now - at < _STAYS else None

    def keep(self, name: _Name, item: Item, now: datetime) -> None:
        self._items[name] = item, now
        self._items.move_to_end(name)
        while len(self._items) > _MOST:
            self._items.popitem(last=False)


def item_kept(
    store: Store,
    assignment: str,
    student: str,
    criterion: str,
    *,
    anonymous: bool = False,
    reference: Reference = NO_REFERENCE,
) -> Item:
    """One criterion of one submission as `read_item` reads it, read again where something changed.

    Raises:
        GraderError: As `read_item`.
    """
    name = (student, criterion, anonymous, reference.digest)
    with following(store, lambda: _Items(assignment), "items", assignment) as items:
        found, before = items.find(name, store.clock()), items.newest
    if found is not None:
        return found
    item = read_item(store, assignment, student, criterion, anonymous=anonymous, reference=reference)
    with following(store, lambda: _Items(assignment), "items", assignment) as items:
        # Only what is surely of this state of the history, by the name that pages use.
        if items.newest == before and item.shown == student:
            items.keep(name, item, store.clock())
    return item


class _Given(Following):
    """What was given of one criterion."""

    def __init__(self, assignment: str, criterion: str) -> None:
        super().__init__(assignment)
        self._criterion = criterion
        self.forget()

    def forget(self) -> None:
        self._comments: list[CommentUsed] | None = None
        self._last: dict[str, GivenMark | None] = {}

    def read(self, store: Store, history: History, changed: Collection[str] | None) -> None:
        new = None
        if changed is not None:
            new = history.given_since(self.assignment, self._criterion, self.newest)
        if new is None:
            self.forget()
            return
        for by, mark in new:
            self._add(by, mark)

    def _add(self, by: str, mark: GivenMark) -> None:
        """Adds a mark that undoes nothing."""
        if by in self._last:
            self._last[by] = mark
        if self._comments is not None and mark.points is not None and mark.comment:
            before = [
                each for each in self._comments if (each.text, each.points) == (mark.comment, mark.points)
            ]
            count = sum(each.count for each in before) + len(mark.about)
            rest = [each for each in self._comments if each not in before]
            used = CommentUsed(mark.comment, mark.points, count, mark.seq)
            self._comments = sorted([*rest, used], key=lambda each: (-each.count, -each.last))

    def comments(self, store: Store) -> list[CommentUsed]:
        if self._comments is None:
            with store.reading() as history:
                self._comments = history.comments_on(self.assignment, self._criterion)
        return self._comments

    def last(self, store: Store, actor: str) -> GivenMark | None:
        if actor not in self._last:
            with store.reading() as history:
                self._last[actor] = history.given_by(actor, self.assignment, self._criterion)
        return self._last[actor]


def comments_kept(store: Store, assignment: str, criterion: str) -> list[CommentUsed]:
    """Comments that marks of a criterion were given with, each with its points, the most used first."""
    with following(store, lambda: _Given(assignment, criterion), "given", assignment, criterion) as given:
        return given.comments(store)


def last_kept(store: Store, assignment: str, criterion: str, *, actor: str) -> GivenMark | None:
    """A person's newest mark of a criterion, to give the same once more; None where there is none."""
    with following(store, lambda: _Given(assignment, criterion), "given", assignment, criterion) as given:
        return given.last(store, actor)
