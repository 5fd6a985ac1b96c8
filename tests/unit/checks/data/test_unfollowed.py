"""Test data that go into a training by ways which the record does not follow."""

from __future__ import annotations

import pytest

from grader.checks.data.untouched_test_data import TestSetUntouched
from grader.checks.data.validation_selection import ValidationSelection
from grader.judging.judgement import Judgement, Status
from tests import factories
from tests.factories import cell, history, model

from .looks import RUNS, SECTIONS, SOURCES, TRAIN

FIT = """
def fit(net, data):
    for epoch in range(4):
        for x, y in DataLoader(data):
            loss(net(x), y).backward()
            optimizer.step()
"""
EACH_EPOCH = FIT + "        print(net({}).argmax(1))\n"
ONE_BATCH = FIT + "        x, y = next(iter(DataLoader(test_set, 48)))\n        print(net(x))\n"
ONE_BY_ONE = FIT + "        print(sum(net(x[None]).argmax() == y for {}))\n"
PARAMETER = (
    "def check(net, test_data):\n    for x, y in test_data: net(x)\n" + FIT + "        check(net, val_set)\n"
)
CALLED = "def check(net): return net(test_set.images)\n" + FIT + "        print(check(net))\n"


def judge(*sources: str) -> Judgement:
    """Two trainings, in cells 1 and 3; more code in cells before them."""
    check = TestSetUntouched(tuning=("tune", "more"))
    code = "\n".join(sources)
    cells = (
        cell(0, "# Tune", kind="markdown"),
        cell(1, code),
        cell(2, "# More", kind="markdown"),
        cell(3, "x = 1"),
        cell(4, "# Test", kind="markdown"),
    )
    net = model("net")
    runs = [run.model_copy(update={"model": net}) for run in RUNS]
    evidence = factories.evidence(cells, training=history(*runs, sources=(TRAIN, *SOURCES[1:])))
    selection = ValidationSelection(sections=("tune", "more"))
    judged = [each.judge(factories.case(each, evidence, sections=SECTIONS)) for each in (check, selection)]
    assert judged[0].status is judged[1].status
    return judged[0]


@pytest.mark.parametrize(
    "code",
    [
        "everything = ConcatDataset([train_set, test_set])\nfit(net, everything)",
        "fit(net, torch.utils.data.ConcatDataset((train_set, testset)))",
        "both = train_set + test_set\nloader = DataLoader(both)\nfit(net, loader)",
        "data = TensorDataset(test_set.images, test_set.labels)\nfit(net, data)",
        "images = torch.cat([X_train, X_test])\nfit(net, images)",
        "class Wrapped(Dataset): ...\nfit(net, Wrapped(test_set))",
        "fit(net, [*train_set, *test_set])",
        "data = (*train_set, *test_set)\nfit(net, data)",
        "data = list(train_set)\ndata.extend(test_set)\nfit(net, data)",
        "data = list(train_set)\ndata += list(test_set)\nfit(net, data)",
        "def run():\n    data = ConcatDataset([train_set, test_set])\n    fit(net, data)\nrun()",
    ],
)
def test_data_made_of_test_data_and_trained_on_go_to_a_ta(code: str):
    judgement = judge(FIT, code)
    assert judgement.status is Status.NEEDS_TA
    assert "uses data which are made of" in judgement.open


@pytest.mark.parametrize(
    "code",
    [
        EACH_EPOCH.format("test_set.images") + "fit(net, train_set)",
        EACH_EPOCH.format("x_test") + "fit(net, train_set)",
        CALLED + "fit(net, train_set)",
        ONE_BATCH + "fit(net, train_set)",
        ONE_BY_ONE.format("x, y in test_set") + "fit(net, train_set)",
    ],
)
def test_a_look_at_a_whole_test_tensor_after_each_epoch_goes_to_a_ta(code: str):
    judgement = judge(code)
    assert judgement.status is Status.NEEDS_TA
    assert "without a loader" in judgement.open


@pytest.mark.parametrize(
    "code",
    [
        "fit(net, train_set)\nprint(net(test_set.images))",
        "fit(net, ConcatDataset([train_set, augmented]))",
        "test_data = TensorDataset(x_test, y_test)\nfit(net, train_set)",
        "loaders = {'a': DataLoader(TensorDataset(x, y)), 'b': DataLoader(TensorDataset(x_test, y_test))}\n"
        "fit(net, loaders['a'])",
        "train_data, test_data = TensorDataset(x, y), TensorDataset(x_test, y_test)\nfit(net, train_data)",
        "fit(net, train_set)\nfor test_x, y in test_loader:\n    net(test_x)",
        PARAMETER + "fit(net, train_set)",
        FIT + "        print(accuracy(net, [*val_set]))\nfit(net, train_set)\ndata = [train_set, test_set]",
        FIT + "        print(len(test_set))\n        score = net(x)\nfit(net, train_set)",
        "unused = ConcatDataset([train_set, test_set])\ndef never(): return unused\nfit(net, train_set)",
    ],
)
def test_test_data_beside_a_training_are_no_concern(code: str):
    assert judge(FIT, code).status is Status.PASS
