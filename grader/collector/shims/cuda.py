"""A GPU that is not there: ``.cuda()`` and ``device="cuda"`` stay on the CPU, and it is recorded."""

from __future__ import annotations

import copyreg
import functools
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from grader.collector.shims.context import Context
from grader.evidence.record import ShimKind

__all__ = ["install"]

_CPU = torch.device("cpu")
_DEVICE = torch.device
_FACTORIES = (
    "arange", "as_tensor", "empty", "empty_like", "eye", "full", "full_like", "linspace", "logspace", "ones",
    "ones_like", "rand", "rand_like", "randint", "randint_like", "randn", "randn_like", "randperm", "tensor",
    "zeros", "zeros_like",
)  # fmt: skip
_NEW = ("new_empty", "new_full", "new_ones", "new_tensor", "new_zeros")
_NAME = "no GPU in the grading sandbox"
_TYPES = ("Bool", "Byte", "Double", "Float", "Half", "Int", "Long", "Short")
#: What functions of ``torch.cuda`` answer that raise where there is no GPU.
_ANSWERS: dict[str, Callable[..., Any]] = {
    "current_device": lambda: 0,
    "current_stream": lambda *_: _Stream(),
    "get_device_capability": lambda *_: (0, 0),
    "get_device_name": lambda *_: _NAME,
    "get_device_properties": lambda *_: SimpleNamespace(
        name=_NAME, total_memory=0, major=0, minor=0, multi_processor_count=0
    ),
    "default_stream": lambda *_: _Stream(),
    "get_rng_state": lambda *_: torch.get_rng_state(),
    "init": lambda: None,
    "ipc_collect": lambda: None,
    "mem_get_info": lambda *_: (0, 0),
    "memory_summary": lambda *_, **__: _NAME,
    "reset_max_memory_allocated": lambda *_: None,
    "reset_peak_memory_stats": lambda *_: None,
    "set_device": lambda *_: None,
    "set_per_process_memory_fraction": lambda *_, **__: None,
    "set_rng_state": lambda *_, **__: None,
    "utilization": lambda *_: 0,
}


def install(context: Context) -> None:
    """Redirects every way to the GPU that course notebooks take; does nothing where the plan gives one."""
    if context.plan.cuda:
        return
    patch = context.patches.replace
    stay = _staying(context)
    for owner in (torch.Tensor, nn.Module):
        patch(owner, "cuda", stay)
        patch(owner, "to", _redirected(context, owner.to, numbered=True))
    patch(nn.Module, "to_empty", _redirected(context, nn.Module.to_empty))
    patch(torch.Tensor, "pin_memory", stay)
    patch(torch.Tensor, "type", _typed(context, torch.Tensor.type))
    for name in _FACTORIES:
        patch(torch, name, _redirected(context, getattr(torch, name)))
    for name in _NEW:
        patch(torch.Tensor, name, _redirected(context, getattr(torch.Tensor, name)))
    patch(torch, "set_default_device", _redirected(context, torch.set_default_device, numbered=True))
    patch(torch, "set_default_tensor_type", _typed(context, torch.set_default_tensor_type))
    _number_devices(context)
    _answer_for_the_gpu(context)


def _answer_for_the_gpu(context: Context) -> None:
    patch = context.patches.replace
    patch(torch.cuda, "is_available", lambda: False)
    patch(torch.cuda, "device_count", lambda: 0)
    patch(torch.cuda, "synchronize", lambda device=None: None)
    patch(torch.cuda, "empty_cache", lambda: None)
    for name, answer in _ANSWERS.items():
        if hasattr(torch.cuda, name):
            patch(torch.cuda, name, _noting(context, name, answer))
    for name in _TYPES:
        patch(torch.cuda, f"{name}Tensor", getattr(torch, f"{name}Tensor"))
    patch(torch.cuda, "Event", _Event)
    patch(torch.cuda, "Stream", _Stream)
    patch(torch.cuda, "stream", lambda stream=None: _Stream())
    for name in ("device", "device_of"):
        patch(torch.cuda, name, _Selected)


def _noting(context: Context, name: str, answer: Callable[..., Any]) -> Callable[..., Any]:
    def answered(*args: Any, **kwargs: Any) -> Any:
        context.log.note(ShimKind.CUDA, f"torch.cuda.{name}() answered for a GPU that is not there")
        return answer(*args, **kwargs)

    return answered


class _Event:
    """A moment by the clock: all work is done when its call returns."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._at = time.perf_counter()

    def record(self, stream: Any = None) -> None:
        self._at = time.perf_counter()

    def elapsed_time(self, end: _Event) -> float:
        """Milliseconds until `end`."""
        return 1000 * (end._at - self._at)

    def query(self) -> bool:
        return True

    def synchronize(self) -> None:
        """Nothing is left to wait for."""

    wait = synchronize


class _Stream:
    """A queue of work that is empty."""

    def __init__(self, *args: Any, **kwargs: Any) -> None: ...

    def __enter__(self) -> _Stream:
        return self

    def __exit__(self, *error: object) -> None: ...

    def synchronize(self) -> None:
        """Nothing is left to wait for."""

    def wait_stream(self, stream: Any) -> None:
        """Nothing is left to wait for."""


class _Selected:
    """``with torch.cuda.device(0):``, where each device is the CPU."""

    def __init__(self, device: Any) -> None: ...

    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None: ...


def _number_devices(context: Context) -> None:
    """``torch.device(0)`` asks for the machine's accelerator, and raises where there is none."""

    class Kind(type):
        def __instancecheck__(cls, thing: Any) -> bool:
            return type(thing) is _DEVICE

    class device(metaclass=Kind):  # noqa: N801 - stands for torch.device
        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            first = args[0] if args else kwargs.get("device")
            if type(first) is int:
                return _DEVICE("cuda", first)
            return _DEVICE(*args, **kwargs)

    # Pickles name it; what is loaded elsewhere finds PyTorch's own there.
    device.__module__, device.__qualname__ = "torch", "device"
    before = copyreg.dispatch_table.get(_DEVICE)
    context.patches.replace(torch, "device", device)
    copyreg.pickle(_DEVICE, _parts)
    context.undo.append(lambda: _restore_pickling(before))


def _parts(one: torch.device) -> tuple[Any, ...]:
    return torch.device, ((one.type,) if one.index is None else (one.type, one.index))


def _restore_pickling(before: Any) -> None:
    copyreg.dispatch_table.pop(_DEVICE, None)
    if before is not None:
        copyreg.dispatch_table[_DEVICE] = before


def _staying(context: Context) -> Callable[..., Any]:
    def cuda(self: Any, *args: Any, **kwargs: Any) -> Any:
        context.log.note(ShimKind.CUDA, ".cuda() stayed on the CPU")
        return self

    return cuda


def _typed(context: Context, original: Callable[..., Any]) -> Callable[..., Any]:
    """`original` with ``torch.cuda.FloatTensor``, by name or itself, taken as ``torch.FloatTensor``."""

    @functools.wraps(original)
    def on_cpu(*args: Any, **kwargs: Any) -> Any:
        return original(*(_cpu_type(context, argument) for argument in args), **kwargs)

    return on_cpu


def _cpu_type(context: Context, argument: Any) -> Any:
    if type(argument) is not str or not argument.startswith("torch.cuda."):
        return argument
    context.log.note(ShimKind.CUDA, f"{argument[:40]} became the CPU's")
    return argument.replace("torch.cuda.", "torch.", 1)


def _redirected(
    context: Context, original: Callable[..., Any], *, numbered: bool = False
) -> Callable[..., Any]:
    """`original` with every CUDA device among its arguments replaced by the CPU.

    Args:
        context: Says that it was used.
        original: A function or method of PyTorch.
        numbered: A plain number among its first arguments is a device, as in ``net.to(0)``.
    """

    @functools.wraps(original)
    def on_cpu(*args: Any, **kwargs: Any) -> Any:
        device = kwargs.get("device")
        if device is not None and (_is_cuda(device) or type(device) is int):
            kwargs["device"] = _CPU
            context.log.note(ShimKind.CUDA, f"device {str(device)[:20]} became the CPU")
        if any(_is_cuda(argument) or (numbered and type(argument) is int) for argument in args[:2]):
            args = tuple(
                _CPU if _is_cuda(argument) or (numbered and type(argument) is int) else argument
                for argument in args
            )
            context.log.note(ShimKind.CUDA, "a CUDA device became the CPU")
        return original(*args, **kwargs)

    return on_cpu


def _is_cuda(argument: Any) -> bool:
    if type(argument) is str:
        return argument.startswith("cuda")
    return type(argument) is _DEVICE and argument.type == "cuda"
