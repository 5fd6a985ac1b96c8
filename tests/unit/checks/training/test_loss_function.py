"""Loss functions and what goes into them."""

from __future__ import annotations

from typing import Any

import pytest

from grader.checks.training.loss_function import LossFunction
from grader.evidence.record import CellError, Outcome
from grader.evidence.training import LossUse, TrainingRun
from grader.facts.sections import Section
from grader.judging.judgement import Judgement, Status
from tests import factories
from tests.factories import cell, history, rows, training_run


def run(function: str, kind: Any, shape: tuple[int, ...], index: int = 0) -> TrainingRun:
    loss = LossUse(function=function, input_shape=shape, input_kind=kind)
    return training_run(index, 1, loss=loss)


def judge(*runs: TrainingRun, classes: int = 9, **evidence: Any) -> Judgement:
    check = LossFunction(classes=classes)
    return check.judge(factories.case(check, factories.evidence(training=history(*runs), **evidence)))


@pytest.mark.parametrize(
    ("function", "kind", "shape", "classes", "status"),
    [
        ("CrossEntropyLoss", "logits", (4, 9), 9, Status.PASS),
        ("cross_entropy", "log_probabilities", (4, 9), 9, Status.PASS),
        ("CrossEntropyLoss", "probabilities", (4, 9), 9, Status.FAIL),
        ("CrossEntropyLoss", "logits", (4, 10), 9, Status.FAIL),
        ("CrossEntropyLoss", "logits", (4, 1), 2, Status.FAIL),
        ("CrossEntropyLoss", "logits", (9,), 9, Status.PASS),
        ("CrossEntropyLoss", "logits", (10,), 9, Status.FAIL),
        ("nll_loss", "log_probabilities", (9,), 9, Status.PASS),
        ("CrossEntropyLoss", "unknown", (4, 9), 9, Status.NEEDS_TA),
        ("NLLLoss", "log_probabilities", (4, 9), 9, Status.PASS),
        ("nll_loss", "logits", (4, 9), 9, Status.FAIL),
        ("BCEWithLogitsLoss", "logits", (4,), 2, Status.PASS),
        ("BCEWithLogitsLoss", "logits", (4, 1), 2, Status.PASS),
        ("BCEWithLogitsLoss", "logits", (4, 2), 2, Status.PASS),
        ("BCEWithLogitsLoss", "probabilities", (4,), 2, Status.FAIL),
        ("BCELoss", "probabilities", (4,), 2, Status.PASS),
        ("binary_cross_entropy", "logits", (4,), 2, Status.FAIL),
        ("binary_cross_entropy_with_logits", "logits", (4, 9), 9, Status.PASS),
        ("BCEWithLogitsLoss", "logits", (4,), 9, Status.FAIL),
        ("BCEWithLogitsLoss", "logits", (9,), 9, Status.NEEDS_TA),
        ("MSELoss", "logits", (4, 9), 9, Status.NEEDS_TA),
    ],
)
def test_a_loss_is_right_wrong_or_left_to_a_ta(
    function: str, kind: str, shape: tuple[int, ...], classes: int, status: Status
):
    judgement = judge(run(function, kind, shape), classes=classes)
    assert judgement.status is status
    assert rows(judgement, "losses")[0]["input_kind"] == kind


def test_one_wrong_run_among_right_ones_is_pointed_at():
    wrong = run("CrossEntropyLoss", "probabilities", (4, 9), 1).model_copy(update={"cell": 7})
    judgement = judge(run("CrossEntropyLoss", "logits", (4, 9)), wrong)
    assert judgement.status is Status.FAIL
    assert [place.cell for place in judgement.where] == [7]


def test_a_run_without_a_loss_function_goes_to_a_ta():
    assert judge(training_run(0, 1)).status is Status.NEEDS_TA


def test_no_training_costs_the_points_only_where_nothing_of_the_students_failed():
    fine = (cell(0, "x = 1"),)
    broken = (cell(0, "train(net)", error=CellError(type="FileNotFoundError")),)
    assert judge(cells=fine).status is Status.FAIL
    assert judge(cells=broken, outcome=Outcome.CELL_ERROR).status is Status.NEEDS_TA
    assert judge(cells=fine, outcome=Outcome.TIMEOUT).status is Status.NEEDS_TA


def test_no_training_proves_nothing_where_the_record_is_not_complete():
    check = LossFunction(classes=9)
    given = factories.evidence((cell(0, "x = 1"),), training=history(complete=False))
    assert check.judge(factories.case(check, given)).status is Status.NEEDS_TA


def test_right_runs_of_a_record_that_is_not_complete_go_to_a_ta():
    check, right = LossFunction(classes=9), run("CrossEntropyLoss", "logits", (4, 9))
    for complete, status in ((True, Status.PASS), (False, Status.NEEDS_TA)):
        given = factories.evidence((cell(0, "train()"),), training=history(right, complete=complete))
        assert check.judge(factories.case(check, given)).status is status


def test_right_runs_before_cells_that_our_run_never_reached_go_to_a_ta():
    check, right = LossFunction(classes=9), run("CrossEntropyLoss", "logits", (4, 9))
    for reached, status in ((True, Status.PASS), (False, Status.NEEDS_TA)):
        cells = (cell(0, "x"), cell(1, "train()"), cell(2, "train()", run=reached))
        given = factories.evidence(cells, training=history(right), outcome=Outcome.TIMEOUT)
        assert check.judge(factories.case(check, given)).status is status


def test_a_loss_that_fits_elsewhere_earns_nothing_for_a_part_whose_cells_all_raised():
    sections = {"two": Section(title="Two", heading="^Two")}
    broken = cell(3, "train()", error=CellError(type="NameError"))
    cells = (cell(0, "x"), cell(1, "train()"), cell(2, "# Two", kind="markdown"), broken)
    right = run("CrossEntropyLoss", "logits", (4, 9))
    check = LossFunction(classes=9, sections=("two",))
    for here in (right, right.model_copy(update={"cell": 3})):
        evidence = factories.evidence(cells, training=history(here))
        assert check.judge(factories.case(check, evidence, sections=sections)).status is Status.NEEDS_TA


def test_only_runs_of_the_sections_asked_for_are_judged():
    sections = {"two": Section(title="2", heading="^Two")}
    cells = (cell(0, "x"), cell(1, "train()"), cell(2, "# Two", kind="markdown"), cell(3, "train()"))
    right = run("CrossEntropyLoss", "logits", (4, 9), 1).model_copy(update={"cell": 3})
    check = LossFunction(classes=9, sections=("two",))
    training = history(run("MSELoss", "logits", (4, 9)), right)
    evidence = factories.evidence(cells, training=training)
    assert check.judge(factories.case(check, evidence, sections=sections)).status is Status.PASS


LETTERS = """class Letters(nn.Module):
    def __init__(self):
        self.last = nn.Linear(4, 9)

    def forward(self, x):
        return F.softmax(self.last(x), dim=1)"""
GATED = LETTERS.replace("self.last(x)", "self.last(torch.sigmoid(x) * x)")
KEPT = LETTERS.replace("nn.Linear(4, 9)", "nn.Softmax(dim=1)").replace(
    "F.softmax(self.last(x), dim=1)", "self.last(x)"
)


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (LETTERS, 6),
        (KEPT, 3),
        (LETTERS.replace("nn.Linear(4, 9)", "nn.Softmax(dim=1)"), 6),
        (GATED, 6),
        (GATED.replace("F.softmax(self.last(torch.sigmoid(x) * x), dim=1)", "self.last(x.softmax(1))"), None),
        (LETTERS.replace("Letters", "Others"), None),
        (LETTERS.replace("F.softmax", "F.log_softmax"), None),
    ],
)
def test_the_line_of_the_softmax_is_named_where_the_network_ends_in_it(source: str, line: int | None):
    network = factories.model("net", class_name="Letters")
    wrong = run("CrossEntropyLoss", "probabilities", (4, 9)).model_copy(update={"model": network})
    judgement = judge(wrong, cells=(cell(0, source), cell(1, "train(net)")))
    assert judgement.status is Status.FAIL
    assert [(place.cell, place.line) for place in judgement.where][:-1] == ([(0, line)] if line else [])
    assert ("(after the softmax in cell 0, line" in judgement.message) == (line is not None)
    assert ("Take the softmax out" in judgement.advice) == (line is not None)


def test_the_class_counts_as_it_was_last_written_before_the_run():
    network = factories.model("net", class_name="Letters")
    wrong = run("CrossEntropyLoss", "probabilities", (4, 9)).model_copy(update={"model": network, "cell": 2})
    cells = (cell(0, LETTERS), cell(1, f"\n{LETTERS}"), cell(2, "train(net)"), cell(3, LETTERS))
    assert [place.cell for place in judge(wrong, cells=cells).where] == [1, 2]


def of_section_two(*runs: TrainingRun, heading: str = "# Two") -> Judgement:
    sections = {"two": Section(title="2", heading="^Two")}
    cells = (cell(0, "x"), cell(1, "train()"), cell(2, heading, kind="markdown"), cell(3, "train()"))
    check = LossFunction(classes=9, sections=("two",))
    evidence = factories.evidence(cells, training=history(*runs))
    return check.judge(factories.case(check, evidence, sections=sections))


def test_a_wrong_run_of_another_section_costs_nothing_here():
    right = run("CrossEntropyLoss", "logits", (4, 9), 1).model_copy(update={"cell": 3})
    wrong = run("CrossEntropyLoss", "probabilities", (4, 9))
    assert of_section_two(wrong, right).status is Status.PASS
    assert of_section_two(wrong).status is Status.NEEDS_TA


def test_where_the_section_was_not_found_every_run_goes_to_a_ta():
    right, wrong = run("CrossEntropyLoss", "logits", (4, 9)), run("CrossEntropyLoss", "probabilities", (4, 9))
    assert of_section_two(right, heading="# Zwei").status is Status.NEEDS_TA
    assert of_section_two(right, wrong, heading="# Zwei").status is Status.NEEDS_TA


def test_no_training_anywhere_is_no_training_in_a_section_either():
    assert of_section_two().status is Status.FAIL
