"""Chooses the sandbox: the first that works, saying which. There is no unsandboxed fallback."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import docker

from grader.errors import SandboxUnavailable, UsageError
from grader.sandbox.base import Sandbox
from grader.sandbox.bubblewrap import BubblewrapSandbox
from grader.sandbox.docker import DockerSandbox
from grader.sandbox.engine import connect
from grader.sandbox.gpu_check import given_slots
from grader.sandbox.gpu_slots import GpuSlots
from grader.sandbox.gpus import find_slots, installed_gpus
from grader.sandbox.image import ImageRef, build_image, find_image
from grader.sandbox.reaper import remove_orphans
from grader.sandbox.worker import Isolation

__all__ = ["choose_sandbox"]


def choose_sandbox(
    name: str,
    *,
    isolation: str,
    gpus: str,
    data_dir: Path | None,
    run_id: str,
    notify: Callable[[str], None],
    runtime: str | None = None,
) -> Sandbox:
    """Gives a sandbox that is ready to open workers, its image built if need be.

    Args:
        name: ``auto``, ``docker`` or ``bubblewrap``.
        isolation: ``fork`` or ``container``.
        gpus: ``none``, ``all``, or ids separated by commas.
        data_dir: Folder of data sets, mounted read-only.
        run_id: Marks what the run leaves, should it be killed.
        notify: Gets a line for each thing that takes long or that a TA should know.
        runtime: What the engine runs containers with; None leaves it to the engine.

    Raises:
        UsageError: An option that does not exist.
        SandboxUnavailable: The sandbox asked for, or any, does not work here.
        ImageError: The image is missing and cannot be built.
    """
    _check("--sandbox", name, ("auto", "docker", "bubblewrap"))
    _check("--isolation", isolation, ("fork", "container"))
    if name == "bubblewrap":
        return _bubblewrap(gpus, runtime, data_dir)
    try:
        client = connect()
    except SandboxUnavailable as error:
        if name == "docker" or runtime is not None:
            raise
        sandbox = _instead_of_docker(error, gpus, data_dir)
        notify(f"Sandbox: bubblewrap, since {error.what}")
        return sandbox
    orphans = remove_orphans(client)
    if orphans:
        notify(f"Removed {orphans} containers that an earlier run left behind")
    try:
        _check_runtime(runtime, client.info())
        image, slots = _prepare(client, gpus, notify)
    except BaseException:
        client.close()
        raise
    if name == "auto":
        notify("Sandbox: docker")
    return DockerSandbox(
        client,
        image,
        isolation=cast(Isolation, isolation),
        run_id=run_id,
        data_dir=data_dir,
        runtime=runtime,
        gpus=slots,
    )


def _prepare(
    client: docker.DockerClient, gpus: str, notify: Callable[[str], None]
) -> tuple[ImageRef, GpuSlots | None]:
    """The image, and the GPUs that the engine gives to containers made from it."""
    if gpus == "none":
        return find_image(client) or build_image("auto", "cpu", notify), None
    slots = find_slots(gpus, client.info(), installed_gpus())
    image = find_image(client, torch="cuda") or build_image("auto", "cuda", notify)
    return image, GpuSlots(given_slots(client, image.id, slots, notify), notify)


def _check_runtime(runtime: str | None, info: Mapping[str, Any]) -> None:
    known = sorted(info.get("Runtimes") or ())
    if runtime is not None and runtime not in known:
        raise SandboxUnavailable(
            f"the engine has no runtime {runtime}",
            expected=", ".join(known) or "a runtime that `docker info` lists",
            found=f"--runtime {runtime}",
            todo="register it with the engine (for gVisor: `runsc install`, then restart Docker), or leave"
            " --runtime out",
        )


def _instead_of_docker(error: SandboxUnavailable, gpus: str, data_dir: Path | None) -> Sandbox:
    """Bubblewrap; where that does not work either, what to do for one or the other."""
    try:
        return _bubblewrap(gpus, None, data_dir)
    except SandboxUnavailable as instead:
        raise SandboxUnavailable(
            f"{error.what}, and bubblewrap cannot stand in: {instead.what}",
            expected=error.expected,
            found=error.found,
            todo=f"{error.todo}. Or: {instead.todo}",
        ) from error


def _bubblewrap(gpus: str, runtime: str | None, data_dir: Path | None) -> Sandbox:
    if runtime is not None:
        raise UsageError("--runtime is for Docker's containers", todo="use --sandbox docker")
    if gpus != "none":
        raise SandboxUnavailable(
            "the bubblewrap sandbox gives no GPU to notebooks",
            todo="start Docker with the NVIDIA container toolkit, or use --gpus none",
        )
    return BubblewrapSandbox(data_dir=data_dir)


def _check(option: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UsageError(f"{option} {value} does not exist", expected=", ".join(choices), found=value)
