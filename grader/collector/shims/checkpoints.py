"""Checkpoints of every epoch in a small work folder: where room gets short, older ones share a file.

Under a training budget they differ by a few steps; all of them can still be listed and loaded.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from grader.collector.shims.context import Context
from grader.evidence.record import ShimKind

__all__ = ["install"]

#: More than the checkpoint of a large network, AlexNet's 233 MiB.
_SHORT_BYTES = 384 * 1024 * 1024
#: Sizes of one network's checkpoints differ a little: each tensor's entry carries the file's name.
_SAME_SIZE_BYTES = 16 * 1024
_EPOCH = re.compile(r"\d+(?=\D*(\.[A-Za-z]\w*)?$)")


def install(context: Context) -> None:
    """Watches ``torch.save`` under a training budget; full training keeps every checkpoint as it is."""
    if context.plan.training.mode == "budget":
        context.patches.replace(torch, "save", _saving(_Shelf(context), torch.save))


def _saving(shelf: _Shelf, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def save(obj: Any, f: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(f, str | os.PathLike):
            return original(obj, f, *args, **kwargs)
        path = Path(os.fsdecode(f)).absolute()
        with suppress(OSError):
            shelf.make_room(path)
        answer = original(obj, f, *args, **kwargs)
        shelf.put(path)
        return answer

    return save


class _Shelf:
    """Files saved so far, by their names without the last number (the epoch), oldest first."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._families: dict[str, dict[Path, None]] = {}

    def put(self, path: Path) -> None:
        family = self._families.setdefault(_EPOCH.sub("#", str(path), count=1), {})
        family.pop(path, None)
        family[path] = None

    def make_room(self, path: Path) -> None:
        """Lets go of a shared file that is to be written, and shares files where there is little room.

        Raises:
            OSError: Files are gone or cannot be linked; saving then shows what is wrong.
        """
        if path.exists() and path.stat().st_nlink > 1:
            path.unlink()
        room = os.statvfs(path.parent)
        if room.f_bavail * room.f_frsize >= _SHORT_BYTES:
            return
        self._context.log.note(ShimKind.TRAINING_BUDGET, "older checkpoints share the newest one's file")
        for family in self._families.values():
            self._share(family)

    def _share(self, family: dict[Path, None]) -> None:
        files = [path for path in family if path.is_file()]
        for path in files[:-1]:
            if abs(path.stat().st_size - files[-1].stat().st_size) <= _SAME_SIZE_BYTES:
                path.unlink()
                os.link(files[-1], path)
