from __future__ import annotations

import pytest

from grader.errors import UsageError
from grader.store import Store
from grader.workflows.desk.flags import raise_flag
from grader.workflows.desk.waiting import waiting
from grader.workflows.marking.marks import MarkOrder, give_marks


def test_criteria_with_open_points_are_counted(readers: Store) -> None:
    give_marks(readers, "lab", [MarkOrder("s1", "why-validation", 2.0, "")], actor="ann")
    raise_flag(readers, "lab", "s2", "why-validation", "copied?", actor="ann")
    found = waiting(readers, "lab")
    counted = [(each.criterion, each.waits, each.of, each.points, each.marked) for each in found.criteria]
    assert counted == [("why-validation", 6, 7, 18.0, 1), ("curves-described", 7, 7, 28.0, 0)]
    assert (found.waits, found.held) == (13, ())
    assert [(each.flagged, each.alike) for each in found.criteria] == [(1, (6,)), (0, (7,))]


def test_an_unknown_assignment_is_named(readers: Store) -> None:
    with pytest.raises(UsageError, match="no assignment is called 'lob'"):
        waiting(readers, "lob")
