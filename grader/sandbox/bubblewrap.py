"""The sandbox where no Docker engine answers: bubblewrap, without a daemon and without root.

The same driver runs in namespaces of its own, on a read-only view of this machine's Python; each submission
gets a fresh one, started while the one before still runs. There is one uid, so the kernel runs in namespaces
nested in the driver's (see `collector.nesting`).
"""

from __future__ import annotations

import importlib.util
import os
import platform
import secrets
import selectors
import shutil
import site
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from grader.errors import SandboxUnavailable
from grader.evidence.frames import Shutdown
from grader.evidence.plan import Limits, Plan
from grader.evidence.record import Environment
from grader.sandbox.boxes import Boxes
from grader.sandbox.code_folder import MOUNTED, CodeFolder
from grader.sandbox.font_cache import font_cache
from grader.sandbox.frames import DeadlinePassed, FrameStream, StreamEnded
from grader.sandbox.starting import NotUp, await_ready
from grader.sandbox.worker import BoxWorker

__all__ = [
    "PACKAGES",
    "Bubble",
    "BubbleSpec",
    "BubblewrapSandbox",
    "ProcessPipe",
    "bubblewrap_command",
    "python_view",
]

#: What notebooks run with, which is this Python's here: the extra `sandbox`. Docker's image has its own.
PACKAGES = ("ipykernel", "matplotlib", "nbclient", "torch", "torchvision")

_STOP_S = 5.0
#: Killed, and not seen to end yet.
_ENDING: list[subprocess.Popen[bytes]] = []
_ENDS = threading.Lock()
_LIFETIME_S = 6 * 3600.0
_CHUNK_BYTES = 1 << 20
_LOG_BYTES = 64 * 1024
_FRAME_OVERHEAD_BYTES = 16 * 1024 * 1024

#: The uid inside: not root, so that nothing in there takes itself for it.
_UID = 20_000

#: What programs need of the system, where it is there.
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
_SETTINGS = ("/etc/alternatives", "/etc/fonts", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d")


@dataclass(frozen=True)
class BubbleSpec:
    """What a sandbox is made from.

    Attributes:
        limits: Bounds on everything in it.
        code: Folder with the collector's code and what it imports, nothing else of the grader.
        data_dir: Folder of data sets, read-only at /data.
        fonts: Folder with matplotlib's list of fonts, at the same place as in the image.
    """

    limits: Limits
    code: Path
    data_dir: Path | None = None
    fonts: Path | None = None


def bubblewrap_command(spec: BubbleSpec) -> list[str]:
    """The whole command line: limits, namespaces, files, and the driver."""
    limits = spec.limits
    return [
        *_limited(limits),
        "bwrap",
        *("--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"),
        # Else bubblewrap itself is process 1, which can be inspected and holds the pipes to the host.
        "--as-pid-1",
        *("--uid", str(_UID), "--gid", str(_UID), "--hostname", "sandbox"),
        # Before the rest: this Python may itself lie under it.
        *_tmpfs("/tmp", limits.work_bytes),  # noqa: S108 - inside the sandbox
        *python_view(),
        *("--proc", "/proc", "--dev", "/dev", "--ro-bind", str(spec.code), MOUNTED),
        *(("--ro-bind", str(spec.fonts), "/opt/cache/matplotlib") if spec.fonts is not None else ()),
        *_writable(limits),
        *(("--ro-bind", str(spec.data_dir.resolve()), "/data") if spec.data_dir is not None else ()),
        *_environment(spec),
        *("--remount-ro", "/", "--chdir", "/content"),
        *(sys.executable, "-m", "grader.collector"),
    ]


def _limited(limits: Limits) -> list[str]:
    # Memory by RLIMIT_DATA, for each process: RLIMIT_AS would count what CUDA only reserves.
    sizes = (f"--data={limits.memory_bytes}", f"--fsize={limits.work_bytes}", "--core=0", "--nofile=4096")
    return ["prlimit", *sizes, "--"]


def python_view(*, system: bool = True) -> list[str]:
    """Words that show this machine's programs and Python, read-only, and nothing of an installed grader.

    Args:
        system: Whether the system's own folders are shown; else they are there already.
    """
    paths = (Path(name) for name in (*_SYSTEM, *_SETTINGS) if system and Path(name).exists())
    seen = [*(word for path in paths for word in _view(path))]
    packages = (sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))
    for place in sorted({sys.prefix, sys.base_prefix, *packages}):
        if not place.startswith("/usr/"):
            # Also where this Python is a link: what it links to may be seen under no other name.
            seen += ("--ro-bind", place, place)
    return [*seen, *_hidden()]


def _view(path: Path) -> tuple[str, ...]:
    """A path as it is on this machine, read-only; links such as /lib stay links."""
    if path.is_symlink():
        return ("--symlink", str(path.readlink()), str(path))
    return ("--ro-bind", str(path), str(path))


def _hidden() -> Iterator[str]:
    """Covers an installed grader, whose rubrics and reference answers nobody inside may read."""
    for folder in {*site.getsitepackages(), sysconfig.get_path("purelib")}:
        if (Path(folder) / "grader").is_dir():
            yield from ("--tmpfs", str(Path(folder) / "grader"))


def _writable(limits: Limits) -> tuple[str, ...]:
    return (
        *_tmpfs("/content", limits.work_bytes),
        *_tmpfs("/dev/shm", limits.shm_bytes),  # noqa: S108 - inside the sandbox
        *_tmpfs("/run/grader", 1 << 20),
    )


def _tmpfs(folder: str, size_bytes: int) -> tuple[str, ...]:
    return ("--size", str(size_bytes), "--tmpfs", folder)


def _environment(spec: BubbleSpec) -> tuple[str, ...]:
    values = {
        "PATH": f"{sys.prefix}/bin:/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": "/tmp/home",  # noqa: S108 - inside the sandbox
        "PYTHONPATH": MOUNTED,
        "PYTHONDONTWRITEBYTECODE": "1",
        "GRADER_PIDS": str(spec.limits.pids),
        **({"GRADER_DATA": "/data"} if spec.data_dir is not None else {}),
    }
    return tuple(word for name, value in values.items() for word in ("--setenv", name, value))


class ProcessPipe:
    """A process's stdin and stdout; the end of its stderr is kept as a log."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        self._process = process
        self._in, self._out, self._err = process.stdin, process.stdout, process.stderr
        self._log = bytearray()
        self._selector = selectors.DefaultSelector()
        for stream in (self._out, self._err):
            os.set_blocking(stream.fileno(), False)
            self._selector.register(stream, selectors.EVENT_READ)

    def send(self, data: bytes) -> None:
        try:
            self._in.write(data)
            self._in.flush()
        except OSError as error:
            raise StreamEnded(str(error)) from error

    def receive(self, deadline: float) -> bytes:
        while True:
            left = deadline - time.monotonic()
            ready = [key.fileobj for key, _ in self._selector.select(max(0.0, left))] if left > 0 else []
            if not ready:
                raise DeadlinePassed
            if self._err in ready:
                self._keep_log()
            if self._out in ready:
                data = os.read(self._out.fileno(), _CHUNK_BYTES)
                if not data:
                    raise StreamEnded("the sandbox hung up")
                return data

    def _keep_log(self) -> None:
        text = os.read(self._err.fileno(), _CHUNK_BYTES)
        if text:
            self._log = (self._log + text)[-_LOG_BYTES:]
        else:
            self._selector.unregister(self._err)

    def log(self) -> str:
        with suppress(KeyError, BlockingIOError):
            self._selector.get_key(self._err)
            self._keep_log()
        return self._log.decode("utf-8", "replace")

    def close(self) -> None:
        self._selector.close()
        for stream in (self._in, self._out, self._err):
            with suppress(OSError):
                stream.close()


class Bubble:
    """A started sandbox whose driver is ready for a job."""

    def __init__(self, spec: BubbleSpec) -> None:
        self.limits = spec.limits
        self.name = f"bubblewrap-{secrets.token_hex(4)}"
        self.expires = time.monotonic() + _LIFETIME_S
        self.environment = Environment()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own command, no shell
                bubblewrap_command(spec),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                close_fds=True,
                # Ctrl-C is for the grader, which lets what runs finish.
                start_new_session=True,
            )
        except OSError as error:
            raise SandboxUnavailable(
                "bubblewrap could not be started", found=str(error), todo="install bubblewrap and util-linux"
            ) from error
        frame_bytes = spec.limits.evidence_bytes + _FRAME_OVERHEAD_BYTES
        self.stream = FrameStream(ProcessPipe(self._process), frame_bytes=frame_bytes)

    def wait_until_ready(self) -> None:
        """Waits for the driver's first frame.

        Raises:
            SandboxUnavailable: It did not come; says what the sandbox wrote instead.
        """
        try:
            self.environment = await_ready(self.stream, lambda: self._process.pid, self.limits.cpus)
        except NotUp as error:
            self.remove()
            doctor = "`grader doctor` tests the parts; with Docker nothing of this is needed"
            raise SandboxUnavailable(
                "the bubblewrap sandbox did not come up",
                found=error.found,
                expected="user namespaces that this user may create, and the packages of the group `sandbox`",
                todo=error.todo if error.busy else doctor,
            ) from error

    def memory_ran_out(self) -> bool:
        """Limits are for each process here, and end a cell rather than the sandbox."""
        return False

    def fault(self) -> str:
        """Nobody but this process could have stopped it."""
        return ""

    def kill(self) -> None:
        """Ends it, and with it all that runs in it; the pipes are left to the thread that reads from them."""
        self._process.kill()

    def remove(self) -> None:
        """Ends it, and with it all that runs in it."""
        with suppress(StreamEnded, ValueError):
            self.stream.send(Shutdown())
        self.stream.close()
        for patience_s in (0.2, _STOP_S):
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=patience_s)
                break
            self._process.kill()
        _look_for_ends(self._process)


def _look_for_ends(process: subprocess.Popen[bytes]) -> None:
    """Takes note of the end of what was killed, of this one's and of those that took too long before.

    On a machine full of others' processes that is later than anybody should wait for it.
    """
    with _ENDS:
        _ENDING[:] = [each for each in (*_ENDING, process) if each.poll() is None]


def _check_installed() -> None:
    """Names all that is missing at once, with how to install it."""
    programs = [name for name in ("bwrap", "prlimit") if shutil.which(name) is None]
    packages = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if not programs and not packages:
        return
    steps = ["install the system packages bubblewrap and util-linux"] if programs else []
    if packages:
        steps.append(f"run: {sys.executable} -m pip install 'grader[sandbox]'")
    raise SandboxUnavailable(
        f"the bubblewrap sandbox needs what is not installed: {', '.join(programs + packages)}",
        expected="bwrap, prlimit, and in this Python the packages that notebooks run with",
        todo=f"{'; '.join(steps)}; or start a Docker engine, whose image has all of this",
    )


class BubblewrapSandbox:
    """Opens workers, each with a fresh sandbox for every submission.

    Args:
        data_dir: Folder of data sets, or None.

    Raises:
        SandboxUnavailable: bubblewrap, or what notebooks run with, is not installed.
    """

    name = "bubblewrap"
    at_once: int | None = None

    def __init__(self, *, data_dir: Path | None = None) -> None:
        _check_installed()
        self._data_dir = data_dir
        self._code = CodeFolder()
        self._boxes = Boxes()
        self._workers: list[BoxWorker] = []

    def open(self, plan: Plan) -> BoxWorker:
        """Starts a sandbox with the plan's limits and waits until its kernel server is warm.

        Raises:
            SandboxUnavailable: It does not come up.
        """
        python = f"this host's Python {platform.python_version()}"
        described = Environment(sandbox=self.name, isolation="container", image=python)
        worker = BoxWorker(self._start, plan.limits, "container", described, self._boxes)
        self._workers.append(worker)
        return worker

    def memory_bytes(self, plan: Plan) -> int:
        # One at work and one warm; by what the kernel process may take, for there is no limit over all.
        return 2 * plan.limits.memory_bytes

    def _start(self, limits: Limits) -> Bubble:
        spec = BubbleSpec(limits=limits, code=self._code.path, data_dir=self._data_dir, fonts=font_cache())
        bubble = Bubble(spec)
        self._boxes.add(bubble)
        bubble.wait_until_ready()
        return bubble

    def answers(self) -> bool:
        return True

    def close(self) -> None:
        self._boxes.close()
        for worker in self._workers:
            worker.close()
        self._workers.clear()
        self._code.remove()
