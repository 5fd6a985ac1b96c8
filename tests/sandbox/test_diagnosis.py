"""What the doctor and the look for GPUs say of a real engine."""

from __future__ import annotations

import docker
import pytest

from grader.errors import SandboxUnavailable
from grader.sandbox import trials
from grader.sandbox.gpu_check import given_slots
from grader.sandbox.gpus import GpuSlot
from grader.sandbox.trials import try_wall
from tests.unit.sandbox.test_doctor import WELL

from .conftest import open_sandbox


@pytest.mark.docker
def test_the_notebooks_of_the_doctor_meet_the_real_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "_ENDINGS", ())  # Each costs a container; test_limits.py has them.
    sandbox = open_sandbox("fork")
    try:
        found = {each.name: each for each in try_wall(sandbox, limits_processors=True)}
    finally:
        sandbox.close()
    # Whether the kernel has Landlock is the machine's affair.
    assert [each for each in found.values() if not each.ok and each.name != "landlock"] == []
    assert found.keys() >= WELL.keys()


@pytest.mark.docker
def test_a_real_engine_without_gpus_is_explained() -> None:
    client = docker.from_env()
    try:
        images = client.images.list()
        if not images or (client.info().get("Runtimes") or {}).get("nvidia"):
            pytest.skip("needs an image, and an engine without NVIDIA's toolkit")
        with pytest.raises(SandboxUnavailable) as caught:
            given_slots(client, images[0].id, [GpuSlot("GPU-aaaa", cdi=False)], lambda _: None)
    finally:
        client.close()
    assert "could not select device driver" in str(caught.value.found)
    assert "container toolkit" in str(caught.value.todo)
