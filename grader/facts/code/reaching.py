"""What in a piece of Python reaches for the machinery that measures it, node by node."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from grader.facts.code.names import last_name
from grader.facts.code.source import nodes_of

__all__ = ["Aliases", "named_in", "reaches"]

#: Modules that read or change what belongs to the running program rather than to the notebook.
_MODULES = frozenset({"_cffi_backend", "_ctypes", "cffi", "ctypes", "grader"})

#: Attributes and functions, by the last part of their dotted name.
_NAMES = frozenset({
    "GraderKernel", "IPKernelApp", "KernelSession", "__closure__", "__pydantic_serializer__",
    "__pydantic_validator__", "__subclasses__", "_current_frames", "_getframe",
    "_global_optimizer_post_hooks", "_global_optimizer_pre_hooks", "_graded", "_ip", "ast_transformers",
    "cell_contents", "currentframe", "f_back", "f_globals", "f_locals", "get_objects", "get_referents",
    "get_referrers", "getclosurevars", "gi_frame", "iopub_socket", "kernelapp", "pythonapi",
    "run_cell_async", "setprofile", "settrace", "shell_handlers", "shell_stream", "shell_streams",
    "tb_frame",
})  # fmt: skip
#: Those that may be read, and not replaced.
_NOT_ASSIGNED = frozenset({"__code__", "__defaults__", "__globals__"})
#: What leads from the shell, or from `get_ipython` itself, to the kernel around it.
_OF_SHELL = frozenset({"__dict__", "__self__", "kernel", "parent"})
_IMPORTERS = frozenset({"__import__", "find_spec", "import_module", "locate", "resolve_name"})
_LOADED = "sys.modules"
_IN_TEXT = ("grader.collector", "grader.evidence", "grader_request", "/proc/self/mem")
#: Names that need not be looked for in running text, where they may be words or parts of paths.
_NOT_WORDS = frozenset({"_ip"})
_WORDS = re.compile(rf"(?<!\w)(?:{'|'.join(sorted(_NAMES - _NOT_WORDS))})(?!\w)")
_IMPORTED = re.compile(rf"(?m)^\s*(?:import|from)\s+({'|'.join(sorted(_MODULES))})\b")


_BOUND = "_grader_bound"
#: Nodes that bind a name to something else, and those that can reach for anything.
_BINDING = (ast.Assign, ast.AnnAssign, ast.NamedExpr, ast.Import, ast.ImportFrom, ast.For, ast.comprehension)
_REACHING = (ast.Attribute, ast.Call, ast.Import, ast.ImportFrom, ast.MatchClass)


@dataclass(frozen=True)
class Aliases:
    """Names that a notebook uses for IPython's shell, or what gives it, and for the module `sys`."""

    shells: frozenset[str] = frozenset({"get_ipython"})
    systems: frozenset[str] = frozenset({"sys"})

    def with_those_of(self, tree: ast.Module) -> Aliases:
        """With those that a piece of code adds."""
        shells, systems = set(self.shells), set(self.systems)
        for name, value in _bound_in(tree):
            if gives_shell(value, shells):
                shells.add(name)
            if isinstance(value, ast.Name) and value.id in systems:
                systems.add(name)
        return Aliases(frozenset(shells), frozenset(systems))


def _bound_in(tree: ast.Module) -> tuple[tuple[str, ast.expr], ...]:
    """Names that a tree binds, with what to; kept with the tree."""
    kept: tuple[tuple[str, ast.expr], ...] | None = getattr(tree, _BOUND, None)
    if kept is None:
        binding = (node for node in nodes_of(tree) if isinstance(node, _BINDING))
        kept = tuple(pair for node in binding for pair in _bound(node))
        setattr(tree, _BOUND, kept)
    return kept


def _bound(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Names that a node binds, with what to; an import as if it were an assignment."""
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and node.value is not None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            yield from ((each.id, node.value) for each in nodes_of(target) if isinstance(each, ast.Name))
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from ((alias.asname, ast.Name(alias.name)) for alias in node.names if alias.asname)
    elif isinstance(node, ast.For | ast.comprehension):
        yield from ((each.id, node.iter) for each in nodes_of(node.target) if isinstance(each, ast.Name))


def gives_shell(node: ast.expr, names: Iterable[str]) -> bool:
    """Whether an expression is IPython's shell, or the function that gives it."""
    if isinstance(node, ast.Name):
        return node.id in names
    if isinstance(node, ast.Call):
        return gives_shell(node.func, names)
    if isinstance(node, ast.NamedExpr):
        return gives_shell(node.value, names)
    if isinstance(node, ast.IfExp):
        return gives_shell(node.body, names) or gives_shell(node.orelse, names)
    if isinstance(node, ast.BoolOp | ast.Tuple | ast.List):
        parts = node.values if isinstance(node, ast.BoolOp) else node.elts
        return any(gives_shell(part, names) for part in parts)
    return isinstance(node, ast.Attribute) and node.attr == "get_ipython"


def named_in(text: str, allowed: Collection[str] = ()) -> str:
    """The first word of a text that stands for our machinery; empty for all others."""
    word = _WORDS.search(text)
    if word:
        return word.group()
    imported = next((name for name in _IMPORTED.findall(text) if name not in allowed), "")
    if imported:
        return str(imported)
    return next((part for part in _IN_TEXT if part in text), "")


def reaches(
    tree: ast.Module, aliases: Aliases, allowed: Collection[str] = ()
) -> Iterator[tuple[ast.AST, str]]:
    """Nodes that an ordinary notebook does not have, each with the name that it should not need.

    Args:
        tree: A piece of a notebook's code.
        aliases: Names that the notebook uses for what leads to us.
        allowed: Modules that the lab asks for; what they hold for our machinery alone is still seen.
    """
    modules = _MODULES.difference(allowed)
    looked_at = (node for node in nodes_of(tree) if isinstance(node, _REACHING))
    found = [(node, name) for node in looked_at if (name := _suspicious(node, aliases, modules))]
    harmless = {id(node) for node in _harmless_uses(tree)} if found else set()
    restarts = {id(node) for node in _restarts(tree)} if found else set()
    for node, name in found:
        if not (name == _LOADED and id(node) in harmless) and id(node) not in restarts:
            yield node, name


def _suspicious(node: ast.AST, aliases: Aliases, modules: frozenset[str]) -> str:
    if isinstance(node, ast.Import):
        return next((alias.name for alias in node.names if _root(alias.name) in modules), "") or _named(node)
    if isinstance(node, ast.ImportFrom):
        return node.module if node.module and _root(node.module) in modules else _named(node)
    if isinstance(node, ast.MatchClass):
        return next(iter(sorted(_NAMES & set(node.kwd_attrs))), "")
    if isinstance(node, ast.Call) and last_name(node.func) in _IMPORTERS:
        first = node.args[0] if node.args else None
        named = first.value if isinstance(first, ast.Constant) else None
        return named if isinstance(named, str) and _root(named) in modules else ""
    attribute = _attribute(node)
    return "" if attribute is None else _of_attribute(*attribute, aliases)


def _of_attribute(base: ast.expr, name: str, stored: bool, aliases: Aliases) -> str:
    if name in _NAMES or (stored and name in _NOT_ASSIGNED):
        return name
    if name in _OF_SHELL and gives_shell(base, aliases.shells):
        return f"get_ipython().{name}"
    if name == "modules" and isinstance(base, ast.Name) and base.id in aliases.systems:
        return _LOADED
    return ""


def _attribute(node: ast.AST) -> tuple[ast.expr, str, bool] | None:
    """Object, name and whether it is written to, of an attribute in any of the usual spellings."""
    if isinstance(node, ast.Attribute):
        return node.value, node.attr, isinstance(node.ctx, ast.Store)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
        if node.func.id == "vars":
            return node.args[0], "__dict__", False
        name = node.args[1] if len(node.args) > 1 else None
        if node.func.id in ("getattr", "setattr") and isinstance(name, ast.Constant):
            return node.args[0], str(name.value), node.func.id == "setattr"
    return None


def _named(node: ast.Import | ast.ImportFrom) -> str:
    """The part of an import that is one of the names; `from sys import modules` counts as well."""
    parts = {part for alias in node.names for part in alias.name.split(".")}
    if isinstance(node, ast.ImportFrom):
        parts |= set((node.module or "").split("."))
        if node.module == "sys" and "modules" in parts:
            return _LOADED
    return next(iter(sorted(parts & _NAMES)), "")


def _harmless_uses(tree: ast.Module) -> Iterator[ast.AST]:
    """`sys.modules` as an ordinary notebook uses it: is a module there, take or drop one by its name."""
    for node in nodes_of(tree):
        if isinstance(node, ast.Compare) and all(isinstance(op, ast.In | ast.NotIn) for op in node.ops):
            yield from node.comparators
        elif isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Store):
            yield from [node.value] if _is_plain_name(node.slice) else []
        elif isinstance(node, ast.Call) and last_name(node.func) in ("get", "pop") and node.args:
            called, plain = node.func, _is_plain_name(node.args[0])
            yield from [called.value] if plain and isinstance(called, ast.Attribute) else []


def _restarts(tree: ast.Module) -> Iterator[ast.AST]:
    """The kernel where it is told to restart, ``get_ipython().kernel.do_shutdown(True)``, and no more."""
    for node in nodes_of(tree):
        match node:
            case ast.Expr(
                value=ast.Call(
                    func=ast.Attribute(value=kernel, attr="do_shutdown"), args=args, keywords=named
                )
            ) if all(isinstance(each, ast.Constant) for each in (*args, *(one.value for one in named))):
                yield kernel


def _is_plain_name(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and not _is_module(node.value)
    return "__name__" in (getattr(node, "id", ""), getattr(node, "attr", ""))


def _is_module(name: str) -> bool:
    return _root(name) in _MODULES


def _root(module: str) -> str:
    return module.partition(".")[0]
