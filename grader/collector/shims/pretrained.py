"""Pretrained networks without a network: seeded random weights of the right shapes, and it is recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torchvision.models import _api

from grader.collector.shims.context import Context
from grader.evidence.record import ShimKind

__all__ = ["install"]


def install(context: Context) -> None:
    """Answers every torchvision weight download from the generator instead."""

    def get_state_dict(self: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context.log.note(ShimKind.PRETRAINED, f"{self} are random numbers in the right shapes")
        return _random_state(self, context.plan.seed)

    context.patches.replace(_api.WeightsEnum, "get_state_dict", get_state_dict)


def _random_state(weights: Any, seed: int) -> dict[str, Any]:
    """Initial weights of the model that these belong to; the notebook's own random numbers stay untouched."""
    build = _builder_of(weights)
    classes = weights.meta.get("categories")
    settings = {"num_classes": len(classes)} if classes else {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        state: dict[str, Any] = build(weights=None, **_backbone_of(build), **settings).state_dict()
    return state


def _builder_of(weights: Any) -> Callable[..., Any]:
    builders: list[Callable[..., Any]] = list(_api.BUILTIN_MODELS.values())
    for build in builders:
        if _api.get_model_weights(build) is type(weights):
            return build
    raise LookupError(f"torchvision has no builder for {weights}")


def _backbone_of(build: Callable[..., Any]) -> dict[str, None]:
    """Detection and segmentation models would download their backbone in turn."""
    return {"weights_backbone": None} if "weights_backbone" in build.__annotations__ else {}
