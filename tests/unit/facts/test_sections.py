"""Sections of a student's copy, by the handout's cell ids and by headings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grader.checks import registry
from grader.evidence.record import CellRecord
from grader.facts.handout import Handout, fingerprint, parse_handout
from grader.facts.sections import Alignment, Section, align, headings_of
from grader.rubric.loader import load_rubric
from tests.factories import cell

ROOT = Path(__file__).parents[3]
SECTIONS = {
    "one": Section(title="1", ids=("i1",), heading=r"^Part 1\b"),
    "one-a": Section(title="1a", ids=("i1a",), heading=r"^Part \(a\)", within="one"),
    "one-b": Section(title="1b", ids=("i1b",), heading=r"^Part \(b\)", within="one"),
    "two": Section(title="2", ids=("i2", "i2old"), heading=r"^Part [24]\b"),
    "two-a": Section(title="2a", heading=r"^Part \(a\)", within="two"),
    "three": Section(title="3", ids=("i3",), heading=r"^Part [45]\b"),
    "three-a": Section(title="3a", heading=r"^Part \(a\)", within="three"),
}


def md(index: int, text: str, handout_id: str | None = None) -> CellRecord:
    return cell(index, text, kind="markdown", handout_id=handout_id)


def aligned(*cells: CellRecord, handout: Handout | None = None) -> Alignment:
    return align(cells, SECTIONS, handout)


def headings_only() -> tuple[CellRecord, ...]:
    texts = [
        "# A lab", "## Part 1. Look", "### **Part (a)** -- 1 pt", "x", "### Part (b)", "y",
        "## Part 4. Search\n### Part (a) - 2 pt", "z", "## Part 4. Best", "### Part (a)", "w",
    ]  # fmt: skip
    return tuple(
        md(place, text) if text.startswith("#") else cell(place, text) for place, text in enumerate(texts)
    )


def test_headings_that_repeat_are_found_inside_their_parent_and_in_order():
    found = aligned(*headings_only()).sections
    assert found["one"] == (1, 2, 3, 4, 5)
    assert found["one-a"] == (2, 3)
    assert found["one-b"] == (4, 5)
    assert found["two"] == found["two-a"] == (6, 7)
    assert found["three"] == (8, 9, 10)
    assert found["three-a"] == (9, 10)


def test_ids_count_more_than_headings_and_survive_any_change_of_text():
    cells = (md(0, "## Something else", "i1"), cell(1, "x"), md(2, "## Part 1", None), md(3, "?", "i2old"))
    found = aligned(*cells).sections
    assert found["one"] == (0, 1, 2)
    assert found["two"] == (3,)


def test_a_section_that_is_not_there_is_absent_and_its_parts_with_it():
    found = aligned(md(0, "## Part 1"), cell(1, "x")).sections
    assert found == {"one": (0, 1)}
    assert aligned(cell(0, "x")).sections == {}


def test_a_heading_of_another_part_is_not_taken_for_ones_own():
    found = aligned(md(0, "## Part 1"), md(1, "## Part 2"), md(2, "### Part (b)")).sections
    assert "one-b" not in found


def test_a_cell_belongs_to_its_innermost_section():
    alignment = aligned(*headings_only())
    assert alignment.section_of(5) == "one-b"
    assert alignment.section_of(1) == "one"
    assert alignment.section_of(0) is None


def test_only_markdown_has_headings():
    assert headings_of(md(0, "text\n## **Part 1** \n# two")) == ["Part 1", "two"]
    assert headings_of(cell(0, "# Part 1")) == []


GIVEN = fingerprint(
    {
        "cells": [
            {"cell_type": "code", "source": ["def f():\n", "    return 1"], "metadata": {"id": "a"}},
            {"cell_type": "code", "source": "", "metadata": {"id": "b"}},
            {"cell_type": "markdown", "source": "Question", "id": "c", "metadata": {}},
        ]
    }
)


def test_unchanged_means_equal_but_for_white_space_with_or_without_its_id():
    cells = (
        cell(0, "def f():\r\n        return 1\r\n", handout_id="a"),
        cell(1, "def f():\n    return 1"),
        cell(2, "def f():\n    return 2", handout_id="a"),
        cell(3, "  \n", handout_id="b"),
        cell(4, ""),
        md(5, "Question", "c"),
        cell(6, "Question"),
    )
    assert aligned(*cells, handout=GIVEN).unchanged == {0, 1, 3, 5}
    assert aligned(*cells).unchanged == frozenset()


def test_a_fingerprint_holds_ids_and_hashes_only_and_survives_its_file():
    text = GIVEN.model_dump_json()
    assert "Question" not in text
    assert parse_handout(text) == GIVEN
    assert GIVEN.ids == {"a", "b", "c"}


def _records(path: Path) -> tuple[CellRecord, ...]:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return tuple(
        CellRecord(
            index=place,
            kind=each["cell_type"],
            source="".join(each["source"]),
            handout_id=each["metadata"].get("id"),
        )
        for place, each in enumerate(notebook["cells"])
    )


@pytest.mark.corpus
@pytest.mark.parametrize("lab", ["lab2", "lab3b"])
def test_the_bundled_fingerprint_is_that_of_the_handout(corpus: Path, lab: str):
    notebook = json.loads((corpus / "handouts" / f"{lab}.ipynb").read_text(encoding="utf-8"))
    bundled = (ROOT / "rubrics" / "handouts" / f"{lab}.json").read_text(encoding="utf-8")
    assert parse_handout(bundled) == fingerprint(notebook)


@pytest.mark.corpus
def test_real_copies_of_lab_2_align_the_same_with_and_without_ids(corpus: Path):
    rubric = load_rubric(ROOT / "rubrics" / "lab2.yaml", registry())
    copies = sorted((corpus / "lab2").glob("*/*.ipynb"))
    assert copies
    for path in copies:
        cells = _records(path)
        by_id = align(cells, rubric.sections)
        by_heading = align([each.model_copy(update={"handout_id": None}) for each in cells], rubric.sections)
        assert set(by_id.sections) == set(rubric.sections), path
        # "part2train" has a heading of its own wording; all questions must be found either way.
        assert by_heading.sections == by_id.sections, path
