"""Reads networks without calling anything that a student could have overridden.

``nn.Module`` keeps parameters, buffers and submodules in dictionaries of the instance; they are read here
directly, so a patched ``parameters`` or ``numel`` changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

__all__ = [
    "architecture",
    "buffers",
    "class_name",
    "element_count",
    "hyperparameters",
    "is_module",
    "is_tensor",
    "is_torch_layer",
    "is_trainable",
    "parameters",
    "shape_of",
    "submodules",
]

_TENSOR = torch.Tensor
_MODULE = nn.Module
_SHAPE = vars(torch._C.TensorBase)["shape"].__get__
_GRAD = vars(torch._C.TensorBase)["requires_grad"].__get__
_NO_OVERRIDES = torch._C.DisableTorchFunctionSubclass
_INSTANCE_DICT = object.__getattribute__
_MRO = vars(type)["__mro__"].__get__
_MAX_MODULES = 5000
_MAX_TEXT = 4000
_TORCH_PACKAGES = ("torch.nn.", "torchvision.")
_PLAIN = (bool, int, float, str, tuple, type(None))
_HIDDEN = frozenset({"training", "call_super_init", "dump_patches"})


def is_tensor(thing: Any) -> bool:
    """By the type's real ancestry: a ``__class__`` property fools isinstance, not this."""
    return _TENSOR in _MRO(type(thing))


def is_module(thing: Any) -> bool:
    return _MODULE in _MRO(type(thing))


def class_name(thing: Any) -> str:
    return str(type.__dict__["__name__"].__get__(type(thing)))[:200]


def shape_of(tensor: torch.Tensor) -> tuple[int, ...]:
    """The true shape, whatever a subclass says."""
    with _NO_OVERRIDES():
        return tuple(_SHAPE(tensor))


def element_count(tensor: torch.Tensor) -> int:
    return math.prod(shape_of(tensor))


def is_trainable(tensor: torch.Tensor) -> bool:
    with _NO_OVERRIDES():
        return bool(_GRAD(tensor))


def submodules(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Every submodule once, by attribute path, the module itself (path ``""``) first."""
    seen: list[nn.Module] = []
    known: set[int] = set()  # ids are safe here: `seen` keeps the objects alive
    stack: list[tuple[str, nn.Module]] = [("", module)]
    while stack and len(seen) < _MAX_MODULES:
        path, current = stack.pop()
        if id(current) in known:
            continue
        known.add(id(current))
        seen.append(current)
        yield path, current
        children = _slot(current, "_modules")
        stack.extend(
            (f"{path}.{name}" if path else str(name), child)
            for name, child in reversed(list(children.items()))
            if child is not None and is_module(child)
        )


def _slot(module: nn.Module, name: str) -> dict[str, Any]:
    content = _INSTANCE_DICT(module, "__dict__").get(name)
    return content if isinstance(content, dict) else {}


def parameters(module: nn.Module) -> list[tuple[str, torch.Tensor]]:
    """Parameters by path, each tensor once, in order of registration."""
    return _tensors(module, "_parameters")


def buffers(module: nn.Module) -> list[tuple[str, torch.Tensor]]:
    return _tensors(module, "_buffers")


def _tensors(module: nn.Module, slot: str) -> list[tuple[str, torch.Tensor]]:
    found: list[tuple[str, torch.Tensor]] = []
    known: set[int] = set()
    for path, part in submodules(module):
        for name, tensor in _slot(part, slot).items():
            if tensor is not None and is_tensor(tensor) and id(tensor) not in known:
                known.add(id(tensor))
                found.append((f"{path}.{name}" if path else str(name), tensor))
    return found


def is_torch_layer(module: nn.Module) -> bool:
    """True for classes of torch itself, as ``nn.Conv2d``; False for a student's."""
    return type(module).__module__.startswith("torch.nn.")


def hyperparameters(module: nn.Module) -> dict[str, Any]:
    """Plain instance attributes of a torch layer: ``in_channels``, ``kernel_size``, ``p``, ..."""
    if not is_torch_layer(module):
        return {}
    plain = {
        name: value
        for name, value in _INSTANCE_DICT(module, "__dict__").items()
        if not name.startswith("_") and name not in _HIDDEN and type(value) in _PLAIN
    }
    if "bias" in _slot(module, "_parameters"):
        plain["bias"] = _slot(module, "_parameters")["bias"] is not None
    return plain


def architecture(module: nn.Module) -> str:
    """Layers with their settings in order of registration, as text; equal for equal architectures."""
    lines = []
    for path, part in submodules(module):
        if _slot(part, "_modules"):
            continue
        settings = ", ".join(f"{name}={value!r}" for name, value in sorted(hyperparameters(part).items()))
        own = ", ".join(
            f"{name}{list(shape_of(t))}" for name, t in _slot(part, "_parameters").items() if t is not None
        )
        lines.append(f"{path or '(self)'}: {class_name(part)}({settings or own})")
    return "\n".join(lines)[:_MAX_TEXT]
