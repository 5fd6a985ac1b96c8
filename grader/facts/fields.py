"""What fields of rubrics and of judgements are made of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
)

__all__ = [
    "LayerType",
    "NamesOf",
    "OptimizerType",
    "ReferenceFunction",
    "ReferenceNetwork",
    "Regex",
    "Strict",
    "StudentsName",
    "Where",
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

    kind: Literal["layer", "optimizer", "reference function", "reference network", "definition", "variable"]


LayerType = Annotated[str, NamesOf("layer")]
OptimizerType = Annotated[str, NamesOf("optimizer")]
ReferenceFunction = Annotated[str, NamesOf("reference function")]
ReferenceNetwork = Annotated[str, NamesOf("reference network")]
#: A function, class or network that students define; of a tuple of them any one.
StudentsName = Annotated[str, NamesOf("definition")]


class Strict(BaseModel):
    # JSON has no infinity: a rubric with one would give verdicts that nobody can read again.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Where(Strict):
    """A place in the submitted file: cell from 0 over all cells, line from 1 within the cell."""

    cell: int
    line: int | None = None
