"""The chosen network on the test data: which data, which network, and how it was trained."""

from __future__ import annotations

from typing import Any

import pytest

from grader.checks.data.evaluation_on_test_data import EvaluatedOnTest
from grader.evidence.record import CellRecord
from grader.evidence.training import DataSource, EvaluationPass, TrainingRun
from grader.facts.sections import Section
from grader.judging.judgement import Judgement, Status
from tests import factories
from tests.factories import cell, history, model, rows

from .looks import CELLS, NAMED, RUNS, SECTIONS, SOURCES, TEST, TRAIN, VALID, judge, look, run, source

EVALUATED = EvaluatedOnTest(model=("net",))


def test_the_chosen_net_evaluated_on_test_data_and_reported_is_right():
    assert judge(EVALUATED, look(11, 5, 2), section="test").status is Status.PASS


@pytest.mark.parametrize(
    ("heading", "status"),
    [("## Part 4. Test", Status.NEEDS_TA), ("## Part 4. Test: 93.1 % are right", Status.PASS)],
)
def test_the_number_of_a_part_is_no_result_that_was_reported(heading: str, status: Status):
    silent = cell(5, "found = evaluate(net, test_loader)")
    cells = (*CELLS[:4], cell(4, heading, kind="markdown"), silent)
    training = history(*RUNS, evaluations=[look(11, 5, 2)], sources=SOURCES)
    evidence = factories.evidence(cells, training=training)
    sections = {**SECTIONS, "test": Section(title="test", heading=r"^Part 4\b")}
    judgement = EVALUATED.judge(factories.case(EVALUATED, evidence, sections=sections, section="test"))
    assert judgement.status is status


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


UNCOMPARED = source(9, "test").model_copy(update={"dataset_token": 0, "index_digest": "b", "overlap": None})


@pytest.mark.parametrize(
    ("trained_on", "status"),
    [
        ((TRAIN.model_copy(update={"index_digest": "a"}),), Status.NEEDS_TA),
        ((TRAIN.model_copy(update={"index_digest": "b"}),), Status.FAIL),
        ((TRAIN.model_copy(update={"dataset_token": 7}),), Status.PASS),
        ((), Status.NEEDS_TA),
    ],
)
def test_test_data_that_training_may_have_seen_are_for_a_ta(trained_on: Any, status: Status):
    training = history(*RUNS, evaluations=[look(11, 5, 9)], sources=(*trained_on, UNCOMPARED))
    evidence = factories.evidence(CELLS, training=training)
    judgement = EVALUATED.judge(factories.case(EVALUATED, evidence, sections=SECTIONS, section="test"))
    assert judgement.status is status


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
    assert rows(judgement, "evaluations")[0]["is_test"] == (False if status is Status.FAIL else None)


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
        assert "Whether these are test data could not be told." in judgement.open


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
    assert (f"the answer to more states {states}." in judgement.message) == bool(states)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("best = net", ""),
        ("net = other", ""),
        ("best = other", "cell 3 chooses `other`"),
        ("best = None", ""),
        ("train(net, learning_rate=0.001, batch_size=256)", "states learning rate 0.001"),
        ("lr = 0.003  # learning rate 0.001 was worse", ""),
        ("print('with learning rate 0.001 it was worse')", ""),
        ("title = 'lr 0.001'", ""),
    ],
)
def test_a_choice_in_code_is_read_from_what_the_code_does(code: str, says: str):
    cells = (*CELLS[:3], cell(3, code), *CELLS[4:])
    another = SLOW[0].model_copy(update={"index": 2, "model": model("other", 5)})
    judgement = evaluated(look(11, 5, 2), runs=(*SLOW, another), cells=cells, check=CHOOSING)
    assert judgement.status is (Status.NEEDS_TA if says else Status.PASS)
    assert says in judgement.message


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


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("print(evaluate(net, val_set))", Status.FAIL),
        ("print(evaluate(net, held_out))", Status.NEEDS_TA),
        ("print(evaluate(net, test_part, train_mean))", Status.NEEDS_TA),
    ],
)
def test_a_training_flag_of_the_student_s_own_data_set_counts_with_a_name_beside_it(
    code: str, status: Status
):
    own = DataSource(token=9, dataset_token=9, dataset="Rows", split="train")
    cells = (*CELLS[:5], cell(5, code, printed="error 0.3"))
    training = history(*RUNS, evaluations=[look(11, 5, 9)], sources=(TRAIN, TEST, own))
    evidence = factories.evidence(cells, training=training)
    judgement = EVALUATED.judge(factories.case(EVALUATED, evidence, sections=SECTIONS, section="test"))
    assert judgement.status is status
