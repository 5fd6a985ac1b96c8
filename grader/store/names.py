"""The book of names: which token stands in sealed rows for which text, so that a text can be erased.

A row of the history is sealed for ever, so it holds a token where a person's name or the path of their file
would stand. The token is a digest over the text and a salt made by chance: while both are there, an audit
proves that nobody gave a row to another person; once the salt is gone with the text, no name can be tried.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias
from weakref import WeakKeyDictionary, WeakMethod

from sqlalchemy import Dialect

__all__ = ["ERASED", "PATH", "STUDENT", "Book", "Name", "book_of", "is_token", "new_salt", "token_of"]

#: What a text is: what a student is called, or where a file of theirs came from.
STUDENT = "student"
PATH = "path"
#: What an erased person's label begins with.
ERASED = "erased-"
_PREFIX = "p-"
_LETTERS = 40
_TOKEN = re.compile(f"{_PREFIX}[a-z2-7]{{{_LETTERS}}}")
_SHORTEST_LABEL = 6
#: Begins what stands for no text at all: the databases' escape of itself, which no name is stored as.
_NOBODY = "\x1a\x1a"


#: Lets go of what stands on texts from before a change, given by its number.
Forget: TypeAlias = Callable[[int], None]


def new_salt() -> str:
    """128 bits by chance, in hex: too many to try."""
    return secrets.token_hex(16)


def token_of(kind: str, person: str, salt: str, text: str) -> str:
    """The token of a text: 200 bits of SHA-256 in base 32, so that nobody finds two texts with one token.

    Args:
        kind: `STUDENT` or `PATH`.
        person: Token of whom it is about; empty for a student's own.
        salt: As `new_salt` made it.
        text: What it stands for.
    """
    content = json.dumps([kind, person, salt, text], separators=(",", ":"), ensure_ascii=True)
    digest = hashlib.sha256(content.encode("ascii")).digest()
    return _PREFIX + base64.b32encode(digest).decode("ascii").lower()[:_LETTERS]


def is_token(text: str) -> bool:
    """Whether a text has the form of a token."""
    return _TOKEN.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Name:
    """A token with its text.

    Attributes:
        token: As it stands in rows; the text itself for who was there before tokens were.
        text: What it stands for; of an erased student a label, of an erased path nothing.
        erased: Whether the text is gone.
        changed: Counts up with each change of any name; a greater one is newer.
    """

    token: str
    kind: str
    text: str
    erased: bool
    changed: int


class Book:
    """All names of a database, in memory. Safe to share between threads.

    Attributes:
        seen: Up to which change it has read what is kept.
        erased: The newest change that it has read by which a text was erased; 0 where there was none.
    """

    def __init__(self) -> None:
        self.seen = 0
        self.erased = 0
        self._forgetting: list[WeakMethod[Forget]] = []
        self._names: dict[str, Name] = {}
        self._students: dict[str, str] = {}
        self._lock = threading.Lock()

    def text(self, token: str) -> str | None:
        """What a token stands for; None where it is none of this book."""
        name = self._names.get(token)
        return None if name is None else name.text

    def token(self, student: str) -> str | None:
        """The token of a student; None where nobody is called so."""
        return self._students.get(student)

    def bound(self, student: str) -> str | None:
        """What to look for where a student is asked for; None to look for the text as it is.

        A text that reads like somebody's token is nobody's name.
        """
        token = self._students.get(student)
        return _NOBODY + student if token is None and student in self._names else token

    def is_erased(self, student: str) -> bool:
        """Whether this is the label of somebody who was erased."""
        token = self._students.get(student)
        return token is not None and self._names[token].erased

    def label_of(self, token: str) -> str:
        """What to call a student whose name is gone: as much of the token as nobody else is called by."""
        letters = token.removeprefix(_PREFIX)
        ends = range(_SHORTEST_LABEL, len(letters) + 1)
        return next(
            label for end in ends if self._students.get(label := ERASED + letters[:end], token) == token
        )

    def learn(self, names: Iterable[Name]) -> None:
        """Takes over what was read from the database, unless something newer is known already.

        Whoever keeps what people wrote is told where a text was erased since.
        """
        read = list(names)
        with self._lock:
            before = self.erased
            self.erased = max((name.changed for name in read if name.erased), default=0)
            self.erased = max(before, self.erased)
            for name in read:
                known = self._names.get(name.token)
                if known is None or known.changed < name.changed:
                    self._put(name.token, name)
                self.seen = max(self.seen, name.changed)
            told = [forget() for forget in self._forgetting] if self.erased > before else []
        for forget in told:
            if forget is not None:
                forget(self.erased)

    def when_erased(self, forget: Forget) -> None:
        """Has a method told of each change by which a text was erased, for as long as its object lives."""
        with self._lock:
            self._forgetting = [each for each in self._forgetting if each() is not None]
            self._forgetting.append(WeakMethod(forget))

    def change(self, name: Name) -> Name | None:
        """Takes over what is being written, before it is kept.

        Returns:
            What it replaces, for `take_back`; None where it is new.
        """
        with self._lock:
            before = self._names.get(name.token)
            self._put(name.token, name)
        return before

    def take_back(self, changes: Mapping[str, Name | None]) -> None:
        """Forgets what was written and not kept.

        Args:
            changes: By token, what was there before.
        """
        with self._lock:
            for token, before in changes.items():
                self._put(token, before)

    def _put(self, token: str, name: Name | None) -> None:
        before = self._names.get(token)
        if before is not None and self._students.get(before.text) == token:
            del self._students[before.text]
        if name is None:
            self._names.pop(token, None)
            return
        self._names[token] = name
        if name.kind == STUDENT:
            self._students[name.text] = token


_BOOKS: WeakKeyDictionary[Dialect, Book] = WeakKeyDictionary()
_MAKING = threading.Lock()


def book_of(dialect: Dialect) -> Book:
    """The book of the database that an engine's dialect speaks to: column types know nothing else of it."""
    book = _BOOKS.get(dialect)
    if book is None:
        with _MAKING:
            book = _BOOKS.setdefault(dialect, Book())
    return book
