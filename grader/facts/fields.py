"""What fields of rubrics and of judgements are made of."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
)

__all__ = ["Regex", "Strict", "Where"]


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return pattern


Regex = Annotated[str, AfterValidator(_compiles)]


class Strict(BaseModel):
    # JSON has no infinity: a rubric with one would give verdicts that nobody can read again.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Where(Strict):
    """A place in the submitted file: cell from 0 over all cells, line from 1 within the cell."""

    cell: int
    line: int | None = None
