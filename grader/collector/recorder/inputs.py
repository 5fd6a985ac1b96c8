"""What goes into a loss function: raw scores, probabilities or their logarithms, by graph and by value.

"Raw scores" is a claim as "probabilities" is one: it needs a layer that the walk up the graph reaches with
nothing on the way that squashes or is not known. What a hand-written softmax gives shows in its values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

__all__ = ["InputKind", "input_kind"]

InputKind = Literal["logits", "probabilities", "log_probabilities", "unknown"]


def _names(*operations: str) -> frozenset[str]:
    return frozenset(f"{name}Backward{number}" for name in operations for number in range(3))


#: Operations that leave the meaning of numbers as it is: they move, copy or bound them.
_MOVES = _names(
    "Alias", "AsStrided", "Cat", "Clamp", "ClampMax", "ClampMin", "Clone", "Expand", "Flip", "Gather",
    "Index", "IndexSelect", "MaskedSelect", "NanToNum", "Permute", "Repeat", "ReshapeAlias", "Roll", "Select",
    "Slice", "Split", "SplitWithSizes", "Squeeze", "Stack", "T", "ToCopy", "Transpose", "Unbind",
    "UnsafeView", "Unsqueeze", "View",
)  # fmt: skip
#: Operations that make raw scores of raw scores, and of nothing else anything certain.
_KEEPS_SCORES = _names(
    "AdaptiveAvgPool2D", "AdaptiveAvgPool3D", "AdaptiveMaxPool2D", "AdaptiveMaxPool3D", "Add", "Amax",
    "AvgPool2D", "AvgPool3D", "ConstantPadNd", "CudnnBatchNorm", "Elu", "Gelu", "LeakyRelu", "MaskedFill",
    "Max", "MaxPool2DWithIndices", "MaxPool3DWithIndices", "Maximum", "Mean", "Mul", "NativeBatchNorm",
    "NativeDropout", "NativeGroupNorm", "NativeLayerNorm", "Neg", "PreluKernel", "Relu", "Rsub", "Silu",
    "PixelShuffle", "Sub", "Sum", "UpsampleBicubic2D", "UpsampleBilinear2D", "UpsampleNearest2D",
)  # fmt: skip
#: A layer's product with its weights; whatever is upstream of it, raw scores come out.
_LAYERS = _names("Addmm", "Addmv", "Convolution", "Embedding", "Linear", "Trilinear")
#: The same where one factor is a parameter; attention multiplies without one.
_PRODUCTS = _names("Bmm", "Dot", "Mm", "Mul", "Mv")
_ELEMENTWISE = _names("Mul")
_SCALES = _names("Add", "Mul", "Rsub", "Sub")
_BOUNDS = _names("Clamp", "ClampMax", "ClampMin")
_DIVIDES = _names("Div")
_LOGARITHM = _names("Log")
_SQUASHES: dict[str, InputKind] = {
    "SigmoidBackward0": "probabilities",
    "SoftmaxBackward0": "probabilities",
    "LogSigmoidBackward0": "log_probabilities",
    "LogSoftmaxBackward0": "log_probabilities",
}
#: A softmax or log-softmax written out by hand has one of these in it; so do other things.
_PARTS = _names("Exp", "Logsumexp")
_PARAMETER = "AccumulateGrad"
_MAX_NODES = 200
_MAX_COMPUTED = 20
#: Enough rows that raw scores do not add up to 1 by chance; keeps a batch of large maps cheap.
_MAX_ROWS = 64
#: Half precision rounds a sum of probabilities by about this much.
_TOLERANCE = 5e-3
#: The same of probabilities from logarithms in half precision; those of another axis are far from it.
_ROUGHLY = 0.1

_TENSOR = torch._C.TensorBase
_GRAD_FN = vars(_TENSOR)["grad_fn"].__get__
_DETACH, _FLOAT, _EXP, _SUM, _ABS = _TENSOR.detach, _TENSOR.float, _TENSOR.exp, _TENSOR.sum, _TENSOR.abs
_MIN, _MAX = _TENSOR.min, _TENSOR.max


@dataclass
class _Trace:
    """What lies between a tensor and the layers that it comes from.

    Attributes:
        squashed: What the squashing functions on the way give.
        layers: At least one layer ends the walk.
        moved: Nothing else than moves is on the way to a layer or squashing.
        scaled: A number that the graph does not know was added or multiplied, or a bound was set.
        parts: Something is on the way that a hand-written softmax is made of.
        odd: An operation is on the way that may squash.
    """

    squashed: set[InputKind] = field(default_factory=set)
    layers: bool = False
    moved: bool = True
    scaled: bool = False
    parts: bool = False
    odd: bool = False


def input_kind(tensor: torch.Tensor) -> InputKind:
    """What is in a tensor; ``unknown`` where neither the graph nor the values settle it."""
    node = _GRAD_FN(tensor)
    if node is None:
        return "unknown"
    trace = _traced(node)
    plain = _plainly(trace)
    if plain == "log_probabilities" and _of_other_axis(_rows(tensor)):
        return "unknown"
    if plain is not None:
        return plain
    rows = _rows(tensor)
    if trace.squashed or trace.parts:
        return _by_value(rows)
    if trace.odd or not trace.layers or _by_value(rows) != "unknown":
        return "unknown"
    return "unknown" if trace.scaled and _in_unit_range(rows) else "logits"


def _plainly(trace: _Trace) -> InputKind | None:
    """What the graph alone settles: moves and nothing else below one kind of end."""
    if not trace.moved or trace.odd or trace.parts:
        return None
    if len(trace.squashed) == 1 and not trace.layers:
        return next(iter(trace.squashed))
    return "logits" if trace.layers and not trace.squashed and not trace.scaled else None


def _traced(root: Any) -> _Trace:
    trace, nodes = _Trace(), [root]
    for node in nodes:
        if len(nodes) > _MAX_NODES:
            trace.odd = True
            break
        nodes.extend(
            follower for follower in _passed(node, trace) if not any(follower is seen for seen in nodes)
        )
    return trace


def _passed(node: Any, trace: _Trace) -> Iterator[Any]:
    """Notes one operation, and gives what to look at upstream of it."""
    name = type(node).__name__
    if name in _SQUASHES:
        trace.squashed.add(_SQUASHES[name])
    elif name in _LOGARITHM and _gives_probabilities(node):
        trace.squashed.add("log_probabilities")
    elif name in _LAYERS or (name in _PRODUCTS and _weighs(node, name)):
        trace.layers = True
        trace.moved = trace.moved and name not in _ELEMENTWISE
    else:
        _note_operation(node, name, trace)
        yield from (follower for follower in _followers(node) if not _of_parameters(follower))


def _note_operation(node: Any, name: str, trace: _Trace) -> None:
    constant = any(follower is None for follower, _ in node.next_functions)
    divided = name in _DIVIDES and (constant or _of_parameters(node.next_functions[-1][0]))
    if name not in _MOVES:
        trace.moved = False
        trace.odd = trace.odd or not (name in _KEEPS_SCORES or divided)
    trace.parts = trace.parts or name in _PARTS
    trace.scaled = trace.scaled or name in _BOUNDS or divided or (name in _SCALES and _shifts(node))


def _shifts(node: Any) -> bool:
    """Whether a sum or product has a term outside the graph; ``1 - x`` has one that it does not list."""
    return len(node.next_functions) == 1 or any(follower is None for follower, _ in node.next_functions)


def _weighs(node: Any, name: str) -> bool:
    """Whether a product is one with a parameter; elementwise, only where the other factor is data."""
    parameter = [_is_parameter(follower) for follower in _followers(node)]
    return any(parameter) and (name not in _ELEMENTWISE or all(parameter))


def _is_parameter(node: Any) -> bool:
    """Whether a node only moves a parameter, as a weight's transpose does."""
    for _ in range(_MAX_COMPUTED):
        name = type(node).__name__
        if name not in _MOVES or len(node.next_functions) != 1 or node.next_functions[0][0] is None:
            return bool(name == _PARAMETER)
        node = node.next_functions[0][0]
    return False


def _of_parameters(root: Any) -> bool:
    """Whether parameters and nothing else make a value: a learned temperature, say, computed as it may be."""
    nodes = [root]
    for node in nodes:
        followers = [follower for follower, _ in node.next_functions]
        if len(nodes) + len(followers) > _MAX_COMPUTED or any(each is None for each in followers):
            return False
        nodes.extend(followers)
    return True


def _gives_probabilities(logarithm: Any) -> bool:
    followers = list(_followers(logarithm))
    return len(followers) == 1 and _plainly(_traced(followers[0])) == "probabilities"


def _followers(node: Any) -> Iterator[Any]:
    return (follower for follower, _ in node.next_functions if follower is not None)


def _rows(tensor: torch.Tensor) -> torch.Tensor:
    return _FLOAT(_DETACH(tensor)[:_MAX_ROWS] if tensor.dim() else _DETACH(tensor))


def _by_value(rows: torch.Tensor) -> InputKind:
    """Rows of numbers from 0 to 1 that add up to 1 are probabilities; a single number in a row says nothing.

    Source: the class axis is the second, or the only one (torch.nn.CrossEntropyLoss).
    """
    axis = min(1, rows.dim() - 1)
    if axis < 0 or rows.shape[axis] < 2 or not rows.numel():
        return "unknown"
    if _adds_up(rows, axis):
        return "probabilities"
    return "log_probabilities" if _adds_up(_EXP(rows), axis) else "unknown"


def _of_other_axis(rows: torch.Tensor) -> bool:
    """Whether logarithms are none of probabilities over the class axis, as a softmax over the batch gives."""
    classes = rows.shape[1] if rows.dim() > 1 else 0
    return classes > 1 and bool(rows.numel()) and not _adds_up(_EXP(rows), 1, _ROUGHLY)


def _adds_up(rows: torch.Tensor, axis: int, within: float = _TOLERANCE) -> bool:
    in_range = float(_MIN(rows)) >= -within and float(_MAX(rows)) <= 1 + within
    return in_range and float(_MAX(_ABS(_SUM(rows, axis) - 1))) <= within


def _in_unit_range(rows: torch.Tensor) -> bool:
    """Whether all numbers are from 0 to 1; False where they are one and the same, as before a first step."""
    if not rows.numel():
        return False
    return 0 <= float(_MIN(rows)) < float(_MAX(rows)) <= 1
