"""Recorded calls of a student's function, ready to be judged; or the reason why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from grader.evidence.codec import Bundle
from grader.evidence.record import CallRecord, RaisedError
from grader.facts.fields import Where
from grader.facts.values.compare import Tolerance, tolerance_for
from grader.facts.values.plain import Unreadable, dtypes_in, plain, show

__all__ = ["Answer", "Answers", "answer_of"]


@dataclass(frozen=True)
class Answer:
    """One call: the host's copy of what went in, and what came out.

    Attributes:
        got: The first repetition's answer; None where it raised.
        changed: Later repetitions on equal arguments gave something else.
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

    @property
    def call(self) -> str:
        """The call as one would type it, large arrays by shape."""
        shown = [_argument(value) for value in self.args]
        shown += [f"{key}={_argument(value)}" for key, value in self.kwargs.items()]
        return f"{self.name}({', '.join(shown)})"

    @property
    def silent(self) -> bool:
        """Whether the call came to nothing at all: None, nothing printed, nothing raised."""
        return self.got is None and self.error is None and not self.stdout.strip()

    @property
    def readable(self) -> bool:
        """False where evidence does not hold the answer or the arguments."""
        values = (self.got, *self.args, *self.kwargs.values())
        return not any(isinstance(value, Unreadable) and not value.kept for value in values)


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
    )


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return bool(np.array_equal(one, other))
    return type(one) is type(other) and repr(one) == repr(other)
