"""Submissions that a person took out of what counts, in words."""

from __future__ import annotations

import shlex
from datetime import tzinfo

from grader.grading.times import in_words
from grader.store.allowances import Excuse
from grader.store.results import Result

__all__ = ["excused_in_words", "how_to_bring_back", "why_dropped"]


def why_dropped(result: Result) -> str:
    """Who dropped a submission or excused its student, when and why; empty where it counts."""
    drop = result.dropped
    if drop is None:
        return ""
    what = "excused" if drop.excused else "dropped"
    return f"{what} by {drop.by}, {in_words(drop.at, result.zone)}: {' '.join(drop.reason.split())}"


def excused_in_words(excuse: Excuse, zone: tzinfo | None) -> str:
    """Who excused a student who need not have handed in anything, when and why."""
    return f"excused by {excuse.by}, {in_words(excuse.at, zone)}: {' '.join(excuse.reason.split())}"


def how_to_bring_back(result: Result, name: str = "") -> str:
    """What to do where a dropped submission should count after all; `name` is what to call the student."""
    if result.dropped is not None and result.dropped.erased:
        return "nothing brings it back"
    whose = shlex.quote(name or result.student)
    command = "excuse" if result.dropped is not None and result.dropped.excused else "drop"
    return f"`grader {command} {whose} --assignment {result.assignment} --undo --reason TEXT` brings it back"
