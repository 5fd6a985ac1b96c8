"""Finds what a probe is about: by name, by expression, or by what it accepts and gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from types import FunctionType
from typing import Any, Literal

import torch
from torch import nn

from grader.collector.missing_package import StandIn
from grader.collector.networks import class_name, first_tensor, is_module, shape_of, submodules
from grader.collector.probes.placed import placed
from grader.collector.probes.surroundings import Surroundings
from grader.evidence.plan import Discovery, Target
from grader.evidence.record import Candidate

__all__ = ["Found", "Missing", "cell_of", "find_function", "find_module", "own_function"]

_MAX_CANDIDATES = 200
_MAX_ITEMS, _MAX_NAME = 1000, 100
#: A list whose first so many items hold no network is a list of something else.
_MAX_SEARCHED = 100_000
_OF_IPYTHON = frozenset({"In", "Out"})
_MRO = vars(type)["__mro__"].__get__
_NO_GRAD = torch.no_grad
_COMPILE, _EXEC = compile, exec


@dataclass
class Seen:
    """Networks that were looked at.

    Attributes:
        cut: Not all there are were looked at, or not all of these are named.
    """

    candidates: list[Candidate] = field(default_factory=list)
    cut: bool = False

    def add(self, candidate: Candidate) -> None:
        """Notes a network once; one that could not be built goes before those that are only named."""
        if candidate in self.candidates:
            return
        unbuilt = sum(known.not_built is not None for known in self.candidates)
        place = len(self.candidates) if candidate.not_built is None else unbuilt
        self.candidates.insert(place, candidate)
        if len(self.candidates) > _MAX_CANDIDATES:
            self.candidates.pop()
            self.cut = True


@dataclass(frozen=True)
class Found:
    """The thing itself, and how it was found."""

    thing: Any
    found_by: Literal["name", "expression", "discovery"]
    name: str
    built: bool = False
    seen: Seen = field(default_factory=Seen)


@dataclass(frozen=True)
class Missing:
    """Nothing fits; `tried` says what was looked at, `error` what the student's code raised on the way."""

    tried: str
    error: BaseException | None = None
    seen: Seen = field(default_factory=Seen)


def find_module(target: Target, around: Surroundings) -> Found | Missing:
    """Finds a network; a class is built without arguments."""
    failure: BaseException | None = None
    for name in target.names:
        if name not in around.namespace:
            continue
        thing = around.namespace[name]
        if is_module(thing):
            return Found(thing, "name", name)
        if _is_module_class(thing):
            built, failure = _build(thing, around)
            if built is not None:
                return Found(built, "name", name, built=True)
    if target.expression is not None:
        found = _evaluate(target.expression, around)
        if isinstance(found, Found) and is_module(found.thing):
            return found
        failure = found.error if isinstance(found, Missing) else failure
    if target.discover is not None:
        return _discover(target.discover, around)
    return Missing(_tried(target), failure)


def find_function(target: Target, around: Surroundings) -> Found | Missing:
    """Finds anything that can be called; networks are called as functions."""
    for name in target.names:
        thing = around.namespace.get(name)
        if callable(thing) and type(thing) is not StandIn:
            return Found(thing, "name", name)
    if target.expression is not None:
        found = _evaluate(target.expression, around)
        if isinstance(found, Missing) or callable(found.thing):
            return found
    return Missing(_tried(target))


def own_function(code: str, around: Surroundings) -> Found | Missing:
    """The function `measure` of the course's own code, which has the notebook's names in `student`."""
    scope: dict[str, Any] = {"__name__": "measure", "student": dict(around.namespace)}
    try:
        _EXEC(_COMPILE(code, "<measure>", "exec"), scope)
    except Exception as error:
        return Missing("the course's own code raised", error)
    function = scope.get("measure")
    if not isinstance(function, FunctionType):
        return Missing("the course's own code defines no function `measure`")
    return Found(function, "expression", "measure")


def _tried(target: Target) -> str:
    looked = [*target.names, *([target.expression] if target.expression else [])]
    return f"nothing usable under {', '.join(looked)}" if looked else "nothing fits"


def _evaluate(expression: str, around: Surroundings) -> Found | Missing:
    try:
        return Found(eval(expression, around.namespace), "expression", expression)  # noqa: S307 - the sandbox
    except Exception as error:
        return Missing(f"nothing usable under {expression}", error)


def _is_module_class(thing: Any) -> bool:
    return isinstance(thing, type) and nn.Module in _MRO(thing)


def _build(kind: type, around: Surroundings) -> tuple[nn.Module | None, BaseException | None]:
    """A new object of a class, built without arguments, from the plan's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(around.plan.seed)
        try:
            return kind(), None
        except Exception as error:
            return None, error


def _discover(wanted: Discovery, around: Surroundings) -> Found | Missing:
    """Takes the first fitting network: those that exist first, the latest first, then classes.

    Where none gives the shape wanted, one of the notebook's own that accepts the input is taken, so that what
    it gives can be told.
    """
    seen = Seen()
    near: list[Found] = []
    fitting: list[Found] = []
    for found in _possible(around, seen):
        given = _output_shape(found.thing, wanted)
        if given is None:
            continue
        if _shape_fits(given, wanted.output_shape):
            fitting.append(found)
        elif _is_own(found.thing, around):
            near.append(found)
        else:
            continue
        seen.add(Candidate(name=found.name))
    chosen = next(iter([*fitting, *near]), None)
    if chosen is None:
        shape = " x ".join(str(size) for size in wanted.input_shape)
        return Missing(f"no network accepts {shape}", seen=seen)
    return Found(chosen.thing, "discovery", chosen.name, built=chosen.built, seen=seen)


def _possible(around: Surroundings, seen: Seen) -> Iterator[Found]:
    """Networks in the namespace, alone or in lists and dicts, then classes that no network there is of."""
    held = [(name, thing) for name, thing in around.namespace.items() if not name.startswith("_")]
    instances = _instances(held)
    seen.cut = any(_is_longer(thing) for name, thing in held if name not in _OF_IPYTHON)
    for name, thing in instances:
        yield Found(thing, "discovery", name)
    for name, thing in reversed(held):
        if _is_module_class(thing) and cell_of(thing, around) is not None:
            if any(type(instance) is thing for _, instance in instances):
                continue
            built, error = _build(thing, around)
            if built is not None:
                yield Found(built, "discovery", name, built=True)
            else:
                seen.add(Candidate(name=name, not_built=class_name(error)))


def _instances(held: list[tuple[str, Any]]) -> list[tuple[str, nn.Module]]:
    """Networks, each once: variables, the latest first, then what lists and dicts hold."""
    inside = [pair for name, thing in reversed(held) for pair in _held_in(name, thing)]
    modules = [(name, thing) for name, thing in (*reversed(held), *inside) if is_module(thing)]
    once = {id(thing): (name, thing) for name, thing in reversed(modules)}
    return [(name, thing) for name, thing in modules if once[id(thing)][0] == name]


def _held_in(name: str, thing: Any) -> list[tuple[str, Any]]:
    """Items of a plain list, tuple or dict; IPython's own record of outputs is none of the student's."""
    if name in _OF_IPYTHON:
        return []
    if type(thing) in (list, tuple):
        return [(f"{name}[{place}]", item) for place, item in enumerate(thing[:_MAX_ITEMS])]
    if type(thing) is dict:
        keys = ((key, item) for key, item in islice(thing.items(), _MAX_ITEMS) if type(key) in (str, int))
        return [(f"{name}[{key!r}]"[:_MAX_NAME], item) for key, item in keys]
    return []


def _is_longer(thing: Any) -> bool:
    """Whether a container of networks holds more than are looked at."""
    if type(thing) not in (list, tuple, dict) or len(thing) <= _MAX_ITEMS:
        return False
    items = thing.values() if type(thing) is dict else thing
    return any(is_module(item) for item in islice(items, _MAX_SEARCHED))


def _is_own(module: nn.Module, around: Surroundings) -> bool:
    """Whether a network is of a class of the notebook's, or put together in it of layers."""
    return cell_of(module, around) is not None or type(module) is nn.Sequential


def _output_shape(module: nn.Module, wanted: Discovery) -> tuple[int, ...] | None:
    """What the network gives for the input wanted, the first tensor of several.

    None where it refuses the input or lacks a layer asked for.
    """
    kinds = {base.__name__ for _, part in submodules(module) for base in _MRO(type(part))}
    if not kinds.issuperset(wanted.base):
        return None
    modes = [(part, part.training) for _, part in submodules(module)]
    try:
        with _NO_GRAD(), torch.random.fork_rng(devices=[]):
            for part, _ in modes:
                part.training = False
            output = module(placed(torch.zeros(wanted.input_shape), module))
    except Exception:
        return None
    finally:
        for part, mode in modes:
            part.training = mode
    first = first_tensor(output)
    return None if first is None else shape_of(first)


def _shape_fits(shape: tuple[int, ...], wanted: tuple[int, ...] | None) -> bool:
    if wanted is None:
        return True
    return len(shape) == len(wanted) and all(
        asked in (-1, size) for size, asked in zip(shape, wanted, strict=True)
    )


def cell_of(thing: Any, around: Surroundings) -> int | None:
    """The cell that defines a function or a class."""
    if isinstance(thing, FunctionType):
        return around.cells.of_code(thing.__code__)
    kind = thing if isinstance(thing, type) else type(thing)
    for member in vars(kind).values():
        if isinstance(member, FunctionType):
            cell = around.cells.of_code(member.__code__)
            if cell is not None:
                return cell
    return None
