"""Solutions with one mistake in each, to see whether a rubric notices: the mistakes that students make.

A mutant changes one place of a solution, or empties a part. Which criteria should notice follows from what
they are about: a kernel that is turned from those that call the function, softmax before the loss from
`loss_function`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from grader.checks.answers.output_units import OutputUnits
from grader.checks.answers.tensor_close import TensorClose
from grader.checks.answers.weight_counts import WeightCounts
from grader.checks.code.forbids_call import ForbidsCall
from grader.checks.code.vectorized import Vectorized
from grader.checks.combined.all_of import AllOf
from grader.checks.combined.any_of import AnyOf
from grader.checks.data.evaluation_on_test_data import EvaluatedOnTest
from grader.checks.data.untouched_test_data import TestSetUntouched
from grader.checks.functions.convolution import Convolution
from grader.checks.functions.function_values import FunctionValues
from grader.checks.functions.pooling import Pooling
from grader.checks.networks.architecture import Architecture
from grader.checks.networks.module_values import ModuleValues
from grader.checks.networks.parameter_count import ParameterCount
from grader.checks.training.files_written import FilesWritten
from grader.checks.training.fresh_weights import FreshWeights
from grader.checks.training.hyperparameter_settings import HyperparameterSettings
from grader.checks.training.loss_function import LossFunction
from grader.evidence.record import CellRecord
from grader.facts.sections import align
from grader.judging.check import Check
from grader.rubric.model import Rubric

__all__ = ["Mutant", "mutants_of"]

_Kind = TypeVar("_Kind", bound=Check)
_Function = Convolution | Pooling | FunctionValues | Vectorized


@dataclass(frozen=True)
class Mutant:
    """A solution with one mistake.

    Attributes:
        mistake: What was done to it, in words.
        changed: What stands now in each cell that changed, by its place over all cells of the file.
        aims: Ids of the criteria of which one should notice; empty where the rubric asks for no such thing.
    """

    mistake: str
    changed: Mapping[int, str]
    aims: frozenset[str]


def mutants_of(cells: Sequence[CellRecord], rubric: Rubric) -> list[Mutant]:
    """All mistakes that can be made in a solution, each in the first place where it can.

    Args:
        cells: Of the solution.
        rubric: What it is to be tried with.
    """
    notebook = _Notebook(cells, rubric)
    found = [mutant for make in _MISTAKES for mutant in make(notebook)]
    return [
        each for each in found if any(cells[place].source != text for place, text in each.changed.items())
    ]


@dataclass(frozen=True)
class _Code:
    """A code cell that is plain Python."""

    index: int
    source: str
    tree: ast.Module

    def replaced(self, node: ast.expr | ast.stmt, text: str) -> str:
        """The source with a node's text replaced."""
        lines = self.source.encode().splitlines(keepends=True)
        assert node.end_lineno is not None and node.end_col_offset is not None
        before = b"".join(lines[: node.lineno - 1]) + lines[node.lineno - 1][: node.col_offset]
        after = lines[node.end_lineno - 1][node.end_col_offset :] + b"".join(lines[node.end_lineno :])
        return (before + text.encode() + after).decode()

    def segment(self, node: ast.AST) -> str:
        return ast.get_source_segment(self.source, node) or ""

    def nodes(self, kind: type[Any]) -> Iterator[Any]:
        return (node for node in ast.walk(self.tree) if isinstance(node, kind))


def _needed(check: Check) -> Iterator[Check]:
    """The checks that a mistake cannot pass by: of several ways none, as another one may still hold."""
    if isinstance(check, AllOf):
        for part in check.of:
            yield from _needed(part)
    elif not isinstance(check, AnyOf):
        yield check


class _Notebook:
    def __init__(self, cells: Sequence[CellRecord], rubric: Rubric) -> None:
        self.cells = cells
        self.rubric = rubric
        self.code = [code for code in map(_parsed, cells) if code is not None]
        self.alignment = align(cells, rubric.sections)
        self.needed = [(each.id, check) for each in rubric.criteria for check in _needed(each.check)]

    def asked(self, kind: type[_Kind]) -> list[tuple[str, _Kind]]:
        """Criteria of a kind, each with its id."""
        return [(name, check) for name, check in self.needed if isinstance(check, kind)]

    def ids(self, *kinds: type[Check]) -> frozenset[str]:
        return frozenset(name for kind in kinds for name, _ in self.asked(kind))

    @property
    def functions(self) -> list[tuple[str, _Function]]:
        """Criteria that call a function and compare what it gives."""
        kinds = (Convolution, Pooling, FunctionValues, Vectorized)
        return [(name, check) for name, check in self.needed if isinstance(check, kinds)]

    def function(self, names: Sequence[str]) -> tuple[_Code, str] | None:
        """The cell of the last top-level definition of one of the names, and the name."""
        for name in names:
            for code in reversed(self.code):
                if any(isinstance(node, ast.FunctionDef) and node.name == name for node in code.tree.body):
                    return code, name
        return None

    def assigned(self, names: Sequence[str]) -> tuple[_Code, str] | None:
        """The cell of the last top-level assignment to one of the names, and the name."""
        for name in names:
            for code in reversed(self.code):
                if name in _assigned(code.tree.body):
                    return code, name
        return None


def _parsed(cell: CellRecord) -> _Code | None:
    if cell.kind != "code":
        return None
    try:
        return _Code(cell.index, cell.source, ast.parse(cell.source))
    except (SyntaxError, ValueError, RecursionError):
        # Cells with magics are left as they are: their lines would not stand where the tree says.
        return None


def _assigned(body: Iterable[ast.stmt]) -> set[str]:
    targets = [target for node in body if isinstance(node, ast.Assign) for target in node.targets]
    return {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}


# Functions to be written

_WRAPPED = """

__as_solved, __first = {name}, {{}}


def {name}(*args, **kwargs):
    args = list(args)
    {change}
    return {answer}
"""


def _of_functions(notebook: _Notebook) -> Iterator[Mutant]:
    for _, check in notebook.functions:
        found = notebook.function(check.function)
        if found is None:
            continue
        code, name = found
        aims = frozenset(criterion for criterion, other in notebook.functions if name in other.function)
        for mistake, change, answer in _changes(check):
            source = code.source + _WRAPPED.format(name=name, change=change, answer=answer)
            yield Mutant(f"{name}: {mistake}", {code.index: source}, aims)


def _changes(check: _Function) -> Iterator[tuple[str, str, str]]:
    """What is done to a function: in words, to its arguments, and to its answer."""
    as_solved = "__as_solved(*args, **kwargs)"
    if isinstance(check, Convolution):
        place = check.arguments.index("kernel")
        yield "the kernel is flipped", f"args[{place}] = args[{place}].flip((-2, -1))", as_solved
        yield "the kernel is negated", f"args[{place}] = -args[{place}]", as_solved
    if isinstance(check, Pooling):
        yield "the image is negated", "args[0] = -args[0]", as_solved
    if isinstance(check, (Convolution, Pooling)):
        for one, nothing in (("stride", 1), ("padding", 0)):
            if one in check.arguments:
                place = tuple(check.arguments).index(one)
                change = f"args[{place} : {place} + 1] = [{nothing}] * len(args[{place} : {place} + 1])"
                yield f"{one} is ignored", change, as_solved
    if isinstance(check, (FunctionValues, Vectorized)):
        yield "nothing is returned", "pass", f"{as_solved} and None"
        yield "the same answer to every input", "args = __first.setdefault('args', args)", as_solved


_BY_THE_LIBRARY = """

def {name}(image, kernel, *rest, **more):
    import torch

    return torch.nn.functional.conv2d(image[None, None], kernel[None, None])[0, 0]
"""


def _by_the_library(notebook: _Notebook) -> Iterator[Mutant]:
    for _, check in notebook.asked(Convolution):
        found = notebook.function(check.function)
        if found is None or check.arguments != ("image", "kernel"):
            continue
        code, name = found
        aims = frozenset(
            criterion
            for criterion, forbids in notebook.asked(ForbidsCall)
            if "conv2d" in forbids.forbidden and name in [one.name for one in forbids.functions]
        )
        source = code.source + _BY_THE_LIBRARY.format(name=name)
        yield Mutant(f"{name} is the library's conv2d", {code.index: source}, aims)


# Variables that hold an answer


def _of_answers(notebook: _Notebook) -> Iterator[Mutant]:
    for criterion, check in notebook.needed:
        for names in _answer_names(check):
            found = notebook.assigned(names)
            if found is None:
                continue
            code, name = found
            more = f"(*{name}[:-1], {name}[-1] + 1) if isinstance({name}, (list, tuple)) else {name} + 1"
            source = f"{code.source}\n{name} = {more}\n"
            yield Mutant(f"{name} is 1 too large", {code.index: source}, frozenset({criterion}))


def _answer_names(check: Check) -> Iterator[Sequence[str]]:
    if isinstance(check, TensorClose):
        yield from (one.name for one in check.tensors if not one.shape)
    elif isinstance(check, OutputUnits):
        yield from (one.name for one in check.answers)
    elif isinstance(check, WeightCounts):
        for one in check.answers:
            yield from (names for names in (one.weights, one.biases, one.total) if names)


# Networks

_WITHOUT_WEIGHTS = ("ReLU", "LeakyReLU", "Tanh", "Sigmoid", "MaxPool2d", "AvgPool2d", "Dropout", "Dropout2d")


def _of_layers(notebook: _Notebook) -> Iterator[Mutant]:
    """The first layer of each kind: left out where it has no weights, else without its bias."""
    seen: set[str] = set()
    for code in notebook.code:
        for call in code.nodes(ast.Call):
            kind = _last(call.func)
            if not _builds_layer(call) or kind in seen:
                continue
            seen.add(kind)
            if kind in _WITHOUT_WEIGHTS:
                source = code.replaced(call, "torch.nn.Identity()")
                yield Mutant(f"a {kind} is left out", {code.index: source}, _asking_for(notebook, kind))
            elif kind in ("Linear", "Conv2d") and not any(each.arg == "bias" for each in call.keywords):
                text = code.segment(call)
                source = code.replaced(call, f"{text[:-1].rstrip().rstrip(',')}, bias=False)")
                aims = notebook.ids(ParameterCount)
                yield Mutant(f"a {kind} has no bias", {code.index: source}, aims)


def _asking_for(notebook: _Notebook, kind: str) -> frozenset[str]:
    """Criteria that ask for a layer of this kind and look at the network itself."""
    return frozenset(
        criterion
        for criterion, check in notebook.asked(Architecture)
        if check.target is not None and any(layer.type == kind for layer in check.layers)
    )


def _builds_layer(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and _last(call.func.value) == "nn"


def _added_inputs(notebook: _Notebook) -> Iterator[Mutant]:
    """A sum with the block's input, as in a residual block, without the input."""
    for code in notebook.code:
        for block in code.nodes(ast.ClassDef):
            for node, other in _sums_with_input(block):
                source = code.replaced(node, code.segment(other))
                aims = _computing(notebook, block.name)
                yield Mutant("a block's input is not added", {code.index: source}, aims)
                return


def _sums_with_input(block: ast.ClassDef) -> Iterator[tuple[ast.BinOp, ast.expr]]:
    """Sums of the input of `forward` with something else, which is given beside each."""
    for function in block.body:
        if not isinstance(function, ast.FunctionDef) or function.name != "forward":
            continue
        given = [argument.arg for argument in function.args.args[1:2]]
        for node in ast.walk(function):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
                for one, other in ((node.right, node.left), (node.left, node.right)):
                    if given and _is(one, given[0]):
                        yield node, other


def _computing(notebook: _Notebook, name: str) -> frozenset[str]:
    """Criteria that compare what this class computes."""
    return frozenset(
        criterion
        for criterion, check in notebook.asked(ModuleValues)
        if name in check.target.names or (check.target.expression or "").startswith(f"{name}(")
    )


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


# Training


def _not_anew(notebook: _Notebook) -> Iterator[Mutant]:
    """A network that is not built for a second training: the one before is trained on."""
    aims = notebook.ids(FreshWeights)
    classes = {node.name for code in notebook.code for node in code.nodes(ast.ClassDef)}
    before: dict[str, str] = {}
    for code in notebook.code:
        for node in code.tree.body:
            if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)):
                continue
            kind, target = _last(node.value.func), node.targets[0]
            if kind not in classes or not isinstance(target, ast.Name):
                continue
            if kind in before:
                mistake = f"{target.id} is not built anew before it is trained"
                yield Mutant(mistake, {code.index: code.replaced(node.value, before[kind])}, aims)
                return
            before[kind] = target.id


def _squashed_before_the_loss(notebook: _Notebook) -> Iterator[Mutant]:
    aims = notebook.ids(LossFunction)
    losses = {"cross_entropy": "CrossEntropyLoss", "binary_cross_entropy_with_logits": "BCEWithLogitsLoss"}
    for loss in ("CrossEntropyLoss", "BCEWithLogitsLoss"):
        losses |= dict.fromkeys(_named(notebook, loss), loss)
    for code in notebook.code:
        for call in code.nodes(ast.Call):
            if _last(call.func) in losses and len(call.args) == 2:
                outputs = call.args[0]
                text = _squashed(losses[_last(call.func)], code.segment(outputs))
                mistake = f"{text.partition('(')[0].removeprefix('torch.')} before the loss"
                yield Mutant(mistake, {code.index: code.replaced(outputs, text)}, aims)
                return


def _squashed(loss: str, outputs: str) -> str:
    binary = loss == "BCEWithLogitsLoss"
    return f"torch.sigmoid({outputs})" if binary else f"torch.softmax({outputs}, dim=1)"


def _named(notebook: _Notebook, kind: str) -> set[str]:
    """Variables that hold what a class of this name built."""
    found = set()
    for code in notebook.code:
        for node in code.nodes(ast.Assign):
            if isinstance(node.value, ast.Call) and _last(node.value.func) == kind:
                found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found


def _test_data_in_training(notebook: _Notebook) -> Iterator[Mutant]:
    aims = notebook.ids(TestSetUntouched, EvaluatedOnTest)
    known = {name for code in notebook.code for name in _assigned(_statements(code))}
    for code in notebook.code:
        for node in code.nodes(ast.For):
            if isinstance(node.iter, ast.Name) and _calls(node, "backward"):
                other = node.iter.id.replace("train", "test")
                if other != node.iter.id and other in known:
                    source = code.replaced(node.iter, other)
                    yield Mutant("trained on the test data", {code.index: source}, aims)
                    return
        for call in code.nodes(ast.Call):
            for given in call.args if "train" in _last(call.func) else ():
                if isinstance(given, ast.Name) and "train" in given.id:
                    other = given.id.replace("train", "test")
                    if other in known:
                        source = code.replaced(given, other)
                        yield Mutant("trained on the test data", {code.index: source}, aims)
                        return


def _statements(code: _Code) -> Iterator[ast.stmt]:
    return (node for node in ast.walk(code.tree) if isinstance(node, ast.stmt))


def _calls(node: ast.AST, name: str) -> bool:
    return any(isinstance(each, ast.Call) and _last(each.func) == name for each in ast.walk(node))


def _other_settings(notebook: _Notebook) -> Iterator[Mutant]:
    for mistake, key, keywords, factor in (
        ("the learning rate is ten times what it was", "learning_rate", ("lr", "learning_rate"), 10),
        ("batches are twice as large", "batch_size", ("batch_size",), 2),
    ):
        aims = frozenset(
            criterion
            for criterion, check in notebook.asked(HyperparameterSettings)
            if any(getattr(setting, key) is not None for setting in check.settings)
        )
        for code, value in _constants(notebook, keywords):
            assert isinstance(value.value, (int, float))
            source = code.replaced(value, repr(value.value * factor))
            yield Mutant(mistake, {code.index: source}, aims)
            break


def _constants(notebook: _Notebook, keywords: Sequence[str]) -> Iterator[tuple[_Code, ast.Constant]]:
    """Numbers that calls outside functions give by keyword."""
    for code in notebook.code:
        for statement in code.tree.body:
            if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                continue
            for call in ast.walk(statement):
                for given in call.keywords if isinstance(call, ast.Call) else ():
                    value = given.value
                    if given.arg in keywords and isinstance(value, ast.Constant) and _is_number(value.value):
                        yield code, value


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _not_saved(notebook: _Notebook) -> Iterator[Mutant]:
    for code in notebook.code:
        for node in code.nodes(ast.Expr):
            if isinstance(node.value, ast.Call) and code.segment(node.value.func) == "torch.save":
                source = code.replaced(node, "pass")
                yield Mutant("nothing is saved", {code.index: source}, notebook.ids(FilesWritten))
                return


# Whole parts


def _left_empty(notebook: _Notebook) -> Iterator[Mutant]:
    """A part without anything but its heading."""
    for name in notebook.rubric.sections:
        aims = frozenset(
            criterion.id
            for criterion in notebook.rubric.criteria
            if criterion.section == name and criterion.points and not criterion.check.by_a_person
        )
        place = notebook.alignment
        own = [cell for cell in place.cells_of(name) if place.section_of(cell) == name]
        written = [cell for cell in own[1:] if notebook.cells[cell].source.strip()]
        if aims and written:
            yield Mutant(f"{name} is left empty", dict.fromkeys(written, ""), aims)


def _last(node: ast.AST) -> str:
    """The last part of a dotted name; empty for anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


_MISTAKES: tuple[Callable[[_Notebook], Iterator[Mutant]], ...] = (
    _of_functions,
    _by_the_library,
    _of_answers,
    _of_layers,
    _added_inputs,
    _not_anew,
    _squashed_before_the_loss,
    _test_data_in_training,
    _other_settings,
    _not_saved,
    _left_empty,
)
