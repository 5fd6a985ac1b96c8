"""What a student's own convolution layer gives for hidden images, and the weights that it gave it with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from grader.evidence.codec import Bundle
from grader.evidence.record import ForwardRecord, ModuleRecord, ParameterRecord
from grader.evidence.values import ArrayValue
from grader.facts.calls import Answer, Answers
from grader.facts.values.compare import tolerance_for
from grader.facts.values.plain import dtypes_in, plain

__all__ = ["LayerAnswers", "layer_answer", "layer_weights", "telling"]

#: Memory that was never written (`torch.empty`) holds larger numbers, or NaN; no student sets such weights.
_LARGEST = 1e6


@dataclass(frozen=True)
class LayerAnswers:
    """Forward passes of a layer, and its ``kernel`` (F, C, kh, kw) and, where it has one, ``bias`` (F,)."""

    answers: Answers
    weights: Mapping[str, np.ndarray]


def layer_weights(record: ModuleRecord, bundle: Bundle) -> dict[str, np.ndarray] | None:
    """Kernel and bias by their axes; None where these parameters, and no others, are not all there is."""
    by_axes = {len(parameter.shape): parameter for parameter in record.parameters}
    if len(by_axes) < len(record.parameters) or 4 not in by_axes or not set(by_axes) <= {1, 4}:
        return None
    words = {4: "kernel", 1: "bias"}
    arrays = {words[axes]: _numbers(parameter, bundle) for axes, parameter in by_axes.items()}
    found = {word: array for word, array in arrays.items() if array is not None}
    return found if len(found) == len(arrays) else None


def telling(weights: Mapping[str, np.ndarray]) -> bool:
    """Whether the kernel's weights differ, and all weights are of a size that float32 can still add up."""
    usable = all(bool((np.abs(array) < _LARGEST).all()) for array in weights.values())
    return usable and bool(np.ptp(weights["kernel"]) > 0)


def _numbers(parameter: ParameterRecord, bundle: Bundle) -> np.ndarray | None:
    return bundle.array(
        ArrayValue(type="torch.Tensor", dtype=parameter.dtype, shape=parameter.shape, array=parameter.array)
    )


def layer_answer(name: str, record: ForwardRecord, bundle: Bundle) -> Answer:
    values = [value for value in (record.input, record.output) if value is not None]
    dtypes = frozenset[str]().union(*(dtypes_in(value) for value in values))
    return Answer(
        name=name,
        args=(plain(record.input, bundle),),
        kwargs={},
        got=None if record.output is None else plain(record.output, bundle),
        error=record.error,
        stdout="",
        changed=False,
        mutated=False,
        operations=None,
        operation_names=(),
        operation_names_cut=False,
        tolerance=tolerance_for(dtypes),
    )
