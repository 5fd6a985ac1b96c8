"""All the code of a cell: the cell itself, and strings and bodies of magics that are code in their turn."""

from __future__ import annotations

import ast
import re
import unicodedata
import warnings
from collections.abc import Callable
from dataclasses import dataclass

from grader.facts.code.source import ParsedCell, nodes_of, parse_cell

__all__ = ["Piece", "pieces", "texts"]

_PIECES, _TEXTS = "_grader_pieces", "_grader_texts"
_MOST_PIECES = 500
_MOST_DEPTH = 4
_LONGEST_TEXT = 200_000
#: What a text holds at least that could be code which does something.
_LIKE_CODE = re.compile(r"[(=.]|\bimport\b")
_LIKE_MAGIC = re.compile(r"[%!?]")


@dataclass(frozen=True)
class Piece:
    """One tree of a cell.

    Attributes:
        line_of: The line of the student's cell that a node of it stands for.
        depth: How many strings it is wrapped in.
    """

    tree: ast.Module
    line_of: Callable[[ast.AST], int | None]
    depth: int = 0


def pieces(cell: ParsedCell) -> tuple[Piece, ...]:
    """The cell's own tree first, then those found in texts, theirs, and so on; kept with the cell's tree."""
    kept: tuple[Piece, ...] | None = getattr(cell.tree, _PIECES, None)
    if kept is None:
        kept = tuple(_found(cell))
        if cell.tree is not None:
            setattr(cell.tree, _PIECES, kept)
    return kept


def _found(cell: ParsedCell) -> list[Piece]:
    found = [] if cell.tree is None else [Piece(cell.tree, cell.line_of)]
    # What stands behind a cell magic runs as well, as in `%%timeit setup()`.
    head, _, _ = cell.source.lstrip().partition("\n")
    if head.startswith("%%"):
        found += _within(head.partition(" ")[2], 1, 1)
    for piece in found:
        if piece.depth < _MOST_DEPTH and len(found) < _MOST_PIECES:
            for node, text in texts(piece.tree):
                found += _within(text, piece.line_of(node), piece.depth + 1)
    return found


def _within(text: str, line: int | None, depth: int) -> list[Piece]:
    if len(text) > _LONGEST_TEXT or not _LIKE_CODE.search(text):
        return []
    tree = _parsed(text)
    return [] if tree is None else [Piece(tree, lambda node: line, depth)]


def _parsed(text: str) -> ast.Module | None:
    """As Python where it is that; IPython's own syntax takes longer to read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return parse_cell(0, text).tree if _LIKE_MAGIC.search(text) else None


def texts(tree: ast.Module) -> tuple[tuple[ast.AST, str], ...]:
    """Every string or bytes in a tree, joined where they are added to each other; kept with the tree."""
    kept: tuple[tuple[ast.AST, str], ...] | None = getattr(tree, _TEXTS, None)
    if kept is None:
        found = ((node, _text(node)) for node in nodes_of(tree) if isinstance(node, ast.Constant | ast.BinOp))
        kept = tuple((node, unicodedata.normalize("NFKC", text)) for node, text in found if text)
        setattr(tree, _TEXTS, kept)
    return kept


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
        return node.value if isinstance(node.value, str) else node.value.decode("latin-1")
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _text(node.left), _text(node.right)
        return left + right if left and right else ""
    return ""
