"""Driver and forked kernels on a real GPU: one submission after another, each on a card that works."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from grader.evidence.codec import Bundle
from grader.evidence.plan import Plan
from grader.evidence.record import Outcome
from grader.sandbox.base import Job, Worker
from tests.gpus import GPU_LIMITS, opened_on_gpus

from .conftest import notebook

pytestmark = pytest.mark.docker

_TRAINING = """\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
inputs = torch.randn(256, 3, 32, 32)
loader = DataLoader(
    TensorDataset(inputs, (inputs.mean((1, 2, 3)) > 0).long()), batch_size=64, num_workers=2, pin_memory=True
)
layers = nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)
net = nn.Sequential(*layers).cuda()
optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
losses = []
for epoch in range(20):
    for images, labels in loader:
        loss = nn.functional.cross_entropy(net(images.cuda(non_blocking=True)), labels.cuda())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    losses.append(loss.item())
print(losses[-1] < losses[0], next(net.parameters()).device)
"""

_HOARD = "hoard = torch.empty(int(0.8 * torch.cuda.mem_get_info()[0]), dtype=torch.uint8, device='cuda')"

_LOOK = """\
import json, os, torch
free, total = torch.cuda.mem_get_info()
print(json.dumps({"devices": torch.cuda.device_count(), "free": free / total, "uid": os.getuid()}))
"""

#: The first counts cycles on the card, out of the reach of any signal; the second waits for it.
_NO_END = ("import torch\ntorch.cuda._sleep(1 << 62)", "torch.cuda.synchronize()")


@pytest.fixture(scope="module", params=["fork", "container"])
def gpu_worker(request: pytest.FixtureRequest) -> Iterator[Worker]:
    with opened_on_gpus(request.param, f"test-gpu-{request.param}") as sandbox:
        yield sandbox.open(Plan(assignment="test", limits=GPU_LIMITS, cuda=True))


def run(worker: Worker, *sources: str, **plan: Any) -> Bundle:
    asked = Plan(assignment="test", cuda=True, **{"limits": GPU_LIMITS, **plan})
    return worker.run(Job("attempt", notebook(*sources), asked))


def printed(bundle: Bundle) -> str:
    runs = [cell.run for cell in bundle.evidence.cells if cell.run is not None]
    assert [each.error for each in runs if each.error is not None] == []
    return "".join(output.text for each in runs for output in each.outputs)


def look(worker: Worker) -> dict[str, Any]:
    seen: dict[str, Any] = json.loads(printed(run(worker, _LOOK)))
    return seen


def test_one_submission_after_another_trains_on_the_gpu(gpu_worker: Worker) -> None:
    for _ in range(3):
        bundle = run(gpu_worker, _TRAINING)
        assert printed(bundle) == "True cuda:0\n"
        assert bundle.evidence.outcome is Outcome.COMPLETED
        assert bundle.evidence.anomalies == ()
        assert "cuda" not in {shim.kind for shim in bundle.evidence.shims}
        assert bundle.evidence.environment.gpu
        (recorded,) = bundle.evidence.training.runs
        assert recorded.steps > 0
        assert recorded.start.determined


def test_weights_carried_into_a_second_run_are_recorded_as_on_the_cpu(gpu_worker: Worker) -> None:
    rebuilt = "net = nn.Sequential(*[module for module in net])\nlosses.clear()\n"
    again = rebuilt + _TRAINING[_TRAINING.index("optimizer =") :]
    runs = run(gpu_worker, _TRAINING, again, _TRAINING).evidence.training.runs
    assert [each.start.carried_share for each in runs] == [0.0, 1.0, 0.0]
    assert runs[1].start.carried_from == runs[0].index


def test_each_sees_one_device_and_has_its_memory_to_itself(gpu_worker: Worker) -> None:
    assert run(gpu_worker, "import torch", _HOARD).evidence.outcome is Outcome.COMPLETED
    seen = look(gpu_worker)
    assert seen["devices"] == 1
    assert seen["free"] > 0.9


def test_a_gpu_kernel_without_end_is_killed_and_its_memory_comes_back(gpu_worker: Worker) -> None:
    short = GPU_LIMITS.model_copy(update={"cell_s": 5.0})
    bundle = run(gpu_worker, "import torch", _HOARD, *_NO_END, "print('later')", limits=short)
    statuses = [cell.run.status for cell in bundle.evidence.cells if cell.run is not None]
    assert bundle.evidence.outcome is Outcome.TIMEOUT
    assert statuses == ["ok", "ok", "ok", "timeout", "not_run"]
    assert look(gpu_worker)["free"] > 0.9
