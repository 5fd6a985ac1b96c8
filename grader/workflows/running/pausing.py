"""What is paused, in words for whoever waits."""

from __future__ import annotations

from grader.store import History, Store

__all__ = ["is_paused", "pauses_in_words"]


def is_paused(history: History, assignment: str) -> bool:
    """Whether a file of this assignment that comes now is not run before somebody resumes it."""
    return any(each.assignment in ("", assignment) for each in history.pauses())


def pauses_in_words(store: Store) -> str:
    """Who paused what, and why, in one line; empty where nothing is paused."""
    with store.reading() as history:
        found = history.pauses()
    return "; ".join(
        f"{each.by} {'drains' if each.drains else 'paused'} {each.assignment or 'the queue'}: {each.reason}"
        for each in found
    )
