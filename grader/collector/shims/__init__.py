"""Stand-ins for what the sandbox lacks: Colab, network, downloads, a GPU, older library versions.

Each shim is one module with ``install(context)``; every use is recorded, and all of them can be taken out.
"""

from __future__ import annotations

from collections.abc import Callable

from grader.collector.shims import (
    checkpoints,
    colab,
    compiling,
    cuda,
    datasets,
    displays,
    drift,
    drive,
    folders,
    handed_in,
    images,
    items,
    lifetime,
    network,
    newer_python,
    packages,
    pretrained,
    shell_lines,
)
from grader.collector.shims.context import Context

__all__ = ["SHIMS"]

#: By name, in the order of installation.
SHIMS: dict[str, Callable[[Context], None]] = {
    "colab": colab.install,
    "checkpoints": checkpoints.install,
    "handed_in": handed_in.install,
    "drive": drive.install,
    "shell": shell_lines.install,
    "newer_python": newer_python.install,
    "packages": packages.install,
    "lifetime": lifetime.install,
    "displays": displays.install,
    "network": network.install,
    "images": images.install,
    "cuda": cuda.install,
    "compiling": compiling.install,
    "drift": drift.install,
    "datasets": datasets.install,
    "folders": folders.install,
    "items": items.install,
    "pretrained": pretrained.install,
}
