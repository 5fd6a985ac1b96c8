"""Tables that people make are read, or refused with the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.files.tabular import read_table


def test_rows_come_with_their_lines(tmp_path: Path) -> None:
    table = tmp_path / "marks.csv"
    table.write_text("Student,points\ns1, 2\n,\ns2,3\n")
    rows = list(read_table(table, required=("student", "points")))
    assert rows == [(2, {"student": "s1", "points": "2"}), (4, {"student": "s2", "points": "3"})]


def test_a_cell_without_an_end_is_refused_with_its_line(tmp_path: Path) -> None:
    table = tmp_path / "marks.csv"
    table.write_text("student,points\ns1,2\n" + "x" * 200_000 + ",1\n")
    with pytest.raises(UsageError) as refused:
        list(read_table(table, required=("student", "points")))
    assert refused.value.where == f"{table}:3"
