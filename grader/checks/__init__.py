"""The kinds of check: one file each, in rooms by what they look at; found by looking into this folder."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType, ModuleType

from grader.judging.check import Check

__all__ = ["registry"]


@cache
def registry() -> Mapping[str, type[Check]]:
    """Every kind of check by the word that a rubric's ``check:`` names it with, in alphabetical order.

    Raises:
        RuntimeError: Two files claim one word: a mistake in this package, never in a rubric.
    """
    found: dict[str, type[Check]] = {}
    for kind in _kinds():
        word = kind.model_fields["check"].default
        if word in found:
            raise RuntimeError(f"two checks are called {word!r}: {found[word]} and {kind}")
        found[word] = kind
    return MappingProxyType(dict(sorted(found.items())))


def _kinds() -> Iterator[type[Check]]:
    for module_info in pkgutil.walk_packages(__path__, f"{__name__}."):
        if not module_info.name.endswith("__main__"):
            yield from _checks_in(importlib.import_module(module_info.name))


def _checks_in(module: ModuleType) -> Iterator[type[Check]]:
    for _, member in inspect.getmembers(module, inspect.isclass):
        if issubclass(member, Check) and member.__module__ == module.__name__:
            yield member
