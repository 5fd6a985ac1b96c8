"""Text from students' files and file names, made fit to be stored."""

from __future__ import annotations

import unicodedata

__all__ = ["is_hidden", "plain_text", "visible"]

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def plain_text(text: str) -> str:
    """Replaces lone surrogates by U+FFFD, since neither UTF-8 nor SQLite can hold them."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def visible(text: str) -> str:
    """Writes out what nobody can see (controls, direction marks, zero-width characters) as ``<U+202E>``.

    A file name may hold them, and a terminal would obey them.
    """
    if text.isprintable():
        return text
    return "".join(f"<U+{ord(char):04X}>" if is_hidden(char) else char for char in text)


def is_hidden(char: str) -> bool:
    return unicodedata.category(char) in _HIDDEN
