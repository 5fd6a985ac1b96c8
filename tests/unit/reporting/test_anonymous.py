"""Examples from students' work: the mistake stays readable, and nobody can be told from it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.facts.fields import Where
from grader.reporting import render_slides, summarise
from grader.reporting.anonymous import Disguise, without_words
from tests.unit.reporting.classes import RUBRIC, finding, student


@pytest.mark.parametrize(
    ("id_", "line"),
    [
        ("dev", "model.to(device)"),
        ("ada", "optim.Adam(net.parameters())"),
        ("3", "net = Linear(3, 36)"),
        ("9705", "assert count == 9705"),
        ("max", "best = max(errors)"),
        ("12345", "x = 3.12345 + 0.1234567"),
        ("net", "large_network(internet)"),
    ],
)
def test_code_that_only_looks_like_an_id_stays_as_it_is(id_: str, line: str) -> None:
    assert Disguise(id_).code(line) == line


@pytest.mark.parametrize(
    ("id_", "line", "told"),
    [
        ("ada", "ada_net = Net()", "(student)_net = Net()"),
        ("s123", "save(S123)", "save((student))"),
        ("doe.jane", "doe.jane.fit()", "(student).fit()"),
        ("1004567890", "seed(1004567890)", "seed((student))"),
    ],
)
def test_an_id_that_stands_alone_is_hidden(id_: str, line: str, told: str) -> None:
    assert Disguise(id_).code(line) == told


def test_a_name_is_hidden_whole_and_in_parts_but_no_word_that_is_spelled_alike() -> None:
    disguise = Disguise("s1", name="Ng, Mark")
    assert disguise.message("Ng, Mark: `Mark` lost a mark.") == "(student): `(student)` lost a mark."
    assert disguise.code("mark_net = Net(mark)") == "(student)_net = Net((student))"


def test_strings_in_a_message_are_emptied_unless_the_rubric_or_python_wrote_them() -> None:
    disguise = Disguise("s1", course_text='{"args": ["hello there"]}')
    said = "`f('hello there')` gives 'Jane Doe, 1004'; name 'total' isn't defined, they don't say."
    assert disguise.message(said) == said.replace("Jane Doe, 1004", "...")


def test_slides_neither_mangle_an_example_nor_tell_the_name_in_it() -> None:
    said = finding(
        "sum-of-cubes",
        0,
        message="`optim.Adam` of Ada Byron gives 'by Ada Byron'.",
        where=(Where(cell=0, line=1),),
    )
    one = replace(student("ada", said, source="optim.Adam(byron)"), name="Ada Byron")
    slides = render_slides(summarise(RUBRIC, [one]))
    assert "`optim.Adam` of (student) gives '...'." in slides
    assert "optim.Adam((student))" in slides


def test_two_students_with_their_own_words_in_one_message_share_an_issue() -> None:
    said = [finding("sum-of-cubes", 0, message=f"It gives '{name} Doe' instead.") for name in ("Jane", "Joe")]
    (issue,) = summarise(RUBRIC, [student(f"s{i}", each) for i, each in enumerate(said)]).issues
    assert issue.students == 2


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("sum = 0", "sum = 0"),
        ("sum = 0  # Jane", "sum = 0"),
        ("print('Jane', \"Doe\")", 'print("...", "...")'),
        ("for sum in range(3):", "for sum in range(3):"),
        ("text = '''Jane", ""),
        ("f(a, (b", "f(a, (b"),
    ],
)
def test_words_are_taken_out_of_code(line: str, kept: str) -> None:
    assert without_words(line) == kept
