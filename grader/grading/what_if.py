"""What other weights would come to for a whole class, by arithmetic on arrays. Pure.

A mark is packed into bytes, as many for each by one rubric, so that a database hands out a class in few rows:
two numbers on lateness, then for each criterion the share earned and the share pending, each of two bytes,
the low one first, 65535 being the whole. At weights up to 300 points that gives every mark to the cent.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from grader.grading.marks import Mark

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Shares = NDArray[np.uint16]

__all__ = ["Distribution", "Packed", "WhatIf", "distribution", "in_no_order", "pack", "what_if"]

_WHOLE = 65535
_HEAD = 2
#: Keeps a sum that binary arithmetic left a hair below a half cent from being rounded down.
_HAIR = 1e-6


@dataclass(frozen=True)
class Packed:
    """The marks of all students by one rubric.

    Attributes:
        marks: As `pack` gives them, one after another.
        criteria: Ids in the rubric's order.
        out_of: What each is worth by that rubric.
    """

    marks: bytes
    criteria: tuple[str, ...]
    out_of: tuple[float, ...]


@dataclass(frozen=True)
class Distribution:
    """How many marks lie in each of equal parts of what can be had; the last part takes full marks in.

    Attributes:
        counts: From none to all of the points.
        mean: Of the points; 0 where there is no mark.
        out_of: Points that can be had, the most where rubrics differ.
    """

    counts: tuple[int, ...]
    mean: float
    out_of: float

    @property
    def marks(self) -> int:
        return sum(self.counts)


@dataclass(frozen=True)
class WhatIf:
    """A class by its present weights and by others.

    Attributes:
        gain, lose: How many have a higher, or a lower, share of what can be had.
    """

    before: Distribution
    after: Distribution
    gain: int
    lose: int


def pack(mark: Mark) -> str:
    """A mark as `what_if` reads it, in hex: ``4 * (2 + 2 * criteria)`` digits."""
    rate = mark.late.rate if mark.late else 0.0
    policy = mark.verdict.late
    of_all = bool(mark.late and policy and policy.share_of == "out_of" and not mark.late.stopped)
    shares = [min(1.0, rate), float(of_all)]
    for item in mark.criteria:
        shares += [item.points / item.out_of, item.pending / item.out_of] if item.out_of else [0.0, 0.0]
    return struct.pack(f"<{len(shares)}H", *(round(_WHOLE * share) for share in shares)).hex()


def in_no_order(class_: Packed) -> Packed:
    """The same marks, so sorted that no place tells whose one is."""
    import numpy as np

    size = 2 * (_HEAD + 2 * len(class_.criteria))
    return replace(class_, marks=np.sort(np.frombuffer(class_.marks, f"S{size}")).tobytes())


def what_if(classes: Sequence[Packed], weights: Mapping[str, float], *, bins: int = 20) -> WhatIf:
    """Marks by other weights.

    Args:
        classes: One for each rubric by which marks stand.
        weights: Points of criteria by id; those not named keep theirs.
        bins: Parts of the distributions.

    Returns:
        Earned points, with what waits counted as not earned, after lateness.
    """
    import numpy as np

    before, after = [], []
    for each in classes:
        numbers = np.frombuffer(each.marks, dtype="<u2")
        rows = numbers.reshape(-1, _HEAD + 2 * len(each.criteria))
        old = np.asarray(each.out_of)
        new = np.asarray([weights.get(name, worth) for name, worth in zip(each.criteria, old, strict=True)])
        before.append((_points(rows, old), float(old.sum())))
        after.append((_points(rows, new), float(new.sum())))
    gained = [_shares(*new) - _shares(*old) for old, new in zip(before, after, strict=True)]
    moved = np.concatenate(gained) if gained else np.zeros(0)
    return WhatIf(
        distribution(before, bins=bins),
        distribution(after, bins=bins),
        gain=int((moved > _HAIR).sum()),
        lose=int((moved < -_HAIR).sum()),
    )


def distribution(classes: Sequence[tuple[Floats, float]], *, bins: int) -> Distribution:
    """How marks are spread.

    Args:
        classes: Points of students, and what they are out of.
        bins: Number of equal parts.
    """
    import numpy as np

    counts = np.zeros(bins, dtype=np.int64)
    points = [each for each, _ in classes]
    for each, out_of in classes:
        place = np.floor(_shares(each, out_of) * bins + _HAIR).astype(np.int64)
        counts += np.bincount(np.clip(place, 0, bins - 1), minlength=bins)
    every = np.concatenate(points) if points else np.zeros(0)
    mean = float(every.mean()) if every.size else 0.0
    return Distribution(tuple(map(int, counts)), mean, max((out_of for _, out_of in classes), default=0.0))


def _points(rows: Shares, weights: Floats) -> Floats:
    """Points after lateness; few passes over the class, since a person drags a slider meanwhile."""
    import numpy as np

    # Single precision is exact for whole cents up to 167,772.16 points, and half the work.
    cents = np.multiply(rows[:, _HEAD::2], weights * (100 / _WHOLE), dtype=np.float32)
    cents += 0.5
    np.floor(cents, out=cents)
    earned = cents.sum(axis=1).astype(np.float64)
    rate = rows[:, 0] / _WHOLE
    basis = np.where(rows[:, 1] > 0, 100 * weights.sum(), earned)
    taken = np.minimum(np.floor(basis * rate + 0.5 + _HAIR), earned)
    left: Floats = (earned - taken) / 100
    return left


def _shares(points: Floats, out_of: float) -> Floats:
    shares: Floats = points / out_of if out_of else points * 0.0
    return shares
