"""Where many works stand, read anew each time one goes through them: a class does not fit into memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import overload

from grader.store import Store
from grader.store.results import Result

__all__ = ["Results"]

#: Up to so many students of an assignment are asked for by name.
_FEW = 100


class Results(Sequence[Result]):
    """Where works stand, by assignment and student; read anew each time, one after another.

    Args:
        store: Where they are.
        works: Whose they are, by assignment and student.
    """

    def __init__(self, store: Store, works: Collection[tuple[str, str]]) -> None:
        self._store = store
        self._works: dict[str, set[str]] = defaultdict(set)
        for assignment, student in works:
            self._works[assignment].add(student)

    def __iter__(self) -> Iterator[Result]:
        with self._store.reading() as history:
            for assignment, students in sorted(self._works.items()):
                named = students if len(students) <= _FEW else ()
                for result in history.results(assignment=assignment, students=named):
                    if result.student in students:
                        yield result

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @overload
    def __getitem__(self, place: int) -> Result: ...

    @overload
    def __getitem__(self, place: slice) -> list[Result]: ...

    def __getitem__(self, place: int | slice) -> Result | list[Result]:
        return list(self)[place]
