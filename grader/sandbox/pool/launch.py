"""The process that launches a pool and lets it grow and shrink with what waits; started by `launched`.

Its input is one line that says what to launch, and its end takes the pool back. Its output is one line that
says where the scheduler is. What machines, queues, accounts, images and pods are is said where Dask's own
packages read it: ``~/.config/dask/*.yaml`` or ``DASK_...`` variables.

Source: https://jobqueue.dask.org, https://kubernetes.dask.org, https://docs.dask.org/en/stable/deploying-ssh.html
"""

from __future__ import annotations

import importlib
import json
import math
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any

from grader.sandbox.pool.options import MEMORY, Pool

__all__ = ["LAUNCHES", "launch", "main"]

#: A host that does not answer for so long has lost its notebooks to others.
_DASK = {"distributed.scheduler.worker-ttl": "60s", "distributed.scheduler.allowed-failures": 2}
_MOST = 8


def launch(pool: Pool) -> Any:
    """A cluster of Dask, growing and shrinking where its kind can.

    Raises:
        ValueError: What it needs is not said, or a package is not installed.
    """
    import dask

    dask.config.set(_DASK)
    if pool.tls:
        dask.config.set(_tls(pool))
    return LAUNCHES[pool.launch](pool)


def _slurm(pool: Pool) -> Any:
    """Workers as Slurm's jobs; the scheduler is in this process."""
    import dask

    made = _installed("dask_jobqueue", "dask-jobqueue").SLURMCluster
    memory = dask.config.get("jobqueue.slurm.memory", None)
    if not memory:
        raise ValueError(
            "jobqueue.slurm.memory is not set in ~/.config/dask/jobqueue.yaml; expected as '32GB'"
        )
    declared = _declared(pool) | {MEMORY: float(dask.utils.parse_bytes(memory))}
    cluster = made(
        cores=pool.slots,
        processes=1,
        python=dask.config.get("jobqueue.slurm.python", None) or sys.executable,
        worker_extra_args=[
            *dask.config.get("jobqueue.slurm.worker-extra-args", []),
            *("--resources", _as_words(declared)),
        ],
        **({"protocol": "tls://", "security": _security(pool)} if pool.tls else {}),
    )
    cluster.adapt(minimum=0, maximum=_workers(pool))
    return cluster


def _kubernetes(pool: Pool) -> Any:
    """Workers as pods, of the operator of Dask, which has to be in the cluster."""
    if pool.tls:
        raise ValueError(
            "the operator of Dask sets up no TLS; leave it to the cluster's network, or use --dask"
        )
    made = _installed("dask_kubernetes.operator", "dask-kubernetes").KubeCluster
    import dask

    command = str(dask.config.get("kubernetes.worker-command", "") or "dask worker")
    told = ["--nthreads", str(pool.slots), *_resources(pool)]
    has_spec = dask.config.get("kubernetes.custom-cluster-spec", None)
    # What a whole specification of pods says of its workers is not changed.
    cluster = made(n_workers=0, **({} if has_spec else {"worker_command": [*command.split(), *told]}))
    cluster.adapt(minimum=0, maximum=_workers(pool))
    return cluster


def _ssh(pool: Pool) -> Any:
    """A scheduler on the first host and a worker on each other, for as long as the pool is there."""
    if len(pool.hosts) < 2:
        raise ValueError(
            "--launch ssh needs --hosts SCHEDULER,WORKER,..., each by name; one may be there twice"
        )
    _installed("asyncssh", "asyncssh")
    from distributed import SSHCluster

    return SSHCluster(
        list(pool.hosts),
        worker_options={"nthreads": pool.slots, "resources": _declared(pool)},
        scheduler_options={"port": 0, "dashboard_address": ":0", **({"protocol": "tls"} if pool.tls else {})},
    )


#: By what is said after ``--launch``.
LAUNCHES: dict[str, Callable[[Pool], Any]] = {"slurm": _slurm, "kubernetes": _kubernetes, "ssh": _ssh}


def _installed(module: str, package: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ValueError(f"{package} is not installed beside the grader: {error}") from error


def _workers(pool: Pool) -> int:
    return math.ceil((pool.most or _MOST) / pool.slots)


def _declared(pool: Pool) -> dict[str, float]:
    """What each worker has: enough for as many notebooks as it has slots."""
    return {name: amount * pool.slots for name, amount in pool.needs}


def _resources(pool: Pool) -> list[str]:
    declared = _declared(pool)
    return ["--resources", _as_words(declared)] if declared else []


def _as_words(declared: dict[str, float]) -> str:
    # Without spaces, since a job's script is not quoted.
    return ",".join(f"{name}={amount:.15g}" for name, amount in declared.items())


def _security(pool: Pool) -> Any:
    from distributed import Security

    ca, cert, key = pool.tls.ca, pool.tls.cert, pool.tls.key
    return Security(
        tls_ca_file=ca,
        **{f"tls_{role}_{what}": file for role in ("client", "scheduler", "worker")
           for what, file in (("cert", cert), ("key", key))},
        require_encryption=True,
    )  # fmt: skip


def _tls(pool: Pool) -> dict[str, Any]:
    """As settings of Dask, which what is launched by ssh inherits."""
    roles = {
        f"distributed.comm.tls.{role}.{what}": file
        for role in ("client", "scheduler", "worker")
        for what, file in (("cert", pool.tls.cert), ("key", pool.tls.key))
    }
    return {
        **roles,
        "distributed.comm.tls.ca-file": pool.tls.ca,
        "distributed.comm.require-encryption": True,
    }


def main() -> int:
    """Launches, says where, and waits for the end of its input."""
    # What Dask prints belongs into the log.
    told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    pool = Pool.from_json(sys.stdin.buffer.readline())
    try:
        cluster = launch(pool)
    except Exception as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    told.write(json.dumps({"scheduler": cluster.scheduler_address}) + "\n")
    told.flush()
    with suppress(KeyboardInterrupt):
        while sys.stdin.buffer.read(4096):
            pass
    cluster.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
