"""What a network computes with its own weights, run in this process and compared with the reference."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from grader.facts.case import Reference
from grader.facts.sections import Section
from grader.grading.verdict import Finding
from grader.judging.exhibits import Table
from grader.judging.judgement import Status
from grader.samples.percent import notebook_bytes, read_percent
from grader.sandbox.base import Sandbox
from grader.workflows.regrading.reference import load_reference
from grader.workflows.trying.try_check import trial_rubric, try_check

ROOT = Path(__file__).parents[4]
KEYS: dict[str, Any] = {
    "target": {"expression": "Block(8)"},
    "input": [2, 8, 12, 12],
    "reference": "residual_block",
    "mistakes": {"plain_block": "its input is never added"},
}
BLOCK = """\
# %%
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, channels=8):
        super().__init__()
        self.one = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm_one = nn.BatchNorm2d(channels)
        self.two = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm_two = nn.BatchNorm2d(channels)
        MORE

    def forward(self, x):
        y = torch.relu(self.norm_one(self.one(x)))
        y = self.norm_two(self.two(y))
        return torch.relu(x + y)
"""
PLAIN = BLOCK.replace("        MORE\n", "")


@pytest.fixture(scope="module")
def sandbox(torchvision: ModuleType) -> Sandbox:
    from tests.in_process import InProcess

    return InProcess()


def judged(code: str, sandbox: Sandbox, **keys: Any) -> Finding:
    rubric = trial_rubric("module_values", {**KEYS, **keys}, "Part 1" if "# Part 1" in code else None)
    parts = {name: Section(title=name, heading=name) for name in ("Part 2",) if name in code}
    rubric = rubric.model_copy(update={"sections": {**rubric.sections, **parts}})
    reference = load_reference(ROOT / "reference")
    return try_check(notebook_bytes(read_percent(code)), rubric, reference, sandbox).finding


def with_forward(*lines: str) -> str:
    return f"{PLAIN.partition('        y = ')[0]}" + "".join(f"        {line}\n" for line in lines)


FIRST = "y = torch.relu(self.norm_one(self.one(x)))"
SECOND = "y = self.norm_two(self.two(y))"


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        (PLAIN, Status.PASS, "computes what the course's network does"),
        # Registered in another order than used: right by one of the orders that fit.
        (BLOCK.replace("MORE", "self.one, self.two = self.two, self.one"), Status.PASS, "computes"),
        (BLOCK.replace("MORE", "self.spare = nn.Linear(3, 3)"), Status.PASS, "computes"),
        (BLOCK.replace("MORE", "nn.init.zeros_(self.norm_two.weight)"), Status.PASS, "computes"),
        (with_forward(FIRST, SECOND, "return torch.relu(y)"), Status.FAIL, ": its input is never added."),
        (with_forward(FIRST, SECOND, "return x + torch.relu(y)"), Status.FAIL, "expected"),
        (with_forward(FIRST, SECOND, "return x + y"), Status.FAIL, "expected"),
        (with_forward("y = self.norm_one(torch.relu(self.one(x)))", SECOND, "return torch.relu(x + y)"),
         Status.FAIL, "expected"),
        (with_forward(FIRST, SECOND, "return torch.relu(x + y)[:, :4]"), Status.FAIL,
         "expected shape [2, 8, 12, 12], got [2, 4, 12, 12]"),
        (with_forward("return self.three(x)"), Status.FAIL, "raised AttributeError"),
        (with_forward(FIRST, "y = self.two(y)", "return torch.relu(x + y)"), Status.NEEDS_TA,
         "is to compute"),
        (with_forward(FIRST, SECOND, "return torch.relu(x + y), y"), Status.NEEDS_TA, "is to compute"),
        (PLAIN.replace("nn.BatchNorm2d(channels)", "nn.Identity()"), Status.NEEDS_TA, "is to compute"),
        (PLAIN.replace("nn.BatchNorm2d(channels)", "nn.BatchNorm2d(channels, eps=0.1)"), Status.NEEDS_TA,
         "is to compute"),
        ("# %%\nx = 1\n", Status.NEEDS_TA, "could not be measured"),
    ],
    ids=["right", "other order", "unused layer", "zero", "never added", "added after", "no relu",
         "order of two", "shape", "raises", "unused norm", "two tensors", "no norms", "other eps", "absent"],
)  # fmt: skip
def test_what_is_computed_decides(code: str, status: Status, said: str, sandbox: Sandbox) -> None:
    finding = judged(code, sandbox)
    assert finding.status is status, finding
    assert said in finding.message


def test_names_that_the_handout_gives_settle_what_goes_where(sandbox: Sandbox) -> None:
    names = ["one", "norm_one", "two", "norm_two"]
    assert judged(PLAIN, sandbox, layers=names).status is Status.PASS
    exchanged = judged(PLAIN, sandbox, layers=["two", "norm_one", "one", "norm_two"])
    assert exchanged.status is Status.FAIL


def test_it_says_which_layer_stood_for_which(sandbox: Sandbox) -> None:
    tables = [each for each in judged(PLAIN, sandbox).exhibits if isinstance(each, Table)]
    assert tables[0].rows[:2] == (("one", "1. Conv2d"), ("norm_one", "2. BatchNorm2d"))


def test_a_network_that_a_later_part_changes_is_a_tas(sandbox: Sandbox) -> None:
    wrong = with_forward(FIRST, SECOND, "return torch.relu(y)")
    code = f"# %% [markdown]\n# # Part 1\n{wrong}\nblock = Block()\n# %% [markdown]\n# # Part 2\n# %%\n"
    later = f"{code}block = Block(8).double().float()\n"
    keys = {"target": {"names": ["block"]}}
    assert judged(code + "x = 1\n", sandbox, **keys).status is Status.FAIL
    changed = judged(later.replace("Block(8)", "nn.Sequential(Block(8))"), sandbox, **keys)
    assert changed.status is Status.NEEDS_TA


def test_a_network_of_many_like_layers_is_wrong_by_no_order_that_was_left_out(sandbox: Sandbox) -> None:
    layers = ", ".join(["nn.Linear(4, 4), nn.ReLU()"] * 6)
    code = f"# %%\nfrom torch import nn\n\nnet = nn.Sequential({layers})\n"
    reference = load_reference(ROOT / "reference")
    mlp = reference.architectures["mlp"]
    alike = type(mlp)("alike", (4,), (type(mlp.layers[0])(4, 4),) * 6, "here")
    changed = Reference(architectures={"alike": alike})
    keys = {"target": {"names": ["net"]}, "input": [2, 4], "reference": "alike"}
    rubric = trial_rubric("module_values", keys, None)
    finding = try_check(notebook_bytes(read_percent(code)), rubric, changed, sandbox).finding
    assert finding.status is Status.NEEDS_TA
    assert "more ways than were tried" in finding.open
