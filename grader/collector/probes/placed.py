"""Hidden inputs where a network is and in its own type of numbers: they arrive on the CPU, in float32."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from grader.collector.networks import buffers, is_tensor, parameters, submodules

__all__ = ["placed"]

_TO = torch._C.TensorBase.to
_DEVICE = vars(torch._C.TensorBase)["device"].__get__
_DTYPE = vars(torch._C.TensorBase)["dtype"].__get__
_IS_FLOATING = torch._C.TensorBase.is_floating_point
_LOOKS_UP = (nn.Embedding, nn.EmbeddingBag)
_MRO = vars(type)["__mro__"].__get__


def placed(value: Any, network: nn.Module) -> Any:
    """A tensor as the network takes it; anything else as it is.

    It goes to the device of the first parameter or buffer, floating-point numbers in the type of the first
    one that holds such numbers. Where the first layer looks rows up, numbers become whole ones within its
    table.
    """
    tensors = [tensor for _, tensor in (*parameters(network), *buffers(network))]
    if not tensors or not is_tensor(value):
        return value
    value = _TO(value, _DEVICE(tensors[0]))
    table = _first_table(network)
    if table is not None and _IS_FLOATING(value):
        return value.abs().mul(table).long().remainder(table)
    kind = next((_DTYPE(tensor) for tensor in tensors if _IS_FLOATING(tensor)), None)
    return _TO(value, kind) if kind is not None and _IS_FLOATING(value) else value


def _first_table(network: nn.Module) -> int | None:
    """Rows of an embedding, where that is the first layer registered with weights."""
    for _, part in submodules(network):
        own = object.__getattribute__(part, "__dict__").get("_parameters")
        if own and any(tensor is not None for tensor in own.values()):
            looks_up = any(kind in _MRO(type(part)) for kind in _LOOKS_UP)
            rows = object.__getattribute__(part, "__dict__").get("num_embeddings")
            return rows if looks_up and type(rows) is int and rows > 0 else None
    return None
