"""Weights that a notebook loads from a file handed in with it: they were trained elsewhere, unseen."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from grader.collector.shims.context import Context
from grader.evidence.record import ShimKind

__all__ = ["install"]

_Stamp = tuple[int, int]


def install(context: Context) -> None:
    """Notes each ``torch.load`` of such a file, as long as the notebook has not written it anew."""
    if context.handed_in:
        stamps = {path.resolve(): _stamp(path) for path in context.handed_in}
        context.patches.replace(torch, "load", _noting(context, stamps, torch.load))


def _noting(
    context: Context, stamps: dict[Path, _Stamp | None], original: Callable[..., Any]
) -> Callable[..., Any]:
    @functools.wraps(original)
    def load(f: Any, *args: Any, **kwargs: Any) -> Any:
        name = f if isinstance(f, str | os.PathLike) else getattr(f, "name", None)
        if isinstance(name, str | os.PathLike):
            path = Path(os.fsdecode(name)).resolve()
            if path in stamps and _stamp(path) == stamps[path]:
                context.log.note(ShimKind.HANDED_IN_FILE, f"torch.load of {path.name}")
        return original(f, *args, **kwargs)

    return load


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
