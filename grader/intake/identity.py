"""Student ids: one normal form, stored literally, never a path, and look-alikes told apart aloud.

Source: Unicode Technical Standard 39, "Unicode Security Mechanisms", for skeletons of confusable names; the
table here holds the Cyrillic and Greek letters that look like Latin ones, and digits that look like letters.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

from grader.intake.text import is_hidden, visible

__all__ = ["look_alikes", "normalise_id", "odd_characters"]

_MAX_LENGTH = 200
_TWINS = {
    "a": "аα", "b": "вβ", "c": "с", "d": "ԁ", "e": "еε", "h": "һ", "i": "іι", "j": "ј", "k": "кκ", "l": "ӏ1|",
    "m": "м", "n": "ոη", "o": "оο0", "p": "рρ", "q": "ԛ", "r": "г", "s": "ѕ", "t": "тτ", "u": "υ", "v": "ѵν",
    "w": "ԝω", "x": "хχ", "y": "уγ",
}  # fmt: skip
_LATIN = str.maketrans({twin: latin for latin, twins in _TWINS.items() for twin in twins})


def normalise_id(name: str) -> str:
    """Gives the one form in which an id is stored and compared: NFKC, no white space around it.

    Characters that nobody can see are written out, bytes that are no text too, and an overlong name is cut
    and ended by a digest of all of it.
    """
    shown = visible(unicodedata.normalize("NFKC", name).strip())
    if len(shown) <= _MAX_LENGTH:
        return shown
    return f"{shown[: _MAX_LENGTH - 17]}~{hashlib.sha256(shown.encode()).hexdigest()[:16]}"


def odd_characters(name: str) -> str | None:
    """Says what is odd in a name, None where nothing is."""
    if any(is_hidden(char) for char in name):
        return "the name holds characters that cannot be seen"
    if len(name) > _MAX_LENGTH:
        return f"the name is longer than {_MAX_LENGTH} characters and was cut"
    return None


def look_alikes(ids: Iterable[str]) -> list[tuple[str, ...]]:
    """Groups ids that a person could take for one another: case, Cyrillic or Greek letters, 0 for o."""
    groups: dict[str, set[str]] = defaultdict(set)
    for student in ids:
        groups[_skeleton(student)].add(student)
    return sorted(tuple(sorted(group)) for group in groups.values() if len(group) > 1)


def _skeleton(student: str) -> str:
    decomposed = unicodedata.normalize("NFD", student.casefold())
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    return plain.translate(_LATIN)
