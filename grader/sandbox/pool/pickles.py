"""Keeps a process that speaks Dask from running what a pickle names.

Dask's messages may be pickles, and loading one runs what it names. In here a pickle may name `bytes`, which
results are, and nothing else: an exception of a worker becomes an inert one, and what loads a pickle by any
other way ends the process before the name is looked up.

Source: https://docs.python.org/3/library/audit_events.html (``pickle.find_class``);
https://distributed.dask.org/en/stable/serialization.html
"""

from __future__ import annotations

import io
import os
import pickle
import sys
from collections.abc import Iterable
from typing import Any

__all__ = ["EXIT_CODE", "Inert", "load_inert", "refuse_pickles"]

#: Of a process that was asked to run something.
EXIT_CODE = 70
_HARMLESS = frozenset({("builtins", "bytes")})
#: A gateway starts nothing, and is no shell.
_NEVER = frozenset({"os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "subprocess.Popen"})


class Inert(Exception):
    """Stands for whatever a pickle would have made: takes everything, does nothing."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__("an object of a Dask worker that is not loaded here")

    def __setstate__(self, state: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, item: Any) -> None:
        pass

    def extend(self, items: Any) -> None:
        pass

    def add(self, item: Any) -> None:
        pass


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str, /) -> Any:
        if (module, name) in _HARMLESS:
            return super().find_class(module, name)
        return Inert


def load_inert(raw: Any, *, buffers: Iterable[Any] = ()) -> Any:
    """As `pickle.loads`, but for what is named: plain values come as they are, anything else inert."""
    try:
        return _Unpickler(io.BytesIO(raw), buffers=buffers).load()
    except Exception:  # bytes of somebody who wants it to fail as well
        return Inert()


def refuse_pickles() -> None:
    """For good, in this process: Dask's own loading is inert, and every other ends it."""
    from distributed import client
    from distributed.protocol import pickle as of_dask

    of_dask.loads = load_inert
    vars(client).update(loads=load_inert, clean_exception=_inert_exception)
    sys.addaudithook(_refuse)


def _inert_exception(*_: Any, **__: Any) -> tuple[type[Inert], Inert, None]:
    """In place of what makes an exception of what a worker sent, and may fail on it."""
    return Inert, Inert(), None


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _NEVER or (event == "pickle.find_class" and arguments not in _HARMLESS):
        os.write(2, f"refused: {event} {arguments!r}"[:500].encode("ascii", "replace") + b"\n")
        os._exit(EXIT_CODE)
