"""Tables on terminals of 80 columns."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from grader.cli import console

COLUMNS = ("student", "file", "points", "what to look at")
LONG = "the notebook is made from another handout; it waits for a TA, who reads it before anything counts"


def printed(columns: tuple[str, ...], rows: list[tuple[str, ...]], *, width: int = 80) -> list[str]:
    """The lines of a table on a terminal of so many columns."""
    screen = Console(file=io.StringIO(), width=width, force_terminal=True, soft_wrap=True, highlight=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(console, "output", lambda: screen)
        patch.setattr("sys.stdout.isatty", lambda: True, raising=False)
        console.print_table(columns, rows, right=("points",))
    lines = screen.file.getvalue().splitlines()  # type: ignore[attr-defined]
    return [bare for line in lines if (bare := re.sub(r"\x1b\[[\d;]*m", "", line).rstrip())]


def test_what_fits_is_a_table() -> None:
    lines = printed(COLUMNS, [("s1", "lab.ipynb", "3", "late")])
    assert lines[0].split() == ["student", "file", "points", "what", "to", "look", "at"]
    assert lines[2].split() == ["s1", "lab.ipynb", "3", "late"]


def test_what_does_not_fit_comes_below_its_row_whole() -> None:
    lines = printed(COLUMNS, [("s1", "lab.ipynb", "3", LONG), ("s2", "lab.ipynb", "12", "")])
    assert lines[0].split() == ["student", "file", "points"]
    assert " ".join(line.strip() for line in lines[2:-1]) == f"what to look at: {LONG}"
    assert lines[-1].split() == ["s2", "lab.ipynb", "12"]


@given(st.lists(st.tuples(*[st.text("ab 課", max_size=120)] * 4), min_size=1, max_size=4))
def test_nothing_is_cut_and_nothing_is_wider_than_the_terminal(rows: list[tuple[str, ...]]) -> None:
    lines = printed(COLUMNS, rows)
    assert max(map(cell_len, lines)) <= 80
    shown = "".join("".join(lines).split())
    for row in rows:
        for sign in "ab課":
            assert shown.count(sign) >= "".join(row).count(sign)
