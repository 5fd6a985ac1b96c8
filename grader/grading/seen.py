"""What whoever gives a mark had on screen, so that nobody's decision is replaced unseen. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from grader.errors import UsageError
from grader.grading.marks import CriterionMark
from grader.grading.verdict import Finding

__all__ = ["Seen", "read_seen", "same_finding", "seen_of"]

_FORM = re.compile(r"(\d{1,18})(?:\+(\d{1,18}))?")


@dataclass(frozen=True)
class Seen:
    """The rows of the history that were shown of one criterion.

    Attributes:
        verdict: Number of the verdict.
        mark: Number of the mark by a person that counted; None where none did.
    """

    verdict: int
    mark: int | None = None

    def __str__(self) -> str:
        """As listings print it and ``--seen`` takes it: ``12``, or ``12+34`` with a mark."""
        return str(self.verdict) if self.mark is None else f"{self.verdict}+{self.mark}"


def read_seen(text: str) -> Seen:
    """Reads what `Seen` prints.

    Raises:
        UsageError: It is nothing that a listing printed.
    """
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            "this does not say what was seen",
            expected="the rows as `grader pending` and `grader show` print them: 12, or 12+34",
            found=text,
        )
    return Seen(int(match[1]), int(match[2]) if match[2] else None)


def seen_of(verdict: int, mark: CriterionMark) -> Seen:
    """What somebody sees who is shown a criterion's mark on the verdict of this number."""
    return Seen(verdict, mark.decision.seq if mark.decision else None)


def same_finding(one: Finding | None, other: Finding | None) -> bool:
    """Whether two verdicts say the same of a criterion to whoever marks it."""
    return _said(one) == _said(other)


def _said(finding: Finding | None) -> tuple[object, ...] | None:
    if finding is None:
        return None
    points = finding.points, finding.pending, finding.out_of
    return finding.status, points, finding.message, finding.open, finding.exhibits
