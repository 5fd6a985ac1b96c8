"""What is kept of a class in memory is what reading all of it anew would give."""

from __future__ import annotations

import pytest

from grader.errors import UsageError
from grader.store import Store, open_store
from grader.workflows.desk.deciding import Alike, decide_alike, undo_last
from grader.workflows.desk.groups import group_of, groups_of, place_of
from grader.workflows.marking.drop import drop
from grader.workflows.marking.marks import MarkOrder, give_marks
from grader.workflows.views.show import find_result

WHY = "why-validation"


def anew(store: Store) -> Store:
    """The same history by one that has read nothing of it."""
    return open_store(store.location, create=False)


def same(store: Store, criterion: str = WHY) -> None:
    with anew(store) as other:
        for anonymous in (False, True):
            one = groups_of(store, "lab", criterion, anonymous=anonymous)
            assert one == groups_of(other, "lab", criterion, anonymous=anonymous)


def test_every_kind_of_row_is_followed(readers: Store) -> None:
    """Asked again after each: a mark, one taken back, a decision about several, its undoing, a drop."""
    same(readers)
    give_marks(readers, "lab", [MarkOrder("s6", WHY, 1.0, "short")], actor="ann")
    same(readers)
    give_marks(readers, "lab", [MarkOrder("s6", WHY, None, "")], actor="ann")
    same(readers)
    members = groups_of(readers, "lab", WHY).groups[0].members
    chosen = [Alike(each.student, each.seen) for each in members]
    decide_alike(readers, "lab", WHY, 2.0, "", chosen[:2], actor="ann")
    same(readers)
    decide_alike(readers, "lab", WHY, 2.0, "", chosen[2:], actor="ann")
    same(readers)
    undo_last(readers, "lab", actor="ann")
    same(readers)
    drop(readers, [find_result(readers, "s1", "lab")], "left the course", actor="ann")
    same(readers)
    same(readers, "builtin-shadowing")


def test_nobody_moves_while_a_group_is_marked(readers: Store) -> None:
    order = [each.student for each in groups_of(readers, "lab", WHY).order]
    for student in ("s2", "s1"):
        give_marks(readers, "lab", [MarkOrder(student, WHY, 1.0, "")], actor="ann")
        order.remove(student)
        assert [each.student for each in groups_of(readers, "lab", WHY).order] == order


def test_what_other_rows_are_about_is_not_read_again(readers: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    place_of(readers, "lab", WHY)
    asked = []
    from grader.store import History

    rows = History.class_rows
    monkeypatch.setattr(History, "class_rows", lambda self, *names: asked.append(names) or rows(self, *names))
    place_of(readers, "lab", WHY)
    assert asked == []
    give_marks(readers, "lab", [MarkOrder("s3", WHY, 1.0, "")], actor="ann")
    place_of(readers, "lab", WHY)
    assert asked == [("lab", WHY, {"s3"})]


def test_the_next_come_round_and_the_first_follows_whoever_waits_no_longer(readers: Store) -> None:
    order = [each.shown for each in groups_of(readers, "lab", WHY).order]
    first, last = (place_of(readers, "lab", WHY, student) for student in (order[0], order[-1]))
    assert (first.before, first.after) == ("", order[1])
    assert (last.before, last.after) == (order[-2], order[0])
    assert place_of(readers, "lab", WHY).shown == order[0]
    assert place_of(readers, "lab", WHY, prefer=order[3]).shown == order[3]
    give_marks(readers, "lab", [MarkOrder(order[3], WHY, 1.0, "")], actor="ann")
    given = place_of(readers, "lab", WHY, order[3])
    assert (given.shown, given.seen, given.before, given.after) == (order[3], None, "", order[0])
    assert place_of(readers, "lab", WHY, prefer=order[3]).shown == order[0]
    assert (given.heading.waits, given.heading.of) == (6, 7)


def test_a_group_by_its_key_shows_so_many_and_knows_how_many_there_are(readers: Store) -> None:
    key = groups_of(readers, "lab", WHY).groups[0].key
    _, group = group_of(readers, "lab", WHY, key, most=2)
    assert group is not None
    assert (len(group.members), group.size, [each.student for each in group.near]) == (2, 3, ["s4"])
    assert group_of(readers, "lab", WHY, "none")[1] is None


def test_a_criterion_that_is_not_there_is_said_each_time(readers: Store) -> None:
    for _ in range(2):
        with pytest.raises(UsageError, match="no criterion 'why'"):
            place_of(readers, "lab", "why")
