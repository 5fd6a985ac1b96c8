"""Marks in the nodes of autograd's graphs: they tell a node again without keeping its graph alive."""

from __future__ import annotations

import weakref
from typing import Any

__all__ = ["Mark", "lies_in", "put"]


class Mark:
    """Lies in a node and lives as long as the node does."""


def put(node: Any) -> weakref.ref[Mark]:
    mark = Mark()
    node.metadata[mark] = True
    return weakref.ref(mark)


def lies_in(mark: weakref.ref[Mark] | None, node: Any) -> bool:
    found = None if mark is None else mark()
    return found is not None and found in node.metadata
