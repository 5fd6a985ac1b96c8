"""Loads reference answers: a course's own package, or the one that we bring."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import grader
from grader.errors import UsageError
from grader.facts.case import Reference
from grader.workflows.regrading.own_checks import OwnCheck, digest_of

__all__ = ["bundled", "load_reference"]


def bundled(name: str) -> Path:
    """A folder of course content that comes with the grader: in the wheel, or in a checkout."""
    package = Path(grader.__file__).resolve().parent
    in_wheel = package / "bundled" / name
    return in_wheel if in_wheel.is_dir() else package.parent / name


def load_reference(folder: Path) -> Reference:
    """Imports a reference package by its path, under a name that no other one has.

    Args:
        folder: Its ``__init__.py`` defines FUNCTIONS and ARCHITECTURES, both mappings by name, and may define
            CHECKS, functions that judge an attempt and are called in processes of their own.

    Raises:
        UsageError: It is no package, does not import, or lacks the two mappings.
    """
    source = folder / "__init__.py"
    if not source.is_file():
        raise UsageError(
            "this is no reference folder",
            where=str(folder),
            expected="a Python package: __init__.py with FUNCTIONS and ARCHITECTURES",
        )
    digest = digest_of(folder)
    module = _import(folder, f"_course_reference_{digest[:16]}")
    return Reference(
        functions=_mapping(module, "FUNCTIONS", source),
        architectures=_mapping(module, "ARCHITECTURES", source),
        checks=_checks(module, folder, digest, source),
        digest=digest,
        folder=str(folder.absolute()),
    )


def _import(folder: Path, name: str) -> ModuleType:
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise UsageError(
            "the reference answers cannot be imported",
            where=str(folder),
            found=f"{type(error).__name__}: {error}",
            todo="mend the package; `python -c 'import reference'` beside it shows the whole traceback",
        ) from error
    return module


def _checks(module: ModuleType, folder: Path, digest: str, source: Path) -> Mapping[str, OwnCheck]:
    named = _mapping(module, "CHECKS", source) if hasattr(module, "CHECKS") else {}
    return {name: OwnCheck(folder.resolve(), digest, name) for name in named}


def _mapping(module: ModuleType, name: str, source: Path) -> Mapping[str, Any]:
    found = getattr(module, name, None)
    if not isinstance(found, Mapping):
        raise UsageError(
            f"the reference package does not define {name}",
            where=str(source),
            expected=f"{name} = {{...}}, a mapping by name",
            found=type(found).__name__,
        )
    return found
