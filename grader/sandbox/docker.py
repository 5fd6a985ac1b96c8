"""The production sandbox: warm containers that serve one submission after another."""

from __future__ import annotations

import secrets
from functools import partial
from pathlib import Path

import docker

from grader.evidence.plan import Limits, Plan
from grader.evidence.record import Environment
from grader.sandbox.base import Worker
from grader.sandbox.boxes import Boxes
from grader.sandbox.container import Container, ContainerSpec
from grader.sandbox.engine import ENGINE_ERRORS
from grader.sandbox.gpu_slots import GpuSlots
from grader.sandbox.gpu_worker import GpuWorker
from grader.sandbox.gpus import GpuSlot
from grader.sandbox.image import ImageRef
from grader.sandbox.reaper import remove_of_sandbox
from grader.sandbox.worker import BoxWorker, Isolation

__all__ = ["DockerSandbox"]


class DockerSandbox:
    """Opens workers on one engine and image.

    Args:
        client: The engine.
        image: What containers are made from.
        isolation: ``fork``: a container serves many, one after another; ``container``: each gets its own.
        run_id: Label of all containers.
        data_dir: Folder of data sets, or None.
        gpus: Slots, one to each worker; None gives no GPU.
        runtime: An OCI runtime other than the engine's own.

    Attributes:
        image: The image's digest: evidence made in another one is not the same work.
        token: What its containers have and those of no other sandbox.
    """

    name = "docker"

    def __init__(
        self,
        client: docker.DockerClient,
        image: ImageRef,
        *,
        isolation: Isolation,
        run_id: str,
        data_dir: Path | None = None,
        gpus: GpuSlots | None = None,
        runtime: str | None = None,
    ) -> None:
        self._client = client
        self._image = image
        self.image = image.id
        self._isolation = isolation
        self._run_id = run_id
        self.token = secrets.token_hex(8)
        self._data_dir = data_dir
        self._gpus = gpus
        self._runtime = runtime
        self._boxes = Boxes()
        self._workers: list[Worker] = []

    @property
    def at_once(self) -> int | None:
        return None if self._gpus is None else len(self._gpus)

    def open(self, plan: Plan) -> Worker:
        """Starts a container with the plan's limits and waits until its kernel server is warm.

        Raises:
            SandboxUnavailable: The engine refuses, or the container does not come up.
        """
        worker: Worker
        if self._gpus is None:
            worker = self._open_on(None, plan)
        else:
            worker = GpuWorker(plan, self._gpus, self._open_on, lambda: self._boxes.closed)
        self._workers.append(worker)
        return worker

    def _open_on(self, slot: GpuSlot | None, plan: Plan) -> BoxWorker:
        described = Environment(
            sandbox=self.name,
            isolation=self._isolation,
            image=self._image.id,
            gpu=None if slot is None else slot.name,
        )
        start = partial(self._start, slot)
        return BoxWorker(start, plan.limits, self._isolation, described, self._boxes)

    def memory_bytes(self, plan: Plan) -> int:
        # With a container each, the next one is warm while one runs.
        boxes = 2 if self._isolation == "container" else 1
        return boxes * plan.limits.memory_bytes

    def _start(self, slot: GpuSlot | None, limits: Limits) -> Container:
        spec = ContainerSpec(
            image=self._image.id,
            limits=limits,
            run_id=self._run_id,
            sandbox=self.token,
            data_dir=self._data_dir,
            gpu=slot,
            runtime=self._runtime,
        )
        container = Container(self._client, spec)
        self._boxes.add(container)
        container.wait_until_ready()
        return container

    def answers(self) -> bool:
        try:
            return bool(self._client.ping())
        except ENGINE_ERRORS:
            return False

    def close(self) -> None:
        """Ends everything, also what other threads have running or are starting; they get an error."""
        self._boxes.close()
        for worker in self._workers:
            worker.close()
        self._workers.clear()
        remove_of_sandbox(self._client, self.token)
        self._client.close()
