"""Finds and removes containers whose run is over: a killed run leaves them behind."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import docker

from grader.sandbox.engine import ENGINE_ERRORS

__all__ = ["is_orphan", "labels", "remove_of_sandbox", "remove_orphans"]

_INSTANCE = "grader.instance"
_RUN = "grader.run"
_SANDBOX = "grader.sandbox"
_DEADLINE = "grader.deadline"


def labels(run_id: str, *, lifetime_s: float, sandbox: str = "") -> dict[str, str]:
    """Labels of a new container: the process that owns it, its run, and when it is an orphan for sure.

    Args:
        run_id: Several sandboxes may belong to one run.
        lifetime_s: How long it may live.
        sandbox: Which of them started it.
    """
    return {
        _INSTANCE: _this_process(),
        _RUN: run_id,
        _SANDBOX: sandbox,
        _DEADLINE: str(int(time.time() + lifetime_s)),
    }


def remove_orphans(client: docker.DockerClient) -> int:
    """Removes every container of ours whose owner has ended, or is out of sight and past its deadline.

    Returns:
        How many there were.
    """
    count = 0
    with suppress(*ENGINE_ERRORS):
        for container in client.containers.list(all=True, filters={"label": _RUN}, ignore_removed=True):
            if is_orphan(container.labels, now=time.time()):
                with suppress(*ENGINE_ERRORS):
                    container.remove(force=True, v=True)
                    count += 1
    return count


def remove_of_sandbox(client: docker.DockerClient, sandbox: str) -> None:
    """Removes what a sandbox that closes has started, whoever lost sight of it: an answer that never came."""
    with suppress(*ENGINE_ERRORS):
        mine = {"label": [f"{_SANDBOX}={sandbox}"]}
        for container in client.containers.list(all=True, filters=mine, ignore_removed=True):
            with suppress(*ENGINE_ERRORS):
                container.remove(force=True, v=True)


def is_orphan(container_labels: Mapping[str, str], *, now: float) -> bool:
    """Judges by labels: on this host an owner lives or does not, whatever the clock says.

    Owners elsewhere, or of an unknown host, are only known by their deadline.

    Args:
        container_labels: As `labels` wrote them.
        now: Seconds since the epoch.
    """
    host, _, owner = container_labels.get(_INSTANCE, "").partition("/")
    pid, _, started = owner.partition("/")
    if host == _host() and pid.isdigit():
        return _start_time(int(pid)) != started
    deadline = container_labels.get(_DEADLINE, "")
    return deadline.isdigit() and now > int(deadline)


def _this_process() -> str:
    return f"{_host()}/{os.getpid()}/{_start_time(os.getpid())}"


def _host() -> str:
    """This host since it was booted, and the namespace of its process ids, which mean nothing elsewhere."""
    boot, ids = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    identity = boot.read_text().strip() if boot.is_file() else "?"
    return f"{socket.gethostname()}:{identity}:{ids.readlink() if ids.is_symlink() else '?'}"


def _start_time(pid: int) -> str:
    """When a process started, in clock ticks since boot; tells it from a later one of the same id."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]
