"""``ImageFolder`` on a Colab path that is not here: the mounted gesture pictures stand in."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import torchvision.datasets as datasets
from torchvision.datasets.folder import IMG_EXTENSIONS

from grader.collector.shims.context import Context

__all__ = ["install", "stand_in_folder"]

#: Words in a student's path, and the stand-in subfolders that fit them, best first.
_PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"overfit|small|sanity|tiny", ("small", "overfit", "train")),
    (r"valid|val\b|val_|_val|validating", ("val", "valid", "validation", "test")),
    (r"test|own|additional", ("test", "val")),
    (r"train", ("train",)),
)


def install(context: Context) -> None:
    """Redirects ``ImageFolder`` where the folder asked for holds no pictures and gestures are mounted."""
    if context.data_dir is None or not (context.data_dir / "gestures").is_dir():
        return
    gestures = context.data_dir / "gestures"
    original = datasets.ImageFolder.__init__

    @functools.wraps(original)
    def init(self: Any, root: Any, *args: Any, **kwargs: Any) -> None:
        if _has_pictures(Path(root)):
            original(self, root, *args, **kwargs)
            return
        folder = stand_in_folder(gestures, str(root))
        _make(context, Path(root))
        context.log.note(
            "dataset", f"ImageFolder({str(root)!r}) was read from the mounted gestures/{folder.name}"
        )
        original(self, str(folder), *args, **kwargs)

    context.patches.replace(datasets.ImageFolder, "__init__", init)


def _has_pictures(root: Path) -> bool:
    return root.is_dir() and any(
        path.suffix.lower() in IMG_EXTENSIONS
        for folder in root.iterdir()
        if folder.is_dir()
        for path in folder.iterdir()
    )


def _make(context: Context, root: Path) -> None:
    """Makes the folder asked for, so that the notebook can write features beside "its" pictures."""
    try:
        context.local(str(root)).mkdir(parents=True, exist_ok=True)
    except OSError:
        return  # a path of another system; reading from the stand-in still works


def stand_in_folder(gestures: Path, asked: str) -> Path:
    """The part of the mounted data that fits a student's path: train, val, test, or all of it."""
    parts = [re.sub(r"[^a-z]+", "_", part.lower()) for part in re.split(r"[/\\]", asked) if part]
    for part in reversed(parts):
        for pattern, subfolders in _PARTS:
            if re.search(pattern, part):
                fitting = [gestures / name for name in subfolders if (gestures / name).is_dir()]
                return fitting[0] if fitting else gestures
    whole = gestures / "all"
    if whole.is_dir():
        return whole
    return gestures / "train" if (gestures / "train").is_dir() else gestures
