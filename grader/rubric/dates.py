"""Dates of a rubric that name no time zone: read in the course's, and kept with their offset."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo

from grader.rubric.text import SourceText, parse_yaml

__all__ = ["DATES", "with_offsets"]

#: Keys that hold dates, by the part of a rubric that they are in.
DATES = {"late": ("due", "until"), "remarks": ("remarks_open_from", "remarks_open_until")}
_NAIVE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d)?")


def with_offsets(text: str, zone: tzinfo | None, name: str) -> str:
    """A rubric's text with the offset from UTC behind each date that has none.

    The history keeps this text, so that a verdict's dates stay the same whatever zone the course names later.
    Of an hour that a clock shows twice the later one is meant, in favour of who hands in.

    Args:
        text: YAML.
        zone: The course's; with None the text stays as it is, and its reader refuses such dates.
        name: For messages.

    Raises:
        RubricError: It is no YAML.
    """
    if zone is None or not _NAIVE.search(text):
        return text
    source = parse_yaml(text, name)
    lines = text.splitlines(keepends=True)
    for path, date in _naive_dates(source):
        number = source.line_of(path) - 1
        behind = re.escape(date) + r"(?![\d:.+Z-])"
        lines[number] = re.sub(
            rf"(\b{path[-1]}[\"']?\s*:\s*[\"']?){behind}",
            lambda found, date=date: f"{found[1]}{date}{_offset(date, zone)}",  # type: ignore[misc]
            lines[number],
            count=1,
        )
    return "".join(lines)


def _naive_dates(source: SourceText) -> list[tuple[tuple[str, str], str]]:
    found = []
    for part, keys in DATES.items():
        given = source.data.get(part) if isinstance(source.data, dict) else None
        dates = given if isinstance(given, dict) else {}
        for key in keys:
            date = dates.get(key)
            if isinstance(date, str) and _NAIVE.fullmatch(date):
                found.append(((part, key), date))
    return found


def _offset(date: str, zone: tzinfo) -> str:
    """As ISO 8601 has it: ``+01:00``; nothing for what is no date, which the reader refuses."""
    try:
        moment = datetime.fromisoformat(date)
    except ValueError:
        return ""
    return moment.replace(tzinfo=zone, fold=1).isoformat()[len(moment.isoformat()) :]
