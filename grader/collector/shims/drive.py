"""Folders that a notebook's author had made by hand: on Drive, on Colab's disk, or in another system."""

from __future__ import annotations

import builtins
import functools
import io
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from grader.collector.shims.context import Context
from grader.evidence.record import ShimKind

__all__ = ["install"]

_WINDOWS = re.compile(r"[A-Za-z]:[\\/]")
_WRITES = frozenset("wax")
_MKDIR = os.mkdir


def install(context: Context) -> None:
    """Makes missing parents where a notebook makes a folder, goes into one, or writes a file."""
    for owner, name, position in (
        (os, "mkdir", 0),
        (torch, "save", 1),
        (np, "save", 0),
        (np, "savetxt", 0),
    ):
        context.patches.replace(owner, name, _with_parents(context, getattr(owner, name), position))
    context.patches.replace(Path, "mkdir", _parents_first(Path.mkdir))
    context.patches.replace(os, "chdir", _chdir(context, os.chdir))
    for owner in (builtins, io):
        context.patches.replace(owner, "open", _opening(context, owner.open))
    _replace_in_shell(context)


def _replace_in_shell(context: Context) -> None:
    """IPython gives cells an ``open`` of its own, which counts as hidden as long as it is the same object."""
    given = context.namespace.get("open")
    if given is None:
        return
    opening = _opening(context, given)
    hidden = context.shell.user_ns_hidden
    for names in (context.namespace, hidden):
        names["open"] = opening
        context.undo.append(functools.partial(names.__setitem__, "open", given))


def _with_parents(context: Context, original: Callable[..., Any], position: int) -> Callable[..., Any]:
    @functools.wraps(original)
    def write(*args: Any, **kwargs: Any) -> Any:
        path = args[position] if len(args) > position else None
        if isinstance(path, str | os.PathLike):
            _make_parents(context, Path(os.fsdecode(path)))
        return original(*args, **kwargs)

    return write


def _parents_first(original: Callable[..., None]) -> Callable[..., None]:
    """Parents that a notebook asks for itself are none of ours: ``pathlib`` would try without them first."""

    @functools.wraps(original)
    def mkdir(self: Path, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        if parents and not self.parent.exists():
            mkdir(self.parent, parents=True, exist_ok=True)
        original(self, mode, parents, exist_ok)

    return mkdir


def _opening(context: Context, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def open(file: Any, mode: Any = "r", *args: Any, **kwargs: Any) -> Any:
        writes = isinstance(mode, str) and not _WRITES.isdisjoint(mode)
        if writes and isinstance(file, str | os.PathLike):
            _make_parents(context, Path(os.fsdecode(file)))
        return original(file, mode, *args, **kwargs)

    return open


def _chdir(context: Context, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def chdir(path: Any) -> None:
        if isinstance(path, str | os.PathLike):
            folder = Path(os.fsdecode(path))
            if not folder.exists():
                _make_parents(context, folder / "file")
                _lay_beside(context, folder)
        original(path)

    return chdir


def _lay_beside(context: Context, folder: Path) -> None:
    """Links what was handed in with the notebook into the folder that a notebook goes to as its own."""
    for path in context.handed_in if folder.is_dir() else ():
        link = folder / path.relative_to(context.work_dir)
        with suppress(OSError):
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)


def _make_parents(context: Context, path: Path) -> None:
    folder = path.parent
    if folder.is_dir():
        return
    on_drive = _is_on_drive(folder) or _WINDOWS.match(str(path)) is not None
    if not (on_drive or _is_own(context, folder)):
        return
    missing = [parent for parent in (folder, *folder.parents) if not parent.is_dir()]
    try:
        for parent in reversed(missing):
            _MKDIR(parent)
    except OSError:
        return  # the notebook's own call says what is wrong
    kind = ShimKind.COLAB_DRIVE if on_drive else ShimKind.FOLDER
    context.log.note(kind, f"the folder {str(folder)!r} was made")


def _is_on_drive(folder: Path) -> bool:
    """Below the folder that ``drive.mount`` made, or that folder itself."""
    return any(part.name in ("My Drive", "MyDrive") and part.is_dir() for part in (folder, *folder.parents))


def _is_own(context: Context, folder: Path) -> bool:
    """Below the working folder, where a file pane or an earlier session may have left it."""
    return folder.resolve().is_relative_to(context.work_dir.resolve())
