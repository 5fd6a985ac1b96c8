"""Files that are either there in full or not at all."""

from __future__ import annotations

from pathlib import Path

__all__ = ["write_whole"]


def write_whole(path: Path, raw: bytes) -> None:
    """Writes a file beside its place and moves it there, so that no reader sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(raw)
        partial.replace(path)
    except BaseException:
        # A disk that is full has room again for whoever tries next.
        partial.unlink(missing_ok=True)
        raise
