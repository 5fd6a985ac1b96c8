"""Points from judgements: decimal arithmetic, so that a sum of marks is what a person would write down.

A share of a criterion's points is rounded half up to two decimals, since marks are published with two; what
waits for a TA is cut to what is left, so that points and pending points never pass what can be had.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from grader.judging.judgement import Judgement, Status

__all__ = ["FINENESS", "add_up", "in_cents", "is_in_cents", "less", "points_of", "settle", "settled_points"]

_CENT = Decimal("0.01")
#: How fine points are, for messages.
FINENESS = "at most 2 decimals"


def points_of(judgement: Judgement, out_of: float) -> tuple[float, float]:
    """Points earned and points pending, each with two decimals.

    Args:
        judgement: A settled judgement (see `settle`).
        out_of: The criterion's points.

    Returns:
        ``(points, pending)`` with ``points + pending <= out_of``.
    """
    whole = Decimal(str(out_of))
    earned = min(in_cents(whole * Decimal(str(judgement.share))), whole)
    left = (whole - earned).quantize(_CENT, rounding=ROUND_DOWN)
    pending = min(in_cents(whole * Decimal(str(judgement.open_share))), left)
    return float(earned), float(pending)


def add_up(points: Iterable[float]) -> float:
    """Sums published points without binary rounding."""
    return float(sum((Decimal(str(value)) for value in points), Decimal(0)))


def less(whole: float, *taken: float) -> float:
    """What is left of published points, never below zero."""
    return max(0.0, add_up((whole, *(-points for points in taken))))


def settled_points(points: float | None, out_of: float | None, pending: float | None) -> float | None:
    """Points as lists show them; None where there are none, or all of them still wait, which is no 0."""
    return None if pending and out_of is not None and pending >= out_of else points


def settle(judgement: Judgement) -> Judgement:
    """Makes shares agree with the status: a check's slip in one of them must not cost or give points."""
    share, pending = judgement.share, judgement.open_share
    if judgement.status is Status.PASS:
        share, pending = 1.0, 0.0
    elif judgement.status is Status.FAIL:
        share, pending = 0.0, 0.0
    elif judgement.status is Status.PARTIAL:
        pending = 0.0
    elif judgement.status in (Status.MISSING_EVIDENCE, Status.CHECK_ERROR):
        share, pending = 0.0, 1.0
    return judgement.model_copy(update={"share": share, "open_share": min(pending, 1.0 - share)})


def in_cents(points: Decimal) -> Decimal:
    """Points as they are published: two decimals, halves up. The one place where points are rounded."""
    return points.quantize(_CENT, rounding=ROUND_HALF_UP)


def is_in_cents(points: float) -> bool:
    """Whether a mark list shows these points as they are, without rounding."""
    return Decimal(str(points)) == in_cents(Decimal(str(points)))
