"""What a name in code ends with."""

from __future__ import annotations

import ast

__all__ = ["last_name"]


def last_name(node: ast.expr) -> str:
    """``conv2d`` for ``conv2d`` and for ``F.conv2d``; empty for anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
