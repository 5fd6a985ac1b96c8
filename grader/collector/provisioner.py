"""The seam between jupyter_client and the fork server: a kernel is a fork, not a command."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import secrets
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase

from grader.collector.places import PORTS, SOCKETS
from grader.collector.spawn import ForkServer
from grader.collector.wipe import has_living_thread

__all__ = ["ForkedKernel", "ForkedKernelManager", "ForkedKernelProvisioner", "Launcher"]


_LOOK_S = 0.02


class ForkedKernel:
    """A kernel process that the launcher forked.

    Attributes:
        uid: Its own; no other process of the container has or had it.
        died: Set when the process ends.
    """

    def __init__(self, uid: int, pid: int, prefix: Path, key: str) -> None:
        self.uid = uid
        self.pid = pid
        self.prefix = prefix
        self.key = key
        self.died = asyncio.Event()
        self._looking: asyncio.Future[None] | None = None
        self._descriptor = _process_descriptor(pid)
        if self._descriptor >= 0:
            asyncio.get_running_loop().add_reader(self._descriptor, self._ended)
        else:
            self._looking = asyncio.ensure_future(self._look_until_it_ends())

    async def _look_until_it_ends(self) -> None:
        while has_living_thread(self.pid):
            await asyncio.sleep(_LOOK_S)
        self.died.set()

    def _ended(self) -> None:
        self.close()
        self.died.set()

    def send_signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def close(self) -> None:
        """Stops watching the process."""
        if self._looking is not None:
            self._looking.cancel()
        if self._descriptor >= 0:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1


def _process_descriptor(pid: int) -> int:
    """A descriptor that can be read when the process has ended; -1 where the kernel has none, as gVisor."""
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        return -1


class Launcher:
    """The driver's end of the fork server."""

    def __init__(self, server: ForkServer) -> None:
        self._uids = server.uids
        self._used = 0
        self._socket = server.channel
        self._process = server.process

    def wait_until_warm(self) -> dict[str, str]:
        """Blocks until the imports are done.

        Returns:
            How kernels are confined here, as the launcher tried it.

        Raises:
            RuntimeError: The launcher ended instead; its traceback is on stderr.
        """
        raw = self._socket.recv(1 << 16)
        if not raw:
            raise RuntimeError(f"the launcher ended with {self._process.wait()}")
        confinement: dict[str, str] = json.loads(raw)["confinement"]
        return confinement

    def request(self, **message: Any) -> dict[str, Any]:
        """Asks and waits; the launcher answers within milliseconds (a wipe: seconds).

        Raises:
            RuntimeError: It could not do it, or is gone.
        """
        self._socket.send(json.dumps(message).encode())
        raw = self._socket.recv(1 << 16)
        answer: dict[str, Any] = json.loads(raw) if raw else {"error": "the launcher is gone"}
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def start_kernel(self) -> ForkedKernel:
        """Forks a kernel under a uid of its own.

        Raises:
            RuntimeError: The launcher cannot fork, or this container has used up its uids.
        """
        if self._used == len(self._uids):
            raise RuntimeError(f"all {len(self._uids)} uids of this container are used up")
        uid = self._uids[self._used]
        self._used += 1
        folder = SOCKETS / secrets.token_hex(16)
        folder.mkdir()
        # The set-gid bit gives the sockets root's group, so that the driver may connect; the sticky bit keeps
        # other uids from removing them; without read permission the folder's contents cannot be listed.
        folder.chmod(0o3733)
        prefix, key = folder / "kernel", secrets.token_hex(32)
        pid = self.request(op="start", uid=uid, prefix=str(prefix), key=key)["pid"]
        return ForkedKernel(uid, pid, prefix, key)


class ForkedKernelProvisioner(KernelProvisionerBase):
    """Lets jupyter_client, and so nbclient, drive a `ForkedKernel`."""

    forked: ForkedKernel | None = None

    @property
    def has_process(self) -> bool:
        return self.forked is not None

    async def poll(self) -> int | None:
        alive = self.forked is not None and not self.forked.died.is_set()
        return None if alive else -1

    async def wait(self) -> int | None:
        if self.forked is not None:
            await self.forked.died.wait()
        return -1

    async def send_signal(self, signum: int) -> None:
        if self.forked is not None:
            self.forked.send_signal(signum)

    async def kill(self, restart: bool = False) -> None:
        await self.send_signal(signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:
        await self.send_signal(signal.SIGTERM)

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        return {"cmd": []}

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        assert self.forked is not None
        return {
            "transport": "ipc",
            "ip": str(self.forked.prefix),
            # jupyter_client declares text and compares with bytes.
            "key": self.forked.key.encode(),  # type: ignore[typeddict-item]
            "signature_scheme": "hmac-sha256",
            "shell_port": PORTS["shell"],
            "iopub_port": PORTS["iopub"],
            "stdin_port": PORTS["stdin"],
            "control_port": PORTS["control"],
            "hb_port": PORTS["hb"],
        }

    async def cleanup(self, restart: bool = False) -> None:
        """The wipe does it."""


class ForkedKernelManager(AsyncKernelManager):
    """jupyter_client's manager around a kernel that has been forked already."""

    def __init__(self, forked: ForkedKernel, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._kernel_spec = KernelSpec(language="python", interrupt_mode="signal")
        self.provisioner = ForkedKernelProvisioner(kernel_spec=self._kernel_spec, parent=self)
        self.provisioner.forked = forked

    def write_connection_file(self, **kwargs: Any) -> None:
        """Addresses and key stay in memory."""
