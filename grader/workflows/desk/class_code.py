"""What the class writes anyway, so that two who wrote the same of it are not taken for copies.

Some of the class tell it, always the same ones: reading all of a large one takes too long for a page, and so
do these few each time that a page is asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from grader.errors import EvidenceError, StoreError, StoreUnavailable
from grader.store import History, Result, Store
from grader.workflows.views.following import Following, following
from grader.workflows.views.near_copies import shapes_of, student_code

__all__ = ["class_code"]

_OTHERS = 30


class _ClassCode(Following):
    """Shapes of the lines of some students; no word of theirs is kept."""

    def __init__(self, assignment: str) -> None:
        super().__init__(assignment)
        self.forget()

    def forget(self) -> None:
        self._shapes: dict[str, frozenset[str]] = {}

    def read(self, store: Store, history: History, changed: Collection[str] | None) -> None:
        if changed is None:
            names = history.students(self.assignment)
            # Two more, since those who are compared tell nothing about themselves.
            wanted = names[:: max(1, len(names) // _OTHERS)][: _OTHERS + 2]
        else:
            wanted = [name for name in changed if name in self._shapes or len(self._shapes) < _OTHERS]
        for name in wanted:
            self._shapes.pop(name, None)
        if wanted:
            for result in history.results(assignment=self.assignment, students=wanted):
                self._keep(store, result)

    def _keep(self, store: Store, result: Result) -> None:
        """Whose evidence cannot be read tells nothing."""
        if result.attempt is None:
            return
        handout = store.rubric(result.rubric).handout if result.rubric is not None else None
        try:
            cells = store.cell_texts(result.attempt)
        except StoreUnavailable:
            raise
        except (StoreError, EvidenceError):
            return
        self._shapes[result.student] = shapes_of(student_code(result.student, cells, handout))

    def without(self, students: Collection[str]) -> list[frozenset[str]]:
        return [shapes for name, shapes in self._shapes.items() if name not in students][:_OTHERS]


def class_code(store: Store, assignment: str, *, without: Collection[str]) -> Sequence[Collection[str]]:
    """Shapes of lines that some others of the class wrote.

    Args:
        store: Where the evidence is.
        assignment: Which work.
        without: Who is not to be among them.

    Raises:
        StoreError: The database or the place of evidence is out of reach.
        RubricError: This version no longer knows a rubric.
    """
    with following(store, lambda: _ClassCode(assignment), "code", assignment) as known:
        return known.without(without)
