"""The production sandbox: warm containers that serve one submission after another."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Literal

import docker

from grader.errors import SandboxUnavailable
from grader.evidence.codec import Bundle
from grader.evidence.plan import Limits, Plan
from grader.evidence.record import Environment, Outcome
from grader.sandbox.base import Box, Job, Progress, Worker
from grader.sandbox.boxes import Boxes
from grader.sandbox.container import Container, ContainerSpec
from grader.sandbox.engine import ENGINE_ERRORS
from grader.sandbox.frames import StreamEnded
from grader.sandbox.gpu_slots import GpuSlots
from grader.sandbox.gpu_worker import GpuWorker
from grader.sandbox.gpus import GpuSlot
from grader.sandbox.image import ImageRef
from grader.sandbox.session import BrokenSandbox, JobSession

__all__ = ["DockerSandbox", "DockerWorker", "Isolation"]

#: Limits that a container is made with; all others come with each job.
_OF_CONTAINER = (
    "memory_bytes", "work_bytes", "work_inodes", "shm_bytes", "pids", "cpus", "evidence_bytes",
)  # fmt: skip
#: Jobs of one container: each takes a uid that no other had, and there are 500 (`collector.provisioner`).
_MOST_JOBS = 450

Isolation = Literal["fork", "container"]

_PROBES_S = 600.0

Start = Callable[[Limits], Box]


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

    def _open_on(self, slot: GpuSlot | None, plan: Plan) -> DockerWorker:
        described = Environment(
            sandbox=self.name,
            isolation=self._isolation,
            image=self._image.id,
            gpu=None if slot is None else slot.name,
        )
        start = partial(self._start, slot)
        return DockerWorker(start, plan.limits, self._isolation, described, self._boxes)

    def memory_bytes(self, plan: Plan) -> int:
        # With a container each, the next one is warm while one runs.
        boxes = 2 if self._isolation == "container" else 1
        return boxes * plan.limits.memory_bytes

    def _start(self, slot: GpuSlot | None, limits: Limits) -> Container:
        spec = ContainerSpec(
            image=self._image.id,
            limits=limits,
            run_id=self._run_id,
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
        self._client.close()


class DockerWorker:
    """One container, or other box, at a time; replaced after anything odd.

    Args:
        start: Starts a container with given limits.
        limits: Of the first container.
        isolation: Whether a container serves more than one submission.
        described: What evidence says of the sandbox.
        boxes: All of its sandbox; tells when that was closed, perhaps in the middle of a submission.
    """

    def __init__(
        self, start: Start, limits: Limits, isolation: Isolation, described: Environment, boxes: Boxes
    ) -> None:
        self._start = start
        self._isolation = isolation
        self._described = described
        self._boxes = boxes
        self._container: Box | None = start(limits)
        self._starter = ThreadPoolExecutor(1) if isolation == "container" else None
        self._standby: Future[Box] | None = None
        self._served = 0

    def run(self, job: Job, progress: Progress | None = None) -> Bundle:
        """Runs one submission.

        Raises:
            SandboxUnavailable: The engine or the container failed us, or the kernel never came up.
        """
        container = self._take(job.plan.limits)
        environment = container.environment.model_copy(
            update=self._described.model_dump(include={"sandbox", "isolation", "image", "gpu"})
        )
        session = JobSession(container.stream, job, environment, progress)
        healthy = False
        try:
            self._drive(session, container)
            self._served += 1
            reusable = self._isolation == "fork" or job.ours
            healthy = reusable and not session.replace and self._served < _MOST_JOBS
        finally:
            if healthy:
                self._container = container
            else:
                container.remove()
        if session.replace:
            # What was broken off is no evidence of how the submission ends.
            self._boxes.require_open()
        return session.bundle()

    def _drive(self, session: JobSession, container: Box) -> None:
        try:
            session.run()
        except BrokenSandbox as error:
            ended_too_soon = session.unanswered and isinstance(error.__cause__, StreamEnded)
            if container.memory_ran_out():
                session.detail = session.detail or "the whole container ran out of memory"
                session.outcome = session.outcome or Outcome.OUT_OF_MEMORY
                session.anomalies.append(f"the sandbox ended early: {error}"[:500])
            elif session.outcome is not None and not ended_too_soon:
                session.anomalies.append(f"the sandbox ended early: {error}"[:500])
            else:
                raise SandboxUnavailable(
                    "the sandbox ended in the middle of a submission",
                    where=container.name,
                    found=(container.stream.log().strip() or str(error))[-600:],
                    todo="run again; where it happens every time, see `grader doctor`",
                ) from error
        if session.late and (fault := container.fault()):
            raise SandboxUnavailable(
                "the sandbox stopped answering",
                where=container.name,
                found=fault,
                todo="run again; `grader doctor` tests the engine part by part",
            )
        if session.outcome is Outcome.SANDBOX_UNAVAILABLE:
            raise SandboxUnavailable(
                "the sandbox could not start a kernel", where=container.name, found=session.detail
            )

    def _take(self, limits: Limits) -> Box:
        """A clean container with these limits, started now unless one is there."""
        self._boxes.require_open()
        container, self._container = self._container, None
        if container is None:
            container, self._served = self._from_standby(), 0
        if container is not None and not _usable(container, limits):
            container.remove()
            container = None
        if container is None:
            container, self._served = self._start(limits), 0
        if self._starter is not None and self._standby is None:
            self._standby = self._starter.submit(self._start, limits)
        return container

    def _from_standby(self) -> Box | None:
        standby, self._standby = self._standby, None
        return None if standby is None else standby.result()

    def close(self) -> None:
        if self._container is not None:
            self._container.remove()
            self._container = None
        if self._standby is not None:
            standby, self._standby = self._standby, None
            if standby.exception() is None:
                standby.result().remove()
        if self._starter is not None:
            self._starter.shutdown()


def _usable(container: Box, limits: Limits) -> bool:
    """Whether a container may serve a job: with the same bounds, and until after the last probe."""
    same = all(getattr(container.limits, name) == getattr(limits, name) for name in _OF_CONTAINER)
    return same and time.monotonic() + limits.notebook_s + _PROBES_S < container.expires
