"""Networks as lists of steps, from a traced forward pass, a training record, or the reference."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from grader.evidence.codec import Bundle
from grader.evidence.record import ModuleRecord, OperationRecord
from grader.evidence.training import LayerList
from grader.evidence.values import ArrayValue
from grader.facts.known import Fact, Known, Unknown
from grader.facts.values.plain import plain

__all__ = [
    "Step",
    "layer_of_call",
    "layers_of_list",
    "layers_of_module",
    "same_setting",
    "show_steps",
    "show_wanted",
    "steps_of_list",
    "steps_of_module",
    "steps_of_reference",
    "weights_beside",
]

#: Functional calls by the layer that does the same.
_FUNCTIONS = {
    "relu": "ReLU",
    "leaky_relu": "LeakyReLU",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "softmax": "Softmax",
    "log_softmax": "LogSoftmax",
    "max_pool2d": "MaxPool2d",
    "avg_pool2d": "AvgPool2d",
    "adaptive_avg_pool2d": "AdaptiveAvgPool2d",
    "dropout": "Dropout",
    "flatten": "Flatten",
    "view": "Flatten",
    "reshape": "Flatten",
    "squeeze": "Squeeze",
    "conv2d": "Conv2d",
    "linear": "Linear",
}
#: Settings that tell layers apart at a glance.
_SIZES = ("in_channels", "out_channels", "in_features", "out_features", "kernel_size")
_SIZES_OF = {
    "Conv": ("in_channels", "out_channels", "kernel_size"),
    "Linear": ("in_features", "out_features"),
}
_LEARNING = re.compile(r"^(Lazy)?(Conv|Linear|Bilinear|BatchNorm|LayerNorm|GroupNorm|Embedding|RNN|LSTM|GRU)")


@dataclass(frozen=True)
class Step:
    """One layer, or a functional call that does a layer's work."""

    type: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def learns(self) -> bool:
        """Whether a layer of this type has parameters."""
        return _LEARNING.match(self.type) is not None


def layers_of_module(module: ModuleRecord, bundle: Bundle) -> Fact[tuple[Step, ...]]:
    """The steps of a network, where they could be read."""
    steps = steps_of_module(module, bundle)
    cut = module.operations_cut if module.operations else module.layers_cut or module.modules_cut
    if cut:
        return Unknown(f"it has more layers than were recorded, {len(steps)}")
    return Known(steps) if steps else Unknown("none of its layers could be read")


def layers_of_list(layers: LayerList | None) -> Fact[tuple[Step, ...]]:
    """The layers of a network that was trained, in order of registration, where the record lists all."""
    steps = steps_of_list(layers)
    if layers is not None and layers.cut:
        return Unknown(f"it has more layers than were recorded, {len(steps)}")
    return Known(steps) if steps else Unknown("none of its layers were recorded")


def weights_beside(layers: LayerList | None, parameters: int) -> Fact[bool]:
    """Known where layers of torch hold all trainable numbers of a network that was trained."""
    listed = () if layers is None else layers.layers
    learning = [layer for layer in listed if Step(_plain_type(layer.type)).learns]
    if any(not layer.parameters for layer in learning):
        return Known(True)  # evidence from before they were recorded
    held = sum(math.prod(shape) for layer in learning for shape in layer.parameters.values())
    if held < parameters:
        return Unknown(f"{parameters - held} of its {parameters} trainable numbers are in no layer of torch")
    return Known(True)


def steps_of_module(module: ModuleRecord, bundle: Bundle) -> tuple[Step, ...]:
    """The forward pass in order; layers in order of registration where it could not be traced."""
    types = {layer.path: layer.type for layer in module.layers}
    if not module.operations:
        return tuple(
            Step(
                _plain_type(layer.type),
                {name: plain(value, bundle) for name, value in layer.hyperparameters.items()},
            )
            for layer in module.layers
        )
    traced = (_step_of_operation(operation, types, bundle) for operation in module.operations)
    return tuple(step for step in traced if step is not None)


def layer_of_call(name: str) -> str | None:
    """The layer that does the same as a functional call of this name."""
    return _FUNCTIONS.get(name)


def _step_of_operation(operation: OperationRecord, types: Mapping[str, str], bundle: Bundle) -> Step | None:
    settings = {name: plain(value, bundle) for name, value in operation.arguments.items()}
    settings |= _sizes_of(operation)
    if operation.layer is not None and operation.name == types.get(operation.layer):
        return Step(operation.name, settings)
    kind = _FUNCTIONS.get(operation.name)
    return None if kind is None else Step(kind, settings)


def _sizes_of(operation: OperationRecord) -> dict[str, Any]:
    """The settings of a layer that a functional call with weights of its own amounts to."""
    before, after, weight = operation.input_shape, operation.output_shape, operation.arguments.get("weight")
    if not before or not after or operation.name not in ("conv2d", "linear"):
        return {}
    if operation.name == "linear":
        return {"in_features": before[-1], "out_features": after[-1]}
    sizes: dict[str, Any] = {"in_channels": before[-3], "out_channels": after[-3]} if len(before) > 2 else {}
    if isinstance(weight, ArrayValue) and len(weight.shape) == 4:
        sizes["kernel_size"] = weight.shape[-2:]
    return sizes


def _plain_type(kind: str) -> str:
    """The layer that a parametrization, as by `torch.nn.utils.parametrizations`, was put on."""
    return kind.removeprefix("Parametrized")


def steps_of_list(layers: LayerList | None) -> tuple[Step, ...]:
    """The layers that a record of training lists, in order of registration; functional calls are not in it.

    There are more where the list was cut, of which nothing is known.
    """
    return (
        ()
        if layers is None
        else tuple(Step(_plain_type(layer.type), layer.settings) for layer in layers.layers)
    )


def steps_of_reference(architecture: Any) -> tuple[Step, ...]:
    """A network of the course's own reference, whose layers are dataclasses named as torch's."""
    return tuple(Step(type(layer).__name__, dict(vars(layer))) for layer in _layers_of(architecture))


def _layers_of(architecture: Any) -> tuple[Any, ...]:
    """Those within blocks one by one; a course's reference may be older than blocks are."""
    return tuple(part for layer in architecture.layers for part in getattr(layer, "parts", (layer,)))


def same_setting(found: Any, wanted: Any) -> bool:
    """Equal values; one number stands for equal ones along each axis."""
    if isinstance(found, tuple | list) and not isinstance(wanted, tuple | list):
        return bool(found) and all(same_setting(each, wanted) for each in found)
    if isinstance(wanted, tuple | list):
        if not isinstance(found, tuple | list):
            return all(same_setting(found, each) for each in wanted)
        return len(found) == len(wanted) and all(map(same_setting, found, wanted))
    return bool(found == wanted)


def show_steps(steps: Sequence[Step]) -> str:
    """Layer types in order, learning ones with their sizes, as ``Linear(3072, 30), ReLU``."""
    return ", ".join(_show(step) for step in steps) or "no layers"


def show_wanted(steps: Sequence[Step]) -> str:
    """Layers that are asked for, with dots for the sizes that are free, as ``Linear(3072, ...)``."""
    return ", ".join(_show(step) if not step.learns else _show_open(step) for step in steps) or "no layers"


def _show_open(step: Step) -> str:
    sizes = [str(value) for value in _sizes(step)]
    known = next((len(names) for kind, names in _SIZES_OF.items() if kind in step.type), 0)
    dots = ["..."] if len(sizes) < known else []
    return f"{step.type}({', '.join([*sizes, *dots])})" if sizes or dots else step.type


def _sizes(step: Step) -> list[Any]:
    return [step.settings[name] for name in _SIZES if name in step.settings]


def _show(step: Step) -> str:
    sizes = _sizes(step)
    return f"{step.type}({', '.join(str(size) for size in sizes)})" if sizes else step.type
