"""One forward pass step by step: layers in order of use, and functional operations between them."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn.modules import module as torch_module
from torch.overrides import TorchFunctionMode

from grader.collector.networks import (
    class_name,
    hyperparameters,
    is_tensor,
    is_torch_layer,
    layers,
    own_parameters,
    shape_of,
    submodules,
)
from grader.collector.values import encode
from grader.evidence.arrays import Arrays
from grader.evidence.record import LayerRecord, OperationRecord
from grader.evidence.values import Value

__all__ = ["Trace", "layers_of"]

_MAX_OPERATIONS = 5000
_MAX_LAYERS = 2000

#: Names of positional arguments after the input that matter for each functional operation.
_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "adaptive_avg_pool2d": ("output_size",),
    "adaptive_max_pool2d": ("output_size",),
    "avg_pool2d": ("kernel_size", "stride", "padding"),
    "conv2d": ("weight", "bias", "stride", "padding", "dilation", "groups"),
    "dropout": ("p", "training"),
    "flatten": ("start_dim", "end_dim"),
    "leaky_relu": ("negative_slope",),
    "log_softmax": ("dim",),
    "max_pool2d": ("kernel_size", "stride", "padding"),
    "max_pool2d_with_indices": ("kernel_size", "stride", "padding"),
    "pad": ("pad", "mode", "value"),
    "permute": ("dims",),
    "reshape": ("shape",),
    "softmax": ("dim",),
    "squeeze": ("dim",),
    "transpose": ("dim0", "dim1"),
    "unsqueeze": ("dim",),
    "view": ("shape",),
}
_TAKES_REST = frozenset({"view", "reshape", "permute"})
#: Calls that only read: they compute nothing of the network.
_READS = frozenset({
    "__get__", "__set__", "size", "dim", "ndimension", "numel", "__len__", "data_ptr",
    "is_floating_point", "stride", "contiguous", "requires_grad_", "detach", "__hash__", "__repr__",
    "__format__",
})  # fmt: skip


class Trace(TorchFunctionMode):
    """Records operations and first uses of layers while its block runs; touches no module.

    Args:
        network: The network whose layers are told apart by path.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self._paths = {id(part): path for path, part in submodules(network)}  # the network outlives the trace
        self._leaves = {id(part) for _, part in layers(network)}
        self._inside: list[tuple[str, bool]] = []
        self._handles: list[Any] = []
        self._no_arrays = Arrays(0)
        self.operations: list[OperationRecord] = []
        self.cut = False
        self.uses: dict[str, tuple[int, tuple[int, ...] | None, tuple[int, ...] | None]] = {}

    def __enter__(self) -> Any:
        self._handles = [
            torch_module.register_module_forward_pre_hook(self._before_layer),
            torch_module.register_module_forward_hook(self._after_layer, always_call=True),
        ]
        return super().__enter__()  # type: ignore[no-untyped-call]

    def __exit__(self, *exception: Any) -> None:
        for handle in self._handles:
            handle.remove()
        super().__exit__(*exception)  # type: ignore[no-untyped-call]

    def _before_layer(self, module: nn.Module, args: Any) -> None:
        if id(module) in self._leaves:
            self._inside.append((self._paths[id(module)], is_torch_layer(module)))

    def _after_layer(self, module: nn.Module, args: Any, output: Any) -> None:
        if id(module) not in self._leaves or not self._inside:
            return
        path, _ = self._inside.pop()
        before, after = _first_shape(args), _first_shape((output,))
        count, first_in, first_out = self.uses.get(path, (0, before, after))
        self.uses[path] = (count + 1, first_in, first_out)
        if is_torch_layer(module):
            self._record(class_name(module), path, before, after, hyperparameters(module))

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        name = _name_of(func)
        within_torch = bool(self._inside) and self._inside[-1][1]
        if name is not None and not within_torch and is_tensor(result):
            path = self._inside[-1][0] if self._inside else None
            self._record(name, path, _first_shape(args), shape_of(result), _arguments(name, args, kwargs))
        return result

    def _record(
        self,
        name: str,
        layer: str | None,
        before: tuple[int, ...] | None,
        after: tuple[int, ...] | None,
        arguments: dict[str, Any],
    ) -> None:
        if len(self.operations) >= _MAX_OPERATIONS:
            self.cut = True
        else:
            plain = {key: encode(value, self._no_arrays) for key, value in arguments.items()}
            self.operations.append(
                OperationRecord(
                    name=name, layer=layer, input_shape=before, output_shape=after, arguments=plain
                )
            )


def _name_of(func: Any) -> str | None:
    """The operation's plain name, as ``relu`` for ``Tensor.relu_`` and ``add`` for ``__add__``."""
    name = getattr(func, "__name__", "")
    if not isinstance(name, str) or not name or name in _READS:
        return None
    return name.strip("_") or None


def _first_shape(args: Any) -> tuple[int, ...] | None:
    for argument in args if isinstance(args, tuple | list) else ():
        if is_tensor(argument):
            return shape_of(argument)
        if isinstance(argument, tuple | list) and argument and is_tensor(argument[0]):
            return shape_of(argument[0])
    return None


def _arguments(name: str, args: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Arguments that say what the operation does, without tensors."""
    names = _ARGUMENTS.get(name, ())
    rest = tuple(args[1:])
    if name in _TAKES_REST and rest and type(rest[0]) is int:
        rest = (rest,)
    positional = dict(zip(names, rest, strict=False))
    return {key: value for key, value in {**positional, **kwargs}.items() if not is_tensor(value)}


def layers_of(network: nn.Module, trace: Trace | None) -> tuple[tuple[LayerRecord, ...], bool]:
    """Leaf layers in order of first use, unused ones after them in order of registration.

    Returns:
        The first of them, and whether there are more.
    """
    parts = layers(network)
    uses = {} if trace is None else trace.uses
    order = {path: position for position, path in enumerate(uses)}
    parts.sort(key=lambda found: order.get(found[0], len(order)))
    kept = tuple(_layer(path, part, uses.get(path)) for path, part in parts[:_MAX_LAYERS])
    return kept, len(parts) > _MAX_LAYERS


def _layer(
    path: str, part: nn.Module, used: tuple[int, tuple[int, ...] | None, tuple[int, ...] | None] | None
) -> LayerRecord:
    settings: dict[str, Value] = {
        name: encode(value, Arrays(0)) for name, value in hyperparameters(part).items()
    }
    prefix = f"{path}." if path else ""
    return LayerRecord(
        path=path,
        type=class_name(part),
        hyperparameters=settings,
        parameters=tuple(f"{prefix}{name}" for name in own_parameters(part)),
        input_shape=used[1] if used else None,
        output_shape=used[2] if used else None,
        uses=used[0] if used else 0,
    )
