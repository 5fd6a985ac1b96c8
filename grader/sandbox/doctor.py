"""Tests the sandbox part by part, by using it; each line says what to do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, NamedTuple

import nbformat

from grader.errors import GraderError, SandboxUnavailable
from grader.evidence.codec import Bundle
from grader.evidence.plan import Limits, Plan
from grader.evidence.record import Outcome
from grader.sandbox.base import Job
from grader.sandbox.docker import DockerSandbox
from grader.sandbox.engine import connect
from grader.sandbox.image import find_image

__all__ = ["Finding", "diagnose"]

_ENGINE_LIMITS = {
    "MemoryLimit": "memory limits",
    "PidsLimit": "process limits",
    "CpuCfsQuota": "processor limits",
}
# Looks at the wall from inside, as a submission would.
_LOOK = """
import json, os, re, resource
status = open("/proc/self/status").read()
print(json.dumps({
    "uid": os.getuid(),
    "capabilities": max(int(bits, 16) for bits in re.findall(r"Cap(?:Prm|Eff|Amb):\\s*(\\w+)", status)),
    "no_new_privileges": re.search(r"NoNewPrivs:\\s*(\\d)", status)[1] == "1",
    "seccomp": re.search(r"Seccomp:\\s*(\\d)", status)[1] != "0",
    "interfaces": sorted(os.listdir("/sys/class/net")),
    "writable": [name for name in ("/", "/etc", "/opt/env", "/opt/code") if os.access(name, os.W_OK)],
}))
"""


class Finding(NamedTuple):
    """One line of the diagnosis.

    Attributes:
        ok: Whether nothing is to be done.
        message: What was seen, and what to do where `ok` is false.
    """

    name: str
    ok: bool
    message: str


def diagnose() -> list[Finding]:
    """Tests engine, image and wall, in this order; stops where the next test would make no sense."""
    try:
        client = connect()
    except SandboxUnavailable as error:
        return [Finding("engine", False, str(error))]
    with closing(client):
        findings = list(_engine(client.version(), client.info()))
        image = find_image(client)
        if image is None:
            todo = "none for this version yet; the next run or `grader image build` builds it"
            return [*findings, Finding("image", False, todo)]
        findings.append(Finding("image", True, f"{image.tag} on {image.base}, PyTorch for {image.torch}"))
        return [*findings, *_wall(DockerSandbox(client, image, isolation="fork", run_id="doctor"))]


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


def _wall(sandbox: DockerSandbox) -> list[Finding]:
    """Runs a submission that looks around, and one that takes too much memory."""
    plan = Plan(assignment="doctor", limits=Limits(memory_bytes=1024 * 1024 * 1024, notebook_s=120))
    try:
        with closing(sandbox.open(plan)) as worker:
            seen = worker.run(Job("doctor", _notebook(_LOOK), plan))
            greedy = "kept = []\nwhile True: kept.append(bytearray(64 * 1024 * 1024))"
            full = worker.run(Job("doctor", _notebook(greedy), plan))
    except GraderError as error:
        return [Finding("sandbox", False, str(error))]
    return [*_inside(seen), _memory(full)]


def _inside(bundle: Bundle) -> Iterator[Finding]:
    seconds = bundle.evidence.wall_time_s
    run = bundle.evidence.cells[0].run if bundle.evidence.cells else None
    if bundle.evidence.outcome is not Outcome.COMPLETED or run is None:
        yield Finding("sandbox", False, f"{bundle.evidence.outcome}: {bundle.evidence.outcome_detail}")
        return
    seen = json.loads("".join(output.text for output in run.outputs))
    yield Finding("sandbox", True, f"ran a notebook in {seconds:.2f} s")
    for name, test in _TESTS.items():
        ok = test(seen)
        yield Finding(name, ok, "holds" if ok else f"does not hold here, seen from inside: {seen}")
    for layer, state in sorted(bundle.evidence.environment.confinement.items()):
        yield Finding(layer, True, state)


_TESTS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "no privileges": lambda seen: (
        seen["uid"] != 0 and seen["capabilities"] == 0 and seen["no_new_privileges"]
    ),
    "no network": lambda seen: seen["interfaces"] == ["lo"],
    "read-only system": lambda seen: not seen["writable"],
    "system call filter": lambda seen: bool(seen["seccomp"]),
}


def _memory(bundle: Bundle) -> Finding:
    ok = bundle.evidence.outcome is Outcome.OUT_OF_MEMORY
    todo = f"a submission over its limit ended with {bundle.evidence.outcome}; enable memory accounting"
    return Finding("memory limit", ok, "a submission over its limit was stopped" if ok else todo)


def _notebook(source: str) -> bytes:
    cell = nbformat.v4.new_code_cell(source.strip())
    text: str = nbformat.writes(nbformat.v4.new_notebook(cells=[cell]))
    return text.encode()
