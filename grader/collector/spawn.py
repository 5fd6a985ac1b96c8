"""Starts the fork server as its own process, before the driver imports what it needs itself.

Its imports take the longest of all that a container does before it is ready, so nothing stands before them:
this module imports little, and the driver's imports go on meanwhile on another processor.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import dataclass

from grader.collector.privileges import forbid_inspection
from grader.collector.uids import take_uids

__all__ = ["ForkServer", "spawn_fork_server"]

# One thread each, so that forks are safe; the kernel raises torch's number again.
_ENVIRONMENT = {
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
    "NUMEXPR_NUM_THREADS": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
}


@dataclass(frozen=True)
class ForkServer:
    """A fork server that is warming up.

    Attributes:
        process: Ends when the other end of `channel` is closed.
        channel: Requests and answers, a datagram each.
        uids: For the kernels that it forks.
    """

    process: subprocess.Popen[bytes]
    channel: socket.socket
    uids: range


def spawn_fork_server() -> ForkServer:
    """Starts it in the background; whoever inspects processes meets neither it nor this one."""
    forbid_inspection()
    # Taken out of the environment before anything inherits that.
    uids = take_uids()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "grader.collector", "launcher", str(theirs.fileno())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=[theirs.fileno()],
        env={**os.environ, **_ENVIRONMENT},
    )
    theirs.close()
    return ForkServer(process, ours, uids)
