"""Raw arrays that travel beside the JSON: dtype, shape and bytes, never pickle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from grader.errors import EvidenceError
from grader.evidence.base import Record

__all__ = ["DTYPES", "ArrayHeader", "Arrays", "header_of", "read_array"]

#: NumPy dtype names that may cross the wall; all little-endian. Others are converted or left out.
DTYPES: dict[str, int] = {
    "bool": 1,
    "int8": 1,
    "uint8": 1,
    "int16": 2,
    "uint16": 2,
    "int32": 4,
    "uint32": 4,
    "int64": 8,
    "uint64": 8,
    "float16": 2,
    "float32": 4,
    "float64": 8,
    "complex64": 8,
    "complex128": 16,
}

_MAX_DIMENSIONS = 16


class ArrayHeader(Record):
    """What an array claims to be; believed only where the byte length agrees."""

    dtype: str
    shape: tuple[Annotated[int, Field(ge=0)], ...]

    @property
    def nbytes(self) -> int:
        """Bytes that this dtype and shape take.

        Raises:
            EvidenceError: The dtype is unknown or the shape has too many dimensions.
        """
        if self.dtype not in DTYPES:
            raise EvidenceError(
                "an array has a dtype that may not cross the wall",
                expected=", ".join(DTYPES),
                found=self.dtype[:80],
            )
        if len(self.shape) > _MAX_DIMENSIONS:
            raise EvidenceError(
                "an array has too many dimensions",
                expected=f"at most {_MAX_DIMENSIONS}",
                found=str(len(self.shape)),
            )
        return DTYPES[self.dtype] * math.prod(self.shape)


def header_of(array: np.ndarray) -> ArrayHeader:
    return ArrayHeader(dtype=array.dtype.name, shape=array.shape)


def read_array(header: ArrayHeader, raw: bytes | memoryview) -> np.ndarray:
    """Gives the array that `header` claims, read-only.

    Raises:
        EvidenceError: The byte length does not fit dtype and shape, or a bool is neither 0 nor 1.
    """
    if len(raw) != header.nbytes:
        raise EvidenceError(
            "an array lies about its size",
            expected=f"{header.nbytes} bytes for {header.dtype} {list(header.shape)}",
            found=f"{len(raw)} bytes",
        )
    flat = np.frombuffer(raw, dtype=np.dtype(header.dtype).newbyteorder("<"))
    if header.dtype == "bool" and np.frombuffer(raw, dtype=np.uint8).max(initial=0) > 1:
        raise EvidenceError("a bool array holds bytes other than 0 and 1", expected="0 or 1")
    array = flat.reshape(header.shape)
    array.flags.writeable = False
    return array


class Arrays(Sequence[np.ndarray]):
    """An append-only list of arrays under a cap in bytes; evidence refers to them by position."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._arrays: list[np.ndarray] = []
        self.nbytes = 0

    def add(self, array: np.ndarray) -> int | None:
        """Keeps a little-endian, contiguous copy and gives its position.

        Returns:
            None where the dtype cannot cross the wall or the cap would be passed.
        """
        if array.dtype.name not in DTYPES or self.nbytes + array.nbytes > self._limit_bytes:
            return None
        kept = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).reshape(array.shape).copy()
        kept.flags.writeable = False
        self._arrays.append(kept)
        self.nbytes += kept.nbytes
        return len(self._arrays) - 1

    def __getitem__(self, position):  # type: ignore[no-untyped-def]  # int and slice, as in Sequence
        return self._arrays[position]

    def __len__(self) -> int:
        return len(self._arrays)
