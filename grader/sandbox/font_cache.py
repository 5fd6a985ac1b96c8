"""Matplotlib's list of this machine's fonts, made once, for a sandbox without an image.

Listing them takes seconds on a machine with many, and each sandbox would do it again, before its first
submission. The image has a list of its own.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from grader.sandbox.wheels import cache_folder

__all__ = ["font_cache"]

_TIMEOUT_S = 600
_LISTS = "fontlist-*.json"


def font_cache(parent: Path | None = None) -> Path | None:
    """The folder with the list for this Python's matplotlib; None where it can neither be found nor made.

    Args:
        parent: Where folders are kept; the grader's cache where it is None.
    """
    # Without it all works as well, only slower.
    with suppress(OSError, PackageNotFoundError, subprocess.SubprocessError):
        named = hashlib.sha256(f"{sys.prefix}\0{version('matplotlib')}".encode()).hexdigest()[:16]
        folder = (parent or cache_folder()) / f"fonts-{named}"
        if not _is_complete(folder):
            _list_fonts(folder)
        return folder if _is_complete(folder) else None
    return None


def _is_complete(folder: Path) -> bool:
    return any(folder.glob(_LISTS))


def _list_fonts(folder: Path) -> None:
    """Has matplotlib write it aside; the first of several processes that come to this gives theirs."""
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}-", dir=folder.parent) as aside:
        subprocess.run(
            [sys.executable, "-c", "import matplotlib.font_manager"],
            env={**os.environ, "MPLCONFIGDIR": aside},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=True,
        )
        made = Path(aside) / "made"
        made.mkdir()
        for file in Path(aside).glob(_LISTS):
            shutil.copy(file, made)
        with suppress(OSError):
            made.rename(folder)
