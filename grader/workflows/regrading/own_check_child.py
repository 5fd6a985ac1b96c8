"""Runs one function of a course's reference package on an attempt; started by `own_checks`, by its path.

It imports nothing of the grader: what it is given comes by standard input, what it says goes to standard
output.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import json
import os
import resource
import sys
import traceback
from pathlib import Path
from typing import Any

__all__ = ["main"]

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_NO_NEW_PRIVILEGES = 38


def main() -> None:
    """Answers what was asked on standard input, once, under limits that it sets itself."""
    folder, name = sys.argv[1:3]
    asked = json.load(sys.stdin)
    answers = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    _confine(asked["limit_s"], asked["memory_bytes"])
    os.write(answers, _said(folder, name, asked["attempt"]).encode())
    os._exit(0)


def _confine(limit_s: int, memory_bytes: int) -> None:
    """Limits that need no rights; the network goes where the kernel lets anybody leave it."""
    for what, most in (
        (resource.RLIMIT_CPU, limit_s + _spent_s()),
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None, use_errno=True)
        library.unshare(_NEW_USER | _NEW_NETWORK)
        library.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)


def _spent_s() -> int:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return int(used.ru_utime + used.ru_stime) + 1


def _said(folder: str, name: str, attempt: Any) -> str:
    try:
        return json.dumps({"answer": _package(Path(folder)).CHECKS[name](attempt)})
    except BaseException as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if frame.filename.startswith(folder)]
        where = f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
        return json.dumps({"error": f"{type(error).__name__}: {error}{where}"})


def _package(folder: Path) -> Any:
    spec = importlib.util.spec_from_file_location(
        "_course", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["_course"] = package
    spec.loader.exec_module(package)
    return package


if __name__ == "__main__":
    main()
