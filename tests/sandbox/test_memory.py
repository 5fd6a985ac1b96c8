"""A kernel costs little memory of its own: the libraries that the launcher imported are shared."""

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
