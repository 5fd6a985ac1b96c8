"""One container: its options, its start, what ended it, its removal."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import docker
from docker.errors import NotFound

from grader.errors import SandboxUnavailable
from grader.evidence.frames import Shutdown
from grader.evidence.plan import Limits
from grader.evidence.record import Environment
from grader.sandbox.engine import ENGINE_ERRORS
from grader.sandbox.frames import DockerPipe, FrameStream, StreamEnded
from grader.sandbox.gpus import GpuSlot, gpu_trouble
from grader.sandbox.reaper import labels
from grader.sandbox.resources import seccomp_profile
from grader.sandbox.starting import NotUp, await_ready

__all__ = ["Container", "ContainerSpec", "host_options"]

#: A container is replaced after this long, so that a deadline can tell orphans from the living.
LIFETIME_S = 6 * 3600.0
_REMOVAL_PAUSES_S = (0.5, 2.0)
_MIB = 1024 * 1024
_FRAME_OVERHEAD_BYTES = 16 * _MIB

# Nobody's by any convention. Source: systemd, "Users, Groups, UIDs and GIDs on systemd Systems".
_FREE_UIDS = range(1_879_048_192, 2_147_483_648)
_UIDS = 500
_ranges = count(secrets.randbelow(len(_FREE_UIDS) // _UIDS))


@dataclass(frozen=True)
class ContainerSpec:
    """What a container is made from.

    Attributes:
        image: Digest of the image.
        limits: Bounds on everything in it.
        run_id: Run that it belongs to.
        data_dir: Folder of data sets, mounted read-only at /data.
        gpu: The one that it gets.
        runtime: An OCI runtime other than the engine's own, as ``runsc``.
        sandbox: Token of the sandbox that starts it.
    """

    image: str
    limits: Limits
    run_id: str
    data_dir: Path | None = None
    gpu: GpuSlot | None = None
    runtime: str | None = None
    sandbox: str = ""


def host_options(spec: ContainerSpec) -> dict[str, Any]:
    """The options that make the wall: no network, no way up, nothing without a bound."""
    limits = spec.limits
    mounts = []
    if spec.data_dir is not None:
        source = str(spec.data_dir.resolve())
        mounts = [docker.types.Mount("/data", source, type="bind", read_only=True)]
    return {
        "network_mode": "none",
        "cap_drop": ["ALL"],
        # The driver changes to a student's uid and kills; nothing else is left to root.
        "cap_add": ["SETUID", "SETGID", "KILL"],
        # Pinned, so that the wall does not depend on the engine's age.
        "security_opt": ["no-new-privileges", f"seccomp={seccomp_profile()}"],
        "read_only": True,
        "ipc_mode": "private",
        "tmpfs": _tmpfs(limits),
        "shm_size": limits.shm_bytes,
        "mem_limit": limits.memory_bytes,
        "memswap_limit": limits.memory_bytes,
        "pids_limit": limits.pids,
        "nano_cpus": int(min(limits.cpus, os.cpu_count() or 1) * 1e9),
        "ulimits": [
            docker.types.Ulimit(name="core", soft=0, hard=0),
            docker.types.Ulimit(name="nofile", soft=4096, hard=4096),
            docker.types.Ulimit(name="fsize", soft=limits.work_bytes, hard=limits.work_bytes),
        ],
        "log_config": docker.types.LogConfig(type="none"),
        "init": True,
        "restart_policy": {"Name": "no"},
        "device_requests": None if spec.gpu is None else [spec.gpu.request],
        "runtime": spec.runtime,
        "mounts": mounts,
    }


def _tmpfs(limits: Limits) -> dict[str, str]:
    # exec: Triton, Inductor and C++ extensions load the libraries that they build.
    work = f"rw,exec,nosuid,nodev,size={limits.work_bytes},nr_inodes={limits.work_inodes},mode=1777"
    return {
        "/content": work,
        "/tmp": work,  # noqa: S108 - inside the container
        "/run/grader": "rw,noexec,nosuid,nodev,size=1m,nr_inodes=1k,mode=0711",
    }


def _environment(spec: ContainerSpec) -> dict[str, str]:
    data = {"GRADER_DATA": "/data"} if spec.data_dir is not None else {}
    # Images made for CUDA ask NVIDIA's runtime for all GPUs by this variable.
    visible = "void" if spec.gpu is None or spec.gpu.cdi else spec.gpu.name
    capabilities = {} if spec.gpu is None else {"NVIDIA_DRIVER_CAPABILITIES": "compute,utility"}
    return {**data, "GRADER_UIDS": _uids(), "NVIDIA_VISIBLE_DEVICES": visible, **capabilities}


def _uids() -> str:
    """Uids of one container alone: first and number.

    The kernel counts descriptors watched, pipes and queued signals of a uid over all containers of a host, so
    a notebook could use up what kernels of the same uid in other containers need. Ranges of one process
    differ; those of two differ almost surely.
    """
    first = _FREE_UIDS[next(_ranges) % (len(_FREE_UIDS) // _UIDS) * _UIDS]
    return f"{first} {_UIDS}"


class Container:
    """A started container whose driver is ready for jobs."""

    def __init__(self, client: docker.DockerClient, spec: ContainerSpec) -> None:
        self._client = client
        self.spec = spec
        self.limits = spec.limits
        self.name = f"grader-{spec.run_id[:24]}-{secrets.token_hex(4)}"
        self.expires = time.monotonic() + LIFETIME_S
        self.environment = Environment()
        # The engine knows it by its name as well, also where the answer with its id never came.
        self._id = self.name
        try:
            self._id = self._create()
            self.stream = self._attach_and_start()
        except ENGINE_ERRORS as error:
            self.remove()
            raise SandboxUnavailable(
                "the container did not start",
                where=self.name,
                found=str(error)[:400],
                todo=gpu_trouble(str(error)) or "`grader doctor` tests the engine part by part",
            ) from error
        except BaseException:
            self.remove()
            raise

    def _create(self) -> str:
        api = self._client.api
        try:
            created: Mapping[str, Any] = api.create_container(
                self.spec.image,
                name=self.name,
                stdin_open=True,
                network_disabled=True,
                environment=_environment(self.spec),
                labels=labels(self.spec.run_id, lifetime_s=LIFETIME_S, sandbox=self.spec.sandbox),
                host_config=api.create_host_config(**host_options(self.spec)),
            )
        except ENGINE_ERRORS as error:
            raise SandboxUnavailable(
                "the engine refuses to create the container",
                where=self.spec.image,
                found=str(error)[:400],
                todo="`grader doctor` tests the engine part by part",
            ) from error
        return str(created["Id"])

    def _attach_and_start(self) -> FrameStream:
        # Attached before it starts, so that no byte is lost; never `run`, which reads logs without a bound.
        streams = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        attached = self._client.api.attach_socket(self._id, params=streams)
        frame_bytes = self.spec.limits.evidence_bytes + _FRAME_OVERHEAD_BYTES
        stream = FrameStream(DockerPipe(attached), frame_bytes=frame_bytes)
        try:
            self._client.api.start(self._id)
        except BaseException:
            stream.close()
            raise
        return stream

    def wait_until_ready(self) -> None:
        """Waits for the driver's first frame.

        Raises:
            SandboxUnavailable: It did not come; says what the container wrote instead.
        """
        try:
            self.environment = await_ready(self.stream, self._main_process, self.limits.cpus)
        except NotUp as error:
            self.remove()
            raise SandboxUnavailable(
                "the sandbox did not come up", where=self.name, found=error.found, todo=error.todo
            ) from error

    def _main_process(self) -> int | None:
        """Its first process, where the engine runs it on this machine."""
        with suppress(*ENGINE_ERRORS, OSError):
            pid = int(self._client.api.inspect_container(self._id)["State"]["Pid"])
            # Another machine's numbers mean other processes here.
            if pid and self._id in Path(f"/proc/{pid}/cgroup").read_text():
                return pid
        return None

    def memory_ran_out(self) -> bool:
        """Whether the engine saw the container's memory limit hit; asked when the stream has ended."""
        with suppress(*ENGINE_ERRORS):
            state = self._client.api.inspect_container(self._id)["State"]
            return bool(state.get("OOMKilled"))
        return False

    def fault(self) -> str:
        """What the engine says of it unless it runs: one that was paused from outside is silent as well."""
        try:
            status = str(self._client.api.inspect_container(self._id)["State"]["Status"])
        except ENGINE_ERRORS as error:
            return f"the engine does not answer for it: {error}"[:300]
        return "" if status == "running" else f"the engine calls it {status}"

    def kill(self) -> None:
        """Kills and removes it at the engine; the stream is left to the thread that reads from it.

        An engine under load gives up waiting for the end of what it killed, and then leaves it unremoved.
        """
        for pause_s in (*_REMOVAL_PAUSES_S, None):
            try:
                self._client.api.remove_container(self._id, force=True, v=True)
            except NotFound:
                return
            except ENGINE_ERRORS:
                if pause_s is not None:
                    time.sleep(pause_s)
            else:
                return

    def remove(self) -> None:
        """Kills and removes it. What cannot be removed now is left to the reaper."""
        stream = getattr(self, "stream", None)
        if stream is not None:
            with suppress(StreamEnded):
                stream.send(Shutdown())
            stream.close()
        self.kill()
