"""Words and numbers of reports."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.facts.fields import Where
from grader.reporting.appendix import let_in
from grader.reporting.cells import heading_above
from grader.reporting.code import excerpts
from grader.reporting.markdown import markdown, message
from grader.reporting.text import count, duration, first_sentences, listed, number, plain, shortened
from tests.factories import cell


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (2.0, "2"),
        (1.5, "1.5"),
        (1 / 3, "0.33"),
        (0.001, "0.001"),
        (1e-05, "1e-05"),
        (9705, "9705"),
        (-2.25, "-2.25"),
        (1e20, "1e+20"),
        (math.nan, "not a number"),
        (-math.inf, "-infinity"),
    ],
)
def test_numbers(value: float, written: str) -> None:
    assert number(value) == written


@given(st.floats())
def test_every_number_can_be_written(value: float) -> None:
    assert number(value)


def test_counts_lists_and_times() -> None:
    assert (count(1, "point"), count(0.5, "point"), count(2, "pass", "passes")) == (
        "1 point",
        "0.5 points",
        "2 passes",
    )
    assert (listed([]), listed(["a"]), listed(["a", "b", "c"])) == ("", "a", "a, b and c")
    assert (duration(0.44), duration(12.4), duration(200)) == ("0.4 s", "12 s", "3 min 20 s")


def test_values_of_findings_in_words() -> None:
    assert plain([64, None, True, {"a": [1.5]}, "text"]) == "[64, nothing, True, a: [1.5], text]"


def test_long_text_keeps_both_ends() -> None:
    text = shortened("a" * 900 + "z" * 900, 100)
    assert text.startswith("aaa")
    assert text.endswith("zzz")
    assert "1701 characters left out" in text


@pytest.mark.parametrize(
    ("text", "limit", "kept"),
    [
        ("One. Two. Three.", 10, "One. Two."),
        ("A first sentence that is long. Two.", 5, "A first sentence that is long."),
        ("`a. b` is 1.5 now. Next.", 5, "`a. b` is 1.5 now."),
        ("no end", 100, "no end"),
        ("", 10, ""),
    ],
)
def test_the_first_sentences_are_whole(text: str, limit: int, kept: str) -> None:
    assert first_sentences(text, limit) == kept


@given(st.text(alphabet="ab.` \n", max_size=200), st.integers(1, 100))
def test_first_sentences_begin_the_text(text: str, limit: int) -> None:
    assert text.lstrip().startswith(first_sentences(text, limit))


def test_headings_become_bold_lines() -> None:
    assert str(markdown("## Part *a*")).strip() == "<p><strong>Part <em>a</em></strong></p>"


def test_messages_read_code_and_nothing_else() -> None:
    assert str(message("`sum` is *not* [a](b)")) == "<code>sum</code> is *not* [a](b)"


LONG = "\n".join(f"line{i}" for i in range(1, 41))


def numbers(source: str, *where: Where) -> list[int]:
    (excerpt,) = excerpts([cell(0, source)], where)
    return [line.number for line in excerpt.lines]


def test_of_a_long_cell_only_the_lines_around_the_marks_are_quoted() -> None:
    assert numbers(LONG, Where(cell=0, line=10), Where(cell=0, line=30)) == [
        *(0, 7, 8, 9, 10, 11, 12, 13),
        *(0, 27, 28, 29, 30, 31, 32, 33, 0),
    ]


def test_marks_at_the_ends_of_a_cell_and_past_it() -> None:
    assert numbers(LONG, Where(cell=0, line=1)) == [1, 2, 3, 4, 0]
    assert numbers(LONG, Where(cell=0, line=40)) == [0, 37, 38, 39, 40]
    assert numbers("one\r\ntwo", Where(cell=0, line=99)) == [1, 2]
    assert numbers("", Where(cell=0)) == [1]


def test_a_string_over_many_lines_keeps_its_lines() -> None:
    (excerpt,) = excerpts([cell(0, 'a = """one\ntwo <b>\n"""\nsum = 1')], [Where(cell=0, line=4)])
    assert [line.marked for line in excerpt.lines] == [False, False, False, True]
    assert "two &lt;b&gt;" in str(excerpt.lines[1].html)


def test_places_outside_the_file_are_left_out() -> None:
    assert excerpts([cell(0, "x")], [Where(cell=7), Where(cell=7, line=1)]) == ()


def test_a_table_of_markdown_can_be_scrolled_by_itself() -> None:
    html = markdown("|a|b|\n|-|-|\n|1|2|")
    assert html.startswith('<div class="wide" tabindex="0" role="region" aria-label="Table"><table>')
    assert let_in(html) == html


def test_a_break_that_somebody_wrote_as_a_tag_is_one() -> None:
    assert str(markdown("one<br>two<BR />three `<br>`")).count("<br>") == 2


def test_the_heading_above_a_cell() -> None:
    cells = [
        cell(0, "# Lab\n\n## **Part 1**", kind="markdown"),
        cell(1, "x"),
        cell(2, "text", kind="markdown"),
    ]
    assert [heading_above(cells, place) for place in (0, 1, 2)] == ["Part 1"] * 3
    assert heading_above([cell(0, "x = 1  # no heading")], 0) == ""
