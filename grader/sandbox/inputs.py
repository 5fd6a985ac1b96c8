"""Draws the hidden inputs of probes, afresh for each attempt, and writes them as values and arrays."""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np

from grader.evidence.frames import ProbeInputs
from grader.evidence.plan import (
    InputSpec,
    IntegersInput,
    ListInput,
    LiteralInput,
    ModuleProbe,
    NormalInput,
    Probe,
)
from grader.evidence.values import (
    ArrayValue,
    BoolValue,
    FloatValue,
    IntValue,
    MappingValue,
    NoneValue,
    SequenceValue,
    StrValue,
    Value,
)

__all__ = ["draw_inputs", "fresh_generator"]

_TYPES = {"torch": "torch.Tensor", "numpy": "numpy.ndarray"}


def fresh_generator() -> np.random.Generator:
    """A generator that nobody can foresee: seeded by the operating system."""
    return np.random.default_rng(secrets.randbits(128))


def draw_inputs(
    probe: Probe, generator: np.random.Generator
) -> tuple[tuple[ProbeInputs, ...], list[np.ndarray]]:
    """Draws the inputs of each call or forward pass.

    Returns:
        One entry a call, and the arrays that their ArrayValues point to by position.
    """
    arrays: list[np.ndarray] = []
    if isinstance(probe, ModuleProbe):
        drawn = [ProbeInputs(args=(_draw(spec, generator, arrays),)) for spec in probe.inputs]
    else:
        drawn = [
            ProbeInputs(
                args=tuple(_draw(spec, generator, arrays) for spec in call.args),
                kwargs={name: _draw(spec, generator, arrays) for name, spec in call.kwargs.items()},
            )
            for call in probe.calls
        ]
    return tuple(drawn), arrays


def _draw(spec: InputSpec, generator: np.random.Generator, arrays: list[np.ndarray]) -> Value:
    if isinstance(spec, LiteralInput):
        if spec.container == "python":
            return _plain(spec.value)
        numbers = np.asarray(spec.value, dtype=spec.dtype)
        return _array(numbers.astype(spec.dtype or _natural(numbers)), spec.container, arrays)
    if isinstance(spec, ListInput):
        parts = tuple(_draw(item, generator, arrays) for item in spec.items)
        return SequenceValue(type=spec.container, items=parts, length=len(parts))
    if isinstance(spec, NormalInput):
        numbers = generator.standard_normal(spec.shape)
    elif isinstance(spec, IntegersInput):
        numbers = generator.integers(spec.low, spec.high, spec.shape)
    else:
        numbers = generator.uniform(spec.low, spec.high, spec.shape)
    numbers = np.asarray(numbers).astype(spec.dtype)
    if spec.container in ("list", "python"):
        return _plain(numbers.tolist())
    return _array(numbers, spec.container, arrays)


def _natural(numbers: np.ndarray) -> str:
    """The type that both libraries give such numbers, or torch's for fractions."""
    return "float32" if numbers.dtype.kind == "f" else numbers.dtype.name


def _array(numbers: np.ndarray, container: str, arrays: list[np.ndarray]) -> ArrayValue:
    numbers = np.ascontiguousarray(numbers).reshape(numbers.shape)
    numbers.flags.writeable = False
    arrays.append(numbers)
    return ArrayValue(
        type=_TYPES[container], dtype=numbers.dtype.name, shape=numbers.shape, array=len(arrays) - 1
    )


def _plain(value: Any) -> Value:
    """JSON data as a value."""
    if value is None:
        return NoneValue()
    if isinstance(value, bool):
        return BoolValue(value=value)
    if isinstance(value, int):
        return IntValue(value=value)
    if isinstance(value, float):
        return FloatValue(value=value)
    if isinstance(value, str):
        return StrValue(value=value, length=len(value))
    if isinstance(value, dict):
        items = tuple((_plain(key), _plain(part)) for key, part in value.items())
        return MappingValue(type="dict", items=items, length=len(items))
    parts = tuple(_plain(part) for part in value)
    return SequenceValue(type="list", items=parts, length=len(parts))
