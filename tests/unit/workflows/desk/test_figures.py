"""A class in figures from the standing, and how people agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.store import Store
from grader.workflows.desk.figures import agreements, figures_of
from grader.workflows.marking.marks import MarkOrder, give_marks
from grader.workflows.views.show import find_results
from tests import desk_class
from tests.course import seen_now


@pytest.fixture
def store(tmp_path: Path, clock: Callable[[], datetime]) -> Iterator[Store]:
    works = {f"s{place:02}": desk_class.work("On it.", "they part", "split") for place in range(12)}
    with desk_class.grade(tmp_path, clock, works) as opened:
        yield opened


def give(store: Store, by: str, criterion: str, points: dict[str, float]) -> None:
    orders = [MarkOrder(student, criterion, each, "") for student, each in points.items()]
    give_marks(store, "lab", orders, actor=by)


def test_figures_follow_what_people_decide(store: Store) -> None:
    before = figures_of(store, "lab")
    assert (before.works, before.settled, before.waiting, before.open, before.decided) == (12, 0, 12, 36, 0)
    assert before.marks.mean == pytest.approx(2.0) and before.marks.out_of == 12.0
    for criterion, points in (("why-validation", 3.0), ("curves-described", 4.0), ("split-written", 3.0)):
        give(store, "ben", criterion, {"s00": points})
    after = figures_of(store, "lab")
    assert (after.works, after.settled, after.waiting, after.open, after.decided) == (12, 1, 11, 33, 3)
    assert after.marks.mean == pytest.approx(2.0 + 10 / 12)
    assert after.row == before.row + 3
    with pytest.raises(UsageError, match="no assignment is called"):
        figures_of(store, "none")


def test_people_who_judge_the_same_otherwise_are_shown(store: Store) -> None:
    give(store, "ben", "why-validation", {f"s{place:02}": 3.0 - place % 2 for place in range(6)})
    give(store, "cara", "why-validation", {f"s{place:02}": float(place % 2) for place in range(6, 12)})
    give(store, "ben", "curves-described", {f"s{place:02}": float(place % 5) for place in range(5)})
    give(store, "cara", "curves-described", {f"s{place:02}": float(place % 5) for place in range(5, 10)})
    give(store, "ben", "split-written", {f"s{place:02}": 3.0 for place in range(6)})
    give(store, "cara", "split-written", {f"s{place:02}": 0.0 for place in range(6, 10)})
    why, curves = agreements(store, "lab")
    assert (why.criterion, why.apart, curves.criterion, curves.apart) == (
        "why-validation", True, "curves-described", False,
    )  # fmt: skip
    assert why.title == "Why a validation set is needed"
    assert [(by, works) for by, works, _ in why.graders] == [("ben", 6), ("cara", 6)]
    # Three times 3 and three times 2 of 3 points; three times 0 and three times 1.
    assert [mean for _, _, mean in why.graders] == pytest.approx([5 / 6, 1 / 6])


def test_a_mark_that_was_undone_by_another_counts_for_nobody(store: Store) -> None:
    give(store, "ben", "why-validation", {f"s{place:02}": 3.0 for place in range(6)})
    give(store, "cara", "why-validation", {f"s{place:02}": 3.0 for place in range(6, 12)})
    seen = seen_now(find_results(store, "lab", ["s00"])[0], "why-validation")
    give_marks(store, "lab", [MarkOrder("s00", "why-validation", 1.0, "", seen=seen)], actor="cara")
    with store.reading() as history:
        found = {(row.by, row.works) for row in history.graders("lab")}
    assert found == {("ben", 5), ("cara", 7)}
