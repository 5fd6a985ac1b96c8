"""Recorded calls of a student's function, ready to be judged; or the reason why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from grader.evidence.codec import Bundle
from grader.evidence.record import CallRecord, RaisedError
from grader.facts.fields import Where
from grader.facts.known import Fact, Known, Unknown, every
from grader.facts.values.compare import Tolerance, tolerance_for
from grader.facts.values.plain import dtypes_in, plain, show, unreadable_in

__all__ = ["Answer", "Answers", "answer_of"]


@dataclass(frozen=True)
class Answer:
    """One call: the host's copy of what went in, and what came out.

    Attributes:
        got: The first repetition's answer; None where it raised.
        changed: Later repetitions on equal arguments gave something else.
        operators: Seen below Python; None where nothing was looked at there.
        tolerance: Of the coarsest dtype among arguments and answer.
        excuse: Why an error or a wrong answer may be none of the function's doing; mostly empty.
    """

    name: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    got: Any
    error: RaisedError | None
    stdout: str
    changed: bool
    mutated: bool
    operations: int | None
    operation_names: tuple[str, ...]
    operation_names_cut: bool
    tolerance: Tolerance
    excuse: str = ""
    operators: tuple[str, ...] | None = None
    operators_elsewhere: tuple[str, ...] = ()
    library_calls: tuple[str, ...] = ()
    operators_cut: bool = False
    stdout_cut: bool = False

    @property
    def call(self) -> str:
        """The call as one would type it, large arrays by shape."""
        shown = [_argument(value) for value in self.args]
        shown += [f"{key}={_argument(value)}" for key, value in self.kwargs.items()]
        return f"{self.name}({', '.join(shown)})"

    @property
    def silent(self) -> bool:
        """Whether the call came to nothing at all: None, nothing printed, nothing raised."""
        nothing = self.got is None and self.error is None and not self.stdout.strip()
        return nothing and not self.stdout_cut

    @property
    def seen(self) -> Fact[Answer]:
        """What the call came to, where evidence holds it."""
        unknown = unreadable_in([self.got, *self.args, *self.kwargs.values()])
        return Known(self) if self.error is not None or unknown is None else Unknown(unknown.why)

    @property
    def came_back(self) -> Known[Answer]:
        """That the call came to an end in this way, whatever evidence holds of its answer."""
        return Known(self)

    @property
    def own(self) -> Fact[Answer]:
        """What an error or a wrong answer says of the function itself."""
        return Unknown(self.excuse) if self.excuse else self.seen


def _argument(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.ndim > 1:
        return f"{'x'.join(str(side) for side in value.shape)} array"
    return show(value)


@dataclass(frozen=True)
class Answers:
    """All calls of one probe, in the order in which the check asked for them."""

    name: str
    calls: tuple[Answer, ...]
    where: tuple[Where, ...] = field(default=())

    @property
    def operations(self) -> Fact[tuple[int, ...]]:
        """How many torch operations each call took."""
        return every(
            Unknown("the operations were not counted") if each.operations is None else Known(each.operations)
            for each in self.calls
        )

    @property
    def at_work(self) -> Fact[tuple[Answer, ...]]:
        """Calls whose torch operations were looked at: to their end, or until an error after some of them.

        What comes after an error was not seen: ask `ended` as well where the code does not tell.
        """
        ended = tuple(each for each in self.calls if each.error is None or each.operations)
        if not ended:
            return Unknown("its call raised, so that it was not seen at work")
        if any(each.operation_names_cut or each.operators_cut for each in ended):
            return Unknown("it used more operations than were recorded")
        watched = tuple(each for each in ended if each.operations is not None or each.operation_names)
        return Known(watched) if watched else Unknown("the operations that it used were not looked at")

    @property
    def ended(self) -> Fact[tuple[Answer, ...]]:
        """The calls, where none of them raised."""
        if any(each.error is not None for each in self.calls):
            return Unknown("its call raised, so that what it does after that was not seen")
        return Known(self.calls)

    @property
    def notes(self) -> str:
        """What is worth telling about the calls but costs nothing."""
        told = []
        if any(answer.changed for answer in self.calls):
            told.append(f"`{self.name}` answers differently when called twice with the same input.")
        if any(answer.mutated for answer in self.calls):
            told.append(f"`{self.name}` changes its arguments in place.")
        return " ".join(told)


def answer_of(name: str, record: CallRecord, bundle: Bundle) -> Answer:
    values = (*record.args, *record.kwargs.values(), *record.returned[:1])
    dtypes = frozenset[str]().union(*(dtypes_in(value) for value in values))
    returned = [plain(value, bundle) for value in record.returned]
    return Answer(
        name=name,
        args=tuple(plain(value, bundle) for value in record.args),
        kwargs={key: plain(value, bundle) for key, value in record.kwargs.items()},
        got=returned[0] if returned else None,
        error=record.error,
        stdout=record.stdout,
        changed=any(not _same(returned[0], other) for other in returned[1:]),
        mutated=record.mutated,
        operations=record.operations,
        operation_names=record.operation_names,
        operation_names_cut=record.operation_names_cut,
        tolerance=tolerance_for(dtypes),
        operators=record.operators,
        operators_elsewhere=record.operators_elsewhere,
        library_calls=record.library_calls,
        operators_cut=record.operators_cut,
        stdout_cut=record.stdout_cut,
    )


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return bool(np.array_equal(one, other))
    return type(one) is type(other) and repr(one) == repr(other)
