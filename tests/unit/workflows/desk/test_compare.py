"""Two works side by side: what is equal, what is equal but for names, what differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.store import Store
from grader.workflows.desk.compare import CodeBeside, compare_code, compare_two
from grader.workflows.marking.drop import drop, that_can_be_dropped
from grader.workflows.marking.marks import MarkOrder, give_marks
from grader.workflows.views.show import name_of
from tests import desk_class

FIRST = """\
def share(net, loader):
    right, seen = 0, 0
    for images, labels in loader:
        right += (net(images).argmax(1) == labels).sum()
        seen += len(labels)  # of ben
    return right / seen"""
SECOND = """\
def share(net, loader):
    good, n = 0, 0
    for images, labels in loader:
        scores = net(images).softmax(1)
        good += (scores.max(1).indices == labels).sum()
        n += len(labels)  # of yuri
    return good / n"""

ALL = ("yuri", "ben", "other0", "other1", "other2", "other3", "nobody")


@pytest.fixture
def store(tmp_path: Path, clock: Callable[[], datetime]) -> Iterator[Store]:
    works = {
        "yuri": desk_class.work("On it.", "they part", FIRST),
        "ben": desk_class.work("On it.", "", SECOND),
        **{f"other{place}": desk_class.work(split="train, rest = split(data, 0.8)") for place in range(4)},
        "nobody": desk_class.work(),
    }
    with desk_class.grade(tmp_path, clock, works) as opened:
        yield opened


def told(beside: CodeBeside) -> list[tuple[str, str, str]]:
    return [
        (row.kind, row.left.text if row.left else "", row.right.text if row.right else "")
        for row in beside.rows
    ]


def test_lines_stand_beside_those_that_are_equal_names_apart(store: Store) -> None:
    rows = told(compare_code(store, "lab", "yuri", "ben"))
    split = rows[[row[1] for row in rows].index("def share(net, loader):") :]
    assert split == [
        ("equal", "def share(net, loader):", "def share(net, loader):"),
        ("renamed", "    right, seen = 0, 0", "    good, n = 0, 0"),
        ("equal", "    for images, labels in loader:", "    for images, labels in loader:"),
        (
            "differs",
            "        right += (net(images).argmax(1) == labels).sum()",
            "        scores = net(images).softmax(1)",
        ),
        ("differs", "", "        good += (scores.max(1).indices == labels).sum()"),
        ("renamed", "        seen += len(labels)  # of ben", "        n += len(labels)  # of yuri"),
        ("renamed", "    return right / seen", "    return good / n"),
    ]


def test_a_cell_is_named_at_its_first_line_and_what_was_given_is_told_apart(store: Store) -> None:
    beside = compare_code(store, "lab", "yuri", "nobody")
    lines = [row.left for row in beside.rows if row.left]
    named = [line for line in lines if line.name]
    assert [(line.cell, line.number) for line in named] == [(3, 1), (5, 1)]
    assert "under “Curves”" in named[0].name
    assert [line.text for line in lines if line.given] == [
        "import matplotlib.pyplot as plt", "losses = [3, 2, 1]", "# YOUR CODE HERE",
    ]  # fmt: skip
    assert {row.right for row in beside.rows} == {None}


def test_what_the_two_share_is_what_others_do_not_write(store: Store) -> None:
    shared = compare_code(store, "lab", "yuri", "ben").shared
    assert shared.lines == (7, 7)
    # Of each one's seven lines: six and seven of the split, and yuri's plot; five of them are equal.
    assert shared.share == pytest.approx(2 * 5 / 14)
    assert shared.share_as_written == pytest.approx(2 * 2 / 14)
    assert [number for number, _, _ in shared.stretches] == [3, 2]
    nothing = compare_code(store, "lab", "other1", "other2").shared
    assert (nothing.lines, nothing.share, nothing.stretches) == ((0, 0), 0.0, ())


def test_others_are_read_once_and_again_where_something_of_them_changed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, texts = list[str](), Store.cell_texts
    monkeypatch.setattr(
        Store, "cell_texts", lambda self, attempt: (read.append(attempt.student), texts(self, attempt))[1]
    )
    compare_code(store, "lab", "yuri", "ben")
    assert sorted(read) == sorted([*ALL, "yuri", "ben"])
    read.clear()
    assert compare_code(store, "lab", "other1", "nobody").shared.lines == (0, 0)
    assert read == ["other1", "nobody"]
    drop(store, that_can_be_dropped(store, "lab", ["other0", "other3"]), "copies of a copy", actor="ann")
    read.clear()
    # Two are not many any more, so that the split is their own.
    assert compare_code(store, "lab", "other1", "other2").shared.lines == (1, 1)
    assert read == ["other1", "other2"]


def test_long_stretches_are_named_by_their_places(store: Store) -> None:
    [(number, left, right)] = compare_code(store, "lab", "yuri", "ben").stretches
    assert number == 3
    assert left.endswith("no. 5, line 1") and right.endswith("no. 5, line 1")


def test_criteria_stand_beside_each_other_and_differences_are_seen(store: Store) -> None:
    give_marks(store, "lab", [MarkOrder("ben", "why-validation", 2.0, "short")], actor="ann")
    two = compare_two(store, "lab", "yuri", "ben")
    assert [pair.id for pair in two.criteria] == [
        "builtin-shadowing", "why-validation", "curves-described", "split-written",
    ]  # fmt: skip
    assert [pair.id for pair in two.criteria if pair.differs] == ["why-validation", "curves-described"]
    pair = two.criteria[1]
    assert pair.left and pair.right
    assert (pair.left.pending, pair.right.points, pair.right.why) == (3.0, 2.0, "short")


def test_whoever_is_blind_reads_the_name_of_neither(store: Store) -> None:
    name = name_of(store, anonymous=True)
    names = (name("yuri"), name("ben"))
    beside = compare_code(store, "lab", *names, anonymous=True)
    assert (beside.left, beside.right) == names
    text = repr(beside)
    assert "yuri" not in text and "of ben" not in text and "# of (student)" in text
    assert (compare_two(store, "lab", *names, anonymous=True).left.shown) == names[0]


def test_one_is_not_compared_with_themselves(store: Store) -> None:
    with pytest.raises(UsageError, match="one and the same"):
        compare_two(store, "lab", "yuri", "yuri")
    with pytest.raises(UsageError, match="handed in nothing"):
        compare_two(store, "lab", "yuri", "zoe")
    with pytest.raises(UsageError, match="one and the same"):
        compare_code(store, "lab", "ben", "ben")
