"""torchvision, also where its compiled part was built for another torch (a CPU build, say)."""

from __future__ import annotations

import importlib
from types import ModuleType

import torch

__all__ = ["usable_torchvision"]


def usable_torchvision() -> ModuleType:
    """Imports it, with the two operators defined at which its import stops without its compiled part.

    No lab uses them; in the image the launcher does the same.
    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError:
        for operator in ("nms", "qnms"):
            signature = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            torch.library.define(f"torchvision::{operator}", signature)
        return importlib.import_module("torchvision")
