"""Each defence taken out by itself (and what else would hold the same): the attack then succeeds."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
import pytest

from grader.errors import SandboxUnavailable
from grader.evidence.codec import Bundle
from grader.evidence.record import Outcome
from grader.sandbox.base import Sandbox, Worker
from tests.attacks.bench import (
    HONEST,
    LIMITS,
    PRELUDE,
    attack_limits,
    honest_evidence,
    plan_for,
    printed,
    run_cells,
)
from tests.attacks.forger import forgeries, forging_plan, judged, run, work
from tests.attacks.memory import DRIVER_BYTES, growth
from tests.attacks.model import attacks
from tests.attacks.survivors import living_uids, waiting_uids
from tests.attacks.weakening import Weakness, weaken

pytestmark = pytest.mark.docker

_CONFINE = "    confine_kernel(kernel_places(Path(prefix).parent), bounds)\n"


def without_layer(name: str) -> tuple[str, str]:
    weaker = _CONFINE.replace("bounds)", f"bounds, without=[Layer.{name}])")
    return _CONFINE, "    from grader.collector.confine import Layer\n\n" + weaker


NO_SECCOMP = Weakness(
    {"grader/collector/kernel.py": without_layer("SECCOMP")},
    {"security_opt": ["no-new-privileges", "seccomp=unconfined"]},
)
NO_LANDLOCK = Weakness({"grader/collector/kernel.py": without_layer("LANDLOCK")})
NO_NEW_PRIVILEGES_FLAG = Weakness(
    {
        "grader/collector/privileges.py": ("    _prctl(_PR_SET_NO_NEW_PRIVS, 1)\n", ""),
        "grader/collector/kernel.py": (_CONFINE, ""),
    },
    {"security_opt": []},
)
_BECOME = '    Path("/proc/self/oom_score_adj").write_text("1000")\n'
ONE_UID = Weakness(
    {
        "grader/collector/privileges.py": (_BECOME, "    return\n"),
        "grader/collector/kernel.py": (_CONFINE, ""),
    }
)
WRITABLE_IMAGE = Weakness(options={"read_only": False})
ROOMY_WORK_FOLDER = Weakness(
    options={
        "tmpfs": dict.fromkeys(("/content", "/tmp", "/run/grader"), "rw,exec,mode=1777"),
        "ulimits": [],
    }
)
MUCH_MEMORY = Weakness(
    options={"mem_limit": 4 * LIMITS.memory_bytes, "memswap_limit": 4 * LIMITS.memory_bytes}
)
LARGE_SHARED_MEMORY = Weakness(options={"shm_size": 4 * LIMITS.shm_bytes})
PATIENT_DRIVER = Weakness(
    {
        "grader/collector/notebook.py": (
            "min(self.plan.limits.cell_s, left)",
            "60.0",
        )
    }
)
UNCOUNTED_OUTPUT = Weakness(
    {"grader/collector/client.py": ("if self._received > self._limits.output_bytes:", "if False:")}
)
LARGE_MESSAGES = Weakness(
    {
        "grader/collector/connection.py": (
            "context.setsockopt(zmq.MAXMSGSIZE, limits.output_bytes + _ENVELOPE_BYTES)",
            "pass",
        )
    }
)
MANY_PROCESSES = Weakness(options={"pids_limit": 2000})
NO_WIPE = Weakness(
    {"grader/collector/wipe.py": ("    for folder in WRITABLE:\n        _empty(folder)\n", "    return\n")}
)
NO_KILL = Weakness({"grader/collector/wipe.py": ("    _stop_processes(uid)\n", "    return\n")})
NO_KILL_BY_UID = Weakness({"grader/collector/wipe.py": ("    kill_all_others()\n", "")})
FIRST_THREAD_SPEAKS_FOR_ALL = Weakness(
    {"grader/collector/wipe.py": ('Path(f"/proc/{pid}/task").iterdir()', '[Path(f"/proc/{pid}")]')}
)
FOLDERS_FOR_ALL = Weakness({"grader/collector/handover.py": ("_OPEN = 0o1770", "_OPEN = 0o1777")}) | Weakness(
    {"grader/collector/handover.py": ("_CLOSED = 0o1700", "_CLOSED = 0o1777")}
)
BLIND_TO_STRANGERS = Weakness(
    {"grader/collector/driver.py": ("shares_uid() else strangers(", "True else strangers(")}
)
BLIND_TO_CONNECTIONS = Weakness({"grader/collector/driver.py": ("connections()[:_MOST_NAMED]", "()")})
#: A process that hides from the look at first threads lives on, with the kernel's own socket in its hands.
SURVIVING = FIRST_THREAD_SPEAKS_FOR_ALL | NO_KILL_BY_UID | BLIND_TO_CONNECTIONS
HIDING = "persistence/process-without-its-first-thread"
_LOOK = " + leftovers(kernel.uid)\n"
NO_LOOK_AFTER = Weakness({"grader/collector/driver.py": (_LOOK, "\n")})
NO_SEAL = Weakness({"grader/collector/session.py": ("return self._seal.broken()", "return ()")})


Weakened = Callable[[Weakness], Worker]


@pytest.fixture
def weakened(
    open_sandbox: Callable[[str], Sandbox], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Weakened]:
    """Opens a worker whose sandboxes have a weakness."""
    opened: list[Sandbox] = []

    def open_one(weakness: Weakness) -> Worker:
        weaken(weakness, tmp_path / "code", monkeypatch)
        opened.append(open_sandbox("fork"))
        return opened[-1].open(plan_for(LIMITS))

    yield open_one
    for sandbox in opened:
        sandbox.close()


Ran = dict[str, Bundle]


@pytest.fixture(scope="module")
def without_seccomp(open_sandbox: Callable[[str], Sandbox], tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """What came of attacks by name, one after the other in a sandbox without that filter."""
    names = ("privilege/new-namespaces", "persistence/interprocess-objects")
    with weak_worker(open_sandbox, NO_SECCOMP, tmp_path_factory) as worker:
        return {name: attacked(worker, name) for name in names}


@pytest.fixture(scope="module")
def without_seal(open_sandbox: Callable[[str], Sandbox], tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """What came of forgeries by name, one after the other in a sandbox where no change of ours is noticed."""
    with weak_worker(open_sandbox, NO_SEAL, tmp_path_factory) as worker:
        return {name: run(worker, forged(name)) for name in ("session-class-patched", "collector-patched")}


@contextmanager
def weak_worker(
    open_sandbox: Callable[[str], Sandbox], weakness: Weakness, folders: pytest.TempPathFactory
) -> Iterator[Worker]:
    with pytest.MonkeyPatch.context() as patched:
        weaken(weakness, folders.mktemp("weak") / "code", patched)
        sandbox = open_sandbox("fork")
        try:
            yield sandbox.open(plan_for(LIMITS))
        finally:
            sandbox.close()


def forged(name: str) -> tuple[str, ...]:
    forgery = next(one for one in forgeries() if one.name == name)
    return (*forgery.before, *work(forgery.work), *forgery.after)


def attacked(worker: Worker, name: str) -> Bundle:
    attack = next(one for one in attacks() if one.id == name)
    return run_cells(worker, (PRELUDE + attack.prelude, *attack.cells), attack_limits(attack))


def test_without_seccomp_a_namespace_is_granted(without_seccomp: Ran) -> None:
    text = printed(without_seccomp["privilege/new-namespaces"])
    assert "ESCAPED: clone a user namespace" in text


def test_without_seccomp_queues_outlive_their_makers(without_seccomp: Ran) -> None:
    text = printed(without_seccomp["persistence/interprocess-objects"])
    assert "ESCAPED: shared memory" in text


def test_without_landlock_a_process_makes_itself_outlive_the_driver(weakened: Weakened) -> None:
    text = printed(attacked(weakened(NO_LANDLOCK), "host/settings-of-the-machine"))
    assert "ESCAPED: write /proc/self/oom_score_adj" in text


def test_without_the_flag_new_privileges_are_possible(weakened: Weakened) -> None:
    text = printed(attacked(weakened(NO_NEW_PRIVILEGES_FLAG), "privilege/become-somebody-else"))
    assert "ESCAPED: new privileges are possible" in text


def test_without_a_uid_of_its_own_the_kernel_is_root(weakened: Weakened) -> None:
    # The look for strangers would find the launcher, which shares its uid then, before anything runs.
    text = printed(attacked(weakened(ONE_UID | BLIND_TO_STRANGERS), "privilege/become-somebody-else"))
    assert "ESCAPED: setuid 0" in text


def test_with_a_writable_image_files_stay_behind_in_it(weakened: Weakened) -> None:
    leave = "attempt('leave a file in the image', lambda: open('/var/tmp/left', 'w').write('x'))"
    worker = weakened(WRITABLE_IMAGE | NO_LANDLOCK)
    assert "ESCAPED" in printed(run_cells(worker, (PRELUDE, leave), LIMITS))


def test_with_the_engines_network_other_machines_are_reached(weakened: Weakened) -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:
        threading.Thread(target=lambda: server.accept()[0].close(), daemon=True).start()
        port = server.getsockname()[1]
        reach = (
            "import socket\n"
            "rows = [line.split() for line in open('/proc/net/route')]\n"
            "gateway = next(row[2] for row in rows if row[1] == '00000000')\n"
            "address = socket.inet_ntoa(bytes.fromhex(gateway)[::-1])\n"
            f"attempt('reach the host', lambda: socket.socket().connect((address, {port})))"
        )
        worker = weakened(Weakness(options={"network_mode": "bridge"}, network=True))
        assert "ESCAPED: reach the host" in printed(run_cells(worker, (PRELUDE, reach), LIMITS))


def test_without_limits_on_the_work_folder_it_grows(weakened: Weakened) -> None:
    fill = "for n in range(160): open(f'/content/{n}', 'wb').write(bytes(1 << 20))\nprint('ESCAPED')"
    assert "ESCAPED" in printed(run_cells(weakened(ROOMY_WORK_FOLDER), (PRELUDE, fill), LIMITS))


def test_without_the_limit_on_memory_a_hoard_is_kept(weakened: Weakened) -> None:
    hoard = f"hoard = bytearray({LIMITS.memory_bytes * 3 // 2})\nprint('ESCAPED', len(hoard))"
    assert "ESCAPED" in printed(run_cells(weakened(MUCH_MEMORY), (PRELUDE, hoard), LIMITS))


def test_without_the_limit_on_shared_memory_it_fills(weakened: Weakened) -> None:
    fill = f"open('/dev/shm/fill', 'wb').write(bytes({2 * LIMITS.shm_bytes}))\nprint('ESCAPED')"
    assert "ESCAPED" in printed(run_cells(weakened(LARGE_SHARED_MEMORY), (PRELUDE, fill), LIMITS))


def test_without_the_drivers_clock_a_cell_takes_its_time(weakened: Weakened) -> None:
    rest = f"import time; time.sleep({LIMITS.cell_s + 2})\nprint('ESCAPED')"
    assert "ESCAPED" in printed(run_cells(weakened(PATIENT_DRIVER), (PRELUDE, rest), LIMITS))


def test_without_counting_outputs_a_flood_is_taken(weakened: Weakened) -> None:
    # By the megabyte: what is one message larger than allowed is refused elsewhere.
    flood = (
        "import sys, time\n"
        f"for _ in range({2 * LIMITS.output_bytes} // 2**20):\n"
        "    print('x' * 2**20); sys.stdout.flush(); time.sleep(0.05)"
    )
    flooded = run_cells(weakened(UNCOUNTED_OUTPUT), (PRELUDE, flood), LIMITS)
    assert flooded.evidence.outcome is Outcome.COMPLETED


def test_without_the_bound_on_messages_the_driver_takes_an_enormous_one(weakened: Weakened) -> None:
    worker = weakened(LARGE_MESSAGES)
    with growth(measured=True) as grown:
        attacked(worker, "output/enormous-exception")
    assert grown.driver_bytes is not None
    assert grown.driver_bytes > DRIVER_BYTES


def test_with_a_writable_mount_the_data_sets_are_changed(
    weakened: Weakened, canaries: Path, request: pytest.FixtureRequest
) -> None:
    (canaries / "soft").write_text("as it was")
    (canaries / "soft").chmod(0o666)
    request.addfinalizer((canaries / "soft").unlink)
    mount = docker.types.Mount("/data", str(canaries.resolve()), type="bind", read_only=False)
    change = "open('/data/soft', 'w').write('changed')"
    run_cells(weakened(NO_LANDLOCK | Weakness(mounts=(mount,))), (PRELUDE, change), LIMITS)
    assert (canaries / "soft").read_text() == "changed"


def test_without_the_limit_on_processes_threads_multiply(weakened: Weakened) -> None:
    threads = (
        "import threading, time\n"
        "for _ in range(300): threading.Thread(target=time.sleep, args=(30,), daemon=True).start()\n"
        "print('ESCAPED', threading.active_count())"
    )
    assert "ESCAPED" in printed(run_cells(weakened(MANY_PROCESSES), (PRELUDE, threads), LIMITS))


def test_without_the_wipe_files_are_noticed_and_the_container_is_replaced(weakened: Weakened) -> None:
    worker = weakened(NO_WIPE)
    left = attacked(worker, "persistence/files-everywhere")
    assert any("left behind: file" in line for line in left.evidence.anomalies)
    assert "'/content/plain'" not in printed(run_cells(worker, HONEST, LIMITS))


def test_without_wipe_and_look_the_next_submission_sees_the_files(weakened: Weakened) -> None:
    worker = weakened(NO_WIPE | NO_LOOK_AFTER | BLIND_TO_STRANGERS)
    attacked(worker, "persistence/files-everywhere")
    assert "'/content/plain'" in printed(run_cells(worker, HONEST, LIMITS))


def test_without_the_kill_a_daemon_is_noticed(weakened: Weakened) -> None:
    left = attacked(weakened(NO_KILL | NO_KILL_BY_UID), "persistence/daemon")
    assert any("left behind: process" in line for line in left.evidence.anomalies)


def test_by_its_first_thread_alone_a_process_lives_on_and_writes_into_the_next_ones_folder(
    weakened: Weakened,
) -> None:
    worker = weakened(SURVIVING | FOLDERS_FOR_ALL | BLIND_TO_STRANGERS)
    attacked(worker, HIDING)
    assert "sklearn/__init__.py" in printed(run_cells(worker, HONEST, LIMITS))


def test_killing_by_uid_alone_ends_a_process_that_no_look_finds(
    weakened: Weakened, alone: dict[str, Any]
) -> None:
    worker = weakened(FIRST_THREAD_SPEAKS_FOR_ALL | FOLDERS_FOR_ALL | BLIND_TO_STRANGERS)
    attacked(worker, HIDING)
    assert honest_evidence(run_cells(worker, HONEST, LIMITS)) == alone


def test_the_closed_folders_alone_keep_a_living_process_out(
    weakened: Weakened, alone: dict[str, Any]
) -> None:
    worker = weakened(SURVIVING | BLIND_TO_STRANGERS)
    attacked(worker, HIDING)
    found = honest_evidence(run_cells(worker, HONEST, LIMITS))
    others = "processes of other submissions "
    assert f"{others}1" in found["printed"]
    found["printed"] = [line.replace(f"{others}1", f"{others}0") for line in found["printed"]]
    assert found == alone


def test_a_submission_that_met_files_of_an_earlier_one_is_run_again_elsewhere_and_not_accused(
    weakened: Weakened, alone: dict[str, Any]
) -> None:
    worker = weakened(SURVIVING | FOLDERS_FOR_ALL)
    attacked(worker, HIDING)
    with pytest.raises(SandboxUnavailable, match="left by an earlier submission: file"):
        run_cells(worker, HONEST, LIMITS)
    assert honest_evidence(run_cells(worker, HONEST, LIMITS)) == alone


def test_a_submission_that_met_a_process_of_an_earlier_one_is_run_again_elsewhere_and_not_accused(
    weakened: Weakened, alone: dict[str, Any]
) -> None:
    worker = weakened(NO_KILL | NO_KILL_BY_UID | NO_LOOK_AFTER | BLIND_TO_CONNECTIONS)
    its_uid = waiting_uids(worker)
    attacked(worker, HIDING)
    assert its_uid & living_uids(worker)
    with pytest.raises(SandboxUnavailable, match="left by an earlier submission: process"):
        run_cells(worker, HONEST, LIMITS)
    assert honest_evidence(run_cells(worker, HONEST, LIMITS)) == alone


def test_in_a_container_with_closed_connections_a_port_is_taken(weakened: Weakened) -> None:
    case = next(one for one in attacks() if one.id == "leftovers/names-and-locks")
    worker = weakened(BLIND_TO_CONNECTIONS)
    attacked(worker, case.id)
    twin = run_cells(worker, (PRELUDE + case.prelude, *case.twin.cells), LIMITS)
    assert "Address already in use" in printed(twin)


def test_without_seal_and_source_check_a_forger_is_paid(
    without_seal: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.grading.grade.signs_in", lambda *_: ())
    assert judged(without_seal["session-class-patched"]).points > 0


@pytest.mark.parametrize("name", ["session-class-patched", "collector-patched"])
def test_the_source_check_alone_holds_a_forgers_points_back(name: str, without_seal: Ran) -> None:
    verdict = judged(without_seal[name])
    assert verdict.points == 0
    assert verdict.pending > 0


def test_the_seal_alone_holds_a_forgers_points_back(
    open_sandbox: Callable[[str], Sandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.grading.grade.signs_in", lambda *_: ())
    sandbox = open_sandbox("fork")
    bundle = run(sandbox.open(forging_plan()), forged("session-class-patched"))
    sandbox.close()
    assert judged(bundle).points == 0
    assert any("the notebook changed" in line for line in bundle.evidence.anomalies)
