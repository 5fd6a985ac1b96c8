"""A notebook that ends or restarts its kernel goes on: ``exit()``, ``os.kill(os.getpid(), 9)`` and others.

In Colab they free memory, or load a new version of a package, and what follows runs in a fresh kernel. Here
it runs in the same one: what the notebook defined before is still there, which is more than Colab gives.
"""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Callable
from typing import Any

from grader.collector.shims.context import Context
from grader.evidence.record import ShimKind

__all__ = ["install"]

_DEADLY = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGABRT, signal.SIGHUP, signal.SIGQUIT})


class _Restart(SystemExit):
    """Ends the cell where the notebook asked for the end of its kernel."""


def install(context: Context) -> None:
    """Takes over what ends the process; its children end as they like."""
    patch = context.patches.replace
    shell = context.shell
    if hasattr(shell, "ask_exit"):
        patch(shell, "ask_exit", lambda: context.log.note(ShimKind.EXIT, "exit() ended nothing"))
    if getattr(shell, "kernel", None) is not None:
        patch(shell.kernel, "do_shutdown", _staying(context))
    patch(shell, "run_code", _ending_quietly(context, shell.run_code))
    own = os.getpid()
    patch(os, "kill", _unless_own(context, os.kill, own))
    patch(os, "_exit", _in_children(context, os._exit, own))
    patch(os, "abort", _in_children(context, os.abort, own))


def _ending_quietly(context: Context, original: Callable[..., Any]) -> Callable[..., Any]:
    """A cell that leaves through ``sys.exit()`` is over there, as in Jupyter, and has not failed."""

    async def run_code(code_obj: Any, result: Any = None, *, async_: bool = False) -> bool:
        failed = await original(code_obj, result, async_=async_)
        if failed and result is not None and isinstance(result.error_in_exec, SystemExit):
            context.log.note(
                ShimKind.EXIT, f"{type(result.error_in_exec).__name__.strip('_')} ended its cell"
            )
            result.error_in_exec = None
        return bool(failed)

    return run_code


def _staying(context: Context) -> Callable[..., Any]:
    """For ``IPython.Application.instance().kernel.do_shutdown(True)``; the driver ends kernels by signals."""

    async def do_shutdown(restart: bool) -> dict[str, Any]:
        context.log.note(ShimKind.EXIT, "the kernel was not shut down")
        return {"status": "ok", "restart": restart}

    return do_shutdown


def _unless_own(context: Context, original: Callable[..., None], own: int) -> Callable[..., None]:
    @functools.wraps(original)
    def kill(pid: int, number: int) -> None:
        if os.getpid() == own and pid == own and number in _DEADLY:
            _leave_cell(context, f"os.kill(os.getpid(), {int(number)})")
        original(pid, number)

    return kill


def _in_children(context: Context, original: Callable[..., Any], own: int) -> Callable[..., Any]:
    @functools.wraps(original)
    def end(*args: Any) -> Any:
        if os.getpid() == own:
            _leave_cell(context, f"os.{original.__name__}()")
        return original(*args)

    return end


def _leave_cell(context: Context, how: str) -> None:
    context.log.note(ShimKind.EXIT, f"{how} did not end the kernel")
    raise _Restart(how)
