"""What a Dask worker runs, on a host of the pool: a notebook in this host's sandbox, bytes in and bytes out.

An answer is ``E``, the SHA-256 of evidence and the evidence, or ``F`` and why there is none. Nothing is
raised: an exception would travel as a pickle.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import grader
from grader.errors import GraderError, SandboxUnavailable
from grader.evidence.codec import encode
from grader.evidence.parcel import unpack_parcel
from grader.evidence.plan import Plan
from grader.sandbox.base import Job, Sandbox, Worker, image_of
from grader.sandbox.pool.options import HostOptions
from grader.sandbox.select import choose_sandbox

__all__ = ["Host", "describe_host", "run_job"]

_log = logging.getLogger("distributed.worker.grader")
_WARM_S = 60.0
_LONGEST_REASON = 1000
#: Which cards a launcher gave this process; a Slurm job is told so.
_GIVEN_GPUS = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class _Idle:
    worker: Worker
    limits: str
    since: float


class Host:
    """This host's sandbox, its workers kept warm between notebooks of one plan.

    Args:
        open_sandbox: Called once, at the first notebook.
        warm_s: How long a worker without a notebook is kept, with its memory.
    """

    def __init__(self, open_sandbox: Callable[[], Sandbox], warm_s: float = _WARM_S) -> None:
        self._open_sandbox = open_sandbox
        self._warm_s = warm_s
        self._lock = threading.Lock()
        self._sandbox: Sandbox | None = None
        self._idle: list[_Idle] = []

    def sandbox(self) -> Sandbox:
        """It, opened if need be.

        Raises:
            SandboxUnavailable: None works here.
        """
        with self._lock:
            if self._sandbox is None:
                self._sandbox = self._open_sandbox()
            return self._sandbox

    def run(self, raw: bytes, image: str) -> bytes:
        """Evidence of the work in a parcel.

        Args:
            raw: As `pack_parcel` gives it.
            image: What it has to be run in; empty takes what there is.

        Raises:
            GraderError: The parcel is none, or the sandbox failed.
        """
        sandbox = self.sandbox()
        if image not in ("", image_of(sandbox)):
            raise SandboxUnavailable(
                "this host of the pool has another image than the others",
                expected=image,
                found=image_of(sandbox),
                todo="copy the image, or build the same one on each host: `grader image build`",
            )
        parcel = unpack_parcel(raw)
        worker = self._take(sandbox, parcel.plan)
        try:
            job = Job(uuid.uuid4().hex, parcel.notebook, parcel.plan, parcel.files)
            evidence = encode(worker.run(job))
        except BaseException:
            with suppress(Exception):
                worker.close()
            raise
        self._put_back(worker, parcel.plan)
        return evidence

    def close(self) -> None:
        """Ends all that runs."""
        with self._lock:
            sandbox, self._sandbox, self._idle = self._sandbox, None, []
        if sandbox is not None:
            sandbox.close()

    def _take(self, sandbox: Sandbox, plan: Plan) -> Worker:
        """A warm worker of these limits; else a new one, in place of an idle one of other limits."""
        limits = plan.limits.model_dump_json()
        with self._lock:
            of_these = next((each for each in self._idle if each.limits == limits), None)
            given_up = of_these or (self._idle[0] if self._idle else None)
            if given_up is not None:
                self._idle.remove(given_up)
        if of_these is not None:
            return of_these.worker
        if given_up is not None:
            given_up.worker.close()
        return sandbox.open(plan)

    def _put_back(self, worker: Worker, plan: Plan) -> None:
        with self._lock:
            self._idle.append(_Idle(worker, plan.limits.model_dump_json(), time.monotonic()))
        timer = threading.Timer(self._warm_s, self._close_idle)
        timer.daemon = True
        timer.start()

    def _close_idle(self) -> None:
        latest = time.monotonic() - self._warm_s
        with self._lock:
            over = [each for each in self._idle if each.since <= latest]
            self._idle = [each for each in self._idle if each.since > latest]
        for each in over:
            with suppress(Exception):
                each.worker.close()


_hosts: dict[HostOptions, Host] = {}
_lock = threading.Lock()


def run_job(options: bytes, parcel: bytes) -> bytes:
    """Runs a notebook; see above for the answer."""
    told = HostOptions.from_json(options)
    return _answered(lambda: _host(told).run(parcel, told.image))


def describe_host(options: bytes) -> bytes:
    """What this host runs notebooks in, as JSON."""
    told = HostOptions.from_json(options)

    def describe() -> bytes:
        return json.dumps({"image": image_of(_host(told).sandbox()), "version": grader.__version__}).encode()

    return _answered(describe)


def _answered(act: Callable[[], bytes]) -> bytes:
    try:
        found = act()
    except Exception as error:
        reason = f"{error}" if isinstance(error, GraderError) else f"{type(error).__name__}: {error}"
        return b"F" + reason.encode("utf-8", "replace")[:_LONGEST_REASON]
    return b"E" + hashlib.sha256(found).digest() + found


def _host(told: HostOptions) -> Host:
    """The one of this process."""
    settled = replace(told, image="")
    with _lock:
        if settled not in _hosts:
            _hosts[settled] = Host(lambda: _open(settled))
            atexit.register(_hosts[settled].close)
        return _hosts[settled]


def _open(told: HostOptions) -> Sandbox:
    gpus = os.environ.get(_GIVEN_GPUS, "") if told.gpus == "all" else ""
    return choose_sandbox(
        told.sandbox,
        isolation=told.isolation,
        gpus=gpus or told.gpus,
        data_dir=None if told.data is None else Path(told.data),
        run_id=uuid.uuid4().hex,
        notify=_log.info,
        runtime=told.runtime,
    )
