"""Who is exported: students whose mark is there and settled; everybody else is named with the reason."""

from __future__ import annotations

from collections.abc import Sequence

from grader.exports.model import LeftOut, StudentMark

__all__ = ["select"]


def select(
    marks: Sequence[StudentMark], *, include_pending: bool = False, excused: bool = False
) -> tuple[list[StudentMark], list[LeftOut]]:
    """Parts marks that can be published from those that cannot.

    Args:
        marks: Of all students.
        include_pending: Whether marks of which points still wait are published as they stand.
        excused: Whether the format has a word for who is excused.
    """
    kept: list[StudentMark] = []
    left_out: list[LeftOut] = []
    for mark in marks:
        if excused and mark.excused:
            kept.append(mark)
            continue
        why = mark.missing or ("" if include_pending else mark.waits)
        if why:
            left_out.append(LeftOut(mark.student, why))
        else:
            kept.append(mark)
    return kept, left_out
