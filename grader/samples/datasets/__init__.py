"""Small stand-ins for the labs' data sets, drawn by code, in the real sets' on-disk formats."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from grader.errors import UsageError
from grader.samples.datasets.cifar10 import write_cifar10
from grader.samples.datasets.gestures import write_gestures
from grader.samples.datasets.mnist import write_mnist

__all__ = [
    "REAL_SIZES",
    "SPLITS",
    "STAND_INS",
    "read_sizes",
    "write_cifar10",
    "write_gestures",
    "write_mnist",
    "write_stand_in",
]

#: What `grader data` can write, by the names that rubrics use.
STAND_INS: Mapping[str, Callable[..., Path]] = MappingProxyType(
    {"cifar10": write_cifar10, "mnist": write_mnist, "gestures": write_gestures}
)

#: What each set is split into, and how many pictures the real one has of each; photos are each class's own.
SPLITS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"cifar10": ("train", "test"), "mnist": ("train", "test"), "gestures": ("train", "val", "test")}
)
REAL_SIZES: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {"cifar10": (50_000, 10_000), "mnist": (60_000, 10_000)}
)
_LARGEST = 1_000_000


def write_stand_in(name: str, data: Path, sizes: Sequence[int] | None = None) -> Path:
    """Writes a stand-in into a data folder, as ``--data`` expects it.

    Args:
        name: A key of `STAND_INS`.
        data: The data folder. For torchvision's sets it is what their classes take as ``root``; photos,
            which have no folder of a fixed name, get one called after the set.
        sizes: Pictures in each of the set's `SPLITS`; a small set where it is None.

    Returns:
        The folder that was written.

    Raises:
        UsageError: There is no such set, or not with these sizes.
    """
    folder = data / name if name == "gestures" else data
    return STAND_INS[name](folder) if sizes is None else STAND_INS[name](folder, sizes)


def read_sizes(name: str, text: str) -> tuple[int, ...]:
    """Sizes as one types them: ``60000,10000``, or ``real`` for those of the real set.

    Raises:
        UsageError: They are no such numbers, too many or too few, or the set has no real size.
    """
    splits = SPLITS[name]
    example = ",".join(map(str, REAL_SIZES.get(name, (270, 54, 54))))
    expected = f"pictures for {', '.join(splits)}: --size {example}"
    if text.strip() == "real":
        if name not in REAL_SIZES:
            raise UsageError(f"{name} has no real size: the photos are each class's own", expected=expected)
        return REAL_SIZES[name]
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != len(splits) or not all(part.isdecimal() and 0 < int(part) <= _LARGEST for part in parts):
        raise UsageError(f"these are no sizes of {name}", expected=expected, found=text[:80])
    return tuple(map(int, parts))
