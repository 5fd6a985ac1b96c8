"""`{kind: ...}` inside a list of a rubric is drawn, reaches the student's function, and the reference's."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from grader.facts.case import Reference
from grader.samples.percent import notebook_bytes, read_percent
from grader.workflows.trying.try_check import trial_rubric, try_check

TOTAL = """\
# %%
import torch
def total(parts, factor):
    assert isinstance(parts, list) and all(isinstance(part, torch.Tensor) for part in parts)
    return FACTOR * sum(part.sum() for part in parts)
"""

KEYS = {
    "function": "total",
    "reference": "total",
    "groups": [
        {
            "name": "branches",
            "calls": [{"args": [[{"kind": "normal", "shape": [2, 3]}, {"kind": "normal", "shape": [4]}], 2]}],
        }
    ],
}


@pytest.mark.parametrize(("factor", "status"), [("factor", "PASS"), ("1", "FAIL")])
def test_tensors_of_a_list_are_drawn(torchvision: ModuleType, factor: str, status: str) -> None:
    from tests.in_process import InProcess

    def total(parts: list[np.ndarray], factor: int) -> float:
        return float(factor * sum(part.sum() for part in parts))

    notebook = notebook_bytes(read_percent(TOTAL.replace("FACTOR", factor)))
    reference = Reference(functions={"total": total}, architectures={}, digest="0" * 64)
    trial = try_check(notebook, trial_rubric("function_values", KEYS, None), reference, InProcess())
    assert trial.finding.status == status, trial.finding.message
