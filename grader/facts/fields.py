"""What fields of rubrics and of judgements are made of."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
)

__all__ = [
    "LayerType",
    "NamesOf",
    "OfTrainings",
    "OptimizerType",
    "ReferenceCheck",
    "ReferenceFunction",
    "ReferenceNetwork",
    "Regex",
    "SectionName",
    "Strict",
    "StudentsName",
    "Where",
    "mark_of",
    "models_in",
    "words_of",
]


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return pattern


Regex = Annotated[str, AfterValidator(_compiles)]


@dataclass(frozen=True)
class NamesOf:
    """Marks a field by what its words name, so that a slip in one can be told (`grader.rubric.slips`).

    A mark on a mapping is about its keys.
    """

    kind: Literal[
        "layer",
        "optimizer",
        "reference function",
        "reference network",
        "reference check",
        "definition",
        "variable",
        "section",
    ]


@dataclass(frozen=True)
class OfTrainings:
    """Marks a field that, where it is given, asks for a network by its trainings alone.

    They show the layers that learn: others that are asked for earn and cost nothing.
    """


LayerType = Annotated[str, NamesOf("layer")]
OptimizerType = Annotated[str, NamesOf("optimizer")]
ReferenceFunction = Annotated[str, NamesOf("reference function")]
ReferenceNetwork = Annotated[str, NamesOf("reference network")]
ReferenceCheck = Annotated[str, NamesOf("reference check")]
#: A function, class or network that students define; of a tuple of them any one.
StudentsName = Annotated[str, NamesOf("definition")]
#: A section of the rubric, by its key.
SectionName = Annotated[str, NamesOf("section")]


class Strict(BaseModel):
    # JSON has no infinity: a rubric with one would give verdicts that nobody can read again.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Where(Strict):
    """A place in the submitted file: cell from 0 over all cells, line from 1 within the cell."""

    cell: int
    line: int | None = None


#: Where something stands in a model: keys and indices.
_Path = tuple[str | int, ...]


def mark_of(annotation: Any, metadata: Iterable[Any] = ()) -> NamesOf | None:
    """What the words of a field name, by its mark or that of its parts; None without one."""
    marks = [each for each in metadata if isinstance(each, NamesOf)]
    inner = (mark_of(part, getattr(part, "__metadata__", ())) for part in typing.get_args(annotation))
    return next(iter(marks), None) or next((mark for mark in inner if mark is not None), None)


def models_in(value: Any, path: _Path = ()) -> Iterator[tuple[BaseModel, _Path]]:
    """The models that a field's value is or holds, with their places."""
    if isinstance(value, BaseModel):
        yield value, path
    elif isinstance(value, (tuple, list)):
        for index, part in enumerate(value):
            yield from models_in(part, (*path, index))
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from models_in(part, (*path, key))


def words_of(model: BaseModel, kind: str) -> Iterator[str]:
    """The words of fields that are marked so, a model's own and those of the models in it, in their order."""
    for name, field in type(model).model_fields.items():
        value, mark = getattr(model, name), mark_of(field.annotation, field.metadata)
        if mark is not None and mark.kind == kind and value is not None:
            yield from (value,) if isinstance(value, str) else value
        for inner, _ in models_in(value):
            yield from words_of(inner, kind)
