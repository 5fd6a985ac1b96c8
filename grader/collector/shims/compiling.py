"""``torch.compile`` gives back what it was given: the sandbox has no compiler, and a lab needs none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from grader.collector.shims.context import Context
from grader.evidence.record import ShimKind

__all__ = ["install"]


def install(context: Context) -> None:
    """Leaves networks and functions as they are, also where ``torch.compile`` decorates them."""
    context.patches.replace(torch, "compile", _unchanged(context))
    context.patches.replace(nn.Module, "compile", _in_place(context))


def _unchanged(context: Context) -> Callable[..., Any]:
    def compile(model: Any = None, **settings: Any) -> Any:
        context.log.note(ShimKind.COMPILE, "torch.compile left the network as it is")
        return (lambda decorated: decorated) if model is None else model

    return compile


def _in_place(context: Context) -> Callable[..., None]:
    def compile(self: nn.Module, *args: Any, **settings: Any) -> None:
        context.log.note(ShimKind.COMPILE, "compile() left the network as it is")

    return compile
