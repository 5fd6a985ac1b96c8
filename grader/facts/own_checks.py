"""What a course's own functions say of an attempt: measured in the sandbox, judged outside."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grader.errors import CourseCodeError
from grader.evidence.plan import FunctionProbe
from grader.evidence.record import FunctionRecord
from grader.facts.calls import Answer, answer_of
from grader.facts.case import Case
from grader.facts.known import Fact, Known, Unknown
from grader.facts.notebook import is_own, printed_by_us, stored_text
from grader.facts.values.plain import Unreadable, jsonable, plain, show

__all__ = ["Opinion", "attempt_of", "measured", "opinion", "why_no_measure"]

_MOST_SAID = 600


@dataclass(frozen=True)
class Opinion:
    """What the course's own function says.

    Attributes:
        share: Of the points, 0 to 1.
        said: For the student; empty where it says nothing.
    """

    share: float
    said: str


def why_no_measure(code: str) -> str:
    """Why Python of the course's own cannot be measured with; empty where it can."""
    try:
        tree = ast.parse(code)
    except SyntaxError as error:
        return f"'measure' is no Python: line {error.lineno}: {error.msg}"
    defined = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    return (
        "" if "measure" in defined else "'measure' has to define a function of this name: def measure(): ..."
    )


def measured(case: Case, probe: FunctionProbe) -> Fact[Answer]:
    """What the course's own code found in the sandbox.

    Raises:
        CourseCodeError: It raised, took too long, or gave what evidence cannot hold: the course's to mend.
    """
    result = case.probe(probe)
    if result is None:
        return Unknown("it was never measured in this attempt")
    record = result.record
    if result.status != "ok" or not isinstance(record, FunctionRecord) or not record.calls:
        said = f"{result.error.type}: {result.error.message}" if result.error else result.detail
        raise _broken(said or "it gave no answer")
    answer = answer_of("measure", record.calls[0], case.bundle)
    if answer.error is not None:
        raise _broken(f"{answer.error.type}: {answer.error.message}")
    if isinstance(answer.seen, Unknown):
        raise _broken(f"evidence cannot hold what it gives: {answer.seen.why}")
    if _is_opaque(answer.got):
        raise _broken(f"evidence cannot hold what it gives: {show(answer.got)}")
    return answer.seen


def attempt_of(case: Case, found: Answer | None, watched: Sequence[str]) -> dict[str, Any]:
    """An attempt as the course's own function gets it: plain data, arrays as nested lists.

    Args:
        case: The attempt.
        found: What was measured; None where nothing was.
        watched: Names whose values are wanted.
    """
    values: dict[str, Any] = {}
    for each in case.evidence.values:
        if each.name in watched:
            values[each.name] = jsonable(plain(each.value, case.bundle))
    return {
        "cells": [
            {
                "index": cell.index,
                "kind": cell.kind,
                "source": cell.source,
                "own": is_own(cell, case),
                "printed": printed_by_us(cell),
                "stored": stored_text(cell),
                "error": None if cell.run is None or cell.run.error is None else cell.run.error.type,
            }
            for cell in case.evidence.cells
        ],
        "section": [cell.index for cell in case.section_cells()],
        "values": values,
        "measured": None if found is None else jsonable(found.got),
    }


def opinion(case: Case, name: str, attempt: Mapping[str, Any], limit_s: float) -> Fact[Opinion]:
    """What the course's own function of this name makes of an attempt; unknown where it cannot tell.

    Raises:
        CourseCodeError: There is none, it failed, or what it returned is no opinion.
    """
    checks = case.reference.checks
    if name not in checks:
        raise CourseCodeError(
            f"the reference has no check '{name}'",
            todo="enter it in CHECKS of the reference folder's __init__.py",
        )
    answer = checks[name](attempt, limit_s)
    share, said = answer if isinstance(answer, list | tuple) and len(answer) == 2 else (answer, "")
    if not isinstance(said, str) or not _is_share(share):
        raise CourseCodeError(
            f"the course's own check '{name}' returned {str(answer)[:80]}",
            todo="return True, False, a share from 0 to 1, or None for a TA; with a text, as a pair",
        )
    said = said.strip()[:_MOST_SAID]
    if share is None:
        return Unknown(said or "the course's own check could not tell")
    return Known(Opinion(share, said))


def _is_opaque(value: Any) -> bool:
    """Whether there is an object in it of which evidence has the name alone."""
    if isinstance(value, Mapping):
        return any(map(_is_opaque, value.values()))
    return isinstance(value, Unreadable) or (isinstance(value, list | tuple) and any(map(_is_opaque, value)))


def _is_share(share: Any) -> bool:
    return share is None or (isinstance(share, bool | int | float) and 0 <= share <= 1)


def _broken(why: str) -> CourseCodeError:
    return CourseCodeError(f"the course's own `measure` failed: {why}", todo="mend it in the rubric")
