"""GPUs for tests: GRADER_TEST_GPUS names them as ``--gpus`` would; without it the tests that ask are skipped.

The engine's image for CUDA is built where it is missing, which fetches gigabytes: hence not unasked.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from grader.evidence.plan import Limits
from grader.sandbox.base import Sandbox
from grader.sandbox.select import choose_sandbox

__all__ = ["GPU_LIMITS", "opened_on_gpus"]

#: The sandbox's usual ones, with a bound on cells that a test can wait for.
GPU_LIMITS = Limits(cell_s=30.0, notebook_s=120.0)


@contextmanager
def opened_on_gpus(isolation: str, run_id: str, data_dir: Path | None = None) -> Iterator[Sandbox]:
    """A sandbox whose workers have a GPU each."""
    wanted = os.environ.get("GRADER_TEST_GPUS")
    if not wanted:
        pytest.skip("needs a GPU: GRADER_TEST_GPUS (all, or ids as --gpus takes them) names none")
    sandbox = choose_sandbox(
        "docker", isolation=isolation, gpus=wanted, data_dir=data_dir, run_id=run_id, notify=print
    )
    try:
        yield sandbox
    finally:
        sandbox.close()
