"""Numbers and files in a student's words, and what only a person can judge."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from grader.checks.answers.number_answer import NumberAnswer
from grader.checks.manual import Manual
from grader.checks.training.files_written import FilesWritten
from grader.evidence.record import (
    CellError,
    CellRecord,
    Cut,
    FileWritten,
    Outcome,
    ShimKind,
    ShimUse,
    WatchedValue,
)
from grader.facts.handout import fingerprint
from grader.facts.sections import Section
from grader.facts.words.numbers import numbers_in, states
from grader.judging.check import Check
from grader.judging.exhibits import Prompt
from grader.judging.judgement import Judgement, Status
from tests import factories
from tests.factories import cell, rows

SECTIONS = {"a": Section(title="a", heading="^Part a"), "b": Section(title="b", heading="^Part b")}
HEADING = cell(0, "# Part a\nHow many of the 10 classes?", kind="markdown", handout_id="h")
GIVEN = cell(1, "print(32)", handout_id="c")
HANDOUT = fingerprint(
    {
        "cells": [
            {"cell_type": each.kind, "source": each.source, "metadata": {"id": each.handout_id}}
            for each in (HEADING, GIVEN)
        ]
    }
)


def judge(check: Check, *cells: CellRecord, section: str | None = "a", **more: Any) -> Judgement:
    evidence = factories.evidence((HEADING, GIVEN, *cells), **more)
    return check.judge(factories.case(check, evidence, sections=SECTIONS, section=section, handout=HANDOUT))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8000, 2000", (8000, 2000)),
        ("8,000 images", (8000, 8, 0)),
        ("64,128", (64128, 64, 128)),
        ("lr0.01 epoch29 v2", ()),
        ("0.01 and 1e-3.", (0.01, 0.001)),
        ("**386**, $9705$", (386, 9705)),
        ("torch 3.14.15 of 2020", (2020,)),
        ("$8{,}000$", (8000, 8, 0)),
        (r"8\,000", (8000, 8, 0)),
        ("8x10^3 and 2 x 10**3", (8000, 2000)),
        (r"$8 \times 10^{3}$", (8000,)),
        ("8·10³ and 10²", (8000, 100)),
        ("1.5 × 10^4", (15000,)),
    ],
)
def test_numbers_are_read_from_running_text(text: str, expected: tuple[float, ...]):
    assert numbers_in(text) == expected


def test_not_a_number_states_nothing():
    assert not states([float("nan")], 1.0)
    assert not states([1.0], float("nan"))
    assert states([0.1 + 0.2], 0.3)


COUNTS = NumberAnswer(numbers={"training": 8000, "validation": 2000})


@pytest.mark.parametrize(
    "answer",
    [
        cell(2, "print(len(a), len(b))", printed="8000\n2000"),
        cell(2, "print(a)", stored="training 8,000; validation 2,000"),
        cell(2, "There are 8000 and 2000.", kind="markdown"),
        cell(2, "# 8000 and 2000"),
        cell(2, "training, validation = 8000, 2000"),
    ],
)
def test_all_numbers_stated_are_right_wherever_they_stand(answer: CellRecord):
    assert judge(COUNTS, answer).status is Status.PASS


@pytest.mark.parametrize(
    "text",
    [
        "$8{,}000$ training, $2{,}000$ validation",
        "8.000 training and 2.000 validation",
        "8×10³ and 2×10³",
        r"$8\cdot10^3$ for training, $2\cdot10^{3}$ for validation",
        "8k training, 2k validation",
        "8 thousand and 2 thousand",
        "| training | 8,000 |\n| validation | 2,000 |",
        "8000 training pictures and 2000 for validation",
    ],
)
def test_numbers_count_however_they_are_written(text: str):
    assert judge(COUNTS, cell(2, text, kind="markdown")).status is Status.PASS


@pytest.mark.parametrize("text", ["0.800 and 0.200", "8.000 and 2.000 in 0.5 s", "8.5 and 2.000", "8e2, 2e2"])
def test_decimals_are_no_thousands(text: str):
    assert judge(COUNTS, cell(2, text, kind="markdown")).status is not Status.PASS


@pytest.mark.parametrize(
    "text",
    [
        "2000 training, 8000 validation",
        "training: 2000\nvalidation: 8000",
        "2{,}000 for training; 8{,}000 for validation",
        "2k training and 8k validation",
        "We use 2,000 training pictures. The validation set has 8,000.",
    ],
)
def test_numbers_that_are_exchanged_earn_nothing_yet(text: str):
    judgement = judge(COUNTS, cell(2, text, kind="markdown"))
    assert judgement.status is Status.NEEDS_TA
    assert "training 2000, validation 8000" in judgement.message


def test_one_place_that_names_them_rightly_is_enough():
    text = "training 8000, validation 2000\n2000 training, 8000 validation"
    assert judge(COUNTS, cell(2, text, kind="markdown")).status is Status.PASS
    three = NumberAnswer(numbers={"training": 8000, "validation": 2000, "test": 2000})
    equal = "8000 training, 2000 validation, 2000 test"
    assert judge(three, cell(2, equal, kind="markdown")).status is Status.PASS
    turned = "2000 training, 8000 validation, 2000 test"
    assert judge(three, cell(2, turned, kind="markdown")).status is Status.NEEDS_TA


OUTER = {
    "part": Section(title="Part 1", heading="^Part 1"),
    "a": Section(title="1 (a)", heading=r"^\(a\)", within="part"),
    "b": Section(title="1 (b)", heading=r"^\(b\)", within="part"),
}


def without_heading(*cells: CellRecord, heading: str = "(a)") -> Judgement:
    """The answer to (b), whose heading was deleted: its cells stand under that of (a), or of the part."""
    top = [cell(0, "# Part 1", kind="markdown"), cell(1, f"## {heading}", kind="markdown")]
    placed = [each.model_copy(update={"index": place}) for place, each in enumerate((*top, *cells))]
    evidence = factories.evidence(placed)
    return COUNTS.judge(factories.case(COUNTS, evidence, sections=OUTER, section="b"))


@pytest.mark.parametrize("heading", ["(a)", "Notes"])
def test_numbers_of_a_question_whose_heading_was_deleted_are_looked_for_in_the_part_around_it(heading: str):
    shows = cell(2, "print(n, m)", printed="8000 2000")
    judgement = without_heading(cell(2, "x = 1"), shows, heading=heading)
    assert judgement.status is Status.NEEDS_TA
    assert judgement.message == "The part '1 (b)' was not found in the notebook."
    assert (
        judgement.open
        == "But cell 3 of 'Part 1' has training 8000, validation 2000, which may be the answer."
    )
    assert [place.cell for place in judgement.where] == [3]


def test_other_numbers_around_a_question_that_was_not_found_are_no_answer():
    for answer in (cell(2, "print(n)", printed="8000"), cell(2, "print(n)", printed="7000 3000")):
        judgement = without_heading(answer)
        assert judgement.status is Status.NEEDS_TA
        assert judgement.open == "The answer may stand elsewhere in it."
        assert judgement.where == ()


STAND_IN = (ShimUse(kind=ShimKind.DATASET, cell=2),)


@pytest.mark.parametrize("shown", ["4018\n3982\n1009\n991", "cats 4018 dogs 3982, then 1009 and 991"])
def test_counts_shown_class_by_class_go_to_a_ta(shown: str):
    given = cell(2, "print(n)", stored=shown, printed="310\n290\n300\n300")
    assert judge(COUNTS, given, shims=STAND_IN).status is Status.NEEDS_TA
    ten = cell(2, "print(n)", stored="\n".join(["800"] * 10 + ["200"] * 10))
    assert judge(COUNTS, ten).status is Status.NEEDS_TA


def test_numbers_of_our_stand_in_are_never_what_the_student_says():
    ours = cell(2, "print(n)", printed="1000\n500")
    assert judge(COUNTS, ours).status is Status.FAIL
    assert "your code prints 1000, 500" in judge(COUNTS, ours).message
    assert judge(COUNTS, ours, shims=STAND_IN).status is Status.NEEDS_TA
    right = cell(2, "print(n)", stored="8000\n2000", printed="1000\n500")
    assert judge(COUNTS, right, shims=STAND_IN).status is Status.PASS
    wrong = judge(COUNTS, cell(2, "print(n)", stored="900\n600", printed="1000\n500"), shims=STAND_IN)
    assert wrong.status is Status.FAIL
    assert "the answer says 900, 600." in wrong.message


def test_other_numbers_are_wrong_some_or_none_go_to_a_ta_and_no_answer_earns_nothing():
    wrong = judge(COUNTS, cell(2, "1000 and 500", kind="markdown"))
    assert wrong.status is Status.FAIL
    assert "1000, 500" in wrong.message
    assert judge(COUNTS, cell(2, "8000 and many", kind="markdown")).status is Status.NEEDS_TA
    assert judge(COUNTS, cell(2, "many", kind="markdown")).status is Status.NEEDS_TA
    assert judge(COUNTS).status is Status.FAIL


FLOATS = NumberAnswer(numbers={"floats": 58500})


@pytest.mark.parametrize("text", ["58 500 numbers", "58'500", "58\u202f500", "58,500.", "= **58 500**"])
def test_thousands_set_apart_are_one_number(text: str):
    assert judge(FLOATS, cell(2, text, kind="markdown")).status is Status.PASS
    assert judge(FLOATS, cell(2, f"1 {text}", kind="markdown")).status is Status.PASS


@pytest.mark.parametrize(
    "text",
    [
        "130 x 150 x 3",
        "130*150*3 of them, 19500 for each colour",
        r"$130 \times 150 \times 3$ or $19500 \cdot 3$",
        r"19500\*3",
        "19500 red, 19500 green and 19500 blue",
    ],
)
def test_a_right_answer_that_is_not_worked_out_goes_to_a_ta(text: str):
    assert judge(FLOATS, cell(2, text, kind="markdown")).status is Status.NEEDS_TA


@pytest.mark.parametrize("text", ["130*150 = 19500", "78000", "19500 and 19500", "130 * 150 * 4 = 78000"])
def test_another_count_is_wrong_with_or_without_its_arithmetic(text: str):
    assert judge(FLOATS, cell(2, text, kind="markdown")).status is Status.FAIL


@pytest.mark.parametrize(
    "text", ["as in Part 3", "It took 12 seconds.", "floats: see Part 3 (12 min)", "1. floats"]
)
def test_a_number_about_another_thing_is_no_wrong_answer(text: str):
    assert judge(FLOATS, cell(2, text, kind="markdown")).status is Status.NEEDS_TA


def test_a_number_of_another_size_is_wrong_where_it_is_said_of_what_was_asked():
    judgement = judge(FLOATS, cell(2, "print(text)", printed="dtype float32, so 32 floats"))
    assert judgement.status is Status.FAIL
    assert "your code prints 32." in judgement.message


def test_a_usual_mistake_is_named_where_its_number_is_given():
    named = FLOATS.model_copy(update={"mistakes": {"float32 is a type": 32}})
    message = judge(named, cell(2, "print(text)", printed="dtype float32, so 32 floats")).message
    assert message == "Expected 58500 (floats); your code prints 32: float32 is a type."
    assert "type" not in judge(named, cell(2, "33 floats", kind="markdown")).message


SIZES = NumberAnswer(numbers={"floats": 58500}, follows={"floats": "t"})


def of_a_tensor(tensor: Any, words: str) -> Judgement:
    arrays: list[np.ndarray] = []
    held = WatchedValue(name="t", cell=1, value=factories.value_of(tensor, arrays))
    given = factories.evidence((HEADING, GIVEN, cell(2, words, kind="markdown")), values=(held,))
    return SIZES.judge(
        factories.case(SIZES, given, sections=SECTIONS, section="a", handout=HANDOUT, arrays=arrays)
    )


def test_the_number_of_elements_that_the_students_own_variable_has_is_right_too():
    tensor = np.zeros((150, 130, 4))
    assert of_a_tensor(tensor, "78000").status is Status.PASS
    assert of_a_tensor(tensor, "78000").message == "The answer states 78000 (floats), as `t` has."
    assert of_a_tensor(tensor, "58500").message == "The answer states 58500 (floats)."
    assert of_a_tensor(tensor, "150 * 130 * 4").status is Status.NEEDS_TA
    wrong = of_a_tensor(tensor, "19500")
    assert wrong.status is Status.FAIL
    assert wrong.message == "Expected 58500 (floats), or 78000 as `t` has; the answer says 19500."


@pytest.mark.parametrize("held", [np.zeros((130, 150, 3)), None, "a text", [1.0] * 78000])
def test_without_a_variable_of_another_size_only_the_given_number_is_right(held: Any):
    assert of_a_tensor(held, "78000").status is Status.FAIL
    assert of_a_tensor(held, "58500").status is Status.PASS


def test_a_variable_has_to_belong_to_a_number_asked_for():
    with pytest.raises(ValidationError, match="none of 'numbers'"):
        NumberAnswer(numbers={"floats": 58500}, follows={"integers": "t"})


@pytest.mark.parametrize("text", ["torch.Size([130, 150, 3])", "(150, 130, 3)"])
def test_a_shape_without_the_number_that_it_makes_goes_to_a_ta_and_is_called_so(text: str):
    judgement = judge(FLOATS, cell(2, "t.size()", printed=text))
    assert judgement.status is Status.NEEDS_TA
    assert "The answer shows the shape [1" in judgement.message
    assert "not the number that this makes: 58500 (floats)" in judgement.message


@pytest.mark.parametrize("shown", [("printed",), ("stored",), ("printed", "stored")])
def test_one_number_answers_two_questions_only_where_no_other_is_given(shown: tuple[str, ...]):
    check = NumberAnswer(numbers={"training": 8000, "validation": 2000, "test": 2000})

    def status(text: str) -> Status:
        return judge(check, cell(2, "print(n)", **dict.fromkeys(shown, text))).status

    assert status("8000, 2000, test 1000") is Status.NEEDS_TA
    assert status("8000, and 2000 each for validation and test") is Status.PASS
    assert status("8000 2000 2000 of 12000") is Status.PASS


def test_long_rows_of_digits_cost_no_time():
    long = "1" * 200_000
    judgement = judge(FLOATS, cell(2, f"{long} {'1 + ' * 50_000} floats", kind="markdown"))
    assert "the answer says 1." in judgement.message


def test_numbers_of_the_handout_are_no_answer():
    assert judge(NumberAnswer(numbers={"classes": 10})).status is Status.FAIL
    assert judge(NumberAnswer(numbers={"size": 32})).status is Status.FAIL


def test_a_tolerance_is_the_largest_error_allowed():
    near = NumberAnswer(numbers={"accuracy": 0.7}, tolerance=0.05)
    assert judge(near, cell(2, "0.74", kind="markdown")).status is Status.PASS
    assert judge(near, cell(2, "0.76", kind="markdown")).status is Status.FAIL


NAMED = FilesWritten(named=("m_epoch0", "m_epoch1", "m_epoch1_err.csv"))


def unnamed(judgement: Judgement) -> list[str]:
    return [row["file"] for row in rows(judgement, "files") if not row["named"]]


def test_files_named_word_for_word_are_right_and_a_pattern_goes_to_a_ta():
    assert (
        judge(NAMED, cell(2, "m_epoch0, `m_epoch1`, m_epoch1_err.csv.", kind="markdown")).status
        is Status.PASS
    )
    part = judge(NAMED, cell(2, "m_epoch0 to m_epoch{n} and a CSV file", kind="markdown"))
    assert part.status is Status.NEEDS_TA
    assert unnamed(part) == ["m_epoch1", "m_epoch1_err.csv"]
    assert judge(NAMED).status is Status.FAIL


def test_the_beginning_of_a_longer_name_is_not_that_file():
    listed = cell(2, "m_epoch0 m_epoch1_err.csv", kind="markdown")
    assert unnamed(judge(NAMED, listed)) == ["m_epoch1"]


def test_files_that_the_run_wrote_are_found_by_pattern():
    check = FilesWritten(patterns=(r"epoch\d+$",))
    files = (FileWritten(path="out/m_epoch3", cell=2, size_bytes=9),)
    found = judge(check, cell(2, "train()"), files=files)
    assert (found.status, found.where[0].cell) == (Status.PASS, 2)
    assert judge(check, cell(2, "train()")).status is Status.FAIL
    failed = cell(2, "train()", error=CellError(type="OSError"))
    assert judge(check, failed).status is Status.NEEDS_TA
    assert judge(check, outcome=Outcome.TIMEOUT).status is Status.NEEDS_TA
    assert judge(check, cell(2, "train()"), cut=(Cut.FILES,)).status is Status.NEEDS_TA
    assert judge(check, cell(2, "train()"), cut=(Cut.SHIMS,)).status is Status.FAIL
    other = FilesWritten(patterns=(r"epoch\d+$",), sections=("b",))
    cells = (cell(2, "train()"), cell(3, "# Part b", kind="markdown"))
    assert judge(other, *cells, files=files).status is Status.FAIL


IN_A = FilesWritten(patterns=(r"epoch\d+$",), sections=("a",))
FAILED = cell(4, "test(", error=CellError(type="SyntaxError"))
HEADING_B = cell(3, "# Part b", kind="markdown")
LATER = cell(5, "def train_features():\n    torch.save(net, path)")


@pytest.mark.parametrize(
    ("passes", "cells", "status"),
    [
        (30, (cell(2, "train()"), HEADING_B, FAILED), Status.FAIL),
        (30, (cell(2, "train()"), HEADING_B, FAILED, LATER), Status.FAIL),
        (1, (cell(2, "train()"), HEADING_B, FAILED), Status.NEEDS_TA),
        (30, (cell(2, "train()", error=CellError(type="NameError")), HEADING_B), Status.NEEDS_TA),
        (30, (cell(2, "train()\nif good: torch.save(net, path)"), HEADING_B, FAILED), Status.NEEDS_TA),
        (
            30,
            (cell(2, "train()"), cell(3, "torch.save(net, path)", error=CellError(type="E"))),
            Status.NEEDS_TA,
        ),
    ],
)
def test_a_training_that_ended_and_wrote_nothing_is_not_excused_by_a_failure_elsewhere(
    passes: int, cells: tuple[CellRecord, ...], status: Status
):
    training = factories.history(factories.training_run(0, 2, passes=passes))
    of_part_b = (FileWritten(path="net_epoch1", cell=5, size_bytes=9),)
    judgement = judge(IN_A, *cells, training=training, files=of_part_b)
    assert judgement.status is status
    if status is Status.FAIL:
        assert judgement.message == "The training in cell 2 wrote no such files."


CHECKPOINT = FilesWritten(patterns=(r"\.pt$",))


@pytest.mark.parametrize(
    ("source", "files", "status"),
    [
        ("train()", ("net_bs64_lr0.001_5",), Status.NEEDS_TA),
        ("train()", (), Status.FAIL),
        ("if accuracy > 0.8:\n    torch.save(net, 'net.pt')", (), Status.NEEDS_TA),
        ("plt.savefig('curve')", (), Status.FAIL),
    ],
)
def test_checkpoints_under_other_names_or_saved_on_a_condition_go_to_a_ta(
    source: str, files: tuple[str, ...], status: Status
):
    written = tuple(FileWritten(path=path, cell=2, size_bytes=9) for path in files)
    training = factories.history(factories.training_run(0, 2))
    judgement = judge(CHECKPOINT, cell(2, source), files=written, training=training)
    assert judgement.status is status
    assert all(path in judgement.open for path in files)


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("def keep(net):\n    torch.save(net, 'net.pt')", Status.NEEDS_TA),
        ("torch.save(features, 'features')", Status.FAIL),
    ],
)
def test_saving_in_another_part_excuses_only_where_it_is_a_function(source: str, status: Status):
    cells = (cell(2, "train()"), cell(3, "# Part b", kind="markdown"), cell(4, source))
    files = (FileWritten(path="features", cell=4, size_bytes=9),)
    assert judge(CHECKPOINT, *cells, files=files).status is status


def test_a_rubric_names_files_or_patterns():
    with pytest.raises(ValidationError, match="named or patterns"):
        FilesWritten()


MANUAL = Manual(prompt="Look at it.")


def test_a_person_judges_what_was_handed_in_and_is_told_where():
    judgement = judge(MANUAL, cell(2, "Because.", kind="markdown"))
    assert (judgement.status, judgement.open_share) == (Status.NEEDS_TA, 1.0)
    assert judgement.exhibits == (Prompt(text="Look at it."),)
    assert "Look at it." not in judgement.message
    assert [place.cell for place in judgement.where] == [2]


def test_a_section_left_as_it_was_given_is_no_burden_to_anybody():
    assert judge(MANUAL).status is Status.FAIL
    assert judge(MANUAL, cell(2, "   ")).status is Status.FAIL


def test_a_given_cell_that_the_student_ran_is_something_to_look_at():
    ran = cell(1, GIVEN.source, stored="32")
    evidence = factories.evidence((HEADING, ran))
    case = factories.case(MANUAL, evidence, sections=SECTIONS, section="a", handout=HANDOUT)
    assert MANUAL.judge(case).status is Status.NEEDS_TA


def test_a_section_that_is_not_found_or_not_known_is_a_persons_to_find():
    lost = judge(MANUAL, section="b")
    assert lost.status is Status.NEEDS_TA
    assert "not found" in lost.open
    assert judge(MANUAL, section=None).status is Status.NEEDS_TA


def test_a_second_section_may_hold_the_answer():
    check = Manual(prompt="Look.", sections=("b",))
    cells = (cell(2, "# Part b", kind="markdown"), cell(3, "Here."))
    assert judge(check, *cells).status is Status.NEEDS_TA


LETTERS = {
    "a": Section(title="Part 1 (a)", heading="^Part a"),
    "b": Section(title="Part 1 (b)", heading="^Part b"),
}


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("# (b) they are equal\n(output == output2).all()", Status.NEEDS_TA),
        ("x = 1\n# b) they are equal", Status.NEEDS_TA),
        ("# Part b: equal", Status.NEEDS_TA),
        ("print('(b)')", Status.FAIL),
        ("(b) + 1", Status.FAIL),
        ("b = 1\nx[(b)]", Status.FAIL),
        ("# (a) as above, not for (b)", Status.FAIL),
    ],
)
def test_an_answer_in_the_cell_of_the_part_before_is_for_a_ta_to_see(text: str, status: Status):
    cells = (HEADING, GIVEN, cell(2, text), cell(3, "# Part b", kind="markdown", handout_id="b"))
    handout = {"cells": [{"cell_type": "markdown", "source": "# Part b", "metadata": {"id": "b"}}]}
    given = factories.evidence(cells)
    case = factories.case(MANUAL, given, sections=LETTERS, section="b", handout=fingerprint(handout))
    judgement = MANUAL.judge(case)
    assert judgement.status is status
    assert [place.cell for place in judgement.where] == ([2] if status is Status.NEEDS_TA else [3])
