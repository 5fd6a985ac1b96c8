"""Text from students' files and file names, made fit to be stored."""

from __future__ import annotations

__all__ = ["plain_text"]


def plain_text(text: str) -> str:
    """Replaces lone surrogates by U+FFFD, since neither UTF-8 nor SQLite can hold them."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
