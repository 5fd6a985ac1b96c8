"""What several criteria ask of one attempt, worked out once for all of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar, TypeVarTuple

from grader.facts.case import Case

__all__ = ["once"]

Asked = TypeVarTuple("Asked")
Answer = TypeVar("Answer")


def once(work: Callable[[Case, *Asked], Answer]) -> Callable[[Case, *Asked], Answer]:
    """Keeps what a function gives with the attempt's facts, by its arguments, which have to be hashable.

    Only for functions that ask nothing of a case but what all cases of an attempt share, so not its section,
    watched names or peers.
    """

    @wraps(work)
    def asked(case: Case, *arguments: *Asked) -> Answer:
        kept, key = case.facts.kept, (work, arguments)
        if key not in kept:
            kept[key] = work(case, *arguments)
        answer: Answer = kept[key]
        return answer

    return asked
