"""Files that the notebook writes into its work folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from grader.evidence.record import FileWritten

__all__ = ["WorkFolder"]

_MAX_FILES = 20_000
_MAX_NEW = 2_000
_LEFT_OUT = frozenset({"__pycache__", "sample_data"})
_SCANDIR = os.scandir


class WorkFolder:
    """Compares the folder with how it was at the last look; links are not followed.

    Attributes:
        overflowed: There were more files than are told of.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._known: dict[str, tuple[int, int]] = {}
        self.overflowed = False

    def look(self) -> dict[str, int]:
        """Paths of new and changed files, relative to the folder, with their sizes in bytes."""
        now = dict(self._files())
        changed = {
            path: size for path, (stamp, size) in now.items() if self._known.get(path) != (stamp, size)
        }
        self._known = now
        return changed

    def written(self, cell: int) -> tuple[FileWritten, ...]:
        """What a cell wrote since the last look."""
        changed = self.look()
        self.overflowed = self.overflowed or len(changed) > _MAX_NEW
        kept = sorted(changed.items())[:_MAX_NEW]
        return tuple(FileWritten(path=path, cell=cell, size_bytes=size) for path, size in kept)

    def _files(self) -> Iterator[tuple[str, tuple[int, int]]]:
        folders = [self._folder]
        count = 0
        while folders:
            folder = folders.pop()
            try:
                entries = list(_SCANDIR(folder))
            except OSError:
                continue
            for entry in entries:
                if entry.name.startswith(".") or entry.name in _LEFT_OUT:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    yield self._described(entry)
                    count += 1
                    if count >= _MAX_FILES:
                        self.overflowed = True
                        return

    def _described(self, entry: os.DirEntry[str]) -> tuple[str, tuple[int, int]]:
        status = entry.stat(follow_symlinks=False)
        path = os.path.relpath(entry.path, self._folder).encode("utf-8", "replace").decode()
        return path, (status.st_mtime_ns, status.st_size)
