"""Settings that were asked for: trained, or only talked about."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from grader.checks.training.hyperparameter_settings import HyperparameterSettings
from grader.evidence.record import CellError, Outcome
from grader.evidence.training import EvaluationPass, LayerList, TrainingRun
from grader.facts.handout import fingerprint
from grader.judging.judgement import Judgement, Status
from tests import factories
from tests.factories import cell, history, layer_list, model, rows

from .trained import CELLS, SECTIONS, WANTED, judge, run, source


def test_each_setting_trained_as_asked_is_a_part_of_the_points():
    assert judge(run(0, 1, 0.001, 64), run(1, 3, 0.01, 16)).status is Status.PASS
    half = judge(run(0, 1, 0.001, 64), run(1, 3, 0.01, 512))
    assert (half.status, half.share) == (Status.PARTIAL, 0.5)
    assert "small was trained with batch size 512 instead of 16 in cell 3." in half.message
    slow_again = judge(run(0, 1, 0.001, 64), run(1, 3, 0.001, 64)).message
    assert slow_again.endswith(
        "small was trained with learning rate 0.001 instead of 0.01, batch size 64 instead of 16 in cell 3,"
        " which is slow again."
    )
    assert [place.cell for place in half.where] == [3]
    assert judge(run(0, 1, 0.1, 64), run(1, 3, 0.01, 512)).status is Status.FAIL


def test_the_only_training_of_one_setting_is_not_said_to_be_that_one_again():
    anywhere = [{**each, "section": None} for each in WANTED]
    once = judge(run(0, 1, 0.001, 64), settings=anywhere)
    assert once.message.endswith("small was not trained: the training in cell 1 is slow.")
    twice = judge(run(0, 1, 0.001, 64), run(1, 3, 0.001, 64), settings=WANTED)
    assert twice.message.endswith("in cell 3, which is slow again.")


def test_the_batch_size_given_to_the_loader_counts_more_than_the_batches_seen():
    runs = (run(0, 1, 0.001, 3, source=0), run(1, 3, 0.01, 3, source=1))
    assert judge(*runs, sources=(source(0, 64), source(1, 16))).status is Status.PASS


def test_another_net_than_the_one_asked_for_is_wrong():
    other = run(1, 3, 0.01, 16, model=model("tiny", 1, class_name="Tiny"))
    judgement = judge(run(0, 1, 0.001, 64), other)
    assert "`tiny` instead of `net`" in judgement.message
    assert judgement.status is Status.PARTIAL


def test_the_same_network_under_another_name_is_no_other_network():
    bound_later = EvaluationPass(order=2, cell=3, model=model("net", 1), source=0)
    trained = run(1, 3, 0.01, 16, model=model("mine", 1, class_name="Mine"))
    assert judge(run(0, 1, 0.001, 64), trained, evaluations=(bound_later,)).status is Status.PASS
    wrapped = model("whole", 1, class_name="Lit").model_copy(update={"also": ("Net",)})
    anywhere = [{**each, "model": ["Net"]} for each in WANTED]
    runs = (run(0, 1, 0.001, 64), run(1, 3, 0.01, 16, model=wrapped))
    assert judge(*runs, settings=anywhere).status is Status.PASS


def test_a_network_that_may_be_the_one_asked_for_by_another_name_goes_to_a_ta():
    lists = (layer_list("fc: Linear(out_features=2)"), layer_list("fc: Linear(out_features=9)"))
    asked = run(0, 1, 0.001, 64, model=model(layers=0))
    alike = run(1, 3, 0.01, 16, model=model("mine", 1, class_name="Mine", layers=0))
    judgement = judge(asked, alike, layer_lists=lists)
    assert (judgement.status, judgement.share, judgement.open_share) == (Status.NEEDS_TA, 0.5, 0.5)
    assert "`mine` instead of `net` (which is built alike)" in judgement.message
    other = run(1, 3, 0.01, 16, model=model("mine", 1, class_name="Mine", layers=1))
    assert judge(asked, other, layer_lists=lists).status is Status.PARTIAL
    loose = model("", 1).model_copy(update={"class_name": None, "names": ()})
    assert judge(asked, run(1, 3, 0.01, 16, model=loose), layer_lists=lists).status is Status.NEEDS_TA


@pytest.mark.parametrize(
    ("code", "status"),
    [("mine = Mine()\ntrain(mine)", Status.NEEDS_TA), ("net = Net()\ntrain(mine)", Status.FAIL)],
)
def test_a_name_that_nothing_in_the_notebook_has_accuses_nobody(code, status):
    mine = model("mine", 1, class_name="Mine")
    asked = [{**each, "model": ["net", "Net"]} for each in TWO]
    runs = (run(0, 1, 0.1, 16, passes=4, model=mine), run(1, 1, 0.02, 16, passes=4, model=mine))
    cells = (CELLS[0], cell(1, code), *CELLS[2:])
    assert judge(*runs, cells=cells, settings=asked).status is status


def test_the_training_that_was_meant_for_a_setting_is_told_not_that_of_another_one():
    message = judge(run(0, 1, 0.1, 16, passes=4), run(1, 3, 0.02, 16, passes=3), settings=TWO).message
    assert message.endswith("slow was trained with epochs 3 instead of 4 in cell 3.")
    wrong_size = [{**each, "batch_size": 16} for each in TWO]
    message = judge(run(0, 1, 0.1, 16, passes=4), run(1, 3, 0.02, 32, passes=4), settings=wrong_size).message
    assert message.endswith("slow was trained with batch size 32 instead of 16 in cell 3.")


def test_a_wrong_attempt_beside_the_right_one_costs_nothing():
    assert judge(run(0, 1, 0.5, 64), run(1, 1, 0.001, 64), run(2, 3, 0.01, 16)).status is Status.PASS


def test_a_setting_trained_in_another_section_counts_where_its_own_trains_nothing():
    assert judge(run(0, 1, 0.001, 64), run(1, 1, 0.01, 16)).status is Status.PASS


def test_a_value_that_was_not_recorded_goes_to_a_ta():
    judgement = judge(run(0, 1, 0.001, 64), run(1, 3, 0.01, None))
    assert (judgement.status, judgement.share, judgement.open_share) == (Status.NEEDS_TA, 0.5, 0.5)


def test_a_section_whose_cell_failed_goes_to_a_ta_and_the_rest_is_settled():
    failed = (*CELLS[:3], cell(3, "train(net)", error=CellError(type="NameError")))
    judgement = judge(run(0, 1, 0.001, 64), cells=failed)
    assert (judgement.status, judgement.share, judgement.open_share) == (Status.NEEDS_TA, 0.5, 0.5)
    assert judge(run(0, 1, 0.001, 64)).status is Status.PARTIAL
    assert judge(run(0, 1, 0.001, 64), outcome=Outcome.TIMEOUT).status is Status.NEEDS_TA


def test_no_run_at_all_accuses_nobody_who_wrote_code():
    judgement = judge()
    assert (judgement.status, judgement.share, judgement.open_share) == (Status.NEEDS_TA, 0.0, 1.0)


def test_sections_without_an_answer_earn_nothing():
    empty = (CELLS[0], cell(1), CELLS[2], cell(3))
    given = fingerprint({"cells": [{"cell_type": c.kind, "source": c.source, "metadata": {}} for c in empty]})
    check = HyperparameterSettings(settings=WANTED)
    evidence = factories.evidence(empty)
    judgement = check.judge(factories.case(check, evidence, sections=SECTIONS, handout=given))
    assert judgement.status is Status.FAIL
    assert judgement.open_share == 0


def test_another_training_in_a_section_with_a_failed_cell_is_not_held_against_the_student():
    cells = (*CELLS, cell(4, "train(other)", error=CellError(type="NameError")))
    judgement = judge(run(0, 1, 0.001, 64), run(1, 3, 0.01, 512), cells=cells)
    assert (judgement.status, judgement.share, judgement.open_share) == (Status.NEEDS_TA, 0.5, 0.5)
    assert "small: batch size 512 instead of 16, but not everything ran" in judgement.message


def test_a_section_left_empty_is_open_where_its_setting_is_trained_elsewhere():
    empty = (CELLS[0], CELLS[1], CELLS[2], cell(3))
    given = fingerprint({"cells": [{"cell_type": c.kind, "source": c.source, "metadata": {}} for c in empty]})
    check = HyperparameterSettings(settings=WANTED)
    cells = (CELLS[0], cell(1, "train(net); train(small)"), *empty[2:])
    training = history(run(0, 1, 0.001, 64), run(1, 1, 0.01, 16))
    evidence = factories.evidence(cells, training=training)
    judgement = check.judge(factories.case(check, evidence, sections=SECTIONS, handout=given))
    assert (judgement.status, judgement.share, judgement.open_share) == (Status.NEEDS_TA, 0.5, 0.5)
    assert "cell 1 trains it" in judgement.message


def test_a_rubric_asks_for_settings_or_for_a_number_of_them():
    for fields in ({}, {"settings": WANTED, "at_least": 2}):
        with pytest.raises(ValidationError, match="either settings or at_least"):
            HyperparameterSettings(**fields)


TWO = [
    {"title": "fast", "learning_rate": 0.1, "epochs": 4},
    {"title": "slow", "learning_rate": 0.02, "epochs": 4},
]


def with_code(code: str, *runs: TrainingRun) -> Judgement:
    """Two settings anywhere, judged on runs of cell 1, which has this code."""
    cells = (CELLS[0], cell(1, code), *CELLS[2:])
    return judge(*runs, cells=cells, settings=TWO)


def twice(first: float, second: float, **more: Any) -> tuple[TrainingRun, TrainingRun]:
    """Runs of two networks at these rates."""
    given = {"passes": 4, **more}
    nets = model("one"), model("two").model_copy(update={"token": 1})
    return tuple(  # type: ignore[return-value]
        run(place, 1, rate, 16, model=net, **given)
        for place, (rate, net) in enumerate(zip((first, second), nets, strict=True))
    )


def test_epochs_that_nobody_counts_are_no_wrong_number_of_them():
    for more in ({"method": "by_hand", "passes": 1}, {"passes": 0}):
        judgement = with_code("train(net)", *twice(0.1, 0.02, **more))
        assert judgement.status is Status.NEEDS_TA
        assert all(row["state"] == "unsure" for row in rows(judgement, "settings"))
    assert with_code("train(net)", *twice(0.1, 0.02, passes=1)).status is Status.FAIL


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("batches = iter(loader)\nfor step in range(36): x, y = next(batches)", Status.NEEDS_TA),
        (
            "def forever():\n    while True:\n        yield from loader\nfor x, y in forever(): ...",
            Status.NEEDS_TA,
        ),
        ("for x, y in islice(cycle(loader), 36): ...", Status.NEEDS_TA),
        ("for epoch in range(18):\n    for x, y in loader: ...", Status.FAIL),
    ],
)
def test_batches_taken_one_by_one_from_a_loader_that_was_cut_are_no_epochs(code: str, status: Status):
    assert with_code(code, *twice(0.1, 0.02, passes=18, passes_cut=18)).status is status


@pytest.mark.parametrize(
    "code",
    [
        "schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, warm)\ntrain(net)",
        "def train(net):\n    schedule = LinearLR(SGD(net.parameters(), lr), 0.1)\ntrain(net)",
        "schedule = get_linear_schedule_with_warmup(optimizer, 10, 100)",
        "optimizer = SGD([{'params': net.conv.parameters()}, {'params': net.fc.parameters(), 'lr': 0.1}])",
        "for epoch in range(4):\n    for group in optimizer.param_groups:\n        group['lr'] = warm(epoch)",
    ],
)
def test_the_rate_of_a_first_step_is_not_the_one_that_a_schedule_works_up_to(code: str):
    assert with_code(code, *twice(0.004, 0.0008)).status is Status.NEEDS_TA
    assert with_code("train(net, lr=0.004)", *twice(0.004, 0.0008)).status is Status.FAIL


def test_the_largest_rate_of_a_schedule_is_its_rate():
    runs = [
        one.model_copy(update={"hyperparameters": {"lr": rate / 25, "max_lr": rate}})
        for one, rate in zip(twice(0.1, 0.02), (0.1, 0.02), strict=True)
    ]
    assert with_code("schedule = OneCycleLR(optimizer, max_lr=lr)", *runs).status is Status.PASS


def test_schedules_that_begin_at_the_rate_that_was_set_excuse_no_other_rate():
    for code in ("s = StepLR(optimizer, 2)", "s = ExponentialLR(optimizer, 0.9)", "print(group['lr'])"):
        assert with_code(code, *twice(0.004, 0.0008)).status is Status.FAIL


PATIENT = """
def train(net, epochs=4):
    waited = 0
    for epoch in range(epochs):
        for x, y in loader:
            optimizer.step()
        if accuracy(net) > best:
            waited = 0
        else:
            waited += 1
            {leaves}
train(net)
"""
FITTED = """
def fit(net):
    for x, y in loader:
        optimizer.step()
loss, epoch = 9, 0
while loss > 0.1 and epoch < 4:
    loss = fit(net)
    epoch += 1
"""
COUNTED = """
for epoch in range(100):
    for x, y in loader:
        if bad(x): break
        optimizer.step()
    if epoch == last:
        break
"""
DRAINED = """
while True:
    try:
        for x in next(batches): optimizer.step()
    except StopIteration:
        break
"""


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (PATIENT.format(leaves="if waited >= patience: break"), Status.NEEDS_TA),
        (PATIENT.format(leaves="if stopper(accuracy(net)): return net"), Status.NEEDS_TA),
        (FITTED, Status.NEEDS_TA),
        (PATIENT.format(leaves="pass"), Status.FAIL),
        (COUNTED, Status.FAIL),
        (DRAINED, Status.FAIL),
    ],
)
def test_a_training_that_stops_by_itself_need_not_stop_where_the_students_did(code: str, status: Status):
    assert with_code(code, *twice(0.1, 0.02, passes=2)).status is status
    assert with_code(code, *twice(0.1, 0.02, passes=5)).status is Status.FAIL


def test_one_training_in_several_records_has_no_wrong_number_of_epochs():
    first = run(0, 1, 0.1, 16, passes=1)
    parts = [
        first,
        *(run(place, 1, 0.1, 16, passes=1, start=factories.carried(place - 1)) for place in (1, 2, 3)),
    ]
    judgement = with_code("for epoch in range(4):\n    group['lr'] = 0.1", *parts)
    assert [row["state"] for row in rows(judgement, "settings")] == ["unsure", "wrong"]


def test_a_section_whose_code_takes_gradients_unseen_may_have_trained():
    cells = (*CELLS[:3], cell(3, "grads = torch.autograd.grad(loss, weights)"))
    unseen = judge(run(0, 1, 0.001, 64), cells=cells)
    assert (unseen.status, unseen.share, unseen.open_share) == (Status.NEEDS_TA, 0.5, 0.5)
    assert judge(run(0, 1, 0.001, 64)).status is Status.PARTIAL


def regularised(layers: LayerList, **hyperparameters: float | bool) -> tuple[TrainingRun, LayerList]:
    given = {"lr": 0.01, "momentum": 0.9, **hyperparameters}
    return run(0, 1, 0.01, 64, hyperparameters=given, model=model("net", layers=0)), layers


@pytest.mark.parametrize(
    ("wanted", "trained", "layers", "status", "says"),
    [
        ({"weight_decay": 0.1}, {"weight_decay": 0.1}, "fc: Linear()", Status.PASS, "1 of 1"),
        ({"weight_decay": 0.1}, {"weight_decay": 0.0}, "fc: Linear()", Status.FAIL, "decay 0 instead of 0.1"),
        ({"weight_decay": 0.1}, {}, "fc: Linear()", Status.NEEDS_TA, "weight decay unknown"),
        ({"nesterov": True}, {"nesterov": True}, "fc: Linear()", Status.PASS, "1 of 1"),
        ({"nesterov": True}, {"nesterov": False}, "fc: Linear()", Status.FAIL, "nesterov off instead of on"),
        ({"momentum": 0.5}, {}, "fc: Linear()", Status.FAIL, "momentum 0.9 instead of 0.5"),
        ({"dropout": 0.5}, {}, "drop: Dropout(p=0.5)", Status.PASS, "1 of 1"),
        ({"dropout": 0.5}, {}, "drop: Dropout2d(p=0.2)", Status.FAIL, "dropout 0.2 instead of 0.5"),
        ({"dropout": 0.5}, {}, "fc: Linear()", Status.FAIL, "dropout 0 instead of 0.5"),
        ({"dropout": 0}, {}, "fc: Linear()", Status.PASS, "1 of 1"),
        ({"dropout": 0}, {}, "drop: Dropout(p=0.5)", Status.FAIL, "dropout 0.5 instead of 0"),
    ],
)
def test_settings_of_optimizer_and_network_beyond_rate_and_batches(
    wanted: dict[str, Any], trained: dict[str, Any], layers: str, status: Status, says: str
) -> None:
    setting = {"title": "regularised", "model": ["net"], "section": "a", **wanted}
    one, listed = regularised(layer_list(layers), **trained)
    judgement = judge(one, layer_lists=(listed,), settings=[setting])
    assert judgement.status is status
    assert says in judgement.message


@pytest.mark.parametrize(
    ("wanted", "source", "says"),
    [
        ({"dropout": 0.5}, "train(F.dropout(net(x), 0.5))", "leave values out by itself"),
        ({"weight_decay": 0.1}, "loss = loss + 0.1 * sum(p.norm() for p in net.parameters())", "by the loss"),
    ],
)
def test_what_is_written_by_hand_may_be_the_setting_asked_for(
    wanted: dict[str, Any], source: str, says: str
) -> None:
    setting = {"title": "regularised", "model": ["net"], "section": "a", **wanted}
    one, listed = regularised(layer_list("fc: Linear()"), weight_decay=0.0)
    cells = (CELLS[0], cell(1, source), *CELLS[2:])
    judgement = judge(one, cells=cells, layer_lists=(listed,), settings=[setting])
    assert judgement.status is Status.NEEDS_TA
    assert says in judgement.message
