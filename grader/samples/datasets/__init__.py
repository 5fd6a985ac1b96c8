"""Small stand-ins for the labs' data sets, drawn by code, in the real sets' on-disk formats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from grader.samples.datasets.cifar10 import write_cifar10
from grader.samples.datasets.gestures import write_gestures
from grader.samples.datasets.mnist import write_mnist

__all__ = ["STAND_INS", "write_cifar10", "write_gestures", "write_mnist", "write_stand_in"]

#: What `grader data` can write, by the names that rubrics use.
STAND_INS: Mapping[str, Callable[[Path], Path]] = MappingProxyType(
    {"cifar10": write_cifar10, "mnist": write_mnist, "gestures": write_gestures}
)


def write_stand_in(name: str, data: Path) -> Path:
    """Writes a stand-in into a data folder, as ``--data`` expects it.

    Args:
        name: A key of `STAND_INS`.
        data: The data folder. For torchvision's sets it is what their classes take as ``root``; photos,
            which have no folder of a fixed name, get one called after the set.

    Returns:
        The folder that was written.
    """
    return STAND_INS[name](data / name if name == "gestures" else data)
