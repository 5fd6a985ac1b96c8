"""The fork server: imports once what every notebook imports, then forks a kernel for each submission.

Single-threaded and without CUDA until each fork: one parallel operation here makes children hang, and a
CUDA context does not survive a fork.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import shutil
import socket
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from grader.collector.confine import Bounds, rehearse
from grader.collector.handover import close_folders, open_folders
from grader.collector.nesting import shares_uid
from grader.collector.places import HOME, SOCKETS, kernel_environment, kernel_places
from grader.collector.privileges import forbid_inspection, reap_orphans
from grader.collector.seal import look_ahead
from grader.collector.wiper import Wiper

__all__ = ["serve"]

# What notebooks import, and what ipykernel, matplotlib and our own set-up would import late, each time anew.
_WARM = (
    "torch",
    "torch.nn.functional",
    "torch.optim.lr_scheduler",
    "torch.utils.data",
    "torchvision",
    "torchvision.datasets",
    "torchvision.models",
    "torchvision.transforms",
    "torchvision.utils",
    "numpy",
    "pandas",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_agg",
    "matplotlib_inline.backend_inline",
    "PIL.Image",
    "PIL.PngImagePlugin",
    "PIL.JpegImagePlugin",
    "PIL.BmpImagePlugin",
    "PIL.GifImagePlugin",
    "PIL.PpmImagePlugin",
    "tqdm.auto",
    "tqdm.notebook",
    "faulthandler",
    "pdb",
    "sqlite3",
    "stack_data",
    "pygments.formatters.terminal256",
    "tornado.platform.asyncio",
    "zmq.utils.garbage",
    "IPython.core.debugger",
    "IPython.core.completerlib",
    "IPython.core.logger",
    "IPython.core.magic_arguments",
    "IPython.core.magics",
    "IPython.core.magics.ast_mod",
    "IPython.core.magics.execution",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "IPython.display",
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "ipykernel.datapub",
    "ipykernel.pylab.backend_inline",
    "nbformat",
    "scipy",
    "grader.collector.kernel",
)
_VISIBLE_GPUS = "CUDA_VISIBLE_DEVICES"
_FONT_CACHE = Path("/opt/cache/matplotlib")


def serve(descriptor: int) -> int:
    """Warms up, then answers the driver's requests until it hangs up.

    Requests and answers are JSON, one datagram each: ``start`` forks a kernel, ``wipe`` removes what a uid
    left, ``reap`` collects the dead.
    """
    forbid_inspection()
    reap_orphans()
    channel = socket.socket(fileno=descriptor)
    # Before there is much memory: each wipe is a fork of it.
    wiper = None if shares_uid() else Wiper.start()
    warm_up()
    confinement = rehearse(kernel_places(SOCKETS), Bounds())
    channel.send(json.dumps({"confinement": confinement}).encode())
    while request := channel.recv(1 << 16):
        channel.send(json.dumps(_answer(json.loads(request), channel, wiper)).encode())
    return 0


def warm_up() -> None:
    """Imports what notebooks need and builds a first optimizer, which imports as much again.

    What is there then is never looked through for garbage, here or in a kernel; what comes later is.
    """
    os.environ.update(kernel_environment())
    # Matplotlib writes beside its font cache, and the image's is read-only.
    if _FONT_CACHE.is_dir():
        shutil.copytree(_FONT_CACHE, os.environ["MPLCONFIGDIR"])
    with _gpus_hidden():
        for name in _WARM:
            if name == "torchvision":
                _define_missing_operators()
            with suppress(ModuleNotFoundError):
                importlib.import_module(name)
        _build_optimizer()
        # Whatever it cannot find here, a kernel looks for again, and says so.
        with suppress(Exception):
            _find_backends()
    look_ahead()
    shutil.rmtree(HOME, ignore_errors=True)
    gc.freeze()
    gc.enable()


@contextmanager
def _gpus_hidden() -> Iterator[None]:
    """Lets this process see no GPU meanwhile.

    An optimizer's first step asks whether a stream is being captured, which starts CUDA's driver, and with it
    a thread, where a GPU is visible.
    """
    before = os.environ.get(_VISIBLE_GPUS)
    os.environ[_VISIBLE_GPUS] = ""
    try:
        yield
    finally:
        del os.environ[_VISIBLE_GPUS]
        if before is not None:
            os.environ[_VISIBLE_GPUS] = before


def _define_missing_operators() -> None:
    """Declares the two operators that torchvision registers fakes for at import.

    PyPI's torchvision is built for CUDA; beside a PyTorch without CUDA its library does not load, and the
    import fails for want of these. No lab uses them.
    """
    import torch

    for schema in (
        "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
        "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    ):
        name = schema.partition("(")[0]
        if torch.version.cuda is None and not hasattr(torch.ops.torchvision, name):
            torch.library.define(f"torchvision::{name}", schema[len(name) :])


def _build_optimizer() -> None:
    import torch

    weight = torch.nn.Parameter(torch.zeros(1))
    weight.grad = torch.zeros(1)
    torch.optim.SGD([weight], lr=0.1, momentum=0.9).step()
    torch.optim.Adam([weight]).step()


def _find_backends() -> None:
    """Reads all packages' entry points, by which matplotlib finds its backends, once for all kernels."""
    from IPython.core.pylabtools import find_gui_and_backend

    find_gui_and_backend("inline", None)


def _answer(request: dict[str, Any], channel: socket.socket, wiper: Wiper | None) -> dict[str, Any]:
    try:
        if request["op"] == "start":
            return {"pid": _start(request, channel)}
        if request["op"] == "wipe":
            return {"leftovers": _wipe(int(request["uid"]), wiper)}
        return {"reaped": _reap()}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def _start(request: dict[str, Any], channel: socket.socket) -> int:
    assert_forkable()
    _reap()
    if not shares_uid():
        open_folders(int(request["uid"]))
    return _fork(channel, lambda: _run_kernel(request))


def assert_forkable() -> None:
    """Raises where a fork would give children that hang or have no GPU."""
    import torch

    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads != 1:
        raise RuntimeError(f"the launcher has {threads} threads; it must have one")
    if torch.cuda.is_initialized():
        raise RuntimeError("the launcher has touched CUDA")


def _run_kernel(request: dict[str, Any]) -> None:
    from grader.collector.kernel import run_kernel

    run_kernel(uid=int(request["uid"]), prefix=request["prefix"], key=request["key"])


def _fork(channel: socket.socket, work: Callable[[], None]) -> int:
    """Runs `work` in a child of its own session that has none of the launcher's files.

    Its standard streams stay open to ``/dev/null``: a library that writes to 1 or 2 must hit no socket.
    """
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        channel.detach()
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        os.setsid()
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _wipe(uid: int, wiper: Wiper | None) -> list[str]:
    """Removes what `uid` left, and collects what that ended."""
    assert wiper is not None
    try:
        return wiper.wipe(uid)
    finally:
        _reap()
        close_folders()


def _reap() -> int:
    count = 0
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            count += 1
    return count
