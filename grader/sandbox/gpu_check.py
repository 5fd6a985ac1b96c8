"""Tries each GPU slot on the engine before anything is queued, by a container that ends at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress

import docker

from grader.errors import SandboxUnavailable
from grader.sandbox.engine import ENGINE_ERRORS
from grader.sandbox.gpus import GpuSlot, gpu_trouble
from grader.sandbox.reaper import labels

__all__ = ["given_slots", "refusal"]

_LIFETIME_S = 600.0


def given_slots(
    client: docker.DockerClient, image: str, slots: Iterable[GpuSlot], notify: Callable[[str], None]
) -> tuple[GpuSlot, ...]:
    """Those of `slots` that the engine gives to a container.

    Args:
        client: The engine.
        image: Digest of any image with ``/bin/true``.
        slots: What to try.
        notify: Told of those that it refuses.

    Raises:
        SandboxUnavailable: It gives none.
    """
    given: list[GpuSlot] = []
    last = ""
    for slot in slots:
        refused = refusal(client, image, slot)
        if refused is None:
            given.append(slot)
        else:
            last = refused
            notify(f"GPU {slot.name} is not used: {refused}")
    if not given:
        raise SandboxUnavailable(
            "the engine gives no GPU to containers",
            expected="a container that starts with one",
            found=last,
            todo=gpu_trouble(last) or "`grader doctor` tests the engine part by part",
        )
    return tuple(given)


def refusal(client: docker.DockerClient, image: str, slot: GpuSlot) -> str | None:
    """What the engine says against a container with this slot; None where it starts one."""
    api, made = client.api, None
    try:
        options = api.create_host_config(network_mode="none", device_requests=[slot.request])
        made = api.create_container(
            image,
            entrypoint=["/bin/true"],
            labels=labels("gpu-check", lifetime_s=_LIFETIME_S),
            host_config=options,
        )["Id"]
        api.start(made)
    except ENGINE_ERRORS as error:
        return str(getattr(error, "explanation", None) or error)[:300]
    finally:
        if made is not None:
            with suppress(*ENGINE_ERRORS):
                api.remove_container(made, force=True, v=True)
    return None
