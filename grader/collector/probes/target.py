"""Finds what a probe is about: by name, by expression, or by what it accepts and gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import FunctionType
from typing import Any, Literal

import torch
from torch import nn

from grader.collector.probes.surroundings import Surroundings
from grader.collector.recorder.networks import class_name, is_module, is_tensor, shape_of, submodules
from grader.evidence.plan import Discovery, Target

__all__ = ["Found", "Missing", "cell_of", "find_function", "find_module"]

_MAX_CANDIDATES = 20
_MRO = vars(type)["__mro__"].__get__
_NO_GRAD = torch.no_grad


@dataclass(frozen=True)
class Found:
    """The thing itself, and how it was found."""

    thing: Any
    found_by: Literal["name", "expression", "discovery"]
    name: str
    built: bool = False
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True)
class Missing:
    """Nothing fits; `tried` says what was looked at, `error` what the student's code raised on the way."""

    tried: str
    error: BaseException | None = None
    candidates: tuple[str, ...] = ()


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
        if callable(thing):
            return Found(thing, "name", name)
    if target.expression is not None:
        found = _evaluate(target.expression, around)
        if isinstance(found, Missing) or callable(found.thing):
            return found
    return Missing(_tried(target))


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
    """Takes the first fitting network: those that exist first, the latest first, then classes."""
    candidates: list[str] = []
    fitting: list[Found] = []
    for found in _possible(around, candidates):
        if _fits(found.thing, wanted):
            fitting.append(found)
            candidates.append(found.name)
    names = tuple(dict.fromkeys(candidates))[:_MAX_CANDIDATES]
    if not fitting:
        shape = " x ".join(str(size) for size in wanted.input_shape)
        return Missing(f"no network accepts {shape}", candidates=names)
    first = fitting[0]
    return Found(first.thing, "discovery", first.name, built=first.built, candidates=names)


def _possible(around: Surroundings, candidates: list[str]) -> Iterator[Found]:
    """Networks in the namespace, then classes of the notebook that no network there is of."""
    held = [(name, thing) for name, thing in around.namespace.items() if not name.startswith("_")]
    instances = [(name, thing) for name, thing in reversed(held) if is_module(thing)]
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
                candidates.append(f"{name} (not built: {class_name(error)})")


def _fits(module: nn.Module, wanted: Discovery) -> bool:
    kinds = {base.__name__ for _, part in submodules(module) for base in _MRO(type(part))}
    if not kinds.issuperset(wanted.base):
        return False
    modes = [(part, part.training) for _, part in submodules(module)]
    try:
        with _NO_GRAD(), torch.random.fork_rng(devices=[]):
            for part, _ in modes:
                part.training = False
            output = module(torch.zeros(wanted.input_shape))
    except Exception:
        return False
    finally:
        for part, mode in modes:
            part.training = mode
    return is_tensor(output) and _shape_fits(shape_of(output), wanted.output_shape)


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
