"""What every probe works with, and exceptions as evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.collector.networks import class_name
from grader.collector.recorder.cells import Cells
from grader.collector.values import decode
from grader.evidence.arrays import Arrays
from grader.evidence.frames import ProbeInputs
from grader.evidence.plan import Plan
from grader.evidence.record import RaisedError
from grader.evidence.text import shortened

__all__ = ["Surroundings", "raised"]

_MAX_MESSAGE = 500
_BASE_STR = BaseException.__str__


@dataclass(frozen=True)
class Surroundings:
    """A probe's hidden inputs, and where its answer's numbers go."""

    plan: Plan
    cells: Cells
    inputs: tuple[ProbeInputs, ...]
    arrays: Sequence[np.ndarray]
    kept: Arrays

    @property
    def namespace(self) -> dict[str, Any]:
        return self.cells.namespace

    def fresh(self, inputs: ProbeInputs) -> tuple[list[Any], dict[str, Any]]:
        """Arguments that no earlier call has touched."""
        args = [decode(value, self.arrays) for value in inputs.args]
        return args, {name: decode(value, self.arrays) for name, value in inputs.kwargs.items()}


def raised(error: BaseException, cells: Cells) -> RaisedError:
    """An exception as evidence, without calling a student's ``__str__``."""
    return RaisedError(
        type=class_name(error),
        message=shortened(_message(error), _MAX_MESSAGE),
        line=cells.line_of(error.__traceback__),
    )


def _message(error: BaseException) -> str:
    try:
        args = BaseException.__dict__["args"].__get__(error)
        if type(error).__module__ == "__main__":
            return args[0] if len(args) == 1 and type(args[0]) is str else ""
        return str(error).encode("utf-8", "replace").decode()
    except Exception:
        return ""
