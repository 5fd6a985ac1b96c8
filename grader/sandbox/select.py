"""Chooses the sandbox: the first that works, saying which. There is no unsandboxed fallback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import docker

from grader.errors import SandboxUnavailable, UsageError
from grader.sandbox.base import Sandbox
from grader.sandbox.bubblewrap import BubblewrapSandbox
from grader.sandbox.docker import DockerSandbox, Isolation
from grader.sandbox.engine import connect
from grader.sandbox.image import Torch, build_image, find_image
from grader.sandbox.reaper import remove_orphans

__all__ = ["choose_sandbox"]


def choose_sandbox(
    name: str,
    *,
    isolation: str,
    gpus: str,
    data_dir: Path | None,
    run_id: str,
    notify: Callable[[str], None],
) -> Sandbox:
    """Gives a sandbox that is ready to open workers, its image built if need be.

    Args:
        name: ``auto``, ``docker`` or ``bubblewrap``.
        isolation: ``fork`` or ``container``.
        gpus: ``none``, ``all``, or ids separated by commas.
        data_dir: Folder of data sets, mounted read-only.
        run_id: Marks what the run leaves, should it be killed.
        notify: Gets a line for each thing that takes long or that a TA should know.

    Raises:
        UsageError: An option that does not exist.
        SandboxUnavailable: The sandbox asked for, or any, does not work here.
        ImageError: The image is missing and cannot be built.
    """
    _check("--sandbox", name, ("auto", "docker", "bubblewrap"))
    _check("--isolation", isolation, ("fork", "container"))
    if name == "bubblewrap":
        return _bubblewrap(gpus, data_dir)
    try:
        client = connect()
    except SandboxUnavailable as error:
        if name == "docker":
            raise
        sandbox = _bubblewrap(gpus, data_dir)
        notify(f"Sandbox: bubblewrap, since {error.what}")
        return sandbox
    orphans = remove_orphans(client)
    if orphans:
        notify(f"Removed {orphans} containers that an earlier run left behind")
    torch: Torch = "cpu" if gpus == "none" else "cuda"
    image = find_image(client, torch=torch) or build_image("auto", torch, notify)
    if name == "auto":
        notify("Sandbox: docker")
    return DockerSandbox(
        client,
        image,
        isolation=cast(Isolation, isolation),
        run_id=run_id,
        data_dir=data_dir,
        gpus=_device_requests(gpus),
    )


def _bubblewrap(gpus: str, data_dir: Path | None) -> Sandbox:
    if gpus != "none":
        raise SandboxUnavailable(
            "the bubblewrap sandbox gives no GPU to notebooks",
            todo="start Docker with the NVIDIA container toolkit, or use --gpus none",
        )
    return BubblewrapSandbox(data_dir=data_dir)


def _check(option: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UsageError(f"{option} {value} does not exist", expected=", ".join(choices), found=value)


def _device_requests(gpus: str) -> tuple[docker.types.DeviceRequest, ...]:
    if gpus == "none":
        return ()
    capabilities = [["gpu", "compute", "utility"]]
    if gpus == "all":
        return (docker.types.DeviceRequest(count=-1, capabilities=capabilities),)
    names = [name.strip() for name in gpus.split(",") if name.strip()]
    return (docker.types.DeviceRequest(device_ids=names, capabilities=capabilities),)
