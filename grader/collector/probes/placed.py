"""Hidden inputs on the device that a network is on: they arrive on the CPU."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from grader.collector.recorder.networks import buffers, is_tensor, parameters

__all__ = ["placed"]

_TO = torch._C.TensorBase.to
_DEVICE = vars(torch._C.TensorBase)["device"].__get__


def placed(value: Any, network: nn.Module) -> Any:
    """A tensor where the network's first parameter or buffer is; anything else as it is."""
    first = next((tensor for _, tensor in (*parameters(network), *buffers(network))), None)
    return _TO(value, _DEVICE(first)) if first is not None and is_tensor(value) else value
