"""Launchers of pools, with what they would launch replaced: how workers are asked for, and taken back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import dask
import pytest

from grader.errors import SandboxUnavailable
from grader.sandbox.pool import launched as of_launched
from grader.sandbox.pool.launch import launch
from grader.sandbox.pool.launched import Launched
from grader.sandbox.pool.options import Pool, Tls
from tests.dask_pool import LONG_S, until

ROOT = Path(__file__).parents[4]
GPU = (("GPU", 1.0),)
TLS = Tls("/etc/pool/ca.pem", "/etc/pool/cert.pem", "/etc/pool/key.pem")


class Cluster:
    """Notes how it was made and asked to grow."""

    made: list[Cluster]

    def __init__(self, *arguments: Any, **told: Any) -> None:
        self.arguments, self.told, self.grows = arguments, told, {}
        Cluster.made.append(self)

    def adapt(self, **bounds: int) -> None:
        self.grows = bounds


@pytest.fixture
def settings() -> Any:
    """Of Dask, put back after the test."""
    Cluster.made = []
    with dask.config.set(
        {"jobqueue.slurm.memory": "64 GB", "jobqueue.slurm.worker-extra-args": ["--lifetime", "7h"]}
    ):
        before = dict(dask.config.config)
        yield
        dask.config.config.clear()
        dask.config.config.update(before)


def put_in(monkeypatch: pytest.MonkeyPatch, name: str, **what: Any) -> None:
    module = ModuleType(name)
    vars(module).update(what)
    monkeypatch.setitem(sys.modules, name, module)


def test_slurm_is_asked_for_workers_that_say_what_they_have(
    monkeypatch: pytest.MonkeyPatch, settings: None
) -> None:
    put_in(monkeypatch, "dask_jobqueue", SLURMCluster=Cluster)
    made = launch(Pool(launch="slurm", slots=4, needs=GPU, most=10))
    assert (made.told["cores"], made.told["processes"]) == (4, 1)
    assert made.told["worker_extra_args"] == ["--lifetime", "7h", "--resources", "GPU=4,MEMORY=64000000000"]
    assert made.grows == {"minimum": 0, "maximum": 3}
    assert "security" not in made.told
    assert dask.config.get("distributed.scheduler.worker-ttl") == "60s"


def test_slurm_with_tls_has_certificates_for_all_parts(
    monkeypatch: pytest.MonkeyPatch, settings: None
) -> None:
    put_in(monkeypatch, "dask_jobqueue", SLURMCluster=Cluster)
    made = launch(Pool(launch="slurm", tls=TLS))
    security = made.told["security"]
    assert made.told["protocol"] == "tls://" and security.require_encryption
    for role in ("client", "scheduler", "worker"):
        files = security.get_tls_config_for_role(role)
        assert (files["ca_file"], files["cert"], files["key"]) == (TLS.ca, TLS.cert, TLS.key)


def test_slurm_without_memory_says_where_it_is_set(monkeypatch: pytest.MonkeyPatch, settings: None) -> None:
    put_in(monkeypatch, "dask_jobqueue", SLURMCluster=Cluster)
    with dask.config.set({"jobqueue.slurm.memory": None}), pytest.raises(ValueError, match=r"jobqueue\.yaml"):
        launch(Pool(launch="slurm"))


def test_kubernetes_gets_workers_by_the_operator(monkeypatch: pytest.MonkeyPatch, settings: None) -> None:
    put_in(monkeypatch, "dask_kubernetes")
    put_in(monkeypatch, "dask_kubernetes.operator", KubeCluster=Cluster)
    made = launch(Pool(launch="kubernetes", slots=2, needs=GPU, most=4))
    assert made.told["worker_command"] == ["dask", "worker", "--nthreads", "2", "--resources", "GPU=2"]
    assert (made.told["n_workers"], made.grows) == (0, {"minimum": 0, "maximum": 2})
    with dask.config.set({"kubernetes.custom-cluster-spec": "pool.yaml"}):
        assert "worker_command" not in launch(Pool(launch="kubernetes")).told
    with pytest.raises(ValueError, match="no TLS"):
        launch(Pool(launch="kubernetes", tls=TLS))


def test_ssh_places_a_scheduler_and_workers(monkeypatch: pytest.MonkeyPatch, settings: None) -> None:
    put_in(monkeypatch, "asyncssh")
    monkeypatch.setattr("distributed.SSHCluster", Cluster)
    made = launch(Pool(launch="ssh", hosts=("head", "a", "b"), slots=2, needs=GPU, tls=TLS))
    assert made.arguments == (["head", "a", "b"],)
    assert made.told["worker_options"] == {"nthreads": 2, "resources": {"GPU": 2.0}}
    assert made.told["scheduler_options"]["protocol"] == "tls"
    # What is launched by ssh inherits these.
    assert dask.config.get("distributed.comm.tls.worker.key") == TLS.key
    assert dask.config.get("distributed.comm.require-encryption") is True
    with pytest.raises(ValueError, match="--hosts"):
        launch(Pool(launch="ssh", hosts=("head",)))


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, settings: None) -> None:
    monkeypatch.setitem(sys.modules, "dask_kubernetes.operator", None)
    with pytest.raises(ValueError, match="dask-kubernetes is not installed"):
        launch(Pool(launch="kubernetes"))


def script(text: str) -> list[str]:
    return [sys.executable, "-c", f"import os, sys\ntold = sys.stdin.readline()\n{text}"]


def launched(text: str, monkeypatch: pytest.MonkeyPatch) -> Launched:
    monkeypatch.setattr(of_launched, "wall_trouble", lambda: "")
    return Launched(Pool(launch="slurm"), [], lambda _: None, command=script(text))


def test_a_launched_pool_is_ended_by_the_end_of_its_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = tmp_path / "ended"
    told = 'print(\'{"scheduler": "tcp://head:8786"}\', flush=True)'
    pool = launched(f"{told}; sys.stdin.read(); os.mkdir({str(ended)!r})", monkeypatch)
    assert pool.scheduler() == pool.scheduler() == "tcp://head:8786"
    pool.close()
    assert ended.exists()
    with pytest.raises(SandboxUnavailable, match="closed"):
        pool.scheduler()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "print('no JSON', flush=True)",
        'print(\'{"scheduler": "tcp://a b:1"}\', flush=True)',
        "print('[]')",
    ],
)
def test_a_launcher_that_says_no_address_has_failed(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = launched(text, monkeypatch)
    with pytest.raises(SandboxUnavailable, match="no pool could be launched by slurm"):
        pool.scheduler()


def test_a_launcher_that_died_is_begun_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = launched(
        'print(\'{"scheduler": "tcp://head:%d"}\' % (os.getpid() % 60000), flush=True)', monkeypatch
    )
    first = pool.scheduler()
    until(lambda: pool.scheduler() != first)
    pool.close()


def test_nothing_is_launched_without_a_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_launched, "wall_trouble", lambda: "bubblewrap is not installed")
    with pytest.raises(SandboxUnavailable, match="from behind a wall only"):
        Launched(Pool(launch="ssh"), [], lambda _: None)


#: Takes a job script as Slurm's own does, and runs it at once.
SBATCH = """#!/bin/sh
[ "$1" = --parsable ] && shift
cp "$1" {job}.sh
setsid sh {job}.sh >{log} 2>&1 </dev/null &
echo $! >{job}
echo $!
"""


def test_workers_that_slurm_starts_come_to_the_pool(tmp_path: Path) -> None:
    """By dask-jobqueue itself and a script in place of Slurm's `sbatch`."""
    job, log = tmp_path / "job", tmp_path / "log"
    (tmp_path / "sbatch").write_text(SBATCH.format(log=log, job=job))
    (tmp_path / "scancel").write_text("#!/bin/sh\nkill -- -$1\n")
    for name in ("sbatch", "scancel"):
        (tmp_path / name).chmod(0o755)
    environment = os.environ | {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "DASK_JOBQUEUE__SLURM__MEMORY": "1 GB",
        "DASK_JOBQUEUE__SLURM__INTERFACE": "lo",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "grader.sandbox.pool.launch"],
        env=environment,
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as launcher:
        assert launcher.stdin is not None and launcher.stdout is not None
        launcher.stdin.write(Pool(launch="slurm", needs=GPU, most=1).to_json() + b"\n")
        launcher.stdin.flush()
        address = json.loads(launcher.stdout.readline())["scheduler"]
        # Nothing is launched before something waits; then as many as it takes.
        asked = (
            "import sys; from distributed import Client\n"
            "needs = {'GPU': 1, 'MEMORY': 5e8}\n"
            "print(Client(sys.argv[1]).submit(abs, -7, resources=needs).result())"
        )
        told = subprocess.run(
            [sys.executable, "-c", asked, address], capture_output=True, text=True, timeout=LONG_S
        )
        launcher.stdin.close()
        launcher.wait(LONG_S)
    assert told.stdout.strip() == "7", told.stderr + log.read_text()
    # Its job was taken back.
    until(lambda: not Path(f"/proc/{job.read_text().strip()}").exists())
