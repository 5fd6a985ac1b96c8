"""Files for people: written whole, and a clear word where they cannot be."""

from __future__ import annotations

from pathlib import Path

from grader.errors import UsageError
from grader.workflows.datasets.files import write_whole

__all__ = ["write_text"]


def write_text(path: Path, text: str) -> None:
    """Writes a text file in UTF-8.

    Raises:
        UsageError: The place cannot be written.
    """
    try:
        write_whole(path, text.encode("utf-8", "replace"))
    except OSError as error:
        raise UsageError(
            "this file cannot be written",
            where=str(path),
            found=error.strerror or str(error),
            todo="choose another place",
        ) from error
