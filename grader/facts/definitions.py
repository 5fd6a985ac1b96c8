"""Where a notebook gives names a meaning: by ``def``, ``class``, ``import``, or an assignment of any form."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable

from grader.evidence.record import CellRecord
from grader.facts.case import Case
from grader.facts.code.bindings import Binding
from grader.facts.code.names import last_name
from grader.facts.code.source import ParsedCell, nodes_of, parse_cell, parsed_cells
from grader.facts.fields import Where
from grader.facts.known import Fact, Known, Unknown
from grader.facts.raised import lacks_packages

__all__ = [
    "bound_in",
    "classes_named",
    "definition",
    "lines_of_layers",
    "star_imports",
    "undefined",
    "unknown_names",
]

#: Layers that learn, by the beginning of their names.
_LAYER = re.compile(r"(Lazy)?(Conv|Linear|Bilinear|BatchNorm|LayerNorm|GroupNorm|Embedding|RNN|LSTM|GRU)")


def definition(case: Case, names: Iterable[str], cell: int | None = None) -> tuple[Where, ...]:
    """The last place where one of `names` is defined or assigned; in `cell` where that is known."""
    wanted = frozenset(names)
    cells = case.evidence.cells if cell is None else case.evidence.cells[cell : cell + 1]
    inside = {record.index for record in cells}
    found = [
        Where(cell=parsed.index, line=parsed.line_of(binding.node))
        for parsed, binding in case.facts.bindings
        if binding.name in wanted and binding.how != "param" and parsed.index in inside
    ]
    found += [place for record in cells for place in _unparsed(record, wanted)]
    return tuple(sorted(found, key=lambda place: place.cell)[-1:])


def bound_in(case: Case, cells: Collection[int]) -> Known[list[tuple[ParsedCell, Binding]]]:
    """Names that these cells bind; one that cannot be read as Python binds nothing when it runs either."""
    return Known([each for each in case.facts.bindings if each[0].index in cells])


def undefined(case: Case, names: Iterable[str]) -> Fact[bool]:
    """Whether no cell gives any of these names a meaning.

    A star import that failed, or whose module nobody here can read, may have brought any name.
    """
    if definition(case, names):
        return Known(False)
    brought = unknown_names(case)
    return Unknown(brought) if brought else Known(True)


def unknown_names(case: Case) -> str:
    """What may have brought any name, in a clause: all names of a module that is not here; else empty."""
    for cell in case.evidence.cells:
        module = _star_import(cell, case)
        if module:
            return f"cell {cell.index} takes all names of `{module}`, which is not in the notebook"
    return ""


def _star_import(cell: CellRecord, case: Case) -> str:
    """The module that a cell takes all names from, where it could not be imported; empty for none."""
    if cell.kind != "code" or cell.run is None:
        return ""
    if cell.run.error is None and not lacks_packages(cell, case.evidence):
        return ""
    found = re.search(r"(?m)^\s*from\s+([\w.]+)\s+import\s+\*", cell.source)
    return found[1] if found else ""


def star_imports(cell: ParsedCell, modules: Collection[str]) -> list[tuple[Where, str]]:
    """Imports of everything from one of these modules, with their places."""
    nodes = nodes_of(cell.tree) if cell.tree is not None else ()
    imports = (node for node in nodes if isinstance(node, ast.ImportFrom) and node.names[0].name == "*")
    return [
        (Where(cell=cell.index, line=cell.line_of(node)), node.module)
        for node in imports
        if node.module is not None and node.module in modules
    ]


def lines_of_layers(case: Case, class_name: str | None, until: int | None) -> tuple[Where, ...]:
    """The lines of a class that build layers of torch.nn; of several definitions the last before `until`."""
    for parsed, node in classes_named(case, class_name, until)[-1:]:
        lines = dict.fromkeys(parsed.line_of(call) for call in _layer_calls(node))
        return tuple(Where(cell=parsed.index, line=line) for line in lines)
    return ()


def classes_named(
    case: Case, name: str | None, until: int | None = None
) -> list[tuple[ParsedCell, ast.ClassDef]]:
    """Classes of a name in the order of the notebook, up to a cell; of any place, in functions as well."""
    cells = case.evidence.cells[: None if until is None else until + 1]
    return [
        (parsed, node)
        for parsed in parsed_cells(cells)
        for node in (nodes_of(parsed.tree) if parsed.tree is not None else ())
        if isinstance(node, ast.ClassDef) and node.name == name
    ]


def _layer_calls(node: ast.ClassDef) -> list[ast.Call]:
    """Calls as ``nn.Linear(...)``, with or without the module's name."""
    calls = (each for each in nodes_of(node) if isinstance(each, ast.Call))
    return sorted(
        (call for call in calls if _LAYER.match(last_name(call.func))), key=lambda call: call.lineno
    )


def _unparsed(cell: CellRecord, names: frozenset[str]) -> list[Where]:
    """Lines of a cell with a syntax error that look like a definition; none of a cell that can be read."""
    if cell.kind != "code" or parse_cell(cell.index, cell.source).tree is not None:
        return []
    either = "|".join(re.escape(name) for name in names)
    defining = re.compile(
        rf"^\s*(?:(?:async\s+)?def\s+(?:{either})\b|class\s+(?:{either})\b|(?:{either})\s*=[^=])"
    )
    lines = enumerate(cell.source.splitlines(), start=1)
    return [Where(cell=cell.index, line=number) for number, line in lines if defining.match(line)]
