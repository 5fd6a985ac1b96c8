"""A kernel costs little of its own: what the launcher imported is shared, and imported once."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from grader.evidence.codec import Bundle
from grader.sandbox.base import Worker

pytestmark = pytest.mark.docker

_MIB = 1024 * 1024
_OWN = 60 * _MIB
_SHARED = 150 * _MIB


def memory_bytes(rollup: str, kind: str) -> int:
    """Adds up a kind of pages of /proc/PID/smaps_rollup (proc(5)): ``Private`` or ``Shared``."""
    sizes = re.findall(rf"^{kind}_(?:Clean|Dirty):\s+(\d+) kB$", rollup, re.MULTILINE)
    assert len(sizes) == 2, rollup
    return sum(map(int, sizes)) * 1024


def test_a_kernel_adds_little_memory_before_the_students_code(
    fork_worker: Worker, run: Callable[..., Bundle]
) -> None:
    for _ in range(2):
        bundle = run(fork_worker, "print(open('/proc/self/smaps_rollup').read())")
        first = bundle.evidence.cells[0].run
        assert first is not None
        assert first.error is None
        rollup = first.outputs[0].text
        assert memory_bytes(rollup, "Shared") > _SHARED
        assert memory_bytes(rollup, "Private") < _OWN


def test_a_kernel_imports_nothing_that_the_launcher_could_have(
    fork_worker: Worker, run: Callable[..., Bundle]
) -> None:
    # Modules stand in the order of their imports; the last that the launcher names is the kernel's.
    late = (
        "import sys; names = list(sys.modules); print(*names[names.index('grader.collector.kernel') + 1 :])"
    )
    work = (
        "import torch, matplotlib.pyplot as plt\nnet = torch.nn.Linear(3, 1)\n"
        "torch.optim.Adam(net.parameters()).step()\nplt.plot([1, 2])\nplt.show()\nraise ValueError"
    )
    cells = run(fork_worker, work, late).evidence.cells
    assert cells[1].run is not None
    imported = cells[1].run.outputs[0].text.split()
    # Colab's module is ours, and made for each notebook.
    assert [name for name in imported if not name.startswith(("google", "torch"))] == []
