"""All imports, those for types and those within functions included, run one way and take nothing private."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from pathlib import Path

import grimp
import pytest

import grader

ROOT = Path(grader.__file__).parent
#: Private names of torch's that happen to be some function's of ours as well.
TORCHS = {"_version"}


def tangled(graph: grimp.ImportGraph) -> set[str]:
    """Modules that lie on a circle of imports, or between two circles."""
    left = set(graph.modules)
    while True:
        ends = {
            module
            for module in left
            if not left & graph.find_modules_directly_imported_by(module)
            or not left & graph.find_modules_that_directly_import(module)
        }
        if not ends:
            return left
        left -= ends


def private_modules_taken(graph: grimp.ImportGraph) -> Iterator[str]:
    """Imports of a module by somebody outside of the package that keeps it to itself."""
    for imported in graph.modules:
        parts = imported.split(".")
        hidden = [at for at, part in enumerate(parts) if is_private(part)]
        keeper = ".".join(parts[: hidden[0]]) if hidden else ""
        for importer in graph.find_modules_that_directly_import(imported) if hidden else ():
            if importer != keeper and not importer.startswith(f"{keeper}."):
                yield f"{importer} imports {imported}"


def private_names_taken(source: str, ours: Collection[str]) -> Iterator[str]:
    """Private attributes that a module asks for and others made; a library's own are no concern of ours."""
    tree = ast.parse(source)
    of_others = set(ours) - set(names_made(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr) and node.attr in of_others:
            yield ast.unparse(node)


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def names_made(tree: ast.Module) -> Iterator[str]:
    """Functions, classes, constants, fields, and what an object sets on itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("self", "cls"):
            yield node.attr


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("grader", cache_dir=None)


def test_imports_run_in_no_circle(graph: grimp.ImportGraph) -> None:
    assert len(graph.modules) > 100, "the whole package was read"
    assert tangled(graph) == set()


def test_no_private_module_is_imported_from_outside_its_package(graph: grimp.ImportGraph) -> None:
    assert list(private_modules_taken(graph)) == []


def test_no_module_reaches_into_anothers_private_parts() -> None:
    sources = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in ROOT.rglob("*.py")}
    ours = {name for source in sources.values() for name in names_made(ast.parse(source))} - TORCHS
    taken = {f"{path}: {what}" for path, text in sources.items() for what in private_names_taken(text, ours)}
    assert taken == set()


@pytest.fixture
def small() -> grimp.ImportGraph:
    """Two modules in a circle, one above it and one below."""
    made = grimp.ImportGraph()
    for importer, imported in [("app", "a"), ("a", "b"), ("b", "a"), ("b", "base")]:
        made.add_import(importer=importer, imported=imported)
    return made


def test_a_circle_is_found_without_those_who_only_lead_to_it_or_from_it(small: grimp.ImportGraph) -> None:
    assert tangled(small) == {"a", "b"}


def test_a_private_module_may_be_imported_beside_itself_only(small: grimp.ImportGraph) -> None:
    small.add_import(importer="room.door", imported="room._inner.safe")
    assert list(private_modules_taken(small)) == []
    small.add_import(importer="roommate", imported="room._inner.safe")
    assert list(private_modules_taken(small)) == ["roommate imports room._inner.safe"]


@pytest.mark.parametrize(
    ("source", "taken"),
    [
        ("from grader import store\nstore.ledger._sealed()", ["store.ledger._sealed"]),
        ("def f(store):\n    return store._rubrics", ["store._rubrics"]),
        ("class A:\n    def __init__(self, other):\n        self._x = other._x", []),
        ("class A:\n    _x = 1\n\ndef f(a):\n    return a._x", []),
        ("import os\nos._exit(1)", []),
        ("def f(x):\n    return x.__class__", []),
    ],
)
def test_a_private_name_is_its_modules_own(source: str, taken: list[str]) -> None:
    assert list(private_names_taken(source, {"_sealed", "_rubrics", "_x"})) == taken
