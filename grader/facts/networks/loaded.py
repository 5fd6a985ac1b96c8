"""A student's weights in the places of a reference network's, in every way that fits."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.errors import RubricError
from grader.evidence.codec import Bundle
from grader.evidence.record import ModuleRecord, ParameterRecord
from grader.evidence.values import ArrayValue
from grader.facts.case import Case
from grader.facts.known import Fact, Known, Unknown
from grader.facts.networks.found import parameters_in_reach

__all__ = ["Loaded", "Loading", "loaded", "reference_network"]

Shape = tuple[int, ...]

#: Names that torch gives to the tensors of a layer, in the order in which a reference takes them.
_TENSORS = ("weight", "bias", "running_mean", "running_var")
#: Ways of loading that are all tried; where there are more, some are, and no failure follows from these.
_MOST_WAYS = 24
#: Larger weights come from memory that was never written, or from a training that ran away.
_LARGEST = 1e6


@dataclass(frozen=True)
class Loading:
    """One way to load the weights.

    Attributes:
        layers: The student's layers in the reference's order.
        weights: What the reference's `forward` takes.
    """

    layers: tuple[str, ...]
    weights: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Loaded:
    """All ways that were tried, the likeliest first.

    Attributes:
        all_there_are: No other way fits.
    """

    ways: tuple[Loading, ...]
    all_there_are: bool


@dataclass(frozen=True)
class _Layer:
    """A layer of the student's with its tensors by their own names."""

    path: str
    tensors: Mapping[str, np.ndarray]

    @property
    def signature(self) -> tuple[tuple[str, Shape], ...]:
        named = [(name, self.tensors[name].shape) for name in _TENSORS if name in self.tensors]
        others = sorted(set(self.tensors) - set(_TENSORS))
        return (*named, *((name, self.tensors[name].shape) for name in others))

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        return tuple(self.tensors[name] for name, _ in self.signature)


def reference_network(case: Case, name: str) -> Any:
    """The course's own network of this name, which takes weights (`reference.architectures.Architecture`).

    Raises:
        RubricError: The reference has none, or one that takes no weights.
    """
    networks = case.reference.architectures
    if name not in networks:
        raise RubricError(
            [f"the reference has no network '{name}'"],
            todo=f"write one of {', '.join(sorted(networks))}, or add it to the reference folder",
        )
    if not hasattr(networks[name], "tensor_shapes"):
        raise RubricError(
            [f"the reference's network '{name}' does not say which tensors its layers take"],
            todo="take `Architecture.tensor_shapes` and `forward` over from the bundled reference",
        )
    return networks[name]


def loaded(module: ModuleRecord, bundle: Bundle, network: Any, names: Sequence[str] = ()) -> Fact[Loaded]:
    """The student's weights in the reference's places.

    They are matched by name where names are asked for and all there; else by shape, layer for layer, in the
    order of registration, of use, and then in every other order that fits.

    Args:
        module: The student's, with its values.
        bundle: Holds the values.
        network: The reference's; see `reference_network`.
        names: Of the student's layers that learn, in the reference's order; none where these are free.
    """
    layers = _layers(module, bundle)
    if isinstance(layers, Unknown):
        return layers
    asked = [_named(shapes) for shapes in network.tensor_shapes]
    by_name = {layer.path: layer for layer in layers.value}
    if names and all(name in by_name for name in names):
        chosen = [by_name[name] for name in names]
        if [layer.signature for layer in chosen] == asked:
            return Known(Loaded((_way(chosen),), all_there_are=True))
    found = [layer.signature for layer in layers.value]
    if sorted(found) != sorted(asked):
        return Unknown(f"its layers have {_shown(found)}, and the reference's {_shown(asked)}")
    return Known(_by_shape(layers.value, asked, _order_of_use(module)))


def _layers(module: ModuleRecord, bundle: Bundle) -> Fact[tuple[_Layer, ...]]:
    """Layers with tensors, in the order of registration; without those that no forward pass uses."""
    reach = parameters_in_reach(module)
    if isinstance(reach, Unknown):
        return reach
    passed = bool(module.operations or any(layer.uses for layer in module.layers))
    unused = {layer.path for layer in module.layers if passed and not layer.uses and not module.layers_cut}
    tensors: dict[str, dict[str, np.ndarray]] = {}
    for tensor in (*module.parameters, *module.buffers):
        path, _, name = tensor.name.rpartition(".")
        if path in unused or name == "num_batches_tracked":
            continue
        numbers = _numbers(tensor, bundle)
        if numbers is None:
            return Unknown(f"the values of `{tensor.name}` were not kept")
        if not bool((np.abs(numbers) < _LARGEST).all()):
            return Unknown(f"`{tensor.name}` holds numbers that are not finite, or far too large")
        tensors.setdefault(path, {})[name] = numbers
    return Known(tuple(_Layer(path, named) for path, named in tensors.items()))


def _numbers(tensor: ParameterRecord, bundle: Bundle) -> np.ndarray | None:
    return bundle.array(
        ArrayValue(type="torch.Tensor", dtype=tensor.dtype, shape=tensor.shape, array=tensor.array)
    )


def _named(shapes: Sequence[Shape]) -> tuple[tuple[str, Shape], ...]:
    return tuple(zip(_TENSORS, map(tuple, shapes), strict=False))


def _order_of_use(module: ModuleRecord) -> list[str]:
    return [layer.path for layer in module.layers if layer.uses]


def _way(layers: Sequence[_Layer]) -> Loading:
    return Loading(
        tuple(layer.path for layer in layers), tuple(array for layer in layers for array in layer.arrays)
    )


def _by_shape(layers: Sequence[_Layer], asked: Sequence[Any], order: Sequence[str]) -> Loaded:
    """Every way in which layers of one signature can stand for one another."""
    places: dict[Any, list[int]] = {}
    for place, signature in enumerate(asked):
        places.setdefault(signature, []).append(place)
    used = {path: number for number, path in enumerate(order)}
    by_use = sorted(layers, key=lambda layer: used.get(layer.path, len(used)))
    first = [_filled(places, {key: _of(key, each) for key in places}) for each in (layers, by_use)]
    count = math.prod(math.factorial(len(each)) for each in places.values())
    ways = itertools.chain(first, _all_ways(places, layers) if count <= _MOST_WAYS else ())
    once = {tuple(layer.path for layer in way): way for way in ways}
    return Loaded(tuple(map(_way, once.values())), all_there_are=count <= _MOST_WAYS)


def _of(signature: Any, layers: Sequence[_Layer]) -> tuple[_Layer, ...]:
    return tuple(layer for layer in layers if layer.signature == signature)


def _all_ways(places: Mapping[Any, Sequence[int]], layers: Sequence[_Layer]) -> Iterator[list[_Layer]]:
    orders = [itertools.permutations(_of(signature, layers)) for signature in places]
    for chosen in itertools.product(*orders):
        yield _filled(places, dict(zip(places, chosen, strict=True)))


def _filled(places: Mapping[Any, Sequence[int]], chosen: Mapping[Any, Sequence[_Layer]]) -> list[_Layer]:
    """The layers in the reference's order."""
    by_place = {
        place: layer
        for signature, of_it in places.items()
        for place, layer in zip(of_it, chosen[signature], strict=True)
    }
    return [by_place[place] for place in sorted(by_place)]


def _shown(signatures: Sequence[tuple[tuple[str, Shape], ...]]) -> str:
    """The first tensor of each layer by its shape, as ``[8, 8, 3, 3], [8]``."""
    return ", ".join(str(list(signature[0][1])) for signature in signatures) or "no weights"
