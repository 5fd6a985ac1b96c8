"""Walls around the pool's own processes on this machine, by bubblewrap where it works.

A scheduler or worker that has fallen may try to run something in whoever talks to it. The gateway refuses
that by itself (`pickles`), and behind its wall would find nothing: no token, no database, no course, no
process of ours, nothing that can be written. A launcher runs what a client of Slurm or Kubernetes needs, and
its wall hides what is named to it.

Source: bwrap(1).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

import grader
from grader.sandbox.bubblewrap import python_view
from grader.sandbox.pool.options import Tls

__all__ = ["environment", "gateway_command", "launcher_command", "wall_trouble"]

_CODE = "/tmp/code"  # noqa: S108 - inside the wall
#: What a connection by name and by TLS needs of the system.
_NETWORK = (
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/ssl",
)
#: What clients of Slurm and of ssh reach their services by.
_SERVICES = ("/run/munge", "/run/slurm", "/run/slurmctld")
#: Of the grader's code: what speaks, and nothing that knows a course.
_ROOMS = ("__init__.py", "errors.py", "sandbox/__init__.py", "sandbox/pool")
_NAMESPACES = ("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--cap-drop", "ALL")
_TRY_S = 20.0


@cache
def wall_trouble() -> str:
    """Why no wall can stand here; empty where one can."""
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed"
    tried = ["bwrap", *_NAMESPACES, "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true"]
    try:
        ended = subprocess.run(tried, capture_output=True, timeout=_TRY_S, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap cannot be run: {error}"
    words = ended.stderr.decode("utf-8", "replace").strip().splitlines()
    return "" if ended.returncode == 0 else f"bubblewrap does not work here: {' '.join(words[-1:])}"


def gateway_command(tls: Tls) -> list[str]:
    """The gateway behind its wall; bare where none can stand."""
    command = [sys.executable, "-m", "grader.sandbox.pool.gateway"]
    if wall_trouble():
        return command
    return [
        *("bwrap", *_NAMESPACES, "--die-with-parent", "--new-session"),
        *("--tmpfs", "/tmp"),  # noqa: S108 - inside the wall
        *python_view(),
        *_seen(_NETWORK),
        *_seen(file for file in (tls.ca, tls.cert, tls.key) if file),
        *("--proc", "/proc", "--dev", "/dev"),
        *_code(),
        *("--chdir", "/tmp", "--remount-ro", "/"),  # noqa: S108 - inside the wall
        *command,
    ]


def launcher_command(tls: Tls, hidden: Collection[Path]) -> list[str]:
    """What launches a pool, behind a wall that shows the machine read-only, but for what is hidden."""
    command = [sys.executable, "-m", "grader.sandbox.pool.launch"]
    agent = os.environ.get("SSH_AUTH_SOCK", "")
    return [
        *("bwrap", *_NAMESPACES, "--die-with-parent", "--ro-bind", "/", "/"),
        # Where sockets lie that somebody could do more by than by a pool, as the engine's.
        *("--dev", "/dev", "--proc", "/proc", "--tmpfs", "/run", "--tmpfs", "/tmp"),  # noqa: S108
        *_seen((*_SERVICES, os.path.realpath("/etc/resolv.conf"), *([agent] if agent else []))),
        *python_view(system=False),
        *_seen(file for file in (tls.ca, tls.cert, tls.key) if file),
        *_code(),
        *(word for path in hidden for word in _covered(path)),
        *command,
    ]


def environment() -> dict[str, str]:
    """What the pool's processes are told of this one's: no password is among it."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "HOME", "USER", "LOGNAME", "SSH_AUTH_SOCK", "KUBECONFIG")
        or name.startswith(("DASK_", "SLURM_"))
    }
    path = _CODE if not wall_trouble() else os.environ.get("PYTHONPATH", "")
    return kept | {
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        **({"PYTHONPATH": path} if path else {}),
    }


def _seen(paths: Collection[str] | Iterator[str]) -> Iterator[str]:
    for path in paths:
        yield from ("--ro-bind-try", os.path.realpath(path), path)


def _code() -> Iterator[str]:
    package = Path(grader.__file__).parent
    for room in _ROOMS:
        yield from ("--ro-bind", str(package / room), f"{_CODE}/grader/{room}")


def _covered(path: Path) -> tuple[str, ...]:
    real = path.resolve()
    if real.is_dir():
        return ("--tmpfs", str(real))
    return ("--ro-bind", os.devnull, str(real)) if real.exists() else ()
