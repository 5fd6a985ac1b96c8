"""Names for the usual mistakes: what a wrong answer would be the right one for."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.facts.values.compare import Tolerance, as_array, mismatch

__all__ = ["Suspect", "given_as_text", "name_mistake", "printed_answer", "try_answer"]

_PARSED_CHARACTERS = 4_000


@dataclass(frozen=True)
class Suspect:
    """A mistake, and the answer that it would give.

    Attributes:
        text: What went wrong, as a clause: ``the kernel is flipped``.
        answer: Computes what this mistake gives; may raise where it does not apply.
    """

    text: str
    answer: Callable[[], Any]


def name_mistake(
    expected: Any, got: Any, tolerance: Tolerance, suspects: Iterable[Suspect] = ()
) -> str | None:
    """Says what went wrong where the wrong answer itself tells.

    Args:
        expected: The right answer.
        got: What the student's function returned.
        tolerance: For comparing `got` with what each mistake would give.
        suspects: Mistakes to try, most telling first; the general ones follow.

    Returns:
        None where no mistake explains the answer, or where one would give the right answer too.
    """
    if given_as_text(expected, got, tolerance):
        return f"it gives the text {got!r} instead of the value"
    for suspect in (*suspects, *_general(expected, got)):
        answer = try_answer(suspect.answer)
        if answer is None or mismatch(answer, got, tolerance) is not None:
            continue
        if mismatch(expected, answer, tolerance) is not None:
            return suspect.text
    return None


def try_answer(answer: Callable[[], Any]) -> Any:
    """None where the arguments make no sense to a reference, which then refuses them."""
    try:
        return answer()
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return None


def _general(expected: Any, got: Any) -> list[Suspect]:
    """Mistakes that any computation can have."""
    wanted, found = as_array(expected), as_array(got)
    if wanted is None or found is None or wanted.dtype.kind == "b":
        return []
    suspects = [Suspect("the sign is turned", lambda: -wanted)]
    if wanted.ndim >= 2:
        swapped = "rows and columns are exchanged (transposed axes)"
        suspects.append(Suspect(swapped, lambda: np.swapaxes(wanted, -1, -2)))
        suspects.append(Suspect("the axes are in the opposite order", lambda: wanted.T))
    if wanted.dtype.kind in "iu" and found.dtype.kind == "f" and found.shape == wanted.shape:
        near = bool((np.abs(found - wanted) < 1).all())
        text = "it computes with floats where an integer is due, and is not exact"
        suspects.append(Suspect(text, lambda: found if near else None))
    return suspects


def printed_answer(expected: Any, stdout: str, tolerance: Tolerance) -> bool:
    """Whether a function that returned None printed the right answer on a line of its own."""
    lines = stdout[:_PARSED_CHARACTERS].splitlines()
    return any(_means(line, expected, tolerance) for line in lines)


def given_as_text(expected: Any, got: Any, tolerance: Tolerance) -> bool:
    """Whether the answer is right but written as text: ``"True"``, ``"36"``, ``"[7, 2, 7]"``."""
    return isinstance(got, str) and not isinstance(expected, str) and _means(got, expected, tolerance)


def _means(text: str, expected: Any, tolerance: Tolerance) -> bool:
    stripped = text.strip()[:_PARSED_CHARACTERS]
    if stripped == str(expected):
        return True
    try:
        value = ast.literal_eval(stripped)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return False
    return mismatch(expected, value, tolerance) is None
