"""Reads networks without calling anything that a student could have overridden.

``nn.Module`` keeps parameters, buffers and submodules in dictionaries of the instance; they are read here
directly, so a patched ``parameters`` or ``numel`` changes nothing.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from typing import Any, cast

import torch
from torch import nn
from torch.nn.utils import parametrize

from grader.evidence.training import LayerList, LayerSetting, RegisteredLayer, digest_of_layers

__all__ = [
    "buffers",
    "class_name",
    "core_chain",
    "element_count",
    "first_tensor",
    "hyperparameters",
    "is_module",
    "is_tensor",
    "is_torch_class",
    "is_torch_layer",
    "is_trainable",
    "is_whole",
    "layer_list",
    "layers",
    "own_parameters",
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
_MODULE_NAME = type.__dict__["__module__"].__get__
_MAX_MODULES = 20_000
_MAX_LAYERS = 2000
_MAX_SETTING = 200
_MAX_AXES = 50
_MAX_PARTS = 100
_TORCH_PACKAGES = ("torch.nn.", "torchvision.")
_PLAIN = (bool, int, float, str, tuple, type(None))
_HIDDEN = frozenset({"training", "call_super_init", "dump_patches"})


def is_tensor(thing: Any) -> bool:
    """By the type's real ancestry: a ``__class__`` property fools isinstance, not this."""
    return _TENSOR in _MRO(type(thing))


def first_tensor(output: Any) -> torch.Tensor | None:
    """The first tensor of what a network gave: alone, or in tuples, lists and dicts."""
    stack, looked = [output], 0
    while stack and looked < _MAX_PARTS:
        thing, looked = stack.pop(), looked + 1
        if is_tensor(thing):
            return cast("torch.Tensor", thing)
        ancestry = _MRO(type(thing))
        if dict in ancestry:
            stack.extend(reversed(list(dict.values(thing))))
        elif tuple in ancestry:
            stack.extend(reversed(list(tuple.__iter__(thing))))
        elif list in ancestry:
            stack.extend(reversed(list(list.__iter__(thing))))
    return None


def is_module(thing: Any) -> bool:
    return _MODULE in _MRO(type(thing))


def class_name(thing: Any) -> str:
    """The name of its class; of a layer with a parametrization, the name of the class that it was before."""
    return str(type.__dict__["__name__"].__get__(_written_type(thing)))[:200]


def _written_type(thing: Any) -> type:
    """Its class; parametrizations (spectral norm, weight norm) put a class of torch's own in front of it."""
    return _MRO(type(thing))[1] if is_module(thing) and _is_parametrized(thing) else type(thing)


def _is_parametrized(module: nn.Module) -> bool:
    """Whether torch made the module's class when a parametrization was registered."""
    held = _slot(module, "_modules").get("parametrizations")
    made = _MODULE_NAME(type(module)) == parametrize.__name__
    return made and type(held) is nn.ModuleDict and len(_MRO(type(module))) > 2


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
    """Every submodule once, by attribute path, the module itself (path ``""``) first.

    There may be more where `is_whole` says no.
    """
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


def layers(module: nn.Module) -> list[tuple[str, nn.Module]]:
    """Leaf modules by attribute path; a layer is one with its parametrizations."""
    found: list[tuple[str, nn.Module]] = []
    inside: tuple[str, ...] = ()
    for path, part in submodules(module):
        prefix = f"{path}." if path else ""
        within = f"{path}.".startswith(inside)
        if _is_parametrized(part):
            inside = (*inside, f"{prefix}parametrizations.")
        if not within and not set(_slot(part, "_modules")) - _beside_layers(part):
            found.append((path, part))
    return found


def _beside_layers(part: nn.Module) -> set[str]:
    return {"parametrizations"} if _is_parametrized(part) else set()


def own_parameters(layer: nn.Module) -> dict[str, torch.Tensor]:
    """A layer's parameters by name, those behind a parametrization included."""
    own = {str(name): tensor for name, tensor in _slot(layer, "_parameters").items() if tensor is not None}
    if _is_parametrized(layer):
        own |= dict(_tensors(layer, "_parameters"))
    return own


def is_whole(module: nn.Module) -> bool:
    """Whether `submodules` gives all of a network."""
    return sum(1 for _ in submodules(module)) < _MAX_MODULES


def _slot(module: nn.Module, name: str) -> dict[str, Any]:
    content = _INSTANCE_DICT(module, "__dict__").get(name)
    return content if isinstance(content, dict) else {}


def parameters(module: nn.Module) -> list[tuple[str, torch.Tensor]]:
    """Parameters by path, each tensor once, in order of registration."""
    return _tensors(module, "_parameters")


def core_chain(module: nn.Module) -> list[nn.Module]:
    """A module and what is inside of it that has all of its parameters, from outside to the core.

    ``DataParallel(net)``, a compiled network, or a class of a student's that holds a network and says how it
    is trained: all of them are the same network, which is trained whichever of them is called.
    """
    chain = [module]
    own = _identities(module)
    while own:
        children = (child for child in _slot(chain[-1], "_modules").values() if is_module(child))
        inner = next((child for child in children if _identities(child) == own), None)
        if inner is None or any(inner is each for each in chain):
            break
        chain.append(inner)
    return chain


def _identities(module: nn.Module) -> set[int]:
    return {id(tensor) for _, tensor in parameters(module)}


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
    return bool(_MODULE_NAME(_written_type(module)).startswith("torch.nn."))


def is_torch_class(module: nn.Module) -> bool:
    """Whether torch wrote its class: a layer, or what stands around a network, as a compiled one."""
    return bool(_MODULE_NAME(_written_type(module)).startswith("torch."))


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
    elif any(name.startswith("parametrizations.bias.") for name in own_parameters(module)):
        plain["bias"] = True
    return plain


def layer_list(module: nn.Module) -> LayerList:
    """The leaf modules in order of registration, the digest over all of them."""
    leaves = [_registered(path, part) for path, part in layers(module)]
    whole = is_whole(module)
    return LayerList(
        layers=tuple(leaves[:_MAX_LAYERS]),
        digest=digest_of_layers(leaves) if whole else None,
        cut=len(leaves) > _MAX_LAYERS or not whole,
    )


def _registered(path: str, part: nn.Module) -> RegisteredLayer:
    return RegisteredLayer(
        path=path,
        type=class_name(part),
        settings={name: _setting(value) for name, value in sorted(hyperparameters(part).items())},
        parameters={name: shape_of(tensor) for name, tensor in own_parameters(part).items()},
    )


def _setting(value: Any) -> LayerSetting:
    if type(value) is not tuple:
        return _plain(value)
    items = tuple(_plain(item) for item in value)
    return items if len(items) <= _MAX_AXES else _digest(repr(items))


def _plain(value: Any) -> bool | int | float | str | None:
    """A value that JSON can hold; others as text: numbers written out, anything else by its type."""
    if value is None or type(value) is bool:
        return value
    if type(value) is int:
        return value if abs(value) < 2**63 else _text(hex(value))
    if type(value) is float:
        return value if math.isfinite(value) else repr(value)
    return _text(value) if type(value) is str else class_name(value)


def _text(text: str) -> str:
    return text.encode("utf-8", "replace").decode() if len(text) <= _MAX_SETTING else _digest(text)


def _digest(text: str) -> str:
    """Stands for what is too long to keep, so that different values stay different."""
    return f"sha256 {hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()}"
