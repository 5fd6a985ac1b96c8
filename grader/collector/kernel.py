"""The kernel: a real ipykernel in a forked process of its own uid, with one message type of ours.

The driver's requests (``grader_request``) are served in the main thread between cells, as cells are: set up,
begin a cell, collect what it left, answer a probe.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from ipykernel import ipkernel
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from traitlets.config import Config

from grader.collector.confine import Bounds, confine_kernel
from grader.collector.gpu import share_changed, take_share
from grader.collector.nesting import run_nested, shares_uid
from grader.collector.places import CONTENT, HOME, PORTS, data_folder, kernel_places
from grader.collector.privileges import become_student
from grader.collector.session import KernelSession
from grader.evidence.codec import pack, unpack
from grader.evidence.frames import ProbeRequest
from grader.evidence.plan import Plan

__all__ = ["GraderKernel", "KernelApp", "run_kernel"]

# Sockets are for the driver as well, which is in their folder's group; nobody else may connect.
_SOCKET_UMASK = 0o117
_STUDENT_UMASK = 0o022
_LIMIT_BYTES = 512 * 1024 * 1024


class GraderKernel(IPythonKernel):
    """ipykernel that also answers the driver's requests."""

    def __init__(self, **kwargs: Any) -> None:
        with _no_modules_named():
            super().__init__(**kwargs)  # type: ignore[no-untyped-call]
        self.shell_handlers["grader_request"] = self.grader_request
        self._graded: KernelSession | None = None
        self._has_gpu = False

    async def grader_request(self, stream: Any, ident: Any, parent: dict[str, Any]) -> None:
        """Answers one request; whatever goes wrong, there is an answer."""
        try:
            body, arrays = self._serve(parent["content"], parent["buffers"])
            content: dict[str, Any] = {"ok": True}
            buffers = [pack(body, arrays)]
        except (Exception, KeyboardInterrupt) as error:
            content = {"ok": False, "error": f"{type(error).__name__}: {error}"[:500]}
            buffers = []
        assert self.session is not None
        self.session.send(stream, "grader_reply", content, parent, ident=ident, buffers=[*buffers])

    def _serve(
        self, content: dict[str, Any], buffers: Sequence[memoryview]
    ) -> tuple[bytes, Sequence[np.ndarray]]:
        if content["op"] == "set_up":
            body, contents = unpack(bytes(buffers[0]), limit_bytes=_LIMIT_BYTES)
            files = {path: held.tobytes() for path, held in zip(content["files"], contents, strict=True)}
            self._set_up(Plan.model_validate_json(body), files)
            return b"{}", ()
        if self._graded is None:
            raise RuntimeError("no session yet")
        if content["op"] == "begin_cell":
            self._graded.begin_cell(int(content["index"]))
            return b"{}", ()
        if content["op"] == "collect":
            collected, arrays = self._graded.collect()
            if self._has_gpu:
                anomalies = (*collected.anomalies, *share_changed())
                collected = collected.model_copy(update={"anomalies": anomalies})
            return collected.model_dump_json().encode(), arrays
        body, inputs = unpack(bytes(buffers[0]), limit_bytes=_LIMIT_BYTES)
        result, arrays = self._graded.probe(ProbeRequest.model_validate_json(body), inputs)
        return result.model_dump_json().encode(), arrays

    def _set_up(self, plan: Plan, files: Mapping[str, bytes]) -> None:
        import torch

        random.seed(plan.seed)
        np.random.seed(plan.seed % 2**32)  # students use this generator
        torch.manual_seed(plan.seed)
        threads = max(1, int(plan.limits.cpus))
        torch.set_num_threads(threads)
        os.environ["OMP_NUM_THREADS"] = str(threads)
        assert self.shell is not None
        self._graded = KernelSession(
            plan, self.shell.user_ns, data_dir=data_folder(), work_dir=CONTENT, files=files
        )
        if plan.cuda:
            take_share()
            self._has_gpu = True
        self._graded.install(self.shell)
        self._graded.seal(self)


@contextmanager
def _no_modules_named() -> Iterator[None]:
    """Lets ipykernel see no modules while it makes a kernel.

    It keeps their files for a debugger, which nobody runs here. To ask each of three thousand writes into the
    memory of each, and what a fork writes into is copied: that took a third of a kernel's set-up.
    """
    known = vars(ipkernel)
    known["sys"] = _WithoutModules()
    try:
        yield
    finally:
        known["sys"] = sys


class _WithoutModules:
    """`sys`, but for its modules."""

    modules: Mapping[str, ModuleType] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(sys, name)


class KernelApp(IPKernelApp):
    """ipykernel's application on unix sockets that only the driver reaches, without files or heartbeat."""

    def parse_command_line(self, argv: Sequence[str] | None = None) -> None:
        """There is none; to find that out takes a parser of all options."""

    def init_connection_file(self) -> None:
        """The driver chose the addresses and the key; no file is needed."""

    def write_connection_file(self, **kwargs: Any) -> None:
        """See `init_connection_file`."""

    def init_heartbeat(self) -> None:
        """The driver watches the process itself."""

    def init_sockets(self) -> None:
        os.umask(_SOCKET_UMASK)
        super().init_sockets()  # type: ignore[no-untyped-call]
        os.umask(_STUDENT_UMASK)


def run_kernel(*, uid: int, prefix: str, key: str) -> None:
    """Turns this freshly forked process into the kernel of `uid`, until it is told to end.

    Args:
        uid: Never used before in this container; where there is but one uid, that one.
        prefix: Path that the sockets' names start with.
        key: Signs messages between driver and kernel.
    """
    if shares_uid():
        run_nested(lambda: _serve(prefix, key))
    become_student(uid)
    _serve(prefix, key)


def _serve(prefix: str, key: str) -> None:
    pids = os.environ.get("GRADER_PIDS")
    bounds = Bounds(processes=int(pids) if pids else None)
    confine_kernel(kernel_places(Path(prefix).parent), bounds)
    os.umask(_STUDENT_UMASK)
    HOME.mkdir(mode=0o700, exist_ok=True)
    os.chdir(CONTENT)
    app = KernelApp.instance(config=_config(prefix, key), kernel_class=GraderKernel)
    with _silent_unless_it_fails():
        app.initialize([])  # type: ignore[no-untyped-call]
        # The launcher imported the inline backend before there was a shell that it could register with.
        assert app.shell is not None
        app.shell.enable_matplotlib("inline")
    app.start()  # type: ignore[no-untyped-call]


@contextmanager
def _silent_unless_it_fails() -> Iterator[None]:
    """Gives the student ``/dev/null`` for standard error; what fails on the way is told on the real one."""
    real = os.dup(2)
    with Path(os.devnull).open("w") as null:
        os.dup2(null.fileno(), 2)
    try:
        yield
    except BaseException:
        os.dup2(real, 2)
        raise
    finally:
        os.close(real)


def _config(prefix: str, key: str) -> Config:
    config = Config()
    config.KernelApp.transport = "ipc"
    config.KernelApp.ip = prefix
    for name, port in PORTS.items():
        config.KernelApp[f"{name}_port"] = port
    config.Session.key = key.encode()
    config.HistoryManager.enabled = False
    return config
