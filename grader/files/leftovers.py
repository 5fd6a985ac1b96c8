"""What killed processes left among temporary files."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["remove_leftovers"]

_PATTERNS = tuple(
    f"grader-{what}-*" for what in ("image", "base", "pdf", "photos", "db", "sessions", "worker", "upload")
)
#: Nothing of ours takes so long, and nobody waits for the room.
_SETTLED_S = 24 * 3600.0


def remove_leftovers(parent: Path | None = None) -> int:
    """Removes our temporary files and folders that are a day old.

    Args:
        parent: Where they are; the system's place for temporary files where it is None.

    Returns:
        How many there were.
    """
    count = 0
    place = parent or Path(tempfile.gettempdir())
    for path in (path for pattern in _PATTERNS for path in place.glob(pattern)):
        with suppress(OSError):
            status = path.lstat()
            if status.st_uid != os.getuid() or time.time() - status.st_mtime < _SETTLED_S:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
            count += 1
    return count
