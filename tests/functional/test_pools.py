"""A Dask pool as the sandbox of a run or a worker: the same marks, lost hosts, and hosts that have fallen."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from grader.cli import execute
from grader.errors import SandboxUnavailable, UsageError
from grader.evidence.plan import Limits, Plan
from grader.facts.case import Reference
from grader.intake import normalise_notebook, parse_notebook
from grader.sandbox.base import Job
from grader.sandbox.pool import sandbox as of_pool
from grader.sandbox.pool.options import HostOptions, Pool, Tls
from grader.sandbox.pool.sandbox import PoolSandbox, open_pool
from grader.store import open_store
from grader.web.serve import Opened, listen
from tests import course
from tests.dask_pool import LONG_S, DaskPool, until
from tests.queued import queue_up

GPU = (("GPU", 1.0),)
PLAN = Plan(assignment="mini", limits=Limits(evidence_bytes=100_000))


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskPool]:
    made = DaskPool(tmp_path_factory.mktemp("pool"))
    yield made
    made.close()


def opened(pool: DaskPool, **more: object) -> PoolSandbox:
    return open_pool(Pool(scheduler=pool.address, needs=GPU, **more), HostOptions(), lambda _: None)  # type: ignore[arg-type]


@pytest.fixture
def sandbox(pool: DaskPool) -> Iterator[PoolSandbox]:
    made = opened(pool)
    yield made
    made.close()


def job(*sources: str, plan: Plan = PLAN) -> Job:
    return Job("a", normalise_notebook(parse_notebook(course.notebook(*sources))), plan)


def test_a_pool_gives_the_evidence_that_its_hosts_make(pool: DaskPool, sandbox: PoolSandbox) -> None:
    asked = job(course.GOOD)
    bundle = sandbox.open(PLAN).run(asked)
    assert bundle.evidence == course.sandbox().open(PLAN).run(asked).evidence
    until(lambda: sandbox.at_once == 2)
    assert sandbox.image == "fake"
    assert sandbox.dashboard.startswith("http://127.0.0.1:") and sandbox.answers()


def test_nothing_of_dask_is_loaded_where_a_token_is_held() -> None:
    loaded = "import grader.worker.__main__, grader.workflows.running.grade_folder, sys; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert "grader.sandbox.pool.gate" in ran.stdout.split()
    assert {"distributed", "dask", "cloudpickle", "msgpack"}.isdisjoint(ran.stdout.split())


#: What a fallen host answers, and in whose words it is refused.
FORGED = {
    "pickle": (SandboxUnavailable, "gave no evidence"),
    "nested-pickle": (SandboxUnavailable, "gave no evidence"),
    "raises-pickle": (SandboxUnavailable, "raised in place of answering"),
    "wrong-digest": (SandboxUnavailable, "digest"),
    "huge": (SandboxUnavailable, "more than evidence may be"),
    "other-job": (SandboxUnavailable, "another job"),
    "garbage": (SandboxUnavailable, r"no\?\[2J reason"),
}


@pytest.mark.parametrize("walled", [True, False], ids=["walled", "bare"])
def test_what_a_fallen_host_answers_runs_nothing_outside_the_pool(
    pool: DaskPool, monkeypatch: pytest.MonkeyPatch, walled: bool
) -> None:
    if not walled:
        bare = [sys.executable, "-m", "grader.sandbox.pool.gateway"]
        monkeypatch.setattr(of_pool, "gateway_command", lambda _tls: bare)
        monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
        monkeypatch.setattr("grader.sandbox.pool.wall.wall_trouble", lambda: "left out by this test")
    sandbox = opened(pool)
    try:
        for kind, (error, words) in FORGED.items():
            with pytest.raises(error, match=words):
                sandbox.open(PLAN).run(job(f"# host: forges {kind}"))
        # It goes on with who is honest.
        assert sandbox.open(PLAN).run(job(course.GOOD)).evidence.outcome.value == "COMPLETED"
    finally:
        sandbox.close()
    inside = {str(each.pid) for each in (pool.scheduler, *pool.workers)}
    loaded = {line.split()[0] for line in pool.who_loaded().splitlines()}
    assert loaded <= inside


def test_the_same_answer_does_run_in_an_ordinary_client_of_dask(pool: DaskPool) -> None:
    """So that the test above can fail."""
    client = (
        "import sys; from distributed import Client; from grader.sandbox.pool.calls import run_job\n"
        "from grader.evidence.parcel import Parcel, pack_parcel; from grader.evidence.plan import Plan\n"
        "from tests import course\n"
        "raw = pack_parcel(Parcel(Plan(assignment='m'), course.notebook('# host: forges pickle'), ()))\n"
        "client = Client(sys.argv[1]); client.submit(run_job, b'{}', raw, resources={'GPU': 1}).result()\n"
    )
    ended = subprocess.Popen([sys.executable, "-c", client, pool.address], cwd=Path(__file__).parents[2])
    ended.wait(LONG_S)
    assert str(ended.pid) in {line.split()[0] for line in pool.who_loaded().splitlines()}


def test_a_killed_hosts_notebook_ends_on_another(pool: DaskPool, sandbox: PoolSandbox) -> None:
    held, ended = pool.folder / "held", []
    running = threading.Thread(
        target=lambda: ended.append(sandbox.open(PLAN).run(job("# host: waits", course.GOOD)))
    )
    running.start()
    until(lambda: len(list(held.iterdir())) == 1)
    (first,) = held.iterdir()
    pool.kill(int(first.name))
    pool.add_worker()
    until(lambda: len(list(held.iterdir())) == 2)
    (held / "go").touch()
    running.join(LONG_S)
    assert ended and ended[0].evidence.outcome.value == "COMPLETED"


def test_a_notebook_that_kills_its_hosts_is_given_up(pool: DaskPool) -> None:
    (pool.folder / "own").mkdir()
    own = DaskPool(pool.folder / "own", workers=4)
    sandbox = opened(own)
    try:
        with pytest.raises(SandboxUnavailable, match="were lost one after another"):
            sandbox.open(PLAN).run(job("# host: dies"))
    finally:
        sandbox.close()
        own.close()


def graded(folder: Path, database: str, *options: str) -> dict[str, tuple[int, str, str]]:
    """What `grader run` makes of a class: attempt, outcome and all of the verdict, by student."""
    words = [
        "run",
        str(folder / "submissions"),
        "--rubric",
        str(folder / "mini.yaml"),
        "--db",
        database,
        "--yes",
    ]
    assert execute([*words, *options]) in (0, 1)
    with open_store(database) as store, store.reading() as history:
        assert history.first_break() is None
        return {
            each.student: (each.attempt.number, each.attempt.outcome, each.verdict.model_dump_json())
            for each in history.results(assignment="mini")
            if each.attempt is not None and each.verdict is not None
        }


def test_a_run_by_a_pool_ends_in_the_verdicts_of_a_run_without(
    pool: DaskPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course.write_rubric(tmp_path, course.RUBRIC)
    for number in range(5):
        source = course.SHADOWING if number % 2 else course.GOOD
        course.hand_in(tmp_path / "submissions", f"student-{number}", source, f"print({number})")
    course.hand_in(tmp_path / "submissions", "student-x", raw=b"%PDF")
    by_pool = graded(tmp_path, str(tmp_path / "p.db"), "--dask", pool.address, "--dask-resources", "GPU=1")
    monkeypatch.setattr("grader.sandbox.select.choose_sandbox", lambda *_, **__: course.sandbox())
    alone = graded(tmp_path, str(tmp_path / "alone.db"))
    assert len(alone) == 6 and by_pool == alone


def certificate(folder: Path) -> Tls:
    """One that is its own authority, for all parts of a pool."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pool")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir()
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "key.pem").write_bytes(private)
    return Tls.of(folder / "cert.pem", folder / "cert.pem", folder / "key.pem")


def test_a_pool_with_tls_is_for_those_with_its_certificates(tmp_path: Path) -> None:
    ours, others = certificate(tmp_path / "ours"), certificate(tmp_path / "others")
    words = ("--tls-ca-file", ours.ca, "--tls-cert", ours.cert, "--tls-key", ours.key)
    pool = DaskPool(tmp_path, workers=1, tls=words, protocol="tls")
    try:
        assert pool.address.startswith("tls://")
        sandbox = opened(pool, tls=ours)
        assert sandbox.open(PLAN).run(job(course.GOOD)).evidence.outcome.value == "COMPLETED"
        sandbox.close()
        with pytest.raises(UsageError, match="needs its certificates"):
            opened(pool)
        monkey = pytest.MonkeyPatch()
        with monkey.context() as patched:
            patched.setattr("grader.sandbox.pool.gate._CONNECT_S", 8.0)
            with pytest.raises(SandboxUnavailable, match="did not answer"):
                opened(pool, tls=others)
    finally:
        pool.close()


def test_a_worker_by_a_pool_grades_what_waits_at_a_server(pool: DaskPool, tmp_path: Path) -> None:
    rubric = course.write_rubric(tmp_path / "rubrics", course.RUBRIC)
    with open_store(str(tmp_path / "grader.db")) as store, listen("127.0.0.1", 0) as listening:
        desk = Opened(store, Reference(), listening, places=[tmp_path])
        serving = threading.Thread(target=desk.run, daemon=True)
        serving.start()
        token = tmp_path / "worker.token"
        token.write_text(store.workers.let_in("pool", "ann"))
        for number in range(4):
            queue_up(store, f"s{number}", course.GOOD, f"print({number})", rubric=rubric)
        words = ("--server", desk.place.origins[0], "--token-file", str(token), "--dask", pool.address)
        worker = subprocess.Popen(
            [sys.executable, "-m", "grader.worker", *words, "--dask-resources", "GPU=1"],
            stderr=subprocess.PIPE,
            text=True,
        )

        def marks() -> dict[str, tuple[int, float]]:
            with store.reading() as history:
                assert history.first_break() is None
                return {
                    each.student: (each.attempt.number, each.verdict.points)
                    for each in history.results(assignment="mini")
                    if each.attempt is not None and each.verdict is not None
                }

        try:
            until(lambda: len(marks()) == 4 or worker.poll() is not None)
            until(lambda: bool(store.workers.all()[0].dashboard) or worker.poll() is not None)
        finally:
            worker.terminate()
            _, said = worker.communicate(timeout=LONG_S)
            desk.stop()
            serving.join(LONG_S)
        assert marks() == {f"s{number}": (1, 2.0) for number in range(4)}, said
        assert worker.returncode == 0
        (record,) = store.workers.all()
        assert record.dashboard.startswith("http://127.0.0.1:") and record.seats >= 1
