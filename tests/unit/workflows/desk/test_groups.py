from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.store import Store
from grader.workflows.desk.deciding import Alike, decide_alike, undo_last
from grader.workflows.desk.groups import Group, Groups, groups_of
from grader.workflows.desk.learning import learn_answers
from tests import desk_class

WHY = "why-validation"


def students(group: Group) -> list[str]:
    return [member.student for member in group.members]


@pytest.fixture(params=["kept", "read from the evidence"])
def groups(request: pytest.FixtureRequest, readers: Store) -> Groups:
    if request.param == "kept":
        assert learn_answers(readers, "lab") == 7
        assert learn_answers(readers, "lab") == 0
    return groups_of(readers, "lab", WHY)


def test_equal_answers_are_a_group_and_nearly_equal_ones_stand_beside_it(groups: Groups) -> None:
    assert (groups.waits, groups.of, groups.out_of) == (7, 7, 3.0)
    [group] = groups.groups
    assert (group.why, students(group), group.size) == ("equal answers", ["s1", "s2", "s3"], 3)
    assert [member.differs for member in group.members] == [(), (), ()]
    assert [(member.student, member.differs) for member in group.near] == [
        ("s4", ("'selected' for 'chosen'",))
    ]
    assert group.exemplar.student == "s1"
    assert group.offer is None


def test_one_word_that_turns_the_sense_keeps_answers_apart(groups: Groups) -> None:
    assert "s5" in [member.student for member in groups.single]


def test_all_that_wait_come_once_in_the_order_of_grading(groups: Groups) -> None:
    order = [member.student for member in groups.order]
    assert sorted(order) == ["s1", "s2", "s3", "s4", "s5", "s6", "s7"]
    assert order[:4] == ["s1", "s2", "s3", "s4"]


def test_whoever_comes_later_is_offered_what_was_decided_and_gets_nothing_by_it(readers: Store) -> None:
    [group] = groups_of(readers, "lab", WHY).groups
    chosen = [Alike(member.student, member.seen) for member in group.members[:2]]
    decide_alike(readers, "lab", WHY, 2.0, "the danger?", chosen, actor="ann")
    [later] = groups_of(readers, "lab", WHY).groups
    assert students(later) == ["s3"]
    assert (later.offer.points, later.offer.comment, later.offer.by, later.offer.decided) == (
        2.0,
        "the danger?",
        "ann",
        2,
    )
    assert later.key == group.key
    undo_last(readers, "lab", actor="ann")
    [again] = groups_of(readers, "lab", WHY).groups
    assert (students(again), again.offer) == (["s1", "s2", "s3"], None)


def test_where_people_decided_otherwise_for_the_same_nothing_is_offered(readers: Store) -> None:
    [group] = groups_of(readers, "lab", WHY).groups
    for member, points in zip(group.members[:2], (1.0, 2.0), strict=True):
        decide_alike(readers, "lab", WHY, points, "", [Alike(member.student, member.seen)], actor="ann")
    [later] = groups_of(readers, "lab", WHY).groups
    assert (later.offer, sorted(later.decided)) == (None, [(1.0, 1), (2.0, 1)])


def test_pseudonyms_hide_who_is_in_a_group(readers: Store) -> None:
    shown = [member.shown for member in groups_of(readers, "lab", WHY, anonymous=True).order]
    assert all(name.startswith("anon-") for name in shown)
    assert len(set(shown)) == 7


SPLIT = "import torch\nfirst = torch.randperm(9)\npart = torch.split(first, 3)\nprint(part)"


def test_code_is_equal_whatever_its_names_and_near_where_it_calls_the_same(
    tmp_path: Path, clock: Callable[[], datetime]
) -> None:
    works = {
        "s1": desk_class.work(split=SPLIT),
        "s2": desk_class.work(split=SPLIT.replace("first", "order").replace("part", "three")),
        "s3": desk_class.work(split=SPLIT.replace("9", "12")),
        "s4": desk_class.work(split="half = list(range(4))[:2]\nprint(half)"),
        "s5": desk_class.work(split="# YOUR CODE HERE\n"),
    }
    with desk_class.grade(tmp_path, clock, works) as store:
        found = groups_of(store, "lab", "split-written")
    [group] = found.groups
    assert students(group) == ["s1", "s2"]
    assert [(member.student, member.differs) for member in group.near] == [("s3", ("other code",))]
    assert [member.student for member in found.single] == ["s4"]


def test_a_curve_that_looks_otherwise_is_another_answer(
    tmp_path: Path, clock: Callable[[], datetime]
) -> None:
    same, other = (desk_class.work(described="they part") for _ in range(2))
    works = {"s1": same, "s2": other, "s3": other.replace(b"Epoch 30: 0.1", b"Epoch 30: 0.9")}
    with desk_class.grade(tmp_path, clock, works) as store:
        [group] = groups_of(store, "lab", "curves-described").groups
    assert students(group) == ["s1", "s2"]
    assert [member.differs for member in group.near] == [("other outputs",)]


def test_what_is_not_there_is_named(readers: Store) -> None:
    with pytest.raises(UsageError, match="no criterion 'why'"):
        groups_of(readers, "lab", "why")
    with pytest.raises(UsageError, match="no assignment is called 'lib'"):
        groups_of(readers, "lib", WHY)
