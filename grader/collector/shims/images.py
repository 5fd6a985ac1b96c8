"""Pictures from the web: a fixed stand-in picture where a notebook reads one by URL."""

from __future__ import annotations

import functools
import io
import re
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError

import matplotlib.image
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from grader.collector.shims.context import Context
from grader.evidence.plan import Picture
from grader.evidence.record import ShimKind

__all__ = ["install", "stand_in", "stand_in_png"]

_USUAL = Picture()
_URL = re.compile(r"^https?://", re.IGNORECASE)
_NO_PICTURE = re.compile(
    r"\.(zip|tar|t?gz|rar|7z|csv|tsv|txt|json|ya?ml|py|ipynb|pth?|pkl|npy|npz|h5|html?)([?#].*)?$",
    re.IGNORECASE,
)


@functools.cache
def stand_in(size: Picture = _USUAL) -> np.ndarray:
    """The picture: (H, W, C) uint8 RGB(A), smooth gradients with a fine grain, opaque, bright in parts."""
    height, width = size.height, size.width
    rows, columns = np.mgrid[0:height, 0:width]
    grain = np.random.Generator(np.random.PCG64(0)).integers(0, 24, (height, width, 3))
    waves = np.stack(
        [
            120 + 110 * np.sin(rows / 47.0) * np.cos(columns / 61.0),
            40 + 190 * columns / width,
            230 - 190 * rows / height,
        ],
        axis=-1,
    )
    picture = np.full((height, width, size.channels), 255, dtype=np.uint8)
    picture[..., :3] = np.clip(waves + grain, 0, 255)
    return picture


@functools.cache
def stand_in_png(size: Picture = _USUAL) -> bytes:
    """The same picture as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(stand_in(size)).save(buffer, format="PNG")
    return buffer.getvalue()


class _Response(io.BytesIO):
    """What ``urlopen`` gives for a picture."""

    status = code = 200

    def __init__(self, url: str, size: Picture) -> None:
        super().__init__(stand_in_png(size))
        self.url = url
        self.headers = {"Content-Type": "image/png"}

    def geturl(self) -> str:
        return self.url

    def getcode(self) -> int:
        return self.code

    def info(self) -> dict[str, str]:
        return self.headers


def install(context: Context) -> None:
    """Lets ``imread``, ``urlopen`` and ``urlretrieve`` find the stand-in behind any URL of a picture."""
    for owner in (plt, matplotlib.image):
        context.patches.replace(owner, "imread", _imread(context, owner.imread))
    context.patches.replace(urllib.request, "urlopen", _urlopen(context, urllib.request.urlopen))
    context.patches.replace(urllib.request, "urlretrieve", _urlretrieve(context, urllib.request.urlretrieve))


def _size(context: Context) -> Picture:
    """That of the course's own picture, where the rubric says it."""
    return context.plan.picture or _USUAL


def _imread(context: Context, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def imread(fname: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(fname, str) and _URL.match(fname):
            context.log.note(ShimKind.IMREAD, f"a stand-in picture for {fname}")
            return stand_in(_size(context)).astype(np.float32) / np.float32(255)
        return original(fname, *args, **kwargs)

    return imread


def _picture_at(context: Context, request: Any) -> str | None:
    """The URL of what may be a picture; None for anything but http.

    Raises:
        URLError: The URL names something that is no picture.
    """
    url = request if isinstance(request, str) else getattr(request, "full_url", None)
    if not isinstance(url, str) or not _URL.match(url):
        return None
    if _NO_PICTURE.search(url):
        context.log.note(ShimKind.NETWORK, f"no connection to {url}")
        raise URLError(f"there is no network in the grading sandbox (asked for {url})")
    context.log.note(ShimKind.IMREAD, f"a stand-in picture for {url}")
    return url


def _urlopen(context: Context, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def urlopen(url: Any, *args: Any, **kwargs: Any) -> Any:
        picture = _picture_at(context, url)
        return _Response(picture, _size(context)) if picture else original(url, *args, **kwargs)

    return urlopen


def _urlretrieve(context: Context, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def urlretrieve(url: str, filename: Any = None, *args: Any, **kwargs: Any) -> Any:
        picture = _picture_at(context, url)
        if not picture:
            return original(url, filename, *args, **kwargs)
        target = Path(filename or "picture.png")
        target.write_bytes(stand_in_png(_size(context)))
        return str(target), {"Content-Type": "image/png"}

    return urlretrieve
