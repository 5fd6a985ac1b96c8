"""The collector's code in a folder, for a sandbox without an image; what killed runs left is removed."""

from __future__ import annotations

import compileall
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from grader.sandbox.resources import code_files

__all__ = ["MOUNTED", "CodeFolder"]

#: Where the folder is inside a sandbox.
MOUNTED = "/opt/code"

_PREFIX = "grader-code-"
#: Younger ones may belong to a run that has not come to lock its own yet.
_SETTLED_S = 60.0


class CodeFolder:
    """A temporary folder with the code, locked as long as this process lives, however it ends.

    Args:
        parent: Where folders are made; the system's place for temporary files where it is None.
    """

    def __init__(self, parent: Path | None = None) -> None:
        parent = parent or Path(tempfile.gettempdir())
        _remove_left(parent)
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        for name, content in code_files().items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        # Nothing can be written inside, so that each sandbox would compile it again, twice.
        compileall.compile_dir(self.path, quiet=2, stripdir=str(self.path), prependdir=MOUNTED)

    def remove(self) -> None:
        """Safe to call twice."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _remove_left(parent: Path) -> None:
    """Removes our folders that no living process holds."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError), _locked(folder):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        status = os.fstat(descriptor)
        if status.st_uid != os.getuid() or time.time() - status.st_mtime < _SETTLED_S:
            raise PermissionError(f"{folder} may be somebody's")
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
