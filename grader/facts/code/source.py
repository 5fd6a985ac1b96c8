"""Students' cells as syntax trees, IPython's own syntax included."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from IPython.core.inputtransformer2 import TransformerManager

from grader.evidence.newer_syntax import as_older_python
from grader.evidence.record import CellRecord

__all__ = ["ParsedCell", "comments_and_strings", "nodes_of", "parse_cell", "parsed_cells"]

#: Cell magics whose body is Python that runs in the notebook's own namespace.
_PYTHON_MAGICS = ("%%time", "%%timeit", "%%capture", "%%prun")
#: The same for one line: ``%time total = 3``, ``%prun -q train(net)``.
_PYTHON_LINE_MAGIC = re.compile(r"^(\s*)%(?:time|prun)\s+(?=\S)")
_OPTION = re.compile(r"(?:--?[a-z][a-z-]*|\w+)\s+(?=\S)")
_CACHED_CELLS = 4096
_NODES = "_grader_nodes"
_MAGIC = re.compile(r"^\s*[%!?]|=\s*[%!]|\?\s*$")
_MAGIC_LINE = re.compile(r"^(\s*)(?:[%!?].*|.*=\s*[%!].*|.*\?\s*$)")
_MOST_LINES_READ = 20_000


@dataclass(frozen=True)
class ParsedCell:
    """One code cell.

    Attributes:
        tree: None where the cell does not parse, even as IPython.
        problem: Why it does not.
        magics_left_out: The tree has ``pass`` for every line that looks like a magic.
    """

    index: int
    source: str
    tree: ast.Module | None
    lines: tuple[int, ...]
    problem: str = ""
    magics_left_out: bool = False

    def line_of(self, node: ast.AST) -> int | None:
        """The line of the student's cell, from 1, that a node came from."""
        return self._original(getattr(node, "lineno", None))

    def last_line_of(self, node: ast.AST) -> int | None:
        """The last of the student's lines that a node came from."""
        return self._original(getattr(node, "end_lineno", None))

    def _original(self, line: int | None) -> int | None:
        if line is None or not 1 <= line <= len(self.lines):
            return line
        return self.lines[line - 1]


def nodes_of(tree: ast.AST) -> tuple[ast.AST, ...]:
    """All nodes of a tree, as `ast.walk` gives them; kept with the tree, which nobody changes."""
    kept: tuple[ast.AST, ...] | None = getattr(tree, _NODES, None)
    if kept is None:
        kept = tuple(ast.walk(tree))
        setattr(tree, _NODES, kept)
    return kept


def parsed_cells(cells: tuple[CellRecord, ...]) -> Iterator[ParsedCell]:
    """Every code cell; one that does not parse hides no other."""
    for cell in cells:
        if cell.kind == "code":
            yield parse_cell(cell.index, cell.source)


def parse_cell(index: int, source: str) -> ParsedCell:
    tree, lines, problem = _parse(source)
    return ParsedCell(index, source, tree, lines, problem, _has_too_many_magics(source))


@lru_cache(maxsize=_CACHED_CELLS)
def _parse(source: str) -> tuple[ast.Module | None, tuple[int, ...], str]:
    original = _without_python_magic(source.replace("\r\n", "\n").replace("\r", "\n"))
    try:
        python = _as_python(original)
        tree = _tree(python)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return None, (), str(error)
    return tree, _original_lines(original, python), ""


def _tree(python: str) -> ast.Module:
    with warnings.catch_warnings():
        # A student's "\d" in a plain string warns while it is parsed; it is no concern of ours.
        warnings.simplefilter("ignore")
        try:
            return ast.parse(python)
        except SyntaxError:
            older = as_older_python(python)
            if older is None:
                raise
            return ast.parse(older)


def _as_python(source: str) -> str:
    """IPython's syntax as Python's.

    IPython reads the whole cell again for every magic in it. Where that would take seconds, which no honest
    cell does, lines that look like magics are left out instead.
    """
    if _has_too_many_magics(source):
        return "\n".join(_MAGIC_LINE.sub(r"\1pass", line) for line in source.split("\n"))
    return str(TransformerManager().transform_cell(source))


@lru_cache(maxsize=_CACHED_CELLS)
def _has_too_many_magics(source: str) -> bool:
    lines = source.splitlines()
    return sum(1 for line in lines if _MAGIC.search(line)) * len(lines) > _MOST_LINES_READ


def _without_python_magic(source: str) -> str:
    """Source without the magics that run Python in the notebook's namespace; as many lines."""
    lines = [_without_line_magic(line) for line in source.split("\n")]
    first = next((place for place, line in enumerate(lines) if line.strip()), None)
    if first is not None and lines[first].strip().split()[0] in _PYTHON_MAGICS:
        lines[first] = ""
    return "\n".join(lines)


def _without_line_magic(line: str) -> str:
    """What stands behind ``%time`` or ``%prun`` and their options, where that is Python by itself."""
    match = _PYTHON_LINE_MAGIC.match(line)
    if match is None:
        return line
    rest = line[match.end() :]
    while rest.startswith("-") or not _is_python(rest):
        option = _OPTION.match(rest)
        if option is None:
            return line
        rest = rest[option.end() :]
    return match[1] + rest


def _is_python(line: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(line)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _original_lines(original: str, python: str) -> tuple[int, ...]:
    """For each transformed line the original one: the transformer drops blank lines and joins magics."""
    before = original.split("\n")
    found: list[int] = []
    place = 0
    for line in python.split("\n"):
        text = line.strip()
        ahead = (at for at in range(place, len(before)) if before[at].strip() == text)
        match = next(ahead, None) if text else None
        place = match if match is not None else min(place, len(before) - 1)
        found.append(place + 1)
        place += 1
    return tuple(found)


def comments_and_strings(source: str) -> str:
    """What a student wrote in words inside a code cell: comments and string literals."""
    parsed = parse_cell(0, source)
    comments = [line.split("#", 1)[1] for line in source.splitlines() if "#" in line]
    if parsed.tree is None:
        return source
    strings = [
        node.value
        for node in ast.walk(parsed.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return "\n".join([*comments, *strings])
