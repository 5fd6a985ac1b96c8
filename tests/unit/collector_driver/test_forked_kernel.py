from __future__ import annotations

import asyncio
import errno
import subprocess
from pathlib import Path

import pytest

from grader.collector.provisioner import ForkedKernel


def no_descriptors(pid: int) -> int:
    raise OSError(errno.ENOSYS, "Function not implemented")


def refused(pid: int) -> int:
    raise OSError(errno.EPERM, "Operation not permitted")


async def notices_the_end() -> bool:
    process = subprocess.Popen(["sleep", "99"])
    try:
        kernel = ForkedKernel(0, process.pid, Path("sockets/kernel"), "key")
        await asyncio.sleep(0.1)
        before = kernel.died.is_set()
        kernel.send_signal(9)
        await asyncio.wait_for(kernel.died.wait(), 30)
        kernel.close()
        return not before
    finally:
        process.kill()
        process.wait()


def test_the_end_of_a_kernel_is_noticed() -> None:
    assert asyncio.run(notices_the_end())


def test_it_is_noticed_without_descriptors_of_processes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.pidfd_open", no_descriptors)
    assert asyncio.run(notices_the_end())


def test_a_refusal_of_another_kind_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.pidfd_open", refused)
    with pytest.raises(PermissionError):
        asyncio.run(notices_the_end())
