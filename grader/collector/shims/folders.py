"""The class's pictures in folders that a notebook expects on its author's Drive or disk.

The folder asked for is made and filled with links to the mounted stand-in, so that all ways to read it agree,
and a notebook can write features beside "its" pictures.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torchvision.datasets as datasets
from torchvision.datasets.folder import IMG_EXTENSIONS

from grader.collector.shims.context import Context
from grader.evidence.record import ShimKind

__all__ = ["install", "stand_in_folder"]

#: Words in a student's path, and the stand-in subfolders that fit them, best first.
_PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"overfit|small|sanity|tiny", ("small", "overfit", "train")),
    (r"valid|(?<![a-z])val", ("val", "valid", "validation", "test")),
    (r"(?<![a-z])test|additional|(?<![a-z])own(?![a-z])", ("test", "val")),
    (r"train", ("train",)),
)
#: What a notebook lists besides pictures.
_NO_PICTURES = re.compile(r"^\.|feature|check.?point|ckpt|model|weight|log|out|result|save", re.IGNORECASE)
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]")


def install(context: Context) -> None:
    """Redirects ``ImageFolder`` and ``os.listdir`` where pictures are missing and gestures are mounted."""
    if context.data_dir is None or not (context.data_dir / "gestures").is_dir():
        return
    album = _Album(context, context.data_dir / "gestures")
    patch = context.patches.replace
    patch(datasets.ImageFolder, "__init__", _image_folder(album, datasets.ImageFolder.__init__))
    patch(os, "listdir", _listdir(album, os.listdir))


def _image_folder(album: _Album, original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def init(self: Any, root: Any, *args: Any, **kwargs: Any) -> None:
        if _has_pictures(Path(root)):
            original(self, root, *args, **kwargs)
            return
        original(self, str(album.fill(str(root))), *args, **kwargs)
        self.root = root

    return init


def _listdir(album: _Album, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def listdir(path: Any = None) -> Any:
        try:
            return original(path)
        except FileNotFoundError:
            if not isinstance(path, str | os.PathLike) or not album.is_expected_at(os.fsdecode(path)):
                raise
        return original(album.fill(os.fsdecode(path)))

    return listdir


def _has_pictures(root: Path) -> bool:
    return root.is_dir() and any(
        path.suffix.lower() in IMG_EXTENSIONS
        for folder in root.iterdir()
        if folder.is_dir()
        for path in folder.iterdir()
    )


class _Album:
    """The mounted pictures, and the folders that they were linked into."""

    def __init__(self, context: Context, gestures: Path) -> None:
        self._context = context
        self._gestures = gestures

    def is_expected_at(self, asked: str) -> bool:
        """Whether a folder that is not here would hold pictures: on a Drive, or relative, and called so."""
        if _NO_PICTURES.search(re.split(r"[/\\]", asked.rstrip("/\\"))[-1]):
            return False
        return bool(_WINDOWS.match(asked)) or not Path(asked).is_absolute() or asked.startswith("/content/")

    def fill(self, asked: str) -> Path:
        """Links the part that fits into the folder asked for; gives the folder to read pictures from."""
        part = stand_in_folder(self._gestures, asked)
        detail = f"pictures of {asked!r} are from the mounted gestures/{part.name}"
        self._context.log.note(ShimKind.DATASET, detail)
        place = self._context.local(asked)
        try:
            for picture in _pictures(part):
                link = place / picture.relative_to(part)
                link.parent.mkdir(parents=True, exist_ok=True)
                if not link.is_symlink():
                    link.symlink_to(picture)
        except OSError:
            return part  # a folder of the system, or of another one; pictures can be read all the same
        return place


def _pictures(part: Path) -> Iterator[Path]:
    return (path for path in sorted(part.glob("*/*")) if path.suffix.lower() in IMG_EXTENSIONS)


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
