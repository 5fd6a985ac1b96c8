"""Puts the arrays of many frames into one list, and points the values at their new places.

A value that points past its frame's arrays, or claims another shape than theirs, is a lie: EvidenceError.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from grader.errors import EvidenceError
from grader.evidence.arrays import Arrays
from grader.evidence.frames import ProbeInputs
from grader.evidence.record import (
    CallRecord,
    ForwardRecord,
    FunctionRecord,
    LayerRecord,
    ModuleRecord,
    OperationRecord,
    ParameterRecord,
    ProbeResult,
)
from grader.evidence.values import ArrayValue, MappingValue, SequenceValue, Value

__all__ = ["Gathering"]

_Described = TypeVar("_Described", ArrayValue, ParameterRecord)


class Gathering:
    """Moves values of one frame at a time to the attempt's arrays.

    Args:
        arrays: The attempt's; what no longer fits is left out (`array` becomes None).
    """

    def __init__(self, arrays: Arrays) -> None:
        self._arrays = arrays

    def value(self, value: Value, frame: Sequence[np.ndarray]) -> Value:
        """The value, pointing at the attempt's arrays.

        Args:
            value: As it came in a frame.
            frame: The arrays of that frame.

        Raises:
            EvidenceError: It points to what is not there, or lies about a shape or dtype.
        """
        if isinstance(value, ArrayValue):
            return self._moved(value, frame)
        if isinstance(value, SequenceValue):
            return value.model_copy(update={"items": tuple(self.value(item, frame) for item in value.items)})
        if isinstance(value, MappingValue):
            items = tuple((self.value(key, frame), self.value(item, frame)) for key, item in value.items)
            return value.model_copy(update={"items": items})
        return value

    def _moved(self, described: _Described, frame: Sequence[np.ndarray]) -> _Described:
        if described.array is None:
            return described
        if not 0 <= described.array < len(frame):
            raise EvidenceError("a value points to an array that was not sent", found=str(described.array))
        array = frame[described.array]
        if array.shape != described.shape or not _same_dtype(array.dtype.name, described.dtype):
            raise EvidenceError(
                "a value lies about its array",
                expected=f"{array.dtype.name} {list(array.shape)}",
                found=f"{described.dtype[:40]} {list(described.shape)}",
            )
        return described.model_copy(update={"array": self._arrays.add(array)})

    def inputs(self, inputs: Sequence[ProbeInputs], frame: Sequence[np.ndarray]) -> tuple[ProbeInputs, ...]:
        """Hidden inputs as they are recorded."""
        return tuple(
            ProbeInputs(
                args=tuple(self.value(value, frame) for value in one.args),
                kwargs={name: self.value(value, frame) for name, value in one.kwargs.items()},
            )
            for one in inputs
        )

    def result(
        self, result: ProbeResult, frame: Sequence[np.ndarray], inputs: Sequence[ProbeInputs]
    ) -> ProbeResult:
        """A probe's answer, with the inputs that the host sent in the place of any that the kernel claims.

        Raises:
            EvidenceError: As `value`; or not one call for each set of inputs.
        """
        record = result.record
        if record is None:
            return result
        if isinstance(record, ModuleRecord):
            return result.model_copy(update={"record": self._module(record, frame, inputs)})
        return result.model_copy(update={"record": self._function(record, frame, inputs)})

    def _function(
        self, record: FunctionRecord, frame: Sequence[np.ndarray], inputs: Sequence[ProbeInputs]
    ) -> FunctionRecord:
        _same_count(len(record.calls), len(inputs))
        calls = tuple(self._call(call, frame, sent) for call, sent in zip(record.calls, inputs, strict=True))
        return record.model_copy(update={"calls": calls})

    def _call(self, call: CallRecord, frame: Sequence[np.ndarray], sent: ProbeInputs) -> CallRecord:
        returned = tuple(self.value(value, frame) for value in call.returned)
        return call.model_copy(update={"args": sent.args, "kwargs": sent.kwargs, "returned": returned})

    def _module(
        self, record: ModuleRecord, frame: Sequence[np.ndarray], inputs: Sequence[ProbeInputs]
    ) -> ModuleRecord:
        _same_count(len(record.forwards), len(inputs))
        forwards = tuple(
            self._forward(forward, frame, sent) for forward, sent in zip(record.forwards, inputs, strict=True)
        )
        return record.model_copy(
            update={
                "parameters": tuple(self._moved(one, frame) for one in record.parameters),
                "buffers": tuple(self._moved(one, frame) for one in record.buffers),
                "layers": tuple(self._layer(one, frame) for one in record.layers),
                "operations": tuple(self._operation(one, frame) for one in record.operations),
                "forwards": forwards,
            }
        )

    def _forward(
        self, forward: ForwardRecord, frame: Sequence[np.ndarray], sent: ProbeInputs
    ) -> ForwardRecord:
        output = None if forward.output is None else self.value(forward.output, frame)
        return forward.model_copy(update={"input": sent.args[0], "output": output})

    def _layer(self, layer: LayerRecord, frame: Sequence[np.ndarray]) -> LayerRecord:
        moved = {name: self.value(value, frame) for name, value in layer.hyperparameters.items()}
        return layer.model_copy(update={"hyperparameters": moved})

    def _operation(self, operation: OperationRecord, frame: Sequence[np.ndarray]) -> OperationRecord:
        moved = {name: self.value(value, frame) for name, value in operation.arguments.items()}
        return operation.model_copy(update={"arguments": moved})


def _same_dtype(sent: str, claimed: str) -> bool:
    """bfloat16 and the like cross the wall as a type that NumPy has."""
    return sent == claimed or (sent == "float32" and claimed.startswith(("bfloat", "float8")))


def _same_count(found: int, expected: int) -> None:
    if found != expected:
        raise EvidenceError(
            "a probe's answer is not complete", expected=f"{expected} calls", found=f"{found} calls"
        )
