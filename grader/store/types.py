"""Column types that read back what was written, on SQLite's STRICT tables and on PostgreSQL alike."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import REAL, Dialect, Double, Integer, Text, TypeDecorator
from sqlalchemy.types import TypeEngine

__all__ = ["Flag", "LiteralText", "Real", "UtcTime", "escape", "unescape"]

#: SUBSTITUTE, the control character for "what stood here could not be sent": our escape.
_ESCAPE = "\x1a"
_UNSTORABLE = re.compile("[\x00\x1a\ud800-\udfff]")
_ESCAPED = re.compile(f"{_ESCAPE}([0-9a-f]{{4}})")


def escape(text: str) -> str:
    """Replaces what a database cannot hold: lone surrogates (SQLite) and NUL (PostgreSQL)."""
    return _UNSTORABLE.sub(lambda match: f"{_ESCAPE}{ord(match.group()):04x}", text)


def unescape(text: str) -> str:
    """Gives back exactly what `escape` was given."""
    return _ESCAPED.sub(lambda match: chr(int(match.group(1), 16)), text)


class LiteralText(TypeDecorator[str]):
    """Any Python text, stored as it is but for characters that the database refuses."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else escape(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> str | None:
        return None if value is None else unescape(value)


class UtcTime(TypeDecorator[datetime]):
    """An instant as ISO 8601 text in UTC with microseconds, so that text order is time order."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)


class Flag(TypeDecorator[bool]):
    """A truth value as 0 or 1; STRICT tables know no BOOLEAN."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: bool | None, dialect: Dialect) -> int | None:
        return None if value is None else int(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> bool | None:
        return None if value is None else bool(value)


class Real(TypeDecorator[float]):
    """Eight bytes on every database; whole numbers become floats and -0.0 becomes 0.0, as SQLite has it."""

    # STRICT tables accept the word REAL only.
    impl: TypeEngine[float] = Double().with_variant(REAL(), "sqlite")
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:
        return None if value is None else float(value) + 0.0
