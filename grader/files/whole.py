"""Files that are either there in full or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

__all__ = ["write_whole", "write_whole_in_parts"]


def write_whole(path: Path, raw: bytes) -> None:
    """Writes a file beside its place and moves it there, so that no reader sees half of it."""
    write_whole_in_parts(path, (raw,))


def write_whole_in_parts(path: Path, parts: Iterable[bytes]) -> None:
    """As `write_whole`, of parts that need not be in memory together; nothing is written where one fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as file:
            file.writelines(parts)
        partial.replace(path)
    except BaseException:
        # A disk that is full has room again for whoever tries next.
        partial.unlink(missing_ok=True)
        raise
