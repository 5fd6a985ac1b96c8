"""What the checks of convolution and pooling share: inputs as a rubric writes them, and judging one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Protocol, TypeVar

import numpy as np
from pydantic import BeforeValidator, JsonValue

from grader.checks.functions.groups import CallFinding, GroupFinding, judge_groups
from grader.evidence.plan import InputSpec, LiteralInput, NormalInput
from grader.facts.calls import Answer, Answers
from grader.facts.known import Unknown
from grader.facts.values.compare import as_array, mismatch, without_extra_axes
from grader.facts.values.mistakes import Suspect, name_mistake
from grader.judging.exhibits import Window
from grader.judging.judgement import Judgement

__all__ = [
    "Numbers",
    "Pair",
    "as_pair",
    "held",
    "judge_call",
    "judge_each",
    "python_number",
    "require_arguments",
]

Pair = int | tuple[int, int]


class WindowGroup(Protocol):
    """What groups of convolutions and of poolings have in common."""

    @property
    def name(self) -> str: ...

    @property
    def weight(self) -> float: ...


Group = TypeVar("Group", bound=WindowGroup)


def _as_numbers(value: Any) -> Any:
    """``[3, 7, 7]`` is a shape to draw; a nested list is the numbers themselves."""
    if isinstance(value, list | tuple) and value and all(isinstance(side, int) for side in value):
        return NormalInput(shape=tuple(value))
    if isinstance(value, list | tuple):
        return LiteralInput(value=_lists(value), dtype="float32", container="torch")
    return value


def _lists(value: Any) -> Any:
    return [_lists(item) for item in value] if isinstance(value, list | tuple) else value


#: ``[3, 7, 7]`` draws standard normal numbers of this shape; ``[[1, 2], [3, 4]]`` are the numbers.
Numbers = Annotated[InputSpec, BeforeValidator(_as_numbers, json_schema_input_type=InputSpec | JsonValue)]


def as_pair(size: Pair) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size


def python_number(size: Pair) -> LiteralInput:
    """A stride, padding or window size as an argument: a Python int, or a list of two."""
    return LiteralInput(value=size if isinstance(size, int) else list(size))


def held(arguments: Sequence[str], answer: Answer) -> dict[str, np.ndarray]:
    """The arrays that went into a call, by the rubric's word for each argument."""
    named: Mapping[str, Any] = dict(zip(arguments, answer.args, strict=True))
    arrays = {word: as_array(value) for word, value in named.items()}
    return {word: array for word, array in arrays.items() if array is not None and array.ndim > 0}


def require_arguments(arguments: Sequence[str], *needed: str) -> None:
    """Refuses a rubric whose function would not be given what it works on.

    Raises:
        ValueError: One of `needed` is missing, or an argument stands there twice.
    """
    if any(word not in arguments for word in needed) or len(set(arguments)) < len(arguments):
        raise ValueError(f"'arguments' needs {' and '.join(needed)}, each argument once")


def judge_each(
    answers: Answers,
    groups: Sequence[Group],
    counts: Sequence[int],
    judge: Callable[[Group, Answer], tuple[CallFinding, Window]],
) -> Judgement:
    """Judges calls group by group; the picture kept is that of the first wrong call, else of the first.

    Args:
        answers: All calls in order.
        groups: What they belong to.
        counts: How many calls each group has.
        judge: Judges one call, and gives it in numbers.
    """
    remaining = iter(answers.calls)
    findings, judged = [], []
    for group, count in zip(groups, counts, strict=True):
        calls = [judge(group, next(remaining)) for _ in range(count)]
        findings.append(GroupFinding(group.name, group.weight, tuple(finding for finding, _ in calls)))
        judged += calls
    wrong = [drawn for finding, drawn in judged if finding.state != "right"]
    return judge_groups(answers, findings, (wrong or [drawn for _, drawn in judged])[0])


def judge_call(
    answer: Answer, expected: np.ndarray, suspects: Callable[[], Iterable[Suspect]]
) -> tuple[CallFinding, np.ndarray | None]:
    """Compares one answer with the expected array.

    An answer that has the right numbers and merely more or fewer axes of length 1 is right, with a note.

    Returns:
        The finding, and the answer as an array of the expected number of axes where it is one.
    """
    if answer.error is not None:
        return CallFinding.raised(answer, [expected]), None
    if isinstance(answer.seen, Unknown):
        return CallFinding.unknown(answer, [expected], answer.seen), None
    given = as_array(answer.got)
    got = None if given is None else without_extra_axes(expected, given)
    note = ""
    if given is not None and got is not None and given.shape != got.shape:
        note = f"`{answer.name}` gives shape {list(given.shape)} where {list(got.shape)} was asked for."
    value = answer.got if got is None else got
    if mismatch(expected, value, answer.tolerance) is None:
        return CallFinding.right(answer, [expected], note), got
    return CallFinding.wrong(
        answer, [expected], name_mistake(expected, value, answer.tolerance, suspects())
    ), got
