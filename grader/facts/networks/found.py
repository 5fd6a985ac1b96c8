"""Whether a network that a probe found after the last cell is what the student's part left behind."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from grader.evidence.record import ModuleRecord
from grader.facts.case import Case
from grader.facts.code.bindings import Binding
from grader.facts.code.source import ParsedCell, nodes_of, parse_cell
from grader.facts.known import Fact, Known, Unknown
from grader.facts.networks.shapes import error_of, shape_of

__all__ = ["as_left", "built_otherwise", "layers_in_reach", "parameters_in_reach"]

#: Classes of compiled networks, whose parameters and layers are not kept where they are read.
_COMPILED = frozenset({"RecursiveScriptModule", "ScriptModule", "TopLevelTracedModule", "TracedModule"})
#: Attributes of a network, or of its parts, that are set without another part in its place.
_FLAGS = frozenset({"bias", "data", "grad", "p", "requires_grad", "training", "weight"})
#: Methods that add parts, or take them out.
_ADDS = frozenset({"add_module", "append", "extend", "insert", "pop", "register_module"})
#: What does a layer's work with weights of the student's own.
_BY_HAND = frozenset({
    "addmm", "addmv", "baddbmm", "bilinear", "bmm", "einsum", "fold", "inner", "matmul", "mm", "mv",
    "rmatmul", "tensordot", "unfold",
})  # fmt: skip


def as_left(case: Case, module: ModuleRecord, names: Collection[str]) -> Fact[ModuleRecord]:
    """The network, where nothing after the criterion's section gives its name or its class another meaning.

    Args:
        case: Its section is where the network was to be written.
        module: What was found at the end of the notebook.
        names: That it was looked for by; where names are free, the one that it was found under counts.
    """
    names = names or (module.name.partition("[")[0].partition(".")[0],)
    otherwise = built_otherwise(case, module, names)
    if otherwise is not None:
        return Unknown(f"cell {otherwise}, after this part, builds it with other arguments")
    for cell, binding in _after(case):
        if binding.name == module.class_name and binding.how in ("class", "def", "import"):
            return Unknown(f"cell {cell.index}, after this part, defines `{binding.name}` anew")
        if binding.name in names and not _keeps(cell, binding, names, module.class_name):
            return Unknown(f"cell {cell.index}, after this part, gives `{binding.name}` another value")
    changing = next(_changing(case, names), None)
    if changing is not None:
        return Unknown(f"cell {changing}, after this part, changes parts of it")
    return Known(module)


def built_otherwise(
    case: Case, module: ModuleRecord, names: Collection[str], *, sizes: bool = False
) -> int | None:
    """The cell below the criterion's section that builds a network of the class with other arguments.

    It is the one that was found at the end of the notebook, by the same name as the section's; None where
    there is no such cell, or the section builds none itself. With `sizes` only whole numbers among the
    arguments count, as these change what a network consists of.
    """
    inside = case.alignment.cells_of(case.section) if case.section is not None else ()
    built: list[tuple[str, ...]] = []
    later: tuple[int, tuple[str, ...]] | None = None
    for cell, binding in case.facts.bindings if inside else ():
        if binding.name not in names or not binding.at_top:
            continue
        call = _building(cell, binding, module.class_name)
        if call is None:
            continue
        given = _arguments(call, sizes)
        if cell.index <= inside[-1]:
            built.append(given)
        else:
            later = (cell.index, given)
    return later[0] if later is not None and built and later[1] not in built else None


def _building(cell: ParsedCell, binding: Binding, class_name: str) -> ast.Call | None:
    """The call of a class where a name is bound to what it builds."""
    for node in nodes_of(cell.tree) if cell.tree is not None else ():
        if isinstance(node, ast.Assign) and binding.node in node.targets:
            for each in nodes_of(node.value):
                match each:
                    case ast.Call(func=ast.Name(id=name)) if name == class_name:
                        return each
    return None


def _arguments(call: ast.Call, sizes: bool) -> tuple[str, ...]:
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    if sizes:
        given = [each for each in given if isinstance(each, ast.Constant) and type(each.value) is int]
    return tuple(map(ast.unparse, given))


def _changing(case: Case, names: Collection[str]) -> Iterator[int]:
    """Cells below the criterion's section that replace, add or take out parts of the network.

    They do so themselves, as ``net.fc = nn.Linear(64, 10)``, or by a function that is given the network.
    """
    inside = case.alignment.cells_of(case.section) if case.section is not None else ()
    functions = case.facts.functions.by_name
    for record in case.evidence.cells[inside[-1] + 1 :] if inside else ():
        tree = parse_cell(record.index, record.source).tree if record.kind == "code" else None
        nodes = list(nodes_of(tree)) if tree is not None else []
        given = {
            each.func.id
            for each in nodes
            if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)
            if any(isinstance(one, ast.Name) and one.id in names for one in each.args)
        }
        called = [functions[name].node for name in sorted(given & set(functions))]
        if any(_replaces(node, names) for node in nodes) or any(map(_replaces_given, called)):
            yield record.index


def _replaces_given(function: ast.AST) -> bool:
    """Whether a function changes the parts of what it is given."""
    parameters = {node.arg for node in nodes_of(function) if isinstance(node, ast.arg)} - {"self"}
    return any(_replaces(node, parameters) for node in nodes_of(function))


def _replaces(node: ast.AST, names: Collection[str]) -> bool:
    match node:
        case ast.Assign(targets=targets):
            parts = (each for each in targets if isinstance(each, ast.Attribute | ast.Subscript))
            return any(_root(each) in names and getattr(each, "attr", "") not in _FLAGS for each in parts)
        case ast.Call(func=ast.Name(id="setattr" | "delattr"), args=[first, *_]):
            return _root(first) in names
        case ast.Call(func=ast.Attribute(value=holder, attr=attr)):
            return attr in _ADDS and _root(holder) in names
    return False


def _root(node: ast.AST) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _after(case: Case) -> Iterator[tuple[ParsedCell, Binding]]:
    """Names of the notebook bound below the criterion's section; none where it has none or is not found."""
    inside = case.alignment.cells_of(case.section) if case.section is not None else ()
    for cell, binding in case.facts.bindings if inside else ():
        if cell.index > inside[-1] and binding.at_top:
            yield cell, binding


def _keeps(cell: ParsedCell, binding: Binding, names: Collection[str], class_name: str) -> bool:
    """Whether an assignment makes another object of the same class, or moves or casts the one there was."""
    for node in nodes_of(cell.tree) if cell.tree is not None else ():
        if isinstance(node, ast.Assign) and binding.node in node.targets:
            root: ast.expr = node.value
            while isinstance(root, ast.Call | ast.Attribute):
                root = root.func if isinstance(root, ast.Call) else root.value
            return isinstance(root, ast.Name) and (root.id == class_name or root.id in names)
    return False


def parameters_in_reach(module: ModuleRecord) -> Fact[ModuleRecord]:
    """A network whose parameters were all read."""
    if module.modules_cut:
        return Unknown("it has more layers than were read")
    return _not_compiled(module)


def layers_in_reach(module: ModuleRecord) -> Fact[ModuleRecord]:
    """A network whose layers in the order of its forward pass were all seen as layers."""
    by_hand = next((each.name for each in module.operations if each.name in _BY_HAND), None)
    if by_hand is not None:
        return Unknown(f"`{by_hand}` in its forward pass may do the work of a layer")
    for forward in module.forwards:
        error, shape = error_of(forward), shape_of(forward)
        if forward.error is not None and isinstance(error, Unknown) and isinstance(shape, Unknown):
            return Unknown(f"its forward pass was not seen whole: {shape.why}")
    return _not_compiled(module)


def _not_compiled(module: ModuleRecord) -> Fact[ModuleRecord]:
    kinds = {module.class_name, *(layer.type for layer in module.layers)}
    compiled = next(iter(sorted(kinds & _COMPILED)), None)
    return Known(module) if compiled is None else Unknown(f"a {compiled} was not looked into")
