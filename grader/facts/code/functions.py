"""A notebook's functions as syntax: where they are defined, what they call, where they loop."""

from __future__ import annotations

import ast
import builtins
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from grader.evidence.record import CellRecord
from grader.facts.code.source import ParsedCell, nodes_of, parsed_cells
from grader.facts.fields import Where
from grader.facts.known import Fact, Known, Unknown

__all__ = ["LOOPS", "CalledName", "Functions", "Written", "called_names", "is_written", "unclear_call"]

LOOPS = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.GeneratorExp, ast.SetComp, ast.DictComp)

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)

#: What finds a function by a text: with a constant in it the text can be read.
_BY_NAME = frozenset({
    "__getattr__", "__getattribute__", "__import__", "attrgetter", "eval", "exec", "getattr", "globals",
    "import_module", "locals", "methodcaller", "vars",
})  # fmt: skip
#: Of these some are methods of other things, which look nothing up: ``frame.eval('a + b')``, ``net.eval()``.
_BARE_ONLY = frozenset({"eval", "exec", "globals", "locals", "vars"})
#: Where an ordinary notebook only calls these, another name for them hides what is looked up.
_NEVER_HANDED_ON = frozenset({"__import__", "getattr"})

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef


@dataclass(frozen=True)
class Written:
    """A function (or class, or a lambda that has a name) as a student wrote it."""

    name: str
    node: FunctionNode
    cell: ParsedCell

    @property
    def text(self) -> Known[Written]:
        """What stands there, which can be read whatever ran."""
        return Known(self)

    def where(self, node: ast.AST | None = None) -> Where:
        return Where(cell=self.cell.index, line=self.cell.line_of(node or self.node))


@dataclass(frozen=True)
class CalledName:
    """A call as written: ``F.conv2d``, ``matrix.dot``, ``@``; import aliases are resolved.

    Attributes:
        name: Dotted; the root is the imported module's name where it is one.
        bare: Written without a dot, so that a function of the notebook may be meant.
    """

    name: str
    bare: bool
    node: ast.AST

    @property
    def last(self) -> str:
        return self.name.rpartition(".")[2]


class Functions:
    """All functions that a notebook defines; of several of one name the last counts.

    Attributes:
        all: In the order of the notebook; methods and functions inside others are parts of these.
        by_name: The last of each name.
    """

    def __init__(self, cells: tuple[CellRecord, ...]) -> None:
        self.all: list[Written] = []
        self._imports: list[_Import] = []
        for cell in parsed_cells(cells):
            if cell.tree is not None:
                self.all += _defined(cell, cell.tree)
                self._imports += (_Import(cell.index, *given) for given in _imported(_outside(cell.tree)))
        self.by_name = {written.name: written for written in self.all}

    def imports_seen_from(self, cell: int, line: float = math.inf) -> dict[str, str]:
        """Import aliases as code at a place means them.

        A name that is both imported and defined in the notebook has the meaning that was given to it last
        before this place; or first after it, where there was none before.
        """
        given = [(one.cell, one.line, one.alias, one.name) for one in self._imports]
        own = [(one.cell.index, one.node.lineno, one.name, "") for one in self.all]
        in_order = sorted([*given, *own], key=lambda meaning: meaning[:2])
        before = [meaning for meaning in in_order if meaning[:2] <= (cell, line)]
        after = [meaning for meaning in in_order if meaning[:2] > (cell, line)]
        meanings = {alias: name for *_, alias, name in (*reversed(after), *before)}
        return {alias: name for alias, name in meanings.items() if name}

    def first(self, names: Iterable[str]) -> Written | None:
        return next((self.by_name[name] for name in names if name in self.by_name), None)

    def reached_from(self, written: Written) -> list[Written]:
        """The function and those of the notebook's own that it uses, directly or through others.

        A parameter, as ``train`` of ``__init__(self, train)``, is no use of a function of its name.
        """
        found = [written]
        for one in found:
            nodes = list(nodes_of(one.node))
            own = {node.arg for node in nodes if isinstance(node, ast.arg)}
            names = dict.fromkeys(node.id for node in nodes if isinstance(node, ast.Name))
            known = (name for name in names if name in self.by_name)
            used = (self.by_name[name] for name in known if name not in own or _is_free(name, one.node))
            found += [other for other in dict.fromkeys(used) if other not in found]
        return found

    def all_of(self, written: Written) -> Fact[list[Written]]:
        """All code behind a function; unknown where it calls something by a name that is put together."""
        reached = self.reached_from(written)
        unclear = next((name for one in reached if (name := unclear_call(one.node))), "")
        return Unknown(f"`{unclear}` may call anything") if unclear else Known(reached)

    def calls_of(self, written: Written) -> Iterator[tuple[Written, CalledName]]:
        """Every call in the function and in what it reaches, with the function that it stands in."""
        for one in self.reached_from(written):
            inside = {node.name for node in nodes_of(one.node) if isinstance(node, _DEFINITIONS)}
            end = getattr(one.node, "end_lineno", None) or math.inf
            imports = self.imports_seen_from(one.cell.index, end) | _imports_inside(one.node)
            for called in called_names(one.node, imports):
                if not (called.bare and (called.name in self.by_name or called.name in inside)):
                    yield one, called

    def says_all_it_calls(self, written: Written) -> bool:
        """Whether its code alone tells what it may call: its arguments, imports, functions and no more."""
        return all(self._says_all(one) for one in self.reached_from(written))

    def _says_all(self, one: Written) -> bool:
        nodes = list(nodes_of(one.node))
        own = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        own |= {node.arg for node in nodes if isinstance(node, ast.arg)}
        inside = {node.name for node in nodes if isinstance(node, _DEFINITIONS)} | {one.name}
        imported = self.imports_seen_from(one.cell.index, math.inf) | _imports_inside(one.node)
        known = {*dir(builtins), *self.by_name, *inside, *imported}
        used = {node.id for node in nodes if isinstance(node, ast.Name)}
        called = [node.func for node in nodes if isinstance(node, ast.Call)]
        named = all(
            isinstance(func, ast.Attribute) or (isinstance(func, ast.Name) and func.id in known - own)
            for func in called
        )
        return named and used <= known | own


def _is_free(name: str, node: ast.AST) -> bool:
    """Whether code uses a name anywhere that is not a parameter of the function around it."""
    if isinstance(node, ast.Name):
        return node.id == name
    inside: list[ast.AST] = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        taken = {each.arg for each in ast.iter_child_nodes(node.args) if isinstance(each, ast.arg)}
        if name in taken:
            body = {id(each) for each in (node.body if isinstance(node.body, list) else [node.body])}
            inside = [each for each in inside if id(each) not in body]
    return any(_is_free(name, each) for each in inside)


def _defined(cell: ParsedCell, tree: ast.AST) -> Iterator[Written]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, _DEFINITIONS):
            yield Written(node.name, node, cell)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield Written(target.id, node.value, cell)
        elif not isinstance(node, ast.expr):
            yield from _defined(cell, node)


@dataclass(frozen=True)
class _Import:
    cell: int
    line: int
    alias: str
    name: str


def _imports_inside(node: ast.AST) -> dict[str, str]:
    """Aliases that a piece of code imports for itself."""
    return {alias: name for _, alias, name in _imported(nodes_of(node))}


def _outside(tree: ast.AST) -> Iterator[ast.AST]:
    """Nodes that are inside no function and no class."""
    for node in ast.iter_child_nodes(tree):
        yield node
        if not isinstance(node, (*_DEFINITIONS, ast.expr)):
            yield from _outside(node)


def _imported(nodes: Iterable[ast.AST]) -> Iterator[tuple[int, str, str]]:
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                yield (node.lineno, *((alias.asname, alias.name) if alias.asname else (top, top)))
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.lineno, alias.asname or alias.name, f"{node.module or ''}.{alias.name}"


def called_names(node: ast.AST, imports: Mapping[str, str]) -> Iterator[CalledName]:
    """Names of all calls under a node, and ``@`` for matrix products."""
    for child in nodes_of(node):
        if isinstance(child, ast.Call):
            name, bare = _dotted(child.func, imports)
            if name:
                yield CalledName(name, bare, child)
        elif isinstance(child, ast.BinOp | ast.AugAssign) and isinstance(child.op, ast.MatMult):
            yield CalledName("@", False, child)


def _dotted(function: ast.expr, imports: Mapping[str, str]) -> tuple[str, bool]:
    if isinstance(function, ast.Name):
        return imports.get(function.id, function.id), function.id not in imports
    if isinstance(function, ast.Attribute):
        root, _ = _dotted(function.value, imports)
        return f"{root}.{function.attr}", False
    return "", False


def unclear_call(tree: ast.AST) -> str:
    """What calls or looks up something whose name is no constant in the code; empty for none."""
    called = {id(node.func) for node in nodes_of(tree) if isinstance(node, ast.Call)}
    return next((name for node in nodes_of(tree) if (name := _unclear(node, called))), "")


def _unclear(node: ast.AST, called: set[int]) -> str:
    """What a single node looks up, or hands on what looks up; `called` are the functions of calls."""
    match node:
        case ast.Call(func=ast.Name(id=name)) if name in _BY_NAME:
            pass
        case ast.Call(func=ast.Attribute(attr=name)) if name in _BY_NAME - _BARE_ONLY:
            pass
        case ast.Name(id=name, ctx=ast.Load()) if name in _NEVER_HANDED_ON and id(node) not in called:
            return name
        case ast.Subscript(value=ast.Attribute(attr="__dict__"), slice=index):
            return "" if isinstance(index, ast.Constant) else "__dict__"
        case _:
            return ""
    place = 1 if name == "getattr" else 0
    given = node.args[place] if len(node.args) > place else None
    return "" if isinstance(given, ast.Constant) and name not in ("eval", "exec") else name


def is_written(node: FunctionNode) -> bool:
    """Whether a function does anything: not only a docstring, ``pass``, ``...`` or ``return None``."""
    if isinstance(node, ast.Lambda):
        return True
    return any(not _says_nothing(statement) for statement in node.body)


def _says_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    if isinstance(statement, ast.Return):
        value = statement.value
        return value is None or (isinstance(value, ast.Constant) and value.value in (None, ...))
    if isinstance(statement, ast.Raise):
        return "NotImplementedError" in ast.dump(statement)
    return isinstance(statement, ast.Pass)
