"""Folders that a notebook's author had made by hand on Drive, or on a disk of another system."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from grader.collector.shims.context import Context
from grader.evidence.record import ShimKind

__all__ = ["install"]

_WINDOWS = re.compile(r"[A-Za-z]:[\\/]")
_MKDIR = os.mkdir


def install(context: Context) -> None:
    """Makes missing parents where a notebook makes a folder or saves numbers on Drive."""
    for owner, name, position in (
        (os, "mkdir", 0),
        (torch, "save", 1),
        (np, "save", 0),
        (np, "savetxt", 0),
    ):
        context.patches.replace(owner, name, _with_parents(context, getattr(owner, name), position))


def _with_parents(context: Context, original: Callable[..., Any], position: int) -> Callable[..., Any]:
    @functools.wraps(original)
    def write(*args: Any, **kwargs: Any) -> Any:
        path = args[position] if len(args) > position else None
        if isinstance(path, str | os.PathLike):
            _make_parents(context, Path(os.fsdecode(path)))
        return original(*args, **kwargs)

    return write


def _make_parents(context: Context, path: Path) -> None:
    folder = path.parent
    if folder.is_dir() or not (_is_on_drive(folder) or _WINDOWS.match(str(path))):
        return
    missing = [parent for parent in (folder, *folder.parents) if not parent.is_dir()]
    try:
        for parent in reversed(missing):
            _MKDIR(parent)
    except OSError:
        return  # the notebook's own call says what is wrong
    context.log.note(ShimKind.COLAB_DRIVE, f"the folder {str(folder)!r} was made")


def _is_on_drive(folder: Path) -> bool:
    """Below the folder that ``drive.mount`` made."""
    return any(part.name in ("My Drive", "MyDrive") and part.is_dir() for part in folder.parents)
