"""Test data in training, in tuning, and where they belong."""

from __future__ import annotations

from typing import Any

import pytest

from grader.checks._data_use import TestData
from grader.checks.evaluated_on_test import EvaluatedOnTest
from grader.checks.test_set_untouched import TestSetUntouched
from grader.checks.validation_selection import ValidationSelection
from grader.evidence.record import CellError, CellRecord, CellRun, Outcome, Output, Submitted
from grader.evidence.training import DataSource, EvaluationPass, ModelIdentity, TrainingRun
from grader.rubric.handout import fingerprint
from grader.rubric.model import Check, Judgement, Section, Status
from tests import factories
from tests.factories import cell, history, model, training_run

SECTIONS = {
    "tune": Section(title="tune", heading="^Tune"),
    "more": Section(title="more", heading="^More"),
    "test": Section(title="test", heading="^Test"),
}
CELLS = (
    cell(0, "# Tune", kind="markdown"),
    cell(1, "train(net)"),
    cell(2, "# More", kind="markdown"),
    cell(3, "train(net)"),
    cell(4, "# Test", kind="markdown"),
    cell(5, "print(evaluate(net, val_loader))", printed="error 0.3"),
)


def source(token: int, split: Any = None, *names: str) -> DataSource:
    return DataSource(token=token, dataset_token=token, dataset="ImageFolder", split=split, names=names)


TRAIN, VALID, TEST, NAMED, MIXED = (
    source(0, "train", "train_loader"),
    source(1, None, "val_loader"),
    source(2, "test", "loader"),
    source(3, None, "test_loader"),
    source(4, None, "test_loader", "val_loader"),
)
SOURCES = (TRAIN, VALID, TEST, NAMED, MIXED)


def look(
    order: int, cell_index: int, token: int, *, after: int | None = None, passes: int = 1, net: str = "net"
) -> EvaluationPass:
    used: ModelIdentity = model(net)
    return EvaluationPass(
        order=order, cell=cell_index, model=used, source=token, after_run=after, passes=passes
    )


def run(index: int, cell_index: int, order: int, token: int = 0) -> TrainingRun:
    return training_run(index, cell_index, order=order, source=token)


RUNS = (run(0, 1, 0), run(1, 3, 10))


def judge(
    check: Check,
    *looks: EvaluationPass,
    runs: tuple[TrainingRun, ...] = RUNS,
    cells: tuple[CellRecord, ...] = CELLS,
    section: str | None = None,
    outcome: Outcome = Outcome.COMPLETED,
    untouched: bool = False,
) -> Judgement:
    training = history(*runs, evaluations=looks, sources=SOURCES)
    given = fingerprint({"cells": [{"cell_type": c.kind, "source": c.source, "metadata": {}} for c in cells]})
    evidence = factories.evidence(cells, training=training, outcome=outcome)
    handout = given if untouched else None
    return check.judge(factories.case(check, evidence, sections=SECTIONS, section=section, handout=handout))


@pytest.mark.parametrize(
    ("token", "likeness"),
    [(0, "other"), (1, "other"), (2, "test"), (3, "unsure"), (4, "other"), (9, "other")],
)
def test_only_the_data_sets_own_word_makes_test_data_certain(token: int, likeness: str):
    assert TestData(history(*RUNS, sources=SOURCES)).likeness(token) == likeness


def test_a_folder_called_test_that_all_training_data_come_from_proves_nothing():
    runs = (run(0, 1, 0, token=2),)
    assert TestData(history(*runs, sources=SOURCES)).likeness(2) == "unsure"


UNTOUCHED = TestSetUntouched(tuning=("tune", "more"))


def test_a_look_at_the_test_data_after_the_choice_is_what_they_are_for():
    assert judge(UNTOUCHED, look(11, 5, 2, after=1)).status is Status.PASS
    assert judge(UNTOUCHED, look(1, 1, 1, after=0, passes=30)).status is Status.PASS


def test_test_data_are_not_said_to_be_untouched_where_our_run_ended_early():
    judgement = judge(UNTOUCHED, look(1, 1, 1, after=0), outcome=Outcome.TIMEOUT)
    assert judgement.status is Status.NEEDS_TA


def test_training_on_test_data_is_found():
    judgement = judge(UNTOUCHED, runs=(*RUNS, run(2, 5, 12, token=2)))
    assert judgement.status is Status.FAIL
    assert judgement.data["trained_on_test"] == [{"run": 2, "cell": 5}]
    assert "trained on test data in cell 5" in judgement.message


def test_the_advice_fits_the_misuse():
    trained = judge(UNTOUCHED, runs=(*RUNS, run(2, 5, 12, token=2)))
    assert trained.advice.startswith("Evaluate the trained network on the test set")
    tuned = judge(UNTOUCHED, look(1, 1, 2, after=0, passes=30))
    assert tuned.advice.startswith("Choose settings on validation data")


def test_all_cells_and_the_student_s_own_name_of_the_data_are_told():
    cells = (*CELLS[:1], cell(1, "train(net, mine)"), *CELLS[2:3], cell(3, "train(net, mine)"), *CELLS[4:])
    named = source(2, "test", "loader", "mine")
    looks = (look(1, 1, 2, after=0, passes=30), look(11, 3, 2, after=1, passes=30))
    training = history(*RUNS, evaluations=looks, sources=(TRAIN, named))
    evidence = factories.evidence(cells, training=training)
    message = UNTOUCHED.judge(factories.case(UNTOUCHED, evidence, sections=SECTIONS)).message
    assert message == "Test data (`mine`) were evaluated while settings were chosen, in cells 1 and 3."


@pytest.mark.parametrize(
    ("given", "code", "name"),
    [
        (source(0, None, "loader", "mine"), "evaluate(net, mine)", "`mine`"),
        (
            source(0, None, "loader").model_copy(update={"root": "testing"}),
            "run(net)",
            "the data in `testing`",
        ),
        (source(0, None, "loader"), "run(net)", "`loader`"),
        (source(0, "test"), "run(net)", "the test data"),
    ],
)
def test_data_are_called_by_a_name_that_their_cell_uses(given: DataSource, code: str, name: str):
    assert TestData(history(sources=(given,))).name(0, code) == name


def test_test_data_passed_as_validation_data_in_tuning_are_found():
    judgement = judge(UNTOUCHED, look(1, 1, 2, after=0, passes=30))
    assert judgement.status is Status.FAIL
    assert judgement.data["tuned_on_test"] == [{"after_run": 0, "cell": 1, "passes": 30}]


def test_more_looks_than_are_allowed_are_tuning():
    once, twice = look(1, 1, 2, after=0), look(11, 3, 2, after=1)
    assert judge(UNTOUCHED, once).status is Status.PASS
    assert judge(UNTOUCHED, once, twice).status is Status.FAIL
    strict = TestSetUntouched(tuning=("tune", "more"), allowed_evaluations=0)
    assert judge(strict, once).status is Status.FAIL


def test_a_name_alone_goes_to_a_ta():
    assert judge(UNTOUCHED, look(1, 1, 3, after=0, passes=30)).status is Status.NEEDS_TA
    assert judge(UNTOUCHED, runs=(*RUNS, run(2, 5, 12, token=3))).status is Status.NEEDS_TA
    assert judge(UNTOUCHED, look(1, 1, 4, after=0, passes=30)).status is Status.PASS


def test_without_training_nothing_can_be_said_unless_nothing_was_handed_in():
    assert judge(UNTOUCHED, runs=()).status is Status.NEEDS_TA
    assert judge(UNTOUCHED, runs=(), untouched=True).status is Status.FAIL


def test_without_training_and_tuning_a_failed_cell_or_an_incomplete_record_is_no_proof():
    check = TestSetUntouched()
    failed = (cell(0, "train(net)", error=CellError(type="NameError")),)
    fine = (cell(0, "x = 1"),)
    for cells, complete, status in (
        (failed, True, Status.NEEDS_TA),
        (fine, False, Status.NEEDS_TA),
        (fine, True, Status.FAIL),
    ):
        given = factories.evidence(cells, training=history(complete=complete))
        assert check.judge(factories.case(check, given)).status is status


SELECTION = ValidationSelection(sections=("tune", "more"))


def test_each_further_setting_is_a_part_of_the_points():
    assert judge(SELECTION).status is Status.PASS
    half = judge(SELECTION, runs=RUNS[:1])
    assert (half.status, half.share) == (Status.PARTIAL, 0.5)
    assert judge(SELECTION, runs=(run(0, 5, 0),)).status is Status.FAIL


def test_a_look_at_the_test_data_before_the_last_setting_goes_to_a_ta():
    early, late = look(1, 1, 2, after=0), look(11, 5, 2, after=1)
    assert judge(SELECTION, early).status is Status.NEEDS_TA
    assert judge(SELECTION, late).status is Status.PASS


def test_a_section_that_failed_or_was_never_reached_is_open():
    failed = (*CELLS[:3], cell(3, "train(net)", error=CellError(type="NameError")), *CELLS[4:])
    for judgement in (
        judge(SELECTION, runs=RUNS[:1], cells=failed),
        judge(SELECTION, runs=RUNS[:1], outcome=Outcome.TIMEOUT),
    ):
        assert (judgement.status, judgement.share, judgement.open_share) == (Status.NEEDS_TA, 0.5, 0.5)
    assert judge(SELECTION, runs=(), untouched=True).status is Status.FAIL


PLOT = Output(kind="display_data", text="<Figure>", data={"image/png": "iVBO"})
WITH_CURVES = ValidationSelection(sections=("tune", "more"), curves=True)


def plotted(*places: int, stored: bool = False) -> tuple[CellRecord, ...]:
    """The notebook with a plot in some cells, in our run or in the file handed in."""
    ours = {"run": CellRun(status="ok", outputs=(PLOT,))}
    update = {"submitted": Submitted(outputs=(PLOT,))} if stored else ours
    return tuple(each.model_copy(update=update) if each.index in places else each for each in CELLS)


def test_a_setting_without_a_plot_waits_for_a_ta_with_half_of_its_part():
    for stored in (False, True):
        assert judge(WITH_CURVES, cells=plotted(1, 3, stored=stored)).status is Status.PASS
    both, one = judge(WITH_CURVES), judge(WITH_CURVES, cells=plotted(3))
    assert (both.status, both.share, both.open_share) == (Status.NEEDS_TA, 0.5, 0.5)
    assert (one.status, one.share, one.open_share) == (Status.NEEDS_TA, 0.75, 0.25)
    assert "No plot was found in 'tune': a TA looks for the curves." in one.message


def test_a_section_that_trains_nothing_is_not_asked_for_its_plot():
    half = judge(WITH_CURVES, runs=RUNS[:1], cells=plotted(1))
    assert (half.status, half.share) == (Status.PARTIAL, 0.5)
    assert judge(WITH_CURVES, runs=(run(0, 5, 0),)).status is Status.FAIL


def test_a_plot_that_is_missing_and_a_section_that_did_not_run_wait_together():
    judgement = judge(WITH_CURVES, runs=RUNS[:1], outcome=Outcome.TIMEOUT)
    assert (judgement.share, judgement.open_share) == (0.25, 0.75)
    assert "Not all ran. No plot was found in 'tune'" in judgement.message


EVALUATED = EvaluatedOnTest(model=("net",))


def test_the_chosen_net_evaluated_on_test_data_and_reported_is_right():
    assert judge(EVALUATED, look(11, 5, 2), section="test").status is Status.PASS


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (look(11, 5, 1), Status.FAIL),
        (look(11, 5, 3), Status.NEEDS_TA),
        (look(11, 5, 2, net="other"), Status.NEEDS_TA),
        (look(11, 3, 2), Status.NEEDS_TA),
    ],
)
def test_other_data_are_wrong_and_what_is_unclear_goes_to_a_ta(given: EvaluationPass, status: Status):
    assert judge(EVALUATED, given, section="test").status is status


OVERLAPPING = DataSource(
    token=5, dataset_token=0, dataset="ImageFolder", overlap=((0, 0.5),), names=("loader",)
)
APART = OVERLAPPING.model_copy(update={"token": 6, "overlap": ((0, 0.49),)})
NAMED_IN_A_FUNCTION = source(7, None, "validation_loader")
TRAIN_FOLDER = source(8, "train", "loader")


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (source(5), Status.NEEDS_TA),
        (OVERLAPPING, Status.FAIL),
        (APART, Status.NEEDS_TA),
        (NAMED_IN_A_FUNCTION, Status.NEEDS_TA),
        (TRAIN_FOLDER, Status.FAIL),
    ],
)
def test_data_are_not_the_test_data_only_where_something_says_so(given: DataSource, status: Status):
    training = history(*RUNS, evaluations=[look(11, 5, given.token)], sources=(*SOURCES, given))
    evidence = factories.evidence(CELLS, training=training)
    judgement = EVALUATED.judge(factories.case(EVALUATED, evidence, sections=SECTIONS, section="test"))
    assert judgement.status is status
    assert judgement.data["evaluations"][0]["is_test"] == (False if status is Status.FAIL else None)


def test_a_folder_called_train_that_was_split_by_hand_may_hold_the_test_data():
    kept = (source(0, "train", "train_loader"), source(1, "train", "loader"))
    training = history(*RUNS, evaluations=[look(11, 5, 1)], sources=kept)
    evidence = factories.evidence(CELLS, training=training)
    judgement = EVALUATED.judge(factories.case(EVALUATED, evidence, sections=SECTIONS, section="test"))
    assert judgement.status is Status.NEEDS_TA


def test_an_evaluation_without_a_number_goes_to_a_ta():
    silent = (*CELLS[:5], cell(5, "e = evaluate(net)"))
    assert judge(EVALUATED, look(11, 5, 2), section="test", cells=silent).status is Status.NEEDS_TA


def test_the_handout_as_given_evaluates_nothing():
    judgement = judge(EVALUATED, section="test", untouched=True)
    assert judgement.status is Status.FAIL
    assert "Nothing was handed in" in judgement.message


def evaluated(
    *looks: EvaluationPass,
    sources: tuple[DataSource, ...] = SOURCES,
    runs: tuple[TrainingRun, ...] = RUNS,
    cells: tuple[CellRecord, ...] = CELLS,
    check: EvaluatedOnTest = EVALUATED,
) -> Judgement:
    evidence = factories.evidence(cells, training=history(*runs, evaluations=looks, sources=sources))
    return check.judge(factories.case(check, evidence, sections=SECTIONS, section="test"))


def test_test_data_that_the_very_network_was_trained_on_test_nothing():
    runs = (*RUNS, run(2, 5, 11, token=2))
    judgement = evaluated(look(12, 5, 2, after=2), runs=runs)
    assert judgement.status is Status.FAIL
    assert judgement.message == "`net` was evaluated in cell 5 on the data that it was trained on."
    validated = source(1, None, "data").model_copy(update={"root": "validating"})
    sources, tuned = (TRAIN, validated, TEST), look(1, 1, 1, after=0, passes=30)
    both = look(12, 5, 2), look(13, 5, 1)
    assert evaluated(tuned, *both, runs=runs, sources=sources).status is Status.FAIL
    assert evaluated(*both, runs=runs, sources=sources).status is Status.NEEDS_TA
    unclear = (TRAIN, source(1, None, "data"), TEST)
    assert evaluated(tuned, *both, runs=runs, sources=unclear).status is Status.NEEDS_TA


def test_test_data_that_another_network_was_trained_on_or_that_it_is_trained_on_later_are_test_data():
    later = (*RUNS, run(2, 5, 20, token=2))
    assert evaluated(look(12, 5, 2), runs=later).status is Status.PASS
    other = run(2, 5, 11, token=2).model_copy(update={"model": model("net", 7)})
    assert evaluated(look(12, 5, 2), runs=(*RUNS, other)).status is Status.PASS


WHOLE = {"dataset_token": 0, "index_digest": "d", "length": 100}
OF_TRAINING = TRAIN.model_copy(update={**WHOLE, "split": None})
VALIDATION = VALID.model_copy(update=WHOLE)
KEPT = NAMED.model_copy(update={**WHOLE, "names": ("loader", "test_loader")})
TUNED = look(1, 1, 1, after=0)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, Status.PASS),
        ({"overlap": ((0, 0.01),)}, Status.NEEDS_TA),
        ({"overlap": ((1, 0.01),)}, Status.NEEDS_TA),
        ({"index_digest": None}, Status.NEEDS_TA),
        ({"dataset_token": 3}, Status.NEEDS_TA),
        ({"names": ("loader",)}, Status.NEEDS_TA),
    ],
)
def test_a_part_of_the_training_set_that_nothing_used_before_is_test_data(changed: Any, status: Status):
    sources = (OF_TRAINING, VALIDATION, KEPT.model_copy(update=changed))
    judgement = evaluated(TUNED, look(11, 5, 3, after=1), sources=sources)
    assert judgement.status is status
    if status is Status.NEEDS_TA:
        assert "whether these are test data could not be told" in judgement.message


def test_a_part_that_was_looked_at_in_tuning_is_no_test_data():
    sources = (OF_TRAINING, VALIDATION, KEPT)
    tuned = look(2, 1, 3, after=0, passes=30)
    assert evaluated(tuned, look(11, 5, 3, after=1), sources=sources).status is Status.NEEDS_TA


def test_sources_whose_items_cannot_be_listed_prove_nothing():
    unlisted = OF_TRAINING.model_copy(update={"index_digest": None})
    assert evaluated(look(11, 5, 3), sources=(unlisted, KEPT)).status is Status.NEEDS_TA


CHOOSING = EvaluatedOnTest(choice="more")
SLOW = tuple(
    each.model_copy(update={"hyperparameters": {"lr": 0.003}, "batch_sizes": (256,), "passes": 30})
    for each in RUNS
)


@pytest.mark.parametrize(
    ("words", "states"),
    [
        ("Learning rate: 0.003, batch size 256, 30 epochs.", ""),
        ("The best has learning_rate=0.001 and **batch size**: 256.", "learning rate 0.001"),
        ("lr 0.001 was worse than lr 0.003", ""),
        ("`batch_size` = 64, num_epochs = 10", "batch size 64 and epochs 10"),
        ("It levels off at epoch 8; 30 layers.", ""),
        ("The third one.", ""),
    ],
)
def test_a_network_trained_otherwise_than_was_chosen_goes_to_a_ta(words: str, states: str):
    cells = (*CELLS[:3], cell(3, words, kind="markdown"), *CELLS[4:])
    judgement = evaluated(look(11, 5, 2), runs=SLOW, cells=cells, check=CHOOSING)
    assert judgement.status is (Status.NEEDS_TA if states else Status.PASS)
    assert "`net` as trained in cell 3 (learning rate 0.003, batch size 256, 30 epochs)" in judgement.message
    assert (f"the answer to more states {states};" in judgement.message) == bool(states)


LOADS = "net.load_state_dict(torch.load(f'{name}_epoch29'))\nprint(evaluate(net, loader))"


@pytest.mark.parametrize(
    ("code", "token", "says"),
    [
        ("print(evaluate(net, loader))", 7, "our run did not train it"),
        (LOADS, 7, ""),
        ("best = copy.deepcopy(net)\nprint(evaluate(net, loader))", 7, ""),
        (LOADS, 0, "cell 5 loads a checkpoint of epoch 29 into it first"),
        (LOADS.replace("29", "9"), 0, ""),
        (LOADS.replace("net.load", "other.load"), 0, ""),
    ],
)
def test_which_weights_were_evaluated_is_asked_where_they_are_not_those_of_its_own_training(
    code: str, token: int, says: str
):
    cells = (*CELLS[:5], cell(5, code, printed="error 0.3"))
    runs = tuple(each.model_copy(update={"passes": 15, "last_cell": 3}) for each in RUNS)
    used = look(11, 5, 2).model_copy(update={"model": model("net", token)})
    judgement = evaluated(used, cells=cells, runs=runs)
    assert judgement.status is (Status.NEEDS_TA if says else Status.PASS)
    assert says in judgement.message


def test_one_of_several_evaluations_that_is_the_chosen_network_s_is_enough():
    chosen = SLOW[0].model_copy(update={"hyperparameters": {"lr": 0.001}, "model": model("best", 5)})
    cells = (*CELLS[:3], cell(3, "learning rate 0.001", kind="markdown"), *CELLS[4:])
    looks = look(11, 5, 2), look(12, 5, 2).model_copy(update={"model": model("best", 5)})
    judgement = evaluated(*looks, runs=(chosen, SLOW[1]), cells=cells, check=CHOOSING)
    assert judgement.status is Status.PASS
