"""Moments in words, with their zone: the course's where it has named one, else UTC. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

__all__ = ["date_in_words", "in_words", "in_zone", "lasting"]


def in_zone(moment: datetime, zone: tzinfo | None) -> datetime:
    """The same instant by the course's clocks; as it is where the course has named no zone."""
    return moment if zone is None else moment.astimezone(zone)


def in_words(moment: datetime, zone: tzinfo | None = None) -> str:
    """What happened, to the second: ``2026-03-10 13:00:05 CET``; in UTC where the course named no zone."""
    return _local(moment, zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def date_in_words(moment: datetime, zone: tzinfo | None = None) -> str:
    """A date that the course set: with seconds where it has any, as one that ends a day at 23:59:59."""
    return _local(moment, zone).strftime("%Y-%m-%d %H:%M:%S %Z" if moment.second else "%Y-%m-%d %H:%M %Z")


def _local(moment: datetime, zone: tzinfo | None) -> datetime:
    return moment.astimezone(UTC if zone is None else zone)


def lasting(span: timedelta) -> str:
    """``40 s``, ``12 min``, ``3 h 20 min``, ``2 days``."""
    seconds = max(0, round(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours // 24} days"
