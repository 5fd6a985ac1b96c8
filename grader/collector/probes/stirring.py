"""Moves a network's numbers a little, so that what was never trained shows in what comes out."""

from __future__ import annotations

import torch
from torch import nn

from grader.collector.networks import buffers, parameters

__all__ = ["stir"]

_BASE = torch._C.TensorBase
_COPY, _DETACH, _CPU, _FLOATS = _BASE.copy_, _BASE.detach, _BASE.cpu, _BASE.is_floating_point
_RANDN, _GENERATOR, _FLOAT = torch.randn, torch.Generator, torch.float32
#: In proportion to how far a tensor's numbers lie apart; where all are equal, by this itself.
_SHARE, _LEAST = 0.3, 0.2


def stir(network: nn.Module, seed: int) -> None:
    """Adds noise to all parameters and buffers that hold fractions; variances stay above zero.

    Whoever calls it puts the values back.
    """
    generator = _GENERATOR().manual_seed(seed + 1)
    for _, tensor in parameters(network) + buffers(network):
        bare = _DETACH(tensor)
        if not _FLOATS(bare) or not bare.numel():
            continue
        values = _CPU(bare).to(_FLOAT)
        spread = float(values.std()) if values.numel() > 1 else 0.0
        noise = _RANDN(values.shape, generator=generator) * (_SHARE * spread if spread > 0 else _LEAST)
        moved = values + noise
        _COPY(bare, moved.abs() + _LEAST / 4 if bool((values >= 0).all()) else moved)
