"""Writes the pickles that Python 2 wrote, as the CIFAR-10 files are.

Readers of those files pass ``encoding="latin1"`` (torchvision) or ``encoding="bytes"`` (the data set's own
page) and then find ``data["labels"]`` or ``data[b"labels"]``. Python 3's pickler writes text keys that only
the first of them reads, so the few opcodes needed are written here.

Source: ``pickletools`` in Python's standard library, which documents each opcode.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["Python2Value", "dumps"]

Python2Value = bytes | int | Sequence[int] | Sequence[bytes] | npt.NDArray[np.uint8]


def dumps(mapping: Mapping[bytes, Python2Value]) -> bytes:
    """Gives a dictionary of byte strings, numbers, lists and byte arrays as a protocol 2 pickle."""
    items = b"".join(_string(key) + _value(value) for key, value in mapping.items())
    return b"\x80\x02" + b"}(" + items + b"u."


def _value(value: Python2Value) -> bytes:
    if isinstance(value, bytes):
        return _string(value)
    if isinstance(value, int):
        return b"K" + bytes([value]) if 0 <= value < 256 else b"J" + struct.pack("<i", value)
    if isinstance(value, np.ndarray):
        return _array(value)
    return b"](" + b"".join(_value(item) for item in value) + b"e"


def _string(raw: bytes) -> bytes:
    if len(raw) < 256:
        return b"U" + bytes([len(raw)]) + raw
    return b"T" + struct.pack("<i", len(raw)) + raw


def _array(array: npt.NDArray[np.uint8]) -> bytes:
    """``_reconstruct(ndarray, (0,), 'b')`` with the state (1, shape, dtype, not Fortran order, bytes)."""
    empty = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + _string(b"b") + b"\x87R"
    state = b"(K\x01(" + b"".join(map(_value, array.shape)) + b"t" + _BYTE_DTYPE + b"\x89"
    return empty + state + _string(array.tobytes()) + b"tb"


#: ``dtype('u1', False, True)`` with its state (3, '|', None, None, None, -1, -1, 0).
_BYTE_DTYPE = (
    b"cnumpy\ndtype\n" + _string(b"u1") + b"\x89\x88\x87R"
    b"(K\x03" + _string(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
)
