"""Where things are inside the container. The image and the host's container options agree with these."""

from __future__ import annotations

import os
from pathlib import Path

from grader.collector.confine import Places

__all__ = [
    "CONTENT",
    "HOME",
    "PORTS",
    "SOCKETS",
    "WRITABLE",
    "data_folder",
    "kernel_environment",
    "kernel_places",
]

#: The student's work folder, as on Colab.
CONTENT = Path("/content")

#: Caches and dot files; not among the files that the notebook wrote.
HOME = Path("/tmp/home")  # noqa: S108 - a tmpfs of the container

#: Unix sockets between driver and kernel, a folder for each kernel.
SOCKETS = Path("/run/grader")

#: Suffixes of a kernel's sockets.
PORTS = {"shell": 1, "iopub": 2, "stdin": 3, "control": 4, "hb": 5}

_GPU_DRIVER = Path("/dev/nvidiactl")

#: Every place that a student's process can write to; wiped and verified after each submission.
WRITABLE = (CONTENT, Path("/tmp"), Path("/dev/shm"), Path("/dev/mqueue"))  # noqa: S108


def data_folder() -> Path | None:
    """The mounted data sets; None where the run has none."""
    named = os.environ.get("GRADER_DATA")
    return Path(named) if named else None


def kernel_places(sockets: Path) -> Places:
    """What a kernel process may touch; of the sockets, its own folder only."""
    data = data_folder()
    return Places(
        writable=WRITABLE,
        sockets=sockets,
        readable=() if data is None else (data,),
        processes=Path("/proc") if _GPU_DRIVER.exists() else None,
    )


def kernel_environment() -> dict[str, str]:
    """Environment variables of a kernel: a home, caches under it, nothing that looks for a network."""
    cache = HOME / ".cache"
    return {
        "HOME": str(HOME),
        "USER": "student",
        "LOGNAME": "student",
        "IPYTHONDIR": str(HOME / ".ipython"),
        "XDG_CACHE_HOME": str(cache),
        "MPLCONFIGDIR": str(cache / "matplotlib"),
        "TORCH_HOME": str(cache / "torch"),
        "TORCHINDUCTOR_CACHE_DIR": str(cache / "inductor"),
        "TRITON_CACHE_DIR": str(cache / "triton"),
        "NUMBA_CACHE_DIR": str(cache / "numba"),
        "CUDA_CACHE_PATH": str(cache / "cuda"),
        "HF_HUB_OFFLINE": "1",
    }
