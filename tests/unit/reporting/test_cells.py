"""Cells by their first words and heading, the number last."""

from __future__ import annotations

import pytest

from grader.reporting.cells import cell_name, cells_by_name, first_words, without_cells
from tests.factories import cell

CELLS = (
    cell(0, "# Lab 1\n\nBy *me*.", kind="markdown"),
    cell(1, "\n\nnet = Net()\ntrain(net)"),
    cell(2, "## Part 2. **Training**", kind="markdown"),
    cell(3, "%%time\ntrain(net)"),
    cell(4, "*The loss* falls, and so does everything else that was measured", kind="markdown"),
    cell(5, ""),
    cell(6, "text = `x`"),
)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (0, "Lab 1"),
        (1, "net = Net()"),
        (2, "Part 2. **Training"),
        (3, "%%time"),
        (4, "The loss* falls, and so does everything …"),
        (5, ""),
        (6, "text = 'x'"),
    ],
)
def test_a_cell_begins_with_its_first_line_that_says_something(place: int, words: str) -> None:
    assert first_words(CELLS[place]) == words


def test_a_long_word_is_cut_where_no_space_is_near() -> None:
    assert first_words(cell(0, "a = " + "x" * 90)) == "a = " + "x" * 36 + " …"


def test_a_cell_is_named_by_words_and_heading_with_the_number_last() -> None:
    assert cell_name(CELLS, 1) == "cell `net = Net()` under “Lab 1”, no. 1"
    assert cell_name(CELLS, 0) == "cell “Lab 1”, no. 0"
    assert cell_name(CELLS, 5) == "cell under “Part 2. **Training”, no. 5"
    assert cell_name([cell(0, "")], 0) == "cell no. 0"
    assert cell_name(CELLS, 7) == "cell 7"


def test_messages_name_cells_and_tell_each_heading_once() -> None:
    assert cells_by_name("Cell 1 trains; cell 1, line 2, too.", CELLS) == (
        "Cell `net = Net()` under “Lab 1”, no. 1 trains; cell `net = Net()`, no. 1, line 2, too."
    )
    assert cells_by_name("seen in cells 1 and 3", CELLS) == (
        "seen in cell `net = Net()` under “Lab 1”, no. 1 and cell `%%time` under “Part 2. **Training”, no. 3"
    )
    assert cells_by_name("seen in cells 0, 1, 2, 3 and 4", CELLS) == "seen in cells no. 0, 1, 2, 3 and 4"


@pytest.mark.parametrize(
    "text", ["`cell 1` is code", "cell 99", "cells 1 and 99", "cancell 1", "no cells here"]
)
def test_what_names_no_cell_of_the_file_stays_as_it_is(text: str) -> None:
    assert cells_by_name(text, CELLS) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("raised in cell 6, line 11, again", "raised, again"),
        ("Cell 8 shows it; line 3 of cell 41 does not", "A cell shows it; a cell does not"),
        ("evaluated, in cells 19, 20 and 22.", "evaluated."),
        ("`net` (cell 3) has, and `a` (Net, cell 4) has", "`net` has, and `a` (Net) has"),
        ("(after the sigmoid in cell 6, line 11) in cell 9", "(after the sigmoid)"),
        ("the clip in line 3 of cell 41 is lost", "the clip is lost"),
        ("line 16 of what cell 16 printed", "what a cell printed"),
        ("what cells 1 and 2 printed", "what some cells printed"),
        ("`cell 3` is code and 5 cells are many", "`cell 3` is code and 5 cells are many"),
    ],
)
def test_others_cells_have_no_numbers(text: str, told: str) -> None:
    assert without_cells(text) == told
