"""Tells whether a notebook has changed the code that measures it.

A seal is taken before the student's code runs. It is no wall: who owns the interpreter can forge a seal as
well. It makes the short ways visible; the long ones show in the notebook's source, which the host reads.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

from pydantic import BaseModel

from grader.evidence.text import first_lines

__all__ = ["Seal", "look_ahead"]

_PACKAGE = "grader."
_MOST_NAMED = 10
_METHODS = (FunctionType, staticmethod, classmethod, property)

#: What reads and writes a model, beside its methods.
_OF_PYDANTIC = frozenset({"__pydantic_serializer__", "__pydantic_validator__"})
#: Added to a class these come before everything that its objects hold.
_OVERRULING = frozenset({"__getattr__", "__getattribute__", "__setattr__"})

#: Built-in functions that measuring relies on, and that no lab replaces for everybody.
_BUILTINS = (
    "all", "any", "bool", "callable", "dict", "enumerate", "float", "frozenset", "getattr", "id", "int",
    "isinstance", "issubclass", "iter", "len", "list", "max", "min", "next", "range", "set", "sorted", "str",
    "sum", "super", "tuple", "type", "vars", "zip",
)  # fmt: skip

_Place = tuple[str, Callable[[], Any], Any]


class _Module:
    """What one of our modules consisted of when it was looked at.

    Attributes:
        places: Each with what was found there.
        classes: Its own, each with the names in it.
    """

    def __init__(self, name: str, module: ModuleType) -> None:
        self._module = module
        self._names = frozenset(vars(module))
        self.places = tuple(_of_module(name, module))
        self.classes = tuple(
            (f"{name}.{key}", value, frozenset(vars(value)))
            for key, value in list(vars(module).items())
            if isinstance(value, type) and value.__module__ == name
        )

    def stands(self, module: ModuleType) -> bool:
        """Whether looking at it anew would find the same."""
        return (
            module is self._module
            and vars(module).keys() == self._names
            and all(vars(kind).keys() == names for _, kind, names in self.classes)
            and all(read() is before for _, read, before in self.places)
        )


#: What was looked at before there was a notebook, by name: empty but in a fork server and its kernels.
_LOOKED_AT: dict[str, _Module] = {}


def look_ahead() -> None:
    """Looks at our modules once for all kernels that are forked from this process.

    A seal looks at each of their parts all the same, and anew at a module in which any is another by then.
    """
    _LOOKED_AT.update({name: _Module(name, module) for name, module in _own_modules()})


class Seal:
    """What our modules, classes and functions consist of, by identity.

    Args:
        own: Objects whose attributes the notebook has no reason to add to, by name.
        entries: Mappings of which one entry each must stay: name, mapping, key.
        kept: Attributes of an object, by its name in `own`, that are never bound to something else.
    """

    def __init__(
        self,
        own: Mapping[str, object] | None = None,
        entries: tuple[tuple[str, Mapping[str, Any], str], ...] = (),
        kept: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self._names = {name: frozenset(vars(thing)) for name, thing in (own or {}).items()}
        self._own = dict(own or {})
        self._places: list[_Place] = [*_of_builtins(), *_of_class("pydantic.BaseModel", BaseModel)]
        self._classes: list[tuple[str, type, frozenset[str]]] = []
        for name, module in _own_modules():
            seen = _LOOKED_AT.get(name)
            if seen is None or not seen.stands(module):
                seen = _Module(name, module)
            self._places += seen.places
            self._classes += seen.classes
        for name, mapping, key in entries:
            self._places.append(_entry(name, mapping, key))
        for name, keys in (kept or {}).items():
            self._places += _of_object(name, self._own[name], keys)

    def broken(self) -> tuple[str, ...]:
        """What is no longer as it was, in words; empty where nothing was touched."""
        changed = [name for name, read, before in self._places if read() is not before]
        for name, thing in self._own.items():
            changed += [f"{name}.{each}" for each in sorted(set(vars(thing)) - self._names[name])]
        changed += [added for name, kind, names in self._classes for added in _added(name, kind, names)]
        return first_lines([f"the notebook changed {name}" for name in dict.fromkeys(changed)], _MOST_NAMED)


def _own_modules() -> list[tuple[str, ModuleType]]:
    """By name."""
    ours = sorted(name for name in sys.modules if name.startswith(_PACKAGE))
    found = ((name, sys.modules[name]) for name in ours)
    return [(name, module) for name, module in found if isinstance(module, ModuleType)]


def _added(name: str, kind: type, names: frozenset[str]) -> list[str]:
    """What a class has got since, which its objects then have as well; Python itself adds ``__names__``."""
    new = vars(kind).keys() - names
    return [f"{name}.{key}" for key in sorted(new) if key in _OVERRULING or not key.startswith("__")]


def _of_object(name: str, thing: object, keys: tuple[str, ...]) -> Iterator[_Place]:
    yield f"{name}'s class", lambda: type(thing), type(thing)
    yield from (_entry(f"{name}.{key}", vars(thing), key) for key in keys)


def _entry(name: str, mapping: Mapping[str, Any], key: str) -> _Place:
    return name, lambda: mapping.get(key), mapping.get(key)


def _of_builtins() -> Iterator[_Place]:
    names = vars(builtins)
    return (_entry(f"the built-in {name}", names, name) for name in _BUILTINS)


def _of_module(name: str, module: ModuleType) -> Iterator[_Place]:
    names = vars(module)
    yield _entry(f"the module {name}", sys.modules, name)
    for key, value in list(names.items()):
        if key.startswith("__"):
            continue
        yield _entry(f"{name}.{key}", names, key)
        if getattr(value, "__module__", None) != name:
            continue
        if isinstance(value, type):
            yield from _of_class(f"{name}.{key}", value)
        elif isinstance(value, FunctionType):
            yield from _of_function(f"{name}.{key}", value)


def _of_class(name: str, kind: type) -> Iterator[_Place]:
    for key, value in list(vars(kind).items()):
        if isinstance(value, _METHODS) or key in _OF_PYDANTIC:
            yield f"{name}.{key}", _attribute(kind, key), value
        if isinstance(value, FunctionType):
            yield from _of_function(f"{name}.{key}", value)


def _attribute(kind: type, key: str) -> Callable[[], Any]:
    return lambda: vars(kind).get(key)


def _of_function(name: str, function: FunctionType) -> Iterator[_Place]:
    yield name, lambda: function.__code__, function.__code__
    yield name, lambda: function.__defaults__, function.__defaults__
