"""Tests the sandbox part by part, by using it; each line says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import docker

from grader.errors import GraderError, SandboxUnavailable
from grader.evidence.plan import Plan
from grader.sandbox.bubblewrap import BubblewrapSandbox
from grader.sandbox.docker import DockerSandbox
from grader.sandbox.engine import connect
from grader.sandbox.gpu_check import refusal
from grader.sandbox.gpu_slots import GpuSlots
from grader.sandbox.gpus import GpuSlot, find_slots, gpu_trouble, installed_gpus
from grader.sandbox.image import ImageRef, find_image
from grader.sandbox.trials import LIMITS, Finding, try_wall

__all__ = ["Finding", "diagnose"]

_ENGINE_LIMITS = {
    "MemoryLimit": "memory limits",
    "PidsLimit": "process limits",
    "CpuCfsQuota": "processor limits",
}


def diagnose() -> list[Finding]:
    """Tests engine, image, wall and GPUs, in this order; stops where the next test would make no sense.

    Without an engine bubblewrap is tested in its place, as `grader run` would take it.
    """
    try:
        client = connect()
    except SandboxUnavailable as error:
        return _without_engine(error)
    with closing(client):
        info = client.info()
        findings = list(_engine(client.version(), info))
        image = find_image(client) or find_image(client, torch="cuda")
        if image is None:
            todo = "none for this version yet; the next run or `grader image build` builds it"
            return [*findings, Finding("image", False, todo)]
        findings.append(Finding("image", True, f"{image.tag} on {image.base}, PyTorch for {image.torch}"))
        sandbox = DockerSandbox(client, image, isolation="fork", run_id="doctor")
        return [*findings, *try_wall(sandbox, limits_processors=True), *_gpus(client, info, image)]


def _without_engine(error: SandboxUnavailable) -> list[Finding]:
    try:
        sandbox = BubblewrapSandbox()
    except SandboxUnavailable as missing:
        return [Finding("engine", False, _line(error)), Finding("bubblewrap", False, _line(missing))]
    with closing(sandbox):
        found = try_wall(sandbox, limits_processors=False)
    instead = (
        f"{error.what}; `grader run` takes bubblewrap, which limits memory for each process and no processors"
    )
    works = all(finding.ok for finding in found if finding.name == "sandbox")
    return [Finding("engine", works, instead if works else _line(error)), *found]


def _line(error: GraderError) -> str:
    """All that an error says, in the one line that a finding has."""
    return " ".join(str(error).split())


def _gpus(client: docker.DockerClient, info: dict[str, Any], image: ImageRef) -> Iterator[Finding]:
    """One line for each slot that the engine should give, or one that says that there are none."""
    try:
        slots = find_slots("all", info, installed_gpus())
    except SandboxUnavailable as error:
        yield Finding("GPU", True, f"none found, which grading does not need; for --gpus: {error.todo}")
        return
    for slot in slots:
        refused = refusal(client, image.id, slot)
        todo = gpu_trouble(refused or "") or "see the engine's log"
        message = f"{slot.name} is refused to containers: {refused}: {todo}"
        yield Finding("GPU", False, message) if refused else _calculates(client, slot)


def _calculates(client: docker.DockerClient, slot: GpuSlot) -> Finding:
    image = find_image(client, torch="cuda")
    if image is None:
        return Finding("GPU", True, f"{slot.name} is given to containers; the image for it is not built yet")
    slots = GpuSlots([slot], lambda _: None)
    sandbox = DockerSandbox(client, image, isolation="fork", run_id="doctor", gpus=slots)
    try:
        with closing(sandbox.open(Plan(assignment="doctor", limits=LIMITS, cuda=True))):
            return Finding("GPU", True, f"{slot.name} calculates in a sandbox")
    except GraderError as error:
        return Finding("GPU", False, _line(error))


def _engine(version: dict[str, Any], info: dict[str, Any]) -> Iterator[Finding]:
    yield Finding(
        "engine", True, f"Docker {version.get('Version', '?')}, cgroup v{info.get('CgroupVersion', '1')}"
    )
    for field, name in _ENGINE_LIMITS.items():
        # A podman socket leaves some of these out; only a plain "no" is one.
        refused = info.get(field) is False
        yield Finding(name, not refused, "enforced by the engine" if not refused else _enable(name))
    profiles = " ".join(info.get("SecurityOptions") or ())
    has_seccomp = "seccomp" in profiles
    todo = "the engine runs without seccomp: use one that is built with it"
    yield Finding("seccomp", has_seccomp, "default profile" if has_seccomp else todo)


def _enable(name: str) -> str:
    return f"the kernel refuses {name}: enable the control group controller for it"
