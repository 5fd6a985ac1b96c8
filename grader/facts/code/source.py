"""Students' cells as syntax trees, IPython's own syntax included."""

from __future__ import annotations

import ast
import re
import threading
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from IPython.core.inputtransformer2 import TransformerManager

from grader.evidence.newer_syntax import as_older_python
from grader.evidence.record import CellRecord

__all__ = ["ParsedCell", "comments_and_strings", "nodes_of", "parse_cell", "parsed_cells"]

#: Cell magics whose body is Python that runs in the notebook's own namespace.
_PYTHON_MAGICS = ("%%time", "%%timeit", "%%capture", "%%prun")
#: The same for one line: ``%time total = 3``, ``%prun -q train(net)``.
_PYTHON_LINE_MAGIC = re.compile(r"^(\s*)%(?:time|prun)\s+(?=\S)")
_OPTION = re.compile(r"(?:--?[a-z][a-z-]*|\w+)\s+(?=\S)")
#: Of the sources whose trees are kept, which take up to a hundred times as many bytes: more than the
#: submissions that are judged at a time have, with the cells of the handout that all of them share.
_KEPT_CHARACTERS = 300_000
#: What even an empty one takes, in characters of a longer one.
_EACH_KEPT = 200
_NODES = "_grader_nodes"
_MAGIC = re.compile(r"^\s*[%!?]|=\s*[%!]|\?\s*$")
_MAGIC_LINE = re.compile(r"^(\s*)(?:[%!?].*|.*=\s*[%!].*|.*\?\s*$)")
_MOST_LINES_READ = 20_000
_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
#: What IPython takes off the beginning of lines, as of ``In [1]: x = 3``, which is Python as well.
_PROMPT = re.compile(r"(?m)^\s*(?:In \[\d+\]:|\.\.\.|>>>)")


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
        kept = _walked(tree)
        setattr(tree, _NODES, kept)
    return kept


def _walked(tree: ast.AST) -> tuple[ast.AST, ...]:
    """As `ast.walk`, which takes several times longer to make a generator for each field of each node."""
    nodes = [tree]
    for node in nodes:
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, ast.AST):
                nodes.append(value)
            elif isinstance(value, list):
                nodes += [each for each in value if isinstance(each, ast.AST)]
    return tuple(nodes)


def parsed_cells(cells: tuple[CellRecord, ...]) -> Iterator[ParsedCell]:
    """Every code cell; one that does not parse hides no other."""
    for cell in cells:
        if cell.kind == "code":
            yield parse_cell(cell.index, cell.source)


def parse_cell(index: int, source: str) -> ParsedCell:
    tree, lines, problem, has_too_many_magics = _READ_LAST.get(source)
    return ParsedCell(index, source, tree, lines, problem, has_too_many_magics)


_Read = tuple[ast.Module | None, tuple[int, ...], str, bool]


class _ReadLast:
    """The cells that were read last; bounded by length, since a class of long ones would fill the memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Read] = OrderedDict()
        self._characters = 0

    def get(self, source: str) -> _Read:
        with self._lock:
            if source in self._kept:
                self._kept.move_to_end(source)
                return self._kept[source]
        read = (*_parse(source), _has_too_many_magics(source))
        with self._lock:
            if source not in self._kept:
                self._kept[source] = read
                self._characters += len(source) + _EACH_KEPT
            while self._characters > _KEPT_CHARACTERS and len(self._kept) > 1:
                self._characters -= len(self._kept.popitem(last=False)[0]) + _EACH_KEPT
            return self._kept.get(source, read)


_READ_LAST = _ReadLast()


def _parse(source: str) -> tuple[ast.Module | None, tuple[int, ...], str]:
    original = _without_python_magic(source.replace("\r\n", "\n").replace("\r", "\n"))
    plain = None if _has_too_many_magics(original) else _plain_python(original)
    if plain is not None:
        return plain, tuple(range(1, original.count("\n") + 2)), ""
    try:
        python = _as_python(original)
        tree = _tree(python)
    except _UNREADABLE as error:
        return None, (), str(error)
    return tree, _original_lines(original, python), ""


def _plain_python(source: str) -> ast.Module | None:
    """The tree of most cells, which IPython takes a while to find no syntax of its own in."""
    try:
        return None if _PROMPT.search(source) else _parsed(source)
    except _UNREADABLE:
        return None


def _parsed(python: str) -> ast.Module:
    with warnings.catch_warnings():
        # A student's "\d" in a plain string warns while it is parsed; it is no concern of ours.
        warnings.simplefilter("ignore")
        return ast.parse(python)


def _tree(python: str) -> ast.Module:
    try:
        return _parsed(python)
    except SyntaxError:
        older = as_older_python(python)
        if older is None:
            raise
        return _parsed(older)


def _as_python(source: str) -> str:
    """IPython's syntax as Python's.

    IPython reads the whole cell again for every magic in it. Where that would take seconds, which no honest
    cell does, lines that look like magics are left out instead.
    """
    if _has_too_many_magics(source):
        return "\n".join(_MAGIC_LINE.sub(r"\1pass", line) for line in source.split("\n"))
    return str(TransformerManager().transform_cell(source))


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
        _parsed(line)
    except _UNREADABLE:
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
        for node in nodes_of(parsed.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return "\n".join([*comments, *strings])
