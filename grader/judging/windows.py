"""Convolutions and poolings: what a rubric asks of them, and one call of them in numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Protocol, TypeVar

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from grader.evidence.plan import InputSpec, LiteralInput, NormalInput
from grader.facts.calls import Answer, Answers
from grader.facts.known import Unknown
from grader.facts.values.compare import Tolerance, as_array, first_wrong, mismatch, without_extra_axes
from grader.facts.values.mistakes import Suspect, name_mistake
from grader.facts.values.sliding import Sliding
from grader.judging.calls import CallFinding, GroupFinding, judge_groups
from grader.judging.exhibits import FirstWrong, Plane, Window, WindowBox
from grader.judging.judgement import Judgement

__all__ = [
    "Numbers",
    "Pair",
    "WindowGroup",
    "as_pair",
    "calls_judged",
    "judge_each",
    "judge_window",
    "picture",
    "python_number",
    "require_arguments",
    "taken",
]

_LARGEST_SIDE = 16
_MOST_PLANES = 4
_DIGITS = 4

Pair = int | tuple[int, int]


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


class WindowGroup(BaseModel):
    """Base of the groups that a rubric asks for; their own words on these keys are what editors show."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    weight: float = Field(default=1.0, ge=0)
    image: Numbers
    padding: Pair = 0
    count: int = Field(default=1, ge=1, le=20)


Group = TypeVar("Group", bound=WindowGroup)


class Slid(Protocol):
    """What was slid over what, and what comes out of it."""

    @property
    def sliding(self) -> Sliding: ...

    def right(self) -> np.ndarray: ...


def as_pair(size: Pair) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size


def python_number(size: Pair) -> LiteralInput:
    """A stride, padding or window size as an argument: a Python int, or a list of two."""
    return LiteralInput(value=size if isinstance(size, int) else list(size))


def taken(arguments: Sequence[str], answer: Answer) -> dict[str, np.ndarray]:
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
    findings, judged = calls_judged(answers, groups, counts, judge)
    wrong = [drawn for finding, drawn in judged if finding.state != "right"]
    return judge_groups(answers, findings, (wrong or [drawn for _, drawn in judged])[0])


def calls_judged(
    answers: Answers,
    groups: Sequence[Group],
    counts: Sequence[int],
    judge: Callable[[Group, Answer], tuple[CallFinding, Window]],
) -> tuple[list[GroupFinding], list[tuple[CallFinding, Window]]]:
    """The calls by group, and each of them with its picture; see `judge_each`."""
    remaining = iter(answers.calls)
    findings, judged = [], []
    for group, count in zip(groups, counts, strict=True):
        calls = [judge(group, next(remaining)) for _ in range(count)]
        findings.append(GroupFinding(group.name, group.weight, tuple(finding for finding, _ in calls)))
        judged += calls
    return findings, judged


def judge_window(
    group: WindowGroup, answer: Answer, done: Slid, suspects: Callable[[], Iterable[Suspect]]
) -> tuple[CallFinding, Window]:
    """Compares one answer with what comes out of the convolution or pooling, and draws it."""
    expected = done.right()
    finding, got = _judged(answer, expected, suspects)
    drawn = picture(done.sliding, expected, got, answer.tolerance)
    return finding, drawn.model_copy(update={"group": group.name, "call": answer.call})


def _judged(
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


def picture(how: Sliding, expected: np.ndarray, got: np.ndarray | None, tolerance: Tolerance) -> Window:
    """Describes one call, rounded; the plane shown is that of the first wrong number."""
    same_shape = got is not None and got.shape == expected.shape
    index = first_wrong(expected, got, tolerance) if same_shape and got is not None else None
    place = index or (0,) * expected.ndim
    plane = expected[place[:-2]]
    found = got[place[:-2]] if same_shape and got is not None else None
    first = None
    if index is not None and found is not None:
        first = _first_wrong(how, index, float(plane[index[-2:]]), float(found[index[-2:]]))
    return Window(
        input=_planes(how.image[place[0]] if how.image.ndim == 4 else how.image),
        kernel=_planes(_kernel_at(how, place)),
        stride=how.stride,
        padding=how.padding,
        expected_shape=expected.shape,
        got_shape=None if got is None else got.shape,
        plane=place[:-2],
        expected=_plane(plane),
        got=_plane(found),
        difference=_plane(None if found is None else found - plane),
        first_wrong=first,
    )


def _kernel_at(how: Sliding, place: tuple[int, ...]) -> np.ndarray | None:
    """The one kernel that gave the plane shown."""
    if how.kernel is None or how.kernel.ndim < 4:
        return how.kernel
    kernel: np.ndarray = how.kernel[place[-3]]
    return kernel


def _first_wrong(how: Sliding, index: tuple[int, ...], expected: float, got: float) -> FirstWrong:
    row, column = index[-2:]
    window = WindowBox(
        top=row * how.stride[0] - how.padding[0],
        left=column * how.stride[1] - how.padding[1],
        height=how.size[0],
        width=how.size[1],
    )
    return FirstWrong(
        row=row, column=column, window=window, expected=round(expected, _DIGITS), got=round(got, _DIGITS)
    )


def _planes(array: np.ndarray | None) -> tuple[Plane, ...] | None:
    if array is None:
        return None
    stack = array if array.ndim == 3 else array[np.newaxis]
    planes = [plane for plane in map(_plane, stack[:_MOST_PLANES]) if plane is not None]
    return tuple(planes) if len(planes) == len(stack[:_MOST_PLANES]) else None


def _plane(array: np.ndarray | None) -> Plane | None:
    if array is None or array.ndim != 2 or max(array.shape) > _LARGEST_SIDE:
        return None
    if array.dtype.kind not in "biuf":
        return None
    return tuple(tuple(round(float(number), _DIGITS) for number in row) for row in array.tolist())
