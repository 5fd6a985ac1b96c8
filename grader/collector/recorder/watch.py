"""Values of watched names, kept whenever a cell changed them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from grader.collector.missing_package import StandIn
from grader.collector.values import encode
from grader.evidence.arrays import Arrays
from grader.evidence.record import WatchedValue
from grader.evidence.values import Value

__all__ = ["Watch"]


class Watch:
    """Remembers the last content of each watched name, so that mutation counts as change."""

    def __init__(self, names: tuple[str, ...], namespace: Mapping[str, Any], limit_bytes: int) -> None:
        self._names = names
        self._namespace = namespace
        self._limit_bytes = limit_bytes
        self._seen: dict[str, str] = {}

    def changed(self, cell: int, arrays: Arrays) -> tuple[WatchedValue, ...]:
        """Values that differ from the last look; their numbers go to `arrays`."""
        found = []
        for name in self._names:
            # A package that is not here leaves no value behind.
            if name in self._namespace and type(self._namespace[name]) is not StandIn:
                value = self._if_changed(name, self._namespace[name], arrays)
                if value is not None:
                    found.append(WatchedValue(name=name, cell=cell, value=value))
        return tuple(found)

    def _if_changed(self, name: str, held: Any, arrays: Arrays) -> Value | None:
        apart = Arrays(self._limit_bytes)
        digest = _digest(encode(held, apart), apart)
        if self._seen.get(name) == digest:
            return None
        self._seen[name] = digest
        return encode(held, arrays)


def _digest(value: Value, arrays: Arrays) -> str:
    content = hashlib.sha256(value.model_dump_json().encode())
    for array in arrays:
        content.update(array.tobytes())
    return content.hexdigest()
