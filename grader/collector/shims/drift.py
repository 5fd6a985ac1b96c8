"""What library versions of the labs' time accepted and today's reject; every use is recorded."""

from __future__ import annotations

import functools
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torchvision.transforms
from PIL import Image
from torch.utils.data.dataloader import _BaseDataLoaderIter
from torchvision.datasets import DatasetFolder

from grader.collector.shims.context import Context
from grader.evidence.record import ShimKind

__all__ = ["install"]

#: NumPy names that were removed, and what they stood for.
_NUMPY: dict[str, Any] = {
    "float": float,
    "int": int,
    "complex": complex,
    "object": object,
    "str": str,
    "float_": np.float64,
    "complex_": np.complex128,
    "unicode_": np.str_,
    "product": np.prod,
    "cumproduct": np.cumprod,
    "alltrue": np.all,
    "sometrue": np.any,
    "trapz": np.trapezoid,
    "Inf": np.inf,
    "NaN": np.nan,
}


def install(context: Context) -> None:
    """Accepts ``iter(loader).next()``, removed NumPy, Pillow and torchvision names, and old checkpoints."""
    patch = context.patches.replace
    patch(_BaseDataLoaderIter, "next", _next(context))
    patch(np, "__getattr__", _numpy_names(context, np.__getattr__))
    patch(torch, "load", _loading(context, torch.load))
    patch(DatasetFolder, "__init__", _allowing_empty(context, DatasetFolder.__init__))
    if not hasattr(Image, "ANTIALIAS"):
        patch(Image, "ANTIALIAS", Image.Resampling.LANCZOS)
    for old, new in (("Scale", "Resize"), ("RandomSizedCrop", "RandomResizedCrop")):
        if not hasattr(torchvision.transforms, old):
            patch(torchvision.transforms, old, getattr(torchvision.transforms, new))


def _next(context: Context) -> Callable[[Any], Any]:
    def following(iterator: Any) -> Any:
        context.log.note(ShimKind.API_DRIFT, "iterator.next() of a DataLoader")
        return next(iterator)

    return following


def _numpy_names(context: Context, original: Callable[[str], Any]) -> Callable[[str], Any]:
    @functools.wraps(original)
    def attribute(name: str) -> Any:
        if name in _NUMPY:
            context.log.note(ShimKind.API_DRIFT, f"np.{name}")
            return _NUMPY[name]
        return original(name)

    return attribute


def _allowing_empty(context: Context, original: Callable[..., None]) -> Callable[..., None]:
    """DatasetFolder that takes folders without files for classes without items, as before version 0.10."""

    @functools.wraps(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            original(self, *args, **kwargs)
        except FileNotFoundError as error:
            if "no valid file" not in str(error):
                raise
            original(self, *args, **{**kwargs, "allow_empty": True})
            if not self.samples:
                raise
            context.log.note(ShimKind.API_DRIFT, "a DatasetFolder with empty classes")

    return init


def _loading(context: Context, original: Callable[..., Any]) -> Callable[..., Any]:
    """torch.load that goes to the CPU, and reads whole objects as it did before version 2.6.

    The file is one that the notebook wrote itself, and this is the sandbox it may do anything in.
    """

    @functools.wraps(original)
    def load(f: Any, map_location: Any = None, *args: Any, **kwargs: Any) -> Any:
        if not context.plan.cuda and (map_location is None or "cuda" in str(map_location)):
            map_location = "cpu"
        if args or "weights_only" in kwargs:
            return original(f, map_location, *args, **kwargs)
        try:
            return original(f, map_location, **kwargs)
        except pickle.UnpicklingError:
            context.log.note(ShimKind.API_DRIFT, "torch.load of a whole object without weights_only=False")
            if hasattr(f, "seek"):
                f.seek(0)
            return original(f, map_location, weights_only=False, **kwargs)

    return load
