"""Moments as a person types them: by the course's clocks, where they name no zone."""

from __future__ import annotations

from datetime import datetime, tzinfo

from grader.errors import UsageError

__all__ = ["moment"]


def moment(typed: str, zone: tzinfo | None, what: str) -> datetime:
    """A date with its time of day.

    Args:
        typed: In ISO 8601, as browsers and people write it.
        zone: The course's; None where it has named none.
        what: What it is, for messages.

    Raises:
        UsageError: It is none, or nobody knows in which zone.
    """
    try:
        found = datetime.fromisoformat(typed.strip())
    except ValueError as error:
        raise UsageError(f"{what} is no time", expected="2026-03-10T23:59", found=typed[:60]) from error
    if len(typed.strip()) <= len("2026-03-10"):
        raise UsageError(f"{what} has no time of day", expected=f"{typed.strip()}T23:59", found=typed.strip())
    if found.tzinfo is not None:
        return found
    if zone is None:
        raise UsageError(
            f"{what} names no time zone, and the course has none",
            expected=f"{typed.strip()}+01:00",
            todo="`grader db zone Europe/Berlin` names the course's",
        )
    # Of an hour that a clock shows twice the later one is meant, in favour of who hands in.
    return found.replace(tzinfo=zone, fold=1)
