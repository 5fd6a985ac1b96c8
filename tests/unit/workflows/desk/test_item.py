from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from grader.errors import UsageError
from grader.grading.requests import Kind, State
from grader.store import Store
from grader.workflows.desk.item import Item, read_item
from grader.workflows.marking.marks import MarkOrder, give_marks
from grader.workflows.marking.remark import Request, open_request
from tests import desk_class

LONG = "\n".join(
    ["def split(data):", *(f"    part{number} = data[{number}:]" for number in range(40)), "    return part3"]
)


@pytest.fixture
def store(tmp_path: Path, clock: Callable[[], Any]) -> Iterator[Store]:
    works = {
        "yuri": desk_class.work("*Settings* are chosen on it. yuri", "they part at 5", LONG, first="sum = 3"),
        "ben": desk_class.work(),
    }
    with desk_class.grade(tmp_path, clock, works) as opened:
        yield opened


def test_an_item_has_the_question_and_the_answer_as_it_was_written(store: Store) -> None:
    item = read_item(store, "lab", "yuri", "why-validation")
    assert (item.asked.title, item.asked.points) == ("Why a validation set is needed", 3)
    assert item.asked.asks == "Say why a validation set is needed."
    assert item.asked.look_for == "Settings are chosen on it."
    assert item.asked.guide == "1 for what it is for, 2 for the danger without it."
    assert item.asked.given == ("# Why\nWhy is a validation set needed?",)
    [cell] = item.answer.cells
    assert (cell.kind, cell.source, cell.own) == ("markdown", "*Settings* are chosen on it. yuri", True)
    assert "under “Why”" in cell.name
    assert (item.answer.state, item.status, item.counts, item.waits) == ("written", "NEEDS_TA", 0.0, 3.0)


def test_what_the_student_saw_stands_beside_what_we_saw(store: Store) -> None:
    [cell] = read_item(store, "lab", "yuri", "curves-described").answer.cells
    assert [shown.kind for shown in cell.handed_in] == ["text", "picture"]
    assert (cell.handed_in[0].text, cell.handed_in[1].mime) == ("Epoch 30: 0.1", "image/png")
    assert cell.handed_in[1].data == desk_class.PNG
    assert [shown.text for shown in cell.ours] == ["Epoch 1: 0.7"]
    assert not cell.outputs_agree
    assert read_item(store, "lab", "yuri", "curves-described").answer.cut_training


def test_what_the_rubric_lays_beside_an_answer_is_seen_and_is_no_part_of_it(store: Store) -> None:
    answer = read_item(store, "lab", "yuri", "split-written").answer
    [curves] = read_item(store, "lab", "yuri", "curves-described").answer.cells
    [beside] = answer.beside
    assert (beside.index, beside.handed_in, beside.ours) == (curves.index, curves.handed_in, curves.ours)
    assert curves.index not in [cell.index for cell in answer.cells]
    assert read_item(store, "lab", "yuri", "curves-described").answer.beside == ()


def test_lines_of_the_handout_are_told_from_the_students_own(store: Store) -> None:
    [cell] = read_item(store, "lab", "yuri", "curves-described").answer.cells
    assert [line.text for line in cell.lines if line.own] == ["plt.plot(losses)", "# they part at 5"]


def test_of_a_long_cell_the_last_own_lines_are_shown(store: Store) -> None:
    [cell] = read_item(store, "lab", "yuri", "split-written").answer.cells
    shown = cell.excerpt(6)
    assert shown[0].number == 0
    assert [line.number for line in shown[1:]] == [37, 38, 39, 40, 41, 42]
    assert shown[-1].text == "    return part3"
    assert cell.excerpt(42) == cell.lines


def test_a_marked_line_is_shown_in_whatever_part_of_a_long_cell_it_is(store: Store) -> None:
    [cell] = read_item(store, "lab", "yuri", "builtin-shadowing").answer.cells
    assert [(line.text, line.marked) for line in cell.lines] == [("sum = 3", True)]


def test_what_was_left_as_given_is_said_to_be_untouched(store: Store) -> None:
    item = read_item(store, "lab", "ben", "why-validation")
    assert (item.answer.state, item.answer.cells) == ("untouched", ())
    assert item.found.status.value == "FAIL"


def test_marks_remarks_and_what_was_seen_stand_with_it(store: Store) -> None:
    before = read_item(store, "lab", "yuri", "why-validation")
    assert before.seen.mark is None
    give_marks(store, "lab", [MarkOrder("yuri", "why-validation", 2.0, "the danger is missing")], actor="ann")
    request = Request("yuri", "lab", "why-validation", Kind.JUDGEMENT, "it is there", accepted=True)
    open_request(store, [request], actor="yuri")
    item = read_item(store, "lab", "yuri", "why-validation", anonymous=True)
    [mark] = item.marks
    assert (mark.points, mark.by, mark.comment, mark.counts, mark.alike) == (
        2.0,
        "ann",
        "the danger is missing",
        True,
        1,
    )
    assert (item.seen.mark, item.seen.verdict) == (mark.seq, before.seen.verdict)
    assert (item.status, item.counts, item.waits) == ("MARKED", 2.0, 0.0)
    [remark] = item.remarks
    assert (remark.state, remark.reason, remark.points_before) == (State.SUBMITTED, "it is there", 2.0)


def _texts(value: Any) -> Iterator[str]:
    """Every text anywhere in plain data."""
    if isinstance(value, str):
        yield value
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            if field.name != "student":
                yield from _texts(getattr(value, field.name))
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _texts(each)


@pytest.mark.parametrize("criterion", ["why-validation", "curves-described", "builtin-shadowing"])
def test_whoever_grades_blind_reads_no_name(store: Store, criterion: str) -> None:
    item = read_item(store, "lab", "yuri", criterion, anonymous=True)
    assert item.shown.startswith("anon-")
    assert not [text for text in _texts(item) if "yuri" in text]
    again: Item = read_item(store, "lab", item.shown, criterion)
    assert again.student == "yuri"


def test_what_is_not_there_is_named(store: Store) -> None:
    with pytest.raises(UsageError, match="no criterion 'why'"):
        read_item(store, "lab", "yuri", "why")
    with pytest.raises(UsageError, match="'eve' handed in nothing"):
        read_item(store, "lab", "eve", "why-validation")
