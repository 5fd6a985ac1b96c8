"""Times as course systems write them, always with a time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

__all__ = ["read_time", "read_timestamp"]

_TIME = re.compile(r"(?P<time>\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)(?P<part>\.\d+)?\s*(?P<zone>\S*)")
_OFFSET = re.compile(r"[+-]\d\d:?\d\d")


def read_timestamp(raw: bytes) -> datetime | None:
    """Reads nbgrader's ``timestamp.txt``, as ``2026-02-02 15:58:23.948203 America/Toronto``."""
    return read_time(raw[:200].decode("utf-8", "replace"))


def read_time(text: str) -> datetime | None:
    """Reads a date and time with an offset or the name of a zone, UTC where there is neither.

    Returns:
        None where the text is no such time: when a file came is never guessed.
    """
    match = _TIME.match(text.strip())
    if match is None:
        return None
    zone = _zone(match["zone"])
    if zone is None:
        return None
    try:
        moment = datetime.fromisoformat(match["time"])
    except ValueError:
        return None
    microsecond = round(float(match["part"] or 0) * 1_000_000) % 1_000_000
    return moment.replace(microsecond=microsecond, tzinfo=zone)


def _zone(name: str) -> tzinfo | None:
    if name in ("", "Z", "UTC", "GMT"):
        return UTC
    if _OFFSET.fullmatch(name):
        return datetime.strptime(name, "%z").tzinfo
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None
