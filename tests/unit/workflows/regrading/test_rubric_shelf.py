from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from grader.evidence.record import CellRecord
from grader.intake import parse_notebook
from grader.workflows.regrading.rubrics import RubricShelf
from tests import course


def titled(*texts: str) -> Sequence[CellRecord]:
    """A notebook without cell ids: these Markdown cells, then one of code."""
    cells = [{"cell_type": "markdown", "source": text, "metadata": {}} for text in texts]
    last = json.loads(course.notebook(course.GOOD))
    return parse_notebook(json.dumps({**last, "cells": cells + last["cells"]}).encode())


def shelf_of(folder: Path, **titles: str) -> RubricShelf:
    """A course with one rubric for each assignment and title, none of them with a handout description."""
    for name, title in titles.items():
        text = course.RUBRIC.replace("assignment: mini", f"assignment: {name}")
        course.write_rubric(
            folder / "rubrics", text.replace("title: A small lab", f'title: "{title}"'), f"{name}.yaml"
        )
    return RubricShelf([folder])


def matched(shelf: RubricShelf, *texts: str) -> str | None:
    found = shelf.match(titled(*texts))
    return found.assignment if found else None


@pytest.mark.parametrize(
    "heading",
    ["# Lab 7: Moons & Stars", "## **LAB 7 - moons, stars**", "# ABC123, Lab 7. Moons & Stars (Jane Doe)"],
)
def test_a_notebook_without_ids_goes_by_the_title_in_its_first_heading(tmp_path: Path, heading: str) -> None:
    shelf = shelf_of(tmp_path, night="Lab 7: Moons & Stars", day="Lab 8: Suns")
    assert all(cell.handout_id is None for cell in titled(heading))
    assert matched(shelf, "by nobody", heading, "# Lab 8: Suns") == "night"


@pytest.mark.parametrize(
    "texts",
    [
        (),
        ("Lab 8: Suns",),
        ("# Lab 8",),
        ("# Lab 8: Sunsets",),
        ("# Lab 18: Suns",),
        ("# My notes", "# Lab 8: Suns"),
    ],
    ids=["no heading", "plain text", "half the title", "other words", "other number", "second heading"],
)
def test_less_than_the_whole_title_tells_nothing(tmp_path: Path, texts: tuple[str, ...]) -> None:
    assert matched(shelf_of(tmp_path, day="Lab 8: Suns"), *texts) is None


def test_a_title_that_two_rubrics_share_tells_nothing(tmp_path: Path) -> None:
    shelf = shelf_of(tmp_path, day="Lab 8: Suns", evening="Lab 8: Suns")
    assert matched(shelf, "# Lab 8: Suns") is None


def test_the_handouts_cells_count_for_more_than_the_title(tmp_path: Path) -> None:
    shelf = shelf_of(tmp_path, day="Lab 8: Suns")
    lab2 = shelf.load("lab2")
    kept = [
        CellRecord(index=number + 1, kind="code", source="", handout_id=cell.id)
        for number, cell in enumerate(lab2.handout.cells)
    ]
    found = shelf.match([titled("# Lab 8: Suns")[0], *kept])
    assert found.assignment == "lab2"
