"""Whether a run that goes on from another may be a phase of one training with more than one optimizer.

A training is an episode of one network in one unbroken stretch of a student's code. The record opens a run
for each optimizer, so that a new one with a lower rate, or one for the whole network after one for its head,
looks like a network trained again. What speaks for another training is that the student starts it anew: in
another statement, by another call, or with another of several settings that a loop goes through.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TypeGuard

from grader.evidence.training import ModelIdentity, TrainingRun
from grader.facts.case import Case
from grader.facts.code.functions import LOOPS, Functions
from grader.facts.code.names import last_name
from grader.facts.code.source import nodes_of, parse_cell
from grader.facts.training.code import calls_in
from grader.facts.training.runs import batch_size_of, by_token, learning_rate_of
from grader.facts.training.stretches import body_of, goes_through_settings, statements_at

__all__ = ["phases"]

#: Loops around a step beyond which none is counted.
_DEEPEST = 3
#: Names of what a loop goes through that call its turns parts of one training.
_PART = re.compile(r"(?i)(i_?)?(cycle|phase|restart|stage)(_?(i|idx|no|num))?")
#: Calls that take a network's parameters and are no optimizers.
_NO_OPTIMIZERS = frozenset(
    {"enumerate", "filter", "iter", "len", "list", "map", "set", "sum", "tuple", "zip"}
)


def phases(run: TrainingRun, source: TrainingRun, case: Case) -> str:
    """Why a run may be a phase of the training that it goes on from, in a clause; empty where it is not."""
    if _trains_other_parts(run, source):
        return "another part of the same network is trained than before"
    if not _same_network(run, source):
        return ""
    code = _Code(case.facts.functions, run.optimizer)
    stretch = _stretch(run, source, case)
    if stretch is None:
        return _next_in_cell(run, source, code, case)
    if not isinstance(stretch, LOOPS) and sum(code.trainings_in(stretch).values()) > 1:
        return ""
    if not _is_short(run) and not _is_short(source) and _starts_anew(run, source, stretch, code, case):
        return ""
    return "both belong to one statement, and only the optimizer is another object"


def _same_network(run: TrainingRun, source: TrainingRun) -> bool:
    """Whether it is one object, or the same parameters in something around it, as ``DataParallel``."""
    if run.model.token == source.model.token and run.model.layers == source.model.layers:
        return True
    # A wrapper has the network's token, and its layers by other paths.
    return run.start.identity_share == 1 and run.model.parameter_count == source.model.parameter_count


def _trains_other_parts(run: TrainingRun, source: TrainingRun) -> bool:
    """Whether layers were frozen or set free in between, or others given to the optimizer in the same cell.

    In another cell, tensors that were not trained before may be those of a layer that was replaced.
    """
    if run.cell is not None and run.cell == source.cell and 0 < run.start.identity_share < 1:
        return True
    return _same_network(run, source) and run.model.parameter_count != source.model.parameter_count


def _is_short(run: TrainingRun) -> bool:
    """Whether it is one epoch or less: a student who compares settings trains each for several."""
    return run.passes == 1 or run.steps <= 1


def _stretch(run: TrainingRun, source: TrainingRun, case: Case) -> ast.stmt | None:
    """The one statement of a cell, outside any function, in which both runs began."""
    here, there = _statements_of(run, source, case)
    return here[0] if len(here) == 1 and here == there else None


def _next_in_cell(run: TrainingRun, source: TrainingRun, code: _Code, case: Case) -> str:
    """Why a later statement of a cell may go on with a training; empty where it begins another.

    Another kind of optimizer may polish what the first one found. A rate that falls may be a schedule where
    loops are written out; who compares rates looks at what each of them came to, or calls the same again.
    """
    here, there = _statements_of(run, source, case)
    if not here or not there or here == there:
        return ""
    if run.optimizer != source.optimizer:
        return "the same cell goes on with another kind of optimizer"
    rates = learning_rate_of(run), learning_rate_of(source)
    falls = rates[0] is not None and rates[1] is not None and rates[0] < rates[1]
    called = any(code.trainings_in(each) for each in (*here, *there))
    if called or not falls or _items(run, case) != _items(source, case):
        return ""
    looks = [_looks_after(each, one, case) for each, one in ((there, source), (here, run))]
    return "" if looks[0] & looks[1] else "the same cell goes on with a lower learning rate"


def _looks_after(statements: list[ast.stmt], run: TrainingRun, case: Case) -> set[str]:
    """Functions that take a run's network, or outputs of it, in the statements up to the next loop."""
    cell = parse_cell(run.cell or 0, case.evidence.cells[run.cell or 0].source)
    body = cell.tree.body if cell.tree is not None else []
    names = set(run.model.names)
    found: set[str] = set()
    start = body.index(statements[0]) + 1 if statements[0] in body else len(body)
    for statement in itertools.takewhile(lambda each: not isinstance(each, LOOPS), body[start:]):
        for call in calls_in(statement):
            taken = {each.id for each in (*call.args, call.func) if isinstance(each, ast.Name)}
            if taken & names:
                found.add(last_name(call.func))
    return found


def _statements_of(run: TrainingRun, source: TrainingRun, case: Case) -> tuple[list[ast.stmt], ...]:
    """Statements of one cell in which two runs began; none where they began in two cells."""
    if run.cell is None or run.cell != source.cell or run.cell >= len(case.evidence.cells):
        return [], []
    cell = parse_cell(run.cell, case.evidence.cells[run.cell].source)
    return statements_at(cell, run.line), statements_at(cell, source.line)


class _Code:
    """What the code of a notebook trains with, its own functions followed.

    Args:
        functions: The notebook's.
        optimizer: Class of the optimizer that is looked for.
    """

    def __init__(self, functions: Functions, optimizer: str | None) -> None:
        self._functions = functions
        self._optimizer = optimizer

    def trainings_in(self, node: ast.AST) -> Counter[str]:
        """Calls, by name, of the notebook's own functions that make an optimizer and take steps."""
        named = (call.func.id for call in calls_in(node) if isinstance(call.func, ast.Name))
        return Counter(name for name in named if self._trains(name))

    def functions_behind(self, node: ast.AST) -> list[ast.AST]:
        """Functions that code calls, directly or through others."""
        named = (call.func.id for call in calls_in(node) if isinstance(call.func, ast.Name))
        known = [self._functions.by_name[name] for name in named if name in self._functions.by_name]
        reached = (each.node for one in known for each in self._functions.reached_from(one))
        return list(dict.fromkeys(reached))

    def makes_optimizer(self, node: ast.AST) -> bool:
        """Whether it does so itself, not by a function of the notebook."""
        return any(self._is_optimizer(call) for call in calls_in(node))

    def loops_around_steps(self, nodes: Iterable[ast.AST]) -> int:
        """The most loops inside each other, around a step of an optimizer; -1 where no step is seen."""
        deepest, seen = -1, set()
        waiting = [(node, 0) for node in nodes]
        while waiting:
            node, depth = waiting.pop()
            depth = min(depth + isinstance(node, LOOPS), _DEEPEST)
            match node:
                case ast.Call(func=ast.Attribute(attr="step")):
                    deepest = max(deepest, depth)
                case ast.Call(func=ast.Name(id=name)) if (name, depth) not in seen:
                    seen.add((name, depth))
                    called = self._functions.by_name.get(name)
                    waiting += [(called.node, depth)] if called is not None else []
            waiting += [(child, depth) for child in ast.iter_child_nodes(node)]
        return deepest

    def builds(self, model: ModelIdentity, nodes: list[ast.AST]) -> bool:
        """Whether code makes a network anew: binds its name, or calls its class, itself or by a function."""
        behind = [inner for node in nodes for inner in self.functions_behind(node)]
        bound = {inner.id for node in nodes for inner in nodes_of(node) if _is_bound(inner)}
        called = {last_name(call.func) for node in (*nodes, *behind) for call in calls_in(node)}
        return bool(bound & set(model.names)) or model.class_name in called

    def _trains(self, name: str) -> bool:
        written = self._functions.by_name.get(name)
        if written is None:
            return False
        reached = [each.node for each in self._functions.reached_from(written)]
        return any(map(self.makes_optimizer, reached)) and self.loops_around_steps(reached) >= 0

    def _is_optimizer(self, call: ast.Call) -> bool:
        name = last_name(call.func)
        if name in self._functions.by_name or name in _NO_OPTIMIZERS or name.startswith("clip_grad"):
            return False
        first = call.args[0] if call.args else None
        given = isinstance(first, ast.Call) and getattr(first.func, "attr", "") == "parameters"
        return name == self._optimizer or given or any(keyword.arg == "lr" for keyword in call.keywords)


def _is_bound(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _starts_anew(run: TrainingRun, source: TrainingRun, stretch: ast.stmt, code: _Code, case: Case) -> bool:
    """Whether code shows that several trainings were meant: repeated calls, or settings gone through."""
    if _items(run, case) != _items(source, case) or _trains_several(run, source, case):
        return False
    alike = _settings(run, case) == _settings(source, case)
    behind = code.functions_behind(stretch)
    if alike and any(max(code.trainings_in(each).values(), default=0) > 1 for each in behind):
        return True
    if alike and _is_called_a_phase(stretch):
        return False
    at_top = ((loop, True) for loop in _loops_in([stretch]))
    inside = ((loop, False) for loop in _loops_in(behind))
    return any(
        _repeats_training(loop, run, source, code, inline=top) and (alike or goes_through_settings(loop))
        for loop, top in (*at_top, *inside)
    )


def _is_called_a_phase(stretch: ast.stmt) -> bool:
    """Whether a loop's own variable calls its turns parts of one training, as in warm restarts."""
    if not isinstance(stretch, ast.For):
        return False
    names = (name.id for name in nodes_of(stretch.target) if isinstance(name, ast.Name))
    return any(_PART.fullmatch(name) for name in names)


def _trains_several(run: TrainingRun, source: TrainingRun, case: Case) -> bool:
    """Whether other networks are trained from the same line: then each has trainings of its own.

    One that has the very tensors of an earlier one is no other: a shallow copy, or what stands around it.
    """
    place = (run.cell, run.line)
    others = (other for other in case.evidence.training.runs if (other.cell, other.line) == place)
    own = (other for other in others if other.index != source.index and other.start.identity_share < 1)
    return any(other.model.token != run.model.token for other in own)


def _items(run: TrainingRun, case: Case) -> int | None:
    found = by_token(case.evidence.training).get(run.source) if run.source is not None else None
    return found.sampled if found is not None else None


def _settings(run: TrainingRun, case: Case) -> tuple[object, ...]:
    size = batch_size_of(run, by_token(case.evidence.training))
    return (run.optimizer, dict(run.hyperparameters), size, run.passes)


def _loops_in(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    return (inner for node in nodes for inner in nodes_of(node) if isinstance(inner, LOOPS) or _maps(inner))


def _maps(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "map"


def _repeats_training(
    loop: ast.AST, run: TrainingRun, source: TrainingRun, code: _Code, *, inline: bool
) -> bool:
    """Whether each turn of a loop makes an optimizer and goes through epochs with it, without a new network.

    A name that it binds to another object with the same tensors is no new network: ``copy.copy(net)``.
    Within a function, a loop that does so itself may be the phases of one training; it counts where `inline`.
    """
    body = body_of(loop)
    called = any(code.trainings_in(node) for node in body)
    if not called and not (inline and any(map(code.makes_optimizer, body))):
        return False
    if run.model.token == source.model.token and code.builds(run.model, body):
        return False
    return code.loops_around_steps(body) >= (2 if run.passes else 1)
