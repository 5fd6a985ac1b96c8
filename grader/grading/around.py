"""A part whose heading was deleted or renamed: what stands in the part around it is judged for a TA."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from grader.facts.case import Case
from grader.facts.notebook import located
from grader.judging.judgement import Judgement, Status

__all__ = ["judged_around"]

_EARNS = (Status.PASS, Status.PARTIAL)


def judged_around(case: Case, judge: Callable[[Case], Judgement]) -> Judgement:
    """Judges a criterion, and where its section was not found, what the part around it has.

    That the answer is missing from a section that is not there costs nothing: nobody knows where it stands.
    One that the part around it has earns nothing by itself either, as it may answer another question.
    """
    judgement = judge(case)
    outer = _around(case)
    if outer is None or judgement.status is Status.PASS or judgement.where:
        return judgement
    found = judge(replace(case, section=outer))
    lost, around = (case.sections[name].title for name in (case.section or outer, outer))
    message = f"The part '{lost}' was not found in the notebook."
    more: dict[str, Any] = {"where": found.where, "exhibits": found.exhibits}
    if found.status in _EARNS:
        why = f"But in '{around}', which it belongs to, the answer may stand: {found.message}"
        return Judgement.needs_ta(message, open=why, **more)
    if judgement.status is Status.FAIL and found.status is not Status.FAIL:
        why = f"The answer may stand elsewhere in '{around}'. {judgement.message}"
        return Judgement.needs_ta(message, open=why, **more)
    return judgement


def _around(case: Case) -> str | None:
    """The nearest part around a section that was not found; None where it was found, or nothing is around."""
    if case.section is None or located(case):
        return None
    outer = case.sections[case.section].within
    while outer is not None and not located(case, outer):
        outer = case.sections[outer].within
    return outer
