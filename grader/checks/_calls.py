"""Recorded calls of a student's function, ready to be judged; or the reason why there are none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, JsonValue

from grader.checks._compare import Tolerance, tolerance_for
from grader.checks._definitions import definition
from grader.checks._excuses import Excuses
from grader.checks._plain import Unreadable, dtypes_in, plain, show
from grader.checks._probes import describe, stopped_early
from grader.errors import RubricError
from grader.evidence.codec import Bundle
from grader.evidence.plan import FunctionProbe, InputSpec, LiteralInput
from grader.evidence.record import CallRecord, FunctionRecord, RaisedError
from grader.rubric.case import Case
from grader.rubric.model import Judgement, Where

__all__ = [
    "Answer",
    "Answers",
    "Argument",
    "Names",
    "ask",
    "missing_function",
    "reference_function",
]


def _as_input(value: Any) -> Any:
    """A mapping with `kind` is an input drawn afresh; anything else stands for itself."""
    if isinstance(value, Mapping) and "kind" in value:
        return value
    return value if isinstance(value, InputSpec.__origin__) else LiteralInput(value=value)  # type: ignore[attr-defined]


def _as_names(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


#: An argument in a rubric: ``3``, ``"two words"``, or ``{kind: integers, low: 4, high: 30}``.
Argument = Annotated[InputSpec, BeforeValidator(_as_input, json_schema_input_type=InputSpec | JsonValue)]
#: One name or several, of which the first that exists counts.
Names = Annotated[tuple[str, ...], BeforeValidator(_as_names, json_schema_input_type=str | tuple[str, ...])]


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


def ask(case: Case, probe: FunctionProbe) -> Answers | Judgement:
    """Reads the calls that a probe made.

    Returns:
        A judgement instead where there are none: the function is missing, was never probed, or could not
        be called through no fault that can be established.
    """
    result = case.probe(probe)
    wanted = describe(probe.target)
    if result is None:
        return Judgement.missing(
            f"{wanted} was never called in this attempt; run the submission again to measure it."
        )
    if result.status == "not_found":
        return missing_function(case, probe.target.names)
    record = result.record
    if not isinstance(record, FunctionRecord) or len(record.calls) != len(probe.calls):
        detail = result.error.type if result.error else result.detail or "not every call was answered"
        return Judgement.needs_ta(f"{wanted} could not be called ({detail}); a TA looks at it.")
    calls = tuple(_answer(record.name, call, case.bundle) for call in record.calls)
    where = definition(case, probe.target.names, record.cell)
    excuses = Excuses(case, probe.target.names, record)
    excused = tuple(replace(answer, excuse=excuses.of(answer.error)) for answer in calls)
    return Answers(record.name, excused, where)


def _answer(name: str, record: CallRecord, bundle: Bundle) -> Answer:
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


def reference_function(case: Case, name: str) -> Callable[..., Any]:
    """The course's own function of this name.

    Raises:
        RubricError: The reference has none of this name.
    """
    functions = case.reference.functions
    if name not in functions:
        raise RubricError(
            [f"the reference has no function '{name}'"],
            todo=f"write one of {', '.join(sorted(functions))}, or add it to the reference folder",
        )
    return functions[name]


def missing_function(case: Case, names: tuple[str, ...]) -> Judgement:
    """Nothing of these names was there at the end: is it the student's doing, or can that not be told?"""
    places = definition(case, names)
    if not places:
        return Judgement.failed(f"No cell defines `{names[0]}`.")
    run = case.evidence.cells[places[0].cell].run
    if run is not None and run.error is not None:
        reason = f"its cell raised {run.error.type}"
    elif run is None or run.status == "not_run" or stopped_early(case):
        reason = f"the run ended early ({case.evidence.outcome})"
    else:
        reason = "it was gone after the last cell"
    return Judgement.needs_ta(f"`{names[0]}` is written but could not be called: {reason}.", where=places)
