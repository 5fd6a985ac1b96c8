"""What is judged in the property tests: for each bundled rubric right work, and work with mistakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.unit.grading import work_on_convolution, work_on_lab1, work_on_lab2, work_on_lab3a, work_on_lab3b
from tests.unit.grading.handed_in import Work

__all__ = ["RIGHT", "WRONG"]

_WORKS: Mapping[str, Callable[..., Work]] = {
    "convolution": work_on_convolution.work,
    "lab1": work_on_lab1.work,
    "lab2": work_on_lab2.work,
    "lab3a": work_on_lab3a.work,
    "lab3b": work_on_lab3b.work,
}
RIGHT: Mapping[str, Work] = {name: work(right=True) for name, work in _WORKS.items()}
WRONG: Mapping[str, Work] = {name: work(right=False) for name, work in _WORKS.items()}
