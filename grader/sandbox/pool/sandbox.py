"""A pool of hosts as a sandbox: notebooks go to it and evidence comes from it through the gateway alone.

Nothing in this process speaks Dask or loads a pickle, so that it may hold
the server's token or the database.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import uuid
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from grader.errors import SandboxUnavailable, UsageError
from grader.evidence.codec import Bundle, decode
from grader.evidence.parcel import Parcel, pack_parcel
from grader.evidence.plan import MOST_BY_THE_WALL, Plan
from grader.evidence.record import Outcome
from grader.sandbox.base import Job, Progress
from grader.sandbox.pool.gate import Gate
from grader.sandbox.pool.launched import Launched
from grader.sandbox.pool.options import GPU, MEMORY, HostOptions, Pool, is_loopback, require_scheduler
from grader.sandbox.pool.wall import environment, gateway_command, wall_trouble
from grader.sandbox.pool.wire import RunHead, pack_run

__all__ = ["PoolSandbox", "PoolWorker", "open_pool"]

#: A host of a launched pool may first have to be given by whoever shares the machines out.
_FIRST_HOST_S = 900.0
#: Beyond the evidence itself: headers of arrays, and the notebook's cells.
_ROOM_BYTES = 1024 * 1024
_DIGEST_BYTES = hashlib.sha256().digest_size
#: So long a notebook may wait in the pool, beside all the time that it may take: then others get the job.
_WAITING_S = 4 * 3600.0


class PoolSandbox:
    """Safe to share between threads, as any sandbox.

    Args:
        gate: To the pool; the sandbox closes it.
        options: How its hosts run notebooks.
        pool: What one notebook takes, and how many at a time.
        image: What the hosts run notebooks in.
        also_close: What ends with it.
    """

    name = "pool"

    def __init__(
        self,
        gate: Gate,
        options: HostOptions,
        pool: Pool,
        image: str,
        also_close: Callable[[], None] = lambda: None,
    ) -> None:
        self._gate = gate
        self._options = replace(options, image=image).to_json()
        self._needs = needs_of(pool, options)
        self._most = pool.most
        self._also_close = also_close
        self.image = image

    @property
    def at_once(self) -> int | None:
        """As was asked for, else as many as the pool has slots at this moment, and one at the least."""
        return self._most or max(1, self._gate.told.slots)

    @property
    def dashboard(self) -> str:
        """Address of Dask's own pages; empty where there is none."""
        return self._gate.told.dashboard

    def open(self, plan: Plan) -> PoolWorker:
        """Gives a worker; which host a notebook comes to is for the scheduler to say."""
        return PoolWorker(self._run)

    def answers(self) -> bool:
        """Whether the scheduler is there."""
        return self._gate.connected

    def memory_bytes(self, plan: Plan) -> int:
        """None of this machine's."""
        return 0

    def close(self) -> None:
        """Ends the gateway, and a pool that was launched. Safe to call twice."""
        self._gate.close()
        self._also_close()

    def _run(self, job: Job) -> Bundle:
        if job.draws != 1:
            raise SandboxUnavailable(
                "a pool calls functions with the given inputs only", todo="try the rubric on this machine"
            )
        limits = job.plan.limits
        needs = {**dict(self._needs), MEMORY: float(limits.memory_bytes)}
        most_bytes = limits.evidence_bytes + _ROOM_BYTES
        head = RunHead(f"grader-{uuid.uuid4().hex}", needs, self._options, most_bytes)
        parcel = pack_parcel(Parcel(job.plan, job.notebook, job.files))
        most_s = _WAITING_S + MOST_BY_THE_WALL * (limits.notebook_s + limits.collect_s)
        answer = self._gate.run(pack_run(head, parcel), most_bytes, most_s)
        raw = answer[_DIGEST_BYTES:]
        if hashlib.sha256(raw).digest() != answer[:_DIGEST_BYTES]:
            raise SandboxUnavailable("evidence from the pool is not what its host's digest says")
        return _believed(decode(raw, limit_bytes=most_bytes), job)


class PoolWorker:
    """Sends one notebook after another."""

    def __init__(self, run: Callable[[Job], Bundle]) -> None:
        self._run = run

    def run(self, job: Job, progress: Progress | None = None) -> Bundle:
        """Evidence of a notebook that ran on a host of the pool; of its cells nothing is heard before.

        Raises:
            SandboxUnavailable: The pool failed, or what came is not of this job.
            EvidenceError: What came is no evidence.
        """
        return self._run(job)

    def close(self) -> None:
        """Nothing is held here: hosts let go of what is idle by themselves."""


def _believed(bundle: Bundle, job: Job) -> Bundle:
    """Evidence that is of this job and says nothing that only the service can say."""
    evidence = bundle.evidence
    if evidence.notebook != hashlib.sha256(job.notebook).hexdigest() or evidence.plan != job.plan.digest:
        raise SandboxUnavailable("the pool sent evidence of another job")
    if evidence.outcome is Outcome.INVALID_SUBMISSION:
        raise SandboxUnavailable("a pool cannot say this of a job", found=evidence.outcome.value)
    return bundle


def needs_of(pool: Pool, options: HostOptions) -> tuple[tuple[str, float], ...]:
    """What a notebook takes: as was said, else a GPU where notebooks get one."""
    if pool.needs or options.gpus == "none":
        return pool.needs
    return ((GPU, 1.0),)


def open_pool(
    pool: Pool,
    options: HostOptions,
    say: Callable[[str], None],
    *,
    hidden: Collection[Path] = (),
    stopped: Callable[[], bool] = lambda: False,
) -> PoolSandbox:
    """Connects to a pool, or launches one, and asks a host what it runs notebooks in.

    Args:
        pool: Where it is.
        options: How its hosts run notebooks.
        say: Told what happens, in one line.
        hidden: Files and folders that no process of the pool's side may see, as the token's.
        stopped: Whether the pool is waited for no longer.

    Raises:
        UsageError: The address or a file is none.
        SandboxUnavailable: The scheduler does not answer, no host came, or no sandbox works there.
    """
    if bool(pool.scheduler) == bool(pool.launch):
        raise UsageError("a pool is either there or launched", expected="--dask ADDRESS, or --launch KIND")
    if pool.scheduler:
        require_scheduler(pool.scheduler)
        _warn_of_plain(pool, say)
    if trouble := wall_trouble():
        say(f"the pool's gateway stands behind no wall of its own: {trouble}")
    launched = Launched(pool, hidden, say) if pool.launch else None
    needs = needs_of(pool, options)

    def start() -> tuple[subprocess.Popen[bytes], bytes]:
        scheduler = launched.scheduler() if launched else pool.scheduler
        told = {
            "scheduler": scheduler,
            "tls": asdict(pool.tls),
            "needs": dict(needs),
            "options": options.to_json().decode(),
        }
        process = subprocess.Popen(  # noqa: S603 - our own module
            gateway_command(pool.tls),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=environment(),
            start_new_session=True,
        )
        return process, json.dumps(told).encode()

    gate = Gate(start, say)

    def close_launched() -> None:
        if launched is not None:
            launched.close()

    try:
        told = gate.wait_described(_FIRST_HOST_S, stopped)
    except BaseException:
        with suppress(Exception):
            gate.close()
        close_launched()
        raise
    say(f"the pool has {told.workers} workers with {told.slots} slots" + _at(told.dashboard))
    return PoolSandbox(gate, options, pool, told.image, close_launched)


def _at(dashboard: str) -> str:
    return f"; Dask's own pages are at {dashboard}" if dashboard else ""


def _warn_of_plain(pool: Pool, say: Callable[[str], None]) -> None:
    host = pool.scheduler.partition("://")[2].rpartition(":")[0].strip("[]")
    if pool.scheduler.startswith("tcp://") and not is_loopback(host):
        say(
            "tcp:// has no TLS: whoever reaches the scheduler reads notebooks and runs code in the pool;"
            " tls:// with --dask-ca, --dask-cert and --dask-key keeps it to those with a certificate"
        )
    if pool.scheduler.startswith("tls://") and not pool.tls:
        raise UsageError(
            "a pool with TLS needs its certificates", expected="--dask-ca, --dask-cert, --dask-key"
        )
