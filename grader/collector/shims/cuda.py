"""A GPU that is not there: ``.cuda()`` and ``device="cuda"`` stay on the CPU, and it is recorded."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from grader.collector.shims.context import Context
from grader.evidence.record import ShimKind

__all__ = ["install"]

_CPU = torch.device("cpu")
_FACTORIES = (
    "arange", "as_tensor", "empty", "empty_like", "eye", "full", "full_like", "linspace", "logspace", "ones",
    "ones_like", "rand", "rand_like", "randint", "randint_like", "randn", "randn_like", "randperm", "tensor",
    "zeros", "zeros_like",
)  # fmt: skip


def install(context: Context) -> None:
    """Redirects every way to the GPU that course notebooks take; does nothing where the plan gives one."""
    if context.plan.cuda:
        return
    patch = context.patches.replace
    stay = _staying(context)
    for owner in (torch.Tensor, nn.Module):
        patch(owner, "cuda", stay)
        patch(owner, "to", _redirected(context, owner.to))
    for name in _FACTORIES:
        patch(torch, name, _redirected(context, getattr(torch, name)))
    patch(torch, "set_default_device", _redirected(context, torch.set_default_device))
    patch(torch.cuda, "is_available", lambda: False)
    patch(torch.cuda, "device_count", lambda: 0)
    patch(torch.cuda, "synchronize", lambda device=None: None)
    patch(torch.cuda, "empty_cache", lambda: None)


def _staying(context: Context) -> Callable[..., Any]:
    def cuda(self: Any, *args: Any, **kwargs: Any) -> Any:
        context.log.note(ShimKind.CUDA, ".cuda() stayed on the CPU")
        return self

    return cuda


def _redirected(context: Context, original: Callable[..., Any]) -> Callable[..., Any]:
    """`original` with every CUDA device among its arguments replaced by the CPU."""

    @functools.wraps(original)
    def on_cpu(*args: Any, **kwargs: Any) -> Any:
        device = kwargs.get("device")
        if device is not None and _is_cuda(device):
            kwargs["device"] = _CPU
            context.log.note(ShimKind.CUDA, f"device {str(device)[:20]} became the CPU")
        if any(_is_cuda(argument) for argument in args[:2]):
            args = tuple(_CPU if _is_cuda(argument) else argument for argument in args)
            context.log.note(ShimKind.CUDA, "a CUDA device became the CPU")
        return original(*args, **kwargs)

    return on_cpu


def _is_cuda(argument: Any) -> bool:
    if type(argument) is str:
        return argument.startswith("cuda")
    return type(argument) is torch.device and argument.type == "cuda"
