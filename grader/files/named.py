"""Files for people: written whole, and a clear word where they cannot be."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from grader.errors import UsageError
from grader.files.whole import write_whole_in_parts

__all__ = ["read_bytes", "read_json", "write_bytes", "write_text", "write_text_in_parts"]


def write_text(path: Path, text: str) -> None:
    """Writes a text file in UTF-8.

    Raises:
        UsageError: The place cannot be written.
    """
    write_text_in_parts(path, (text,))


def write_text_in_parts(path: Path, parts: Iterable[str]) -> None:
    """As `write_text`, of parts that need not be in memory together.

    Raises:
        UsageError: The place cannot be written.
    """
    _write(path, (part.encode("utf-8", "replace") for part in parts))


def write_bytes(path: Path, raw: bytes) -> None:
    """Writes a file.

    Raises:
        UsageError: The place cannot be written.
    """
    _write(path, (raw,))


def _write(path: Path, parts: Iterable[bytes]) -> None:
    try:
        write_whole_in_parts(path, parts)
    except OSError as error:
        raise UsageError(
            "this file cannot be written",
            where=str(path),
            found=error.strerror or str(error),
            todo="choose another place",
        ) from error


def read_bytes(path: Path) -> bytes:
    """Reads a file that a person named.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError("this file cannot be read", where=str(path), found=error.strerror) from error


def read_json(path: Path) -> Any:
    """Reads a JSON file that a person named.

    Raises:
        UsageError: It cannot be read, or is no JSON.
    """
    try:
        return json.loads(read_bytes(path))
    except (ValueError, RecursionError) as error:
        raise UsageError("this file is not JSON", where=str(path), found=str(error)) from error
