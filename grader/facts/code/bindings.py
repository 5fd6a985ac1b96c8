"""Where Python names are bound in a cell, in which way, and whether inside a class body."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from grader.facts.code.source import ParsedCell, nodes_of

__all__ = ["Binding", "Meaning", "bindings", "bound_in", "meanings_of"]

_FUNCTIONS = ("def", "class", "import")
#: Most of all nodes, of which no part binds a name either.
_BINDS_NOTHING = (ast.Constant, ast.Name, ast.cmpop, ast.expr_context, ast.operator, ast.unaryop)
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass(frozen=True)
class Binding:
    """One place that gives a name a value.

    Attributes:
        how: assign, augassign, for, comprehension, with, except, walrus, import, match, param, def, class.
        in_class: The name becomes an attribute of a class, which hides nothing.
        local: The name stays inside a function, lambda or comprehension.
    """

    name: str
    how: str
    node: ast.AST
    in_class: bool = False
    local: bool = False

    @property
    def at_top(self) -> bool:
        """Whether every cell sees the name."""
        return not (self.in_class or self.local)


def bindings(tree: ast.Module) -> list[Binding]:
    """All bindings of a cell in the order of its text; ``del`` and bare declarations bind nothing."""
    visitor = _Visitor()
    visitor.visit(tree)
    return sorted(visitor.found, key=lambda found: _position(found.node))


def bound_in(cell: ParsedCell) -> list[Binding]:
    """Bindings of a cell; none where it does not parse."""
    if cell.tree is None:
        return []
    try:
        return bindings(cell.tree)
    except RecursionError:
        # An expression nested so deeply was written by no person; it binds no name either.
        return []


@dataclass(frozen=True)
class Meaning:
    """What a name means from one place of the notebook on.

    Attributes:
        place: Cell and line.
        function: It is a function, a class or imported, rather than some value.
        text: The definition, so that a repeated one is known as such.
    """

    name: str
    place: tuple[int, int]
    function: bool
    text: str


def meanings_of(found: Iterable[tuple[ParsedCell, Binding]]) -> tuple[Meaning, ...]:
    """What names that every cell sees mean, in the order of the notebook."""
    return tuple(
        Meaning(
            binding.name,
            (cell.index, cell.line_of(binding.node) or 0),
            binding.how in _FUNCTIONS,
            ast.dump(binding.node) if binding.how in _FUNCTIONS else f"{cell.index}, {binding.node}",
        )
        for cell, binding in found
        if binding.at_top
    )


def _position(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


class _Scope:
    def __init__(self, is_class: bool, body: Iterable[ast.stmt]) -> None:
        self.is_class = is_class
        # `global sum` in a class body makes later assignments to it global ones.
        self.elsewhere = {name for statement in _own_statements(body) for name in _declared(statement)}


def _declared(statement: ast.stmt) -> list[str]:
    return statement.names if isinstance(statement, ast.Global | ast.Nonlocal) else []


def _own_statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements of one scope, those inside ``if`` and loops included."""
    for statement in body:
        yield statement
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = (child for child in nodes_of(statement) if isinstance(child, ast.stmt))
            yield from (child for child in inner if child is not statement)


class _Visitor(ast.NodeVisitor):
    def __init__(self) -> None:
        self.found: list[Binding] = []
        self._scopes = [_Scope(False, ())]

    def visit(self, node: ast.AST) -> None:
        if not isinstance(node, _BINDS_NOTHING):
            super().visit(node)

    def _bind(self, name: str, how: str, node: ast.AST) -> None:
        scope = self._scopes[-1]
        inside = name not in scope.elsewhere
        in_class = scope.is_class and inside
        local = len(self._scopes) > 1 and not scope.is_class and inside
        self.found.append(Binding(name, how, node, in_class, local))

    def _bind_targets(self, target: ast.expr | None, how: str) -> None:
        """Names in a target; ``a[i]`` and ``a.b`` bind none."""
        match target:
            case ast.Name():
                self._bind(target.id, how, target)
            case ast.Tuple() | ast.List():
                for element in target.elts:
                    self._bind_targets(element, how)
            case ast.Starred():
                self._bind_targets(target.value, how)

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            self._bind_targets(target, "assign")
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._bind_targets(node.target, "assign")
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._bind_targets(node.target, "augassign")
        self.generic_visit(node)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self._bind_targets(node.target, "walrus")
        self.generic_visit(node)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self._bind_targets(node.target, "for")
        self.generic_visit(node)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> None:
        self.visit_For(node)

    def visit_With(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            self._bind_targets(item.optional_vars, "with")
        self.generic_visit(node)

    def visit_AsyncWith(self, node: ast.AsyncWith) -> None:
        self.visit_With(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name is not None:
            self._bind(node.name, "except", node)
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name != "*":
                self._bind((alias.asname or alias.name).split(".")[0], "import", alias)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self.visit_Import(node)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        if node.name is not None:
            self._bind(node.name, "match", node)
        self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        if node.name is not None:
            self._bind(node.name, "match", node)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest is not None:
            self._bind(node.rest, "match", node)
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._bind(node.name, "class", node)
        for outside in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(outside)
        self._visit_scope(_Scope(True, node.body), node.body)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._bind(node.name, "def", node)
        for outside in node.decorator_list:
            self.visit(outside)
        self._visit_arguments(node.args)
        self._visit_scope(_Scope(False, node.body), node.body)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._visit_arguments(node.args)
        self._visit_scope(_Scope(False, ()), [node.body])

    def _visit_arguments(self, arguments: ast.arguments) -> None:
        for default in (*arguments.defaults, *(given for given in arguments.kw_defaults if given)):
            self.visit(default)
        self._scopes.append(_Scope(False, ()))
        rest = [argument for argument in (arguments.vararg, arguments.kwarg) if argument is not None]
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *rest):
            self._bind(argument.arg, "param", argument)
        self._scopes.pop()

    def _visit_comprehension(self, node: _Comprehension) -> None:
        self._scopes.append(_Scope(False, ()))
        for generator in node.generators:
            self._bind_targets(generator.target, "comprehension")
        self.generic_visit(node)
        self._scopes.pop()

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self._visit_comprehension(node)

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self._visit_comprehension(node)

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._visit_comprehension(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self._visit_comprehension(node)

    def _visit_scope(self, scope: _Scope, body: Iterable[ast.AST]) -> None:
        self._scopes.append(scope)
        for child in body:
            self.visit(child)
        self._scopes.pop()
