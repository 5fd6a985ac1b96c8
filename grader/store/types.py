"""Column types that read back what was written, on SQLite's STRICT tables and on PostgreSQL alike."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import REAL, Dialect, Double, Integer, Text, TypeDecorator
from sqlalchemy.types import TypeEngine

from grader.store.names import Book, book_of

__all__ = [
    "ByToken",
    "Digests",
    "Flag",
    "LiteralText",
    "Mention",
    "Real",
    "StudentName",
    "StudentNames",
    "StudentSeen",
    "StudentsSeen",
    "UtcTime",
    "escape",
    "unescape",
]

ValueT = TypeVar("ValueT")

#: SUBSTITUTE, the control character for "what stood here could not be sent": our escape.
_ESCAPE = "\x1a"
_UNSTORABLE = re.compile("[\x00\x1a\ud800-\udfff]")
_ESCAPED = re.compile(f"{_ESCAPE}([0-9a-f]{{4}})")


def escape(text: str) -> str:
    """Replaces what a database cannot hold: lone surrogates (SQLite) and NUL (PostgreSQL)."""
    return _UNSTORABLE.sub(lambda match: f"{_ESCAPE}{ord(match.group()):04x}", text)


def unescape(text: str) -> str:
    """Gives back exactly what `escape` was given."""
    if _ESCAPE not in text:
        return text
    return _ESCAPED.sub(lambda match: chr(int(match.group(1), 16)), text)


#: Turns what a database holds into a value.
_Read: TypeAlias = Callable[[Any], ValueT | None]


def _text_in(value: Any) -> str | None:
    if value.__class__ is str:
        return value if _ESCAPE not in value else unescape(value)
    if value is None:
        return None
    raise ValueError(f"no text: {value!r:.60}")


def _named_in(book: Book) -> _Read[str]:
    """Reads tokens as what they stand for; who is not known stays as they are."""
    named = book.text

    def read(token: Any) -> str | None:
        if token is None:
            return None
        if token.__class__ is not str:
            raise ValueError(f"no text: {token!r:.60}")
        text = named(token)
        return unescape(token) if text is None else text

    return read


def _number_in(value: Any) -> float | None:
    if value is not None and not (isinstance(value, (int, float)) and math.isfinite(value)):
        raise ValueError(f"no number: {value!r:.60}")
    return value


class LiteralText(TypeDecorator[str]):
    """Any Python text, stored as it is but for characters that the database refuses."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else escape(value)

    def result_processor(self, dialect: Dialect, coltype: Any) -> _Read[str]:
        """In place of `process_result_value`, which costs another call for each value that a page reads."""
        return _text_in


class StudentName(LiteralText):
    """What a student is called, stored as their token (`names.Book`); who is not known stays as they are."""

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else _bound(value, dialect)

    def result_processor(self, dialect: Dialect, coltype: Any) -> _Read[str]:
        return _named_in(book_of(dialect))


class ByToken(LiteralText):
    """Text that `ledger.append` replaces by a token where it is personal; read as what that stands for."""

    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: Any) -> _Read[str]:
        return _named_in(book_of(dialect))


#: A student, and the numbers of the verdict and of the mark that somebody had before their eyes.
StudentSeen = tuple[str, int | None, int | None]


class StudentsSeen(TypeDecorator[tuple[StudentSeen, ...]]):
    """Several students with what was seen of each, as compact JSON with their tokens."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Sequence[StudentSeen] | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        # Within JSON a name stands as JSON escapes it, as it did before there were tokens.
        tokens = [(unescape(_bound(student, dialect)), *seen) for student, *seen in value]
        return json.dumps(tokens, separators=(",", ":"))

    def process_result_value(self, value: Any | None, dialect: Dialect) -> tuple[StudentSeen, ...] | None:
        if value is None:
            return None
        return tuple((_text(escape(token), dialect), *seen) for token, *seen in json.loads(value))


class StudentNames(TypeDecorator[tuple[str, ...]]):
    """Several students, as compact JSON with their tokens."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        return json.dumps([unescape(_bound(student, dialect)) for student in value], separators=(",", ":"))

    def process_result_value(self, value: Any | None, dialect: Dialect) -> tuple[str, ...] | None:
        return None if value is None else tuple(_text(escape(token), dialect) for token in json.loads(value))


class Digests(TypeDecorator[tuple[str, ...]]):
    """Digests of files, with blanks between."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> str | None:
        return None if value is None else " ".join(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> tuple[str, ...] | None:
        return None if value is None else tuple(value.split())


class Mention(LiteralText):
    """A student, bound as the pattern of LIKE that finds them in `StudentsSeen`, with ``/`` as the escape."""

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        quoted = json.dumps(unescape(_bound(value, dialect)))
        return f"%{re.sub('[%_/]', lambda match: f'/{match.group()}', quoted)}%"


def _bound(student: str, dialect: Dialect) -> str:
    token = book_of(dialect).bound(student)
    return escape(student) if token is None else token


def _text(token: Any, dialect: Dialect) -> str:
    if not isinstance(token, str):
        raise ValueError(f"no text: {token!r:.60}")
    text = book_of(dialect).text(token)
    return unescape(token) if text is None else text


class UtcTime(TypeDecorator[datetime]):
    """An instant as ISO 8601 text in UTC with microseconds, so that text order is time order."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        moment = None if value is None else datetime.fromisoformat(value)
        if moment is not None and moment.tzinfo is None:
            raise ValueError(f"no offset from UTC: {value!r:.60}")
        return moment


class Flag(TypeDecorator[bool]):
    """A truth value as 0 or 1; STRICT tables know no BOOLEAN."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: bool | None, dialect: Dialect) -> int | None:
        return None if value is None else int(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> bool | None:
        if value not in (None, 0, 1):
            raise ValueError(f"no truth value: {value!r:.60}")
        return None if value is None else bool(value)


class Real(TypeDecorator[float]):
    """Eight bytes on every database; whole numbers become floats and -0.0 becomes 0.0, as SQLite has it."""

    # STRICT tables accept the word REAL only.
    impl: TypeEngine[float] = Double().with_variant(REAL(), "sqlite")
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:
        return None if value is None else float(value) + 0.0

    def result_processor(self, dialect: Dialect, coltype: Any) -> _Read[float]:
        return _number_in
