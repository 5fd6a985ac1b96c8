"""Evidence as bytes: JSON for what was seen, then raw arrays, each part under a cap.

Layout (integers big-endian)::

    magic "GRE1" | u32 length of A | u32 length of B | A: array headers, JSON | B: body, JSON | array bytes

The same layout carries evidence on disk and frames over the wall, so there is one parser to trust.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from grader.errors import EvidenceError
from grader.evidence.arrays import ArrayHeader, header_of, read_array
from grader.evidence.record import SCHEMA_VERSION, CellText, Evidence
from grader.evidence.values import ArrayValue
from grader.evidence.versions import as_current

__all__ = ["Bundle", "decode", "decode_texts", "digest", "encode", "pack", "unpack"]

_MAGIC = b"GRE1"
_HEAD = struct.Struct(">4sII")
_MAX_ARRAYS = 10_000
_HEADERS = TypeAdapter(list[ArrayHeader])


def pack(body: bytes, arrays: Sequence[np.ndarray] = ()) -> bytes:
    """Joins a JSON body and raw arrays into one byte string."""
    headers = _HEADERS.dump_json([header_of(array) for array in arrays])
    head = _HEAD.pack(_MAGIC, len(headers), len(body))
    return b"".join([head, headers, body, *(array.tobytes() for array in arrays)])


def unpack(raw: bytes, *, limit_bytes: int) -> tuple[bytes, list[np.ndarray]]:
    """Splits what `pack` joined, believing nothing that the byte lengths do not bear out.

    Returns:
        The body's JSON, not yet parsed, and the arrays, read-only.

    Raises:
        EvidenceError: Wrong magic, over the cap, malformed headers, or lengths that do not add up.
    """
    if len(raw) > limit_bytes:
        raise EvidenceError(
            "evidence is larger than allowed",
            expected=f"at most {limit_bytes} bytes",
            found=f"{len(raw)} bytes",
        )
    if len(raw) < _HEAD.size:
        raise EvidenceError("evidence ends before its header", found=f"{len(raw)} bytes")
    magic, headers_length, body_length = _HEAD.unpack_from(raw)
    if magic != _MAGIC:
        raise EvidenceError("these bytes are no evidence", expected=repr(_MAGIC), found=repr(magic))
    body_start = _HEAD.size + headers_length
    arrays_start = body_start + body_length
    if arrays_start > len(raw):
        raise EvidenceError(
            "evidence is cut short", expected=f"at least {arrays_start} bytes", found=f"{len(raw)} bytes"
        )
    arrays = _read_arrays(raw[_HEAD.size : body_start], memoryview(raw)[arrays_start:])
    return raw[body_start:arrays_start], arrays


def _read_arrays(headers_json: bytes, raw: memoryview) -> list[np.ndarray]:
    # Counted before they are parsed: objects take far more memory than the bytes that they are read from.
    if (count := headers_json.count(b"{")) > _MAX_ARRAYS:
        raise EvidenceError("too many arrays", expected=f"at most {_MAX_ARRAYS}", found=str(count))
    try:
        headers = _HEADERS.validate_json(headers_json)
    except ValidationError as error:
        raise EvidenceError("the array headers are malformed", found=str(error)[:200]) from error
    arrays = []
    position = 0
    for header in headers:
        arrays.append(read_array(header, raw[position : position + header.nbytes]))
        position += header.nbytes
    if position != len(raw):
        raise EvidenceError(
            "array bytes are left over", expected=f"{position} bytes", found=f"{len(raw)} bytes"
        )
    return arrays


@dataclass(frozen=True)
class Bundle:
    """The evidence of one attempt with its raw arrays: the one thing that judging reads."""

    evidence: Evidence
    arrays: Sequence[np.ndarray] = ()

    def array(self, value: ArrayValue) -> np.ndarray | None:
        """The numbers behind an ArrayValue, read-only; None where they were too large to keep.

        Raises:
            EvidenceError: The value points past the arrays, or its shape is not that of the bytes.
        """
        if value.array is None:
            return None
        if not 0 <= value.array < len(self.arrays):
            raise EvidenceError("a value points to an array that is not there", found=str(value.array))
        array: np.ndarray = self.arrays[value.array]
        if array.shape != value.shape:
            raise EvidenceError(
                "a value lies about its shape", expected=str(list(array.shape)), found=str(list(value.shape))
            )
        return array


class _Versioned(BaseModel):
    """The one thing that evidence of every version says in the same way."""

    schema_version: int


def encode(bundle: Bundle) -> bytes:
    """Writes a bundle; equal bundles give equal bytes."""
    return pack(bundle.evidence.model_dump_json().encode(), bundle.arrays)


def decode(raw: bytes, *, limit_bytes: int = 256 * 1024 * 1024) -> Bundle:
    """Reads what `encode` wrote, by this version of the program or by an earlier one.

    Raises:
        EvidenceError: The bytes are no evidence of a version that is known, or lie about their size.
    """
    body, arrays = unpack(raw, limit_bytes=limit_bytes)
    try:
        version = _Versioned.model_validate_json(body).schema_version
        if version != SCHEMA_VERSION:
            body = to_json(as_current(version, from_json(body)))
        return Bundle(Evidence.model_validate_json(body), arrays)
    except ValidationError as error:
        raise EvidenceError("evidence does not fit its schema", found=str(error)[:400]) from error


class _Texts(BaseModel):
    """Of evidence of this version the words of its cells; all else is passed over."""

    schema_version: int
    cells: tuple[CellText, ...] = ()


def decode_texts(raw: bytes, *, limit_bytes: int = 256 * 1024 * 1024) -> tuple[CellText, ...]:
    """What was written into the cells, for whoever wants no more: a fraction of `decode`'s time.

    Raises:
        EvidenceError: As `decode`, as far as cells tell.
    """
    body, _ = unpack(raw, limit_bytes=limit_bytes)
    try:
        found = _Texts.model_validate_json(body)
    except ValidationError:
        # Earlier versions wrote cells otherwise; what is wrong with the others, it says in its own words.
        return decode(raw, limit_bytes=limit_bytes).evidence.cells
    if found.schema_version != SCHEMA_VERSION:
        return decode(raw, limit_bytes=limit_bytes).evidence.cells
    return found.cells


def digest(raw: bytes) -> str:
    """SHA-256 in hex: the name of evidence in the store."""
    return hashlib.sha256(raw).hexdigest()
