"""Submissions that a person took out of what counts, in words."""

from __future__ import annotations

import shlex

from grader.store.results import Result

__all__ = ["how_to_bring_back", "why_dropped"]


def why_dropped(result: Result) -> str:
    """Who dropped a submission, when and why; empty where it counts."""
    drop = result.dropped
    if drop is None:
        return ""
    return f"dropped by {drop.by}, {drop.at:%Y-%m-%d %H:%M} UTC: {' '.join(drop.reason.split())}"


def how_to_bring_back(result: Result, name: str = "") -> str:
    """What to do where a dropped submission should count after all; `name` is what to call the student."""
    whose = shlex.quote(name or result.student)
    return f"`grader drop {whose} --assignment {result.assignment} --undo --reason TEXT` brings it back"
