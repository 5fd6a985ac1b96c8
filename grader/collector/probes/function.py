"""Calls a function of the notebook with hidden inputs, each call on fresh arguments."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any

from torch.overrides import TorchFunctionMode

from grader.collector.probes.operators import Watched
from grader.collector.probes.surroundings import Surroundings, raised
from grader.collector.probes.target import Missing, cell_of, find_function, own_function
from grader.collector.values import encode
from grader.evidence.arrays import Arrays
from grader.evidence.frames import ProbeInputs
from grader.evidence.plan import FunctionProbe
from grader.evidence.record import CallRecord, FunctionRecord, ProbeResult, RaisedError
from grader.evidence.values import Value

__all__ = ["probe_function"]

_MAX_STDOUT = 20_000
#: More names than torch has; further ones are made up by the notebook.
_MAX_NAMES = 5000
_MAX_NAME = 80
_CLOCK = time.perf_counter


def probe_function(probe: FunctionProbe, around: Surroundings) -> ProbeResult:
    found = find_function(probe.target, around) if probe.code is None else own_function(probe.code, around)
    if isinstance(found, Missing):
        error = None if found.error is None else raised(found.error, around.cells)
        return ProbeResult(status="not_found", detail=found.tried, error=error)
    calls = tuple(_called(found.thing, inputs, probe, around) for inputs in around.inputs)
    record = FunctionRecord(name=found.name, cell=cell_of(found.thing, around), calls=calls)
    return ProbeResult(status="ok", record=record)


def _called(
    function: Callable[..., Any], inputs: ProbeInputs, probe: FunctionProbe, around: Surroundings
) -> CallRecord:
    returned: list[Value] = []
    error: RaisedError | None = None
    mutated = False
    counter, watched = _Counter(), Watched()
    printed = _Printed()
    began = _CLOCK()
    for repetition in range(probe.repeat):
        args, kwargs = around.fresh(inputs)
        looking = probe.count_operations and repetition == 0
        watching: AbstractContextManager[Any] = watched if looking else nullcontext()
        counting: AbstractContextManager[Any] = counter if looking else nullcontext()
        try:
            with printed, watching, counting:
                value = function(*args, **kwargs)
            returned.append(encode(value, around.kept))
        except (Exception, SystemExit) as failure:
            error = raised(failure, around.cells)
            break
        finally:
            mutated = mutated or _changed(args, kwargs, inputs, around)
    args, kwargs = around.fresh(inputs)
    return CallRecord(
        args=tuple(encode(arg, around.kept) for arg in args),
        kwargs={name: encode(arg, around.kept) for name, arg in kwargs.items()},
        returned=tuple(returned),
        error=error,
        stdout=printed.text(),
        stdout_cut=printed.cut,
        duration_s=_CLOCK() - began,
        operations=counter.count if probe.count_operations else None,
        operation_names=tuple(sorted(counter.names)),
        operation_names_cut=counter.names_cut,
        operators=None if watched.operators is None else tuple(sorted(watched.operators)),
        operators_elsewhere=tuple(sorted(watched.elsewhere)),
        library_calls=tuple(sorted(watched.library)),
        operators_cut=watched.cut,
        mutated=mutated,
    )


def _changed(args: list[Any], kwargs: dict[str, Any], inputs: ProbeInputs, around: Surroundings) -> bool:
    """Whether the call left its arguments otherwise than it got them."""
    before_args, before_kwargs = around.fresh(inputs)
    return _content([args, kwargs], around) != _content([before_args, before_kwargs], around)


def _content(things: list[Any], around: Surroundings) -> tuple[list[str], list[bytes]]:
    arrays = Arrays(around.plan.limits.array_bytes)
    texts = [encode(thing, arrays).model_dump_json() for thing in things]
    return texts, [array.tobytes() for array in arrays]


class _Counter(TorchFunctionMode):
    """Counts torch operations, reading of attributes such as ``shape`` left out."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.names: set[str] = set()
        self.names_cut = False

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if name != "__get__":
            self.count += 1
            self._note(str(name))
        return func(*args, **(kwargs or {}))

    def _note(self, name: str) -> None:
        if name in self.names:
            return
        if len(self.names) < _MAX_NAMES and len(name) <= _MAX_NAME:
            self.names.add(name)
        else:
            self.names_cut = True


class _Printed:
    """Takes what is printed in its block, up to a limit; may be entered again."""

    def __init__(self) -> None:
        self._buffer = _CappedText()
        self._before: Any = None

    def __enter__(self) -> None:
        self._before, sys.stdout = sys.stdout, self._buffer

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        sys.stdout = self._before

    def text(self) -> str:
        return self._buffer.getvalue().encode("utf-8", "replace").decode()

    @property
    def cut(self) -> bool:
        return self._buffer.cut


class _CappedText(io.StringIO):
    cut = False

    def write(self, text: str) -> int:
        room = _MAX_STDOUT - self.tell()
        self.cut = self.cut or len(text) > room
        super().write(text[:room] if room > 0 else "")
        return len(text)
