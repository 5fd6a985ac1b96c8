"""Each layer on a real process: what is refused with it, and was allowed without it."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from grader.collector.confine import Bounds, Layer, Places, confine_kernel, rehearse
from grader.collector.confine.calls import machine, system_call
from grader.collector.confine.landlock import LOWEST_ABI, abi
from grader.collector.confine.syscalls import REFUSED

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="confinement is Linux's")
needs_landlock = pytest.mark.skipif(
    sys.platform != "linux" or abi() < LOWEST_ABI, reason="this kernel has no Landlock that serves"
)
needs_scopes = pytest.mark.skipif(
    sys.platform != "linux" or abi() < 6, reason="this kernel's Landlock has no scopes for signals"
)
pytestmark = [needs_linux, pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")]

AF_VSOCK = 40
NEW_USER_NAMESPACE = 0x10000000
_libc = ctypes.CDLL(None, use_errno=True)


def in_child(work: Callable[[], object]) -> object:
    """Runs `work` in a fork and gives what it returned, or the errno of what it raised."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            answer: object = {"returned": work()}
        except OSError as error:
            answer = {"errno": error.errno}
        except BaseException as error:
            answer = {"failed": f"{type(error).__name__}: {error}"}
        os.write(writing, json.dumps(answer).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = json.loads(pipe.read())
    os.waitpid(pid, 0)
    assert isinstance(answer, dict)
    assert "failed" not in answer, answer["failed"]
    return answer.get("errno", answer.get("returned"))


@pytest.fixture
def places(tmp_path: Path) -> Places:
    for name in ("work", "sockets", "elsewhere"):
        (tmp_path / name).mkdir()
    (tmp_path / "elsewhere" / "secret").write_text("the answers")
    return Places(writable=(tmp_path / "work",), sockets=tmp_path / "sockets")


def confined(places: Places, work: Callable[[], object], *layers: Layer, **bounds: int) -> object:
    """Runs `work` in a child under these layers only."""
    without = set(Layer) - set(layers)

    def child() -> object:
        confine_kernel(places, Bounds(**{"file_bytes": 1 << 20, **bounds}), without=without)
        return work()

    return in_child(child)


def _checked(result: int) -> str:
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return "done"


def new_user_namespace() -> str:
    return _checked(_libc.unshare(NEW_USER_NAMESPACE))


def shared_memory() -> str:
    number = _libc.shmget(0, 4096, 0o1600)
    _checked(number)
    return _checked(_libc.shmctl(number, 0, None))


def message_queue() -> str:
    number = _libc.msgget(0, 0o1600)
    _checked(number)
    return _checked(_libc.msgctl(number, 0, None))


def trace_me() -> str:
    return _checked(_libc.ptrace(0, 0, 0, 0))


def read_own_memory_from_outside() -> str:
    source, target = ctypes.create_string_buffer(b"x", 1), ctypes.create_string_buffer(1)
    local = (ctypes.c_void_p * 2)(ctypes.addressof(target), 1)
    remote = (ctypes.c_void_p * 2)(ctypes.addressof(source), 1)
    return _checked(_libc.process_vm_readv(os.getpid(), local, 1, remote, 1, 0))


def hypervisor_socket() -> str:
    socket.socket(AF_VSOCK, socket.SOCK_STREAM).close()
    return "done"


def key_in_keyring() -> str:
    session_keyring, create = -3, 1
    keyctl = getattr(REFUSED["keyrings"]["keyctl"], machine())
    system_call(keyctl, 0, session_keyring, create)
    return "done"


UNPRIVILEGED = [
    new_user_namespace,
    shared_memory,
    message_queue,
    trace_me,
    read_own_memory_from_outside,
    hypervisor_socket,
    key_in_keyring,
]


@pytest.mark.parametrize("attempt", UNPRIVILEGED, ids=lambda attempt: attempt.__name__)
def test_seccomp_refuses_what_any_process_might_do(places: Places, attempt: Callable[[], str]) -> None:
    free = in_child(attempt)
    if free != "done":
        pytest.skip(f"this machine refuses it to anybody (errno {free})")
    assert confined(places, attempt, Layer.SECCOMP) in (errno.EPERM, errno.EAFNOSUPPORT)


def test_seccomp_lets_threads_children_and_tensors_work(places: Places) -> None:
    def ordinary() -> list[object]:
        seen: list[object] = []
        thread = threading.Thread(target=seen.append, args=("thread",))
        thread.start()
        thread.join()
        done = subprocess.run(["/bin/echo", "child"], capture_output=True, text=True, check=True)
        return [*seen, done.stdout.strip()]

    assert confined(places, ordinary, *Layer) == ["thread", "child"]


def test_children_are_confined_as_well(places: Places) -> None:
    def by_a_child() -> int:
        command = [sys.executable, "-c", "import ctypes; exit(ctypes.CDLL(None).unshare(0x10000000) != 0)"]
        return subprocess.run(command, check=False).returncode

    assert confined(places, by_a_child, Layer.SECCOMP) == 1


def read(path: Path) -> Callable[[], str]:
    return path.read_text


def write(path: Path) -> Callable[[], int]:
    return lambda: path.write_text("written")


@needs_landlock
def test_landlock_closes_files_outside_the_work_folder(places: Places, tmp_path: Path) -> None:
    secret = tmp_path / "elsewhere" / "secret"
    assert in_child(read(secret)) == "the answers"
    assert confined(places, read(secret), Layer.LANDLOCK) == errno.EACCES
    assert confined(places, write(tmp_path / "elsewhere" / "new"), Layer.LANDLOCK) == errno.EACCES
    assert in_child(write(tmp_path / "elsewhere" / "new")) == len("written")


@needs_landlock
def test_landlock_leaves_the_work_folder_programs_and_devices_usable(places: Places, tmp_path: Path) -> None:
    def ordinary() -> str:
        work = tmp_path / "work"
        (work / "folder").mkdir()
        (work / "file").write_text("moved")
        (work / "file").rename(work / "folder" / "file")
        Path(os.devnull).write_text("nothing")
        subprocess.run(["/bin/true"], check=True)
        return (work / "folder" / "file").read_text()

    assert confined(places, ordinary, Layer.LANDLOCK) == "moved"


@needs_landlock
def test_landlock_lets_the_kernel_make_its_sockets_and_no_other_file_beside_them(
    places: Places, tmp_path: Path
) -> None:
    def bind() -> str:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(tmp_path / "sockets" / "shell"))
        return "bound"

    assert confined(places, bind, Layer.LANDLOCK) == "bound"
    assert confined(places, write(tmp_path / "sockets" / "file"), Layer.LANDLOCK) == errno.EACCES


@needs_landlock
def test_landlock_keeps_a_process_from_raising_its_chance_to_outlive_the_driver(places: Places) -> None:
    score = Path("/proc/self/oom_score_adj")
    assert in_child(lambda: score.write_text("900")) == 3
    assert confined(places, lambda: score.write_text("900"), Layer.LANDLOCK) == errno.EACCES


@needs_scopes
def test_landlock_refuses_signals_to_processes_outside(places: Places) -> None:
    def signal_the_parent() -> str:
        os.kill(os.getppid(), 0)
        return "delivered"

    assert in_child(signal_the_parent) == "delivered"
    assert confined(places, signal_the_parent, Layer.LANDLOCK) == errno.EPERM


@needs_scopes
def test_landlock_refuses_abstract_sockets_of_processes_outside(places: Places) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"\0grader-test-{os.getpid()}")
        listening.listen()

        def connect() -> str:
            with socket.socket(socket.AF_UNIX) as calling:
                calling.connect(listening.getsockname())
            return "connected"

        assert in_child(connect) == "connected"
        assert confined(places, connect, Layer.LANDLOCK) == errno.EPERM


def test_limits_stop_large_files_sparse_ones_included(places: Places, tmp_path: Path) -> None:
    def sparse() -> str:
        path = tmp_path / "work" / "large"
        path.write_bytes(b"")
        os.truncate(path, 1 << 30)
        return "done"

    assert in_child(sparse) == "done"
    assert confined(places, sparse, Layer.LIMITS) == errno.EFBIG


def test_limits_stop_endless_opening_of_files(places: Places) -> None:
    def open_many() -> int:
        return len([os.open(os.devnull, os.O_RDONLY) for _ in range(200)])

    assert in_child(open_many) == 200
    assert confined(places, open_many, Layer.LIMITS, open_files=100) == errno.EMFILE


def test_limits_are_never_raised_above_what_the_parent_left(places: Places) -> None:
    def below() -> object:
        resource.setrlimit(resource.RLIMIT_NOFILE, (50, 50))
        confine_kernel(places, Bounds(file_bytes=1 << 20), without={Layer.SECCOMP, Layer.LANDLOCK})
        return resource.getrlimit(resource.RLIMIT_NOFILE)

    assert in_child(below) == [50, 50]


def test_what_was_applied_and_left_off_is_said(places: Places) -> None:
    applied = in_child(lambda: confine_kernel(places, Bounds(file_bytes=7), without={Layer.LANDLOCK}))
    assert isinstance(applied, dict)
    assert applied["landlock"] == "left off"
    assert "fsize 7" in applied["limits"]
    assert applied["seccomp"].endswith("system calls refused")


def test_a_rehearsal_reports_the_layers_and_leaves_the_caller_free(places: Places, tmp_path: Path) -> None:
    report = rehearse(places, Bounds(file_bytes=1 << 20))
    assert set(report) == {"limits", "landlock", "seccomp"}
    assert (tmp_path / "elsewhere" / "secret").read_text() == "the answers"


def test_a_rehearsal_raises_where_the_machine_refuses_the_filter(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> int:
        raise OSError(errno.EINVAL, "no filters here")

    monkeypatch.setattr("grader.collector.confine.seccomp.install", refused)
    with pytest.raises(OSError, match="no filters here"):
        rehearse(places, Bounds(file_bytes=1 << 20))


def test_a_rehearsal_raises_where_the_filter_lets_a_namespace_through(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    if in_child(new_user_namespace) != "done":
        pytest.skip("this machine gives nobody a user namespace")
    monkeypatch.setattr("grader.collector.confine.seccomp.install", lambda: 0)
    with pytest.raises(OSError, match="a new user namespace was granted"):
        rehearse(places, Bounds(file_bytes=1 << 20))


def test_a_rehearsal_raises_where_there_is_no_filter_of_ours(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.collector.confine.seccomp.install", lambda: 0)
    monkeypatch.setattr("ctypes.CDLL", lambda name: SimpleNamespace(unshare=lambda flags: -1))
    with pytest.raises(OSError, match="the filter of system calls is not in force"):
        rehearse(places, Bounds(file_bytes=1 << 20))


@needs_landlock
def test_a_rehearsal_raises_where_landlock_holds_nothing(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.collector.confine.landlock.restrict", lambda rights, version: None)
    with pytest.raises(OSError, match="outside the work folders could be opened for writing"):
        rehearse(places, Bounds(file_bytes=1 << 20))


def test_a_refused_system_call_is_an_error_with_the_kernels_reason() -> None:
    with pytest.raises(OSError, match="system call") as raised:
        system_call(0, -1, None, 0)
    assert raised.value.errno is not None
