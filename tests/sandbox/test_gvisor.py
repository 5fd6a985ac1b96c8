"""gVisor as the runtime of containers, where the engine has it."""

from __future__ import annotations

import docker
import pytest

from grader.evidence.plan import Limits, Plan
from grader.evidence.record import Outcome
from grader.sandbox.base import Job
from grader.sandbox.select import choose_sandbox

from .conftest import MIB, notebook

pytestmark = pytest.mark.docker


def test_a_notebook_runs_under_gvisor() -> None:
    client = docker.from_env()
    runtimes = client.info().get("Runtimes") or {}
    client.close()
    if "runsc" not in runtimes:
        pytest.skip("the engine has no runtime runsc")
    sandbox = choose_sandbox(
        "docker", isolation="fork", gpus="none", data_dir=None, run_id="test-gvisor", notify=print,
        runtime="runsc",
    )  # fmt: skip
    try:
        plan = Plan(assignment="test", limits=Limits(memory_bytes=2048 * MIB))
        bundle = sandbox.open(plan).run(Job("attempt", notebook("import torch\nprint(torch.ones(1))"), plan))
    finally:
        sandbox.close()
    assert bundle.evidence.outcome is Outcome.COMPLETED
