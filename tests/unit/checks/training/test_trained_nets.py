"""Small sets learnt by heart, accuracies reached, features computed."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from grader.checks.networks.transfer_features import TransferFeatures
from grader.checks.training.overfits_small_set import OverfitsSmallSet
from grader.checks.training.reaches_accuracy import ReachesAccuracy
from grader.evidence.plan import Target
from grader.evidence.record import (
    CellError,
    CellRecord,
    FileWritten,
    ForwardRecord,
    ModuleRecord,
    ShimKind,
    ShimUse,
)
from grader.evidence.training import DataSource, LossUse, TrainingRun
from grader.evidence.values import ArrayValue
from grader.facts.handout import fingerprint
from grader.facts.sections import Section
from grader.judging.check import Check
from grader.judging.exhibits import Pair
from grader.judging.judgement import Judgement, Status
from tests import factories
from tests.factories import cell, history, rows, shown, training_run

SECTIONS = {"a": Section(title="a", heading="^Part a"), "b": Section(title="b", heading="^Part b")}
HEADING = cell(0, "# Part a", kind="markdown")
SNIPPET = "features = alexnet.features(img)"
HANDOUT = fingerprint(
    {
        "cells": [
            {"cell_type": "markdown", "source": "# Part a", "metadata": {}},
            {"cell_type": "code", "source": SNIPPET, "metadata": {}},
        ]
    }
)


def judge(check: Check, *cells: CellRecord, **evidence: Any) -> Judgement:
    given = factories.evidence((HEADING, *cells), **evidence)
    return check.judge(factories.case(check, given, sections=SECTIONS, section="a", handout=HANDOUT))


OVERFITS = OverfitsSmallSet(steps=200)


def run(
    steps: int, loss: float, function: str | None = "CrossEntropyLoss", kind: Any = "logits", **more: Any
) -> TrainingRun:
    use = None if function is None else LossUse(function=function, input_shape=(27, 9), input_kind=kind)
    return training_run(0, 1, steps=steps, losses=(2.2, loss), source=0, loss=use, **more)


def overfit(training: TrainingRun | None, items: int = 27, stored: str = "", *shims: ShimUse) -> Judgement:
    source = DataSource(token=0, dataset_token=0, dataset="ImageFolder", length=items, sampled=items)
    runs = () if training is None else (training,)
    trained = history(*runs, sources=(source,))
    return judge(OVERFITS, cell(1, "train()", stored=stored), training=trained, shims=shims)


@pytest.mark.parametrize(
    ("training", "items", "status"),
    [
        (run(150, 0.02), 27, Status.PASS),
        (run(150, 0.03), 27, Status.NEEDS_TA),
        (run(150, 0.025, batch_sizes=(9,)), 27, Status.PASS),
        (run(150, 0.025, batch_sizes=(16, 11)), 27, Status.NEEDS_TA),
        (run(201, 0.001), 27, Status.NEEDS_TA),
        (run(150, 0.00001), 5000, Status.NEEDS_TA),
        (run(150, float("nan")), 27, Status.NEEDS_TA),
        (run(150, 1.0, passes_cut=3), 27, Status.MISSING_EVIDENCE),
        (None, 27, Status.NEEDS_TA),
    ],
)
def test_only_a_loss_that_leaves_no_image_wrong_is_proof(
    training: TrainingRun | None, items: int, status: Status
):
    assert overfit(training, items).status is status


@pytest.mark.parametrize(
    ("function", "kind", "status"),
    [
        ("F.cross_entropy", "unknown", Status.PASS),
        ("nll_loss", "log_probabilities", Status.PASS),
        ("NLLLoss", "logits", Status.NEEDS_TA),
        ("MSELoss", "logits", Status.NEEDS_TA),
        ("BCEWithLogitsLoss", "logits", Status.NEEDS_TA),
        (None, "unknown", Status.NEEDS_TA),
    ],
)
def test_a_small_loss_is_proof_only_where_it_is_a_cross_entropy(function: str, kind: str, status: Status):
    judgement = overfit(run(150, 0.001, function, kind))
    assert judgement.status is status
    assert ("it was not seen" in judgement.message) == (status is Status.NEEDS_TA)


@pytest.mark.parametrize(
    ("stored", "quoted"),
    [
        ("Training accuracy: 100.0 %", "line 1 of what cell 1 printed in the file handed in reports 100 %"),
        ("one\nFinal Training Accuracy: 1.0", "line 2 of what cell 1 printed"),
        ("Epoch 9: Train err: 0.0, Train loss: 0.13", "(`Epoch 9: Train err: 0.0`)"),
        ("training error 0", "(`training error 0`)"),
        ("Training accuracy: 0.91", ""),
        ("Train err: 0.037, Validation err: 0.0", ""),
    ],
)
def test_a_student_s_own_claim_is_quoted_to_the_ta(stored: str, quoted: str):
    judgement = overfit(run(150, 1.0), stored=stored)
    assert (quoted or "no printed output of the file handed in reports 100 %") in judgement.message
    assert rows(judgement, "claim") == [{"claimed": bool(quoted)}]


def test_no_full_training_is_asked_for_where_pictures_of_ours_stood_in_for_the_small_set():
    cut, told = run(150, 1.0, passes_cut=3), "200 epochs on 27 images, accuracy 1.0"
    stood_in = ShimUse(kind=ShimKind.DATASET, cell=1, detail="pictures of 'small' are from gestures/small")
    judgement = overfit(cut, 90, told, stood_in)
    assert judgement.status is Status.NEEDS_TA
    assert f"(`{told}`)" in judgement.message
    assert "--training full" not in judgement.message
    assert overfit(run(150, 0.0001, passes_cut=0), 27, told, stood_in).status is Status.PASS
    own = overfit(cut, 90, told)
    assert own.status is Status.MISSING_EVIDENCE
    assert told in own.message


def test_what_our_own_run_prints_is_no_claim_of_the_file_handed_in():
    source = DataSource(token=0, dataset_token=0, dataset="ImageFolder", length=27, sampled=27)
    printing = cell(1, "train()", printed="Training accuracy: 1.0")
    training = history(run(150, 1.0), sources=(source,))
    assert rows(judge(OVERFITS, printing, training=training), "claim") == [{"claimed": False}]


@pytest.mark.parametrize(
    ("ours", "theirs", "steps", "status"),
    [
        ("Training accuracy: 0.3", "Training accuracy: 1.0", 150, Status.PASS),
        ("Training accuracy: 1.0", "Training accuracy: 0.9", 150, Status.PASS),
        ("Training accuracy: 0.3", "Training accuracy: 0.9", 150, Status.NEEDS_TA),
        ("done", "Training accuracy: 1.0", 150, Status.NEEDS_TA),
        ("Training accuracy: 0.3", "My training accuracy: 1.0", 150, Status.NEEDS_TA),
        ("Training accuracy: 0.3", "Training accuracy: 1.0", 201, Status.NEEDS_TA),
    ],
)
def test_a_line_of_the_file_counts_where_our_run_of_the_code_prints_it_for_other_images(
    ours: str, theirs: str, steps: int, status: Status
):
    source = DataSource(token=0, dataset_token=0, dataset="ImageFolder", length=27, sampled=27)
    printing = cell(1, "print(train())", printed=ours, stored=theirs)
    printing = printing.model_copy(
        update={"submitted": printing.submitted.model_copy(update={"execution_count": 3})}
    )
    training = history(run(steps, 1.0, last_cell=1), sources=(source,))
    judgement = judge(OVERFITS, printing, training=training)
    assert judgement.status is status
    assert ("and our run prints this line" in judgement.message) == (
        status is Status.PASS and theirs.endswith("1.0")
    )


def test_a_run_that_an_error_stopped_tells_nothing():
    source = DataSource(token=0, dataset_token=0, dataset="ImageFolder", length=27, sampled=27)
    failed = cell(1, "train()", error=CellError(type="NameError", message="name 'use_cuda' is not defined"))
    judgement = judge(OVERFITS, failed, training=history(run(1, 2.2), sources=(source,)))
    assert "cell 1 stopped after 1 step (NameError: name 'use_cuda' is not defined)" in judgement.message


def test_nothing_handed_in_earns_nothing():
    assert judge(OVERFITS).status is Status.FAIL


ACCURACY = ReachesAccuracy(pattern=r"accuracy: ([0-9.]+)", at_least=0.6)


def test_the_last_figure_that_our_own_run_printed_counts():
    assert judge(ACCURACY, cell(1, "x", printed="accuracy: 0.2\naccuracy: 0.61")).status is Status.PASS
    assert judge(ACCURACY, cell(1, "x", printed="accuracy: 0.7\naccuracy: 0.59")).status is Status.FAIL
    assert judge(ACCURACY, cell(1, "x", stored="accuracy: 0.9")).status is Status.NEEDS_TA
    assert judge(ACCURACY, cell(1, "x", printed="accuracy: nan")).status is Status.NEEDS_TA
    assert judge(ACCURACY).status is Status.FAIL


def test_an_error_has_an_upper_bound_and_may_be_in_percent():
    error = ReachesAccuracy(pattern=r"error ([0-9.]+)", at_most=0.3, percent=True)
    assert judge(error, cell(1, "x", printed="error 29.9 %")).status is Status.PASS
    assert judge(error, cell(1, "x", printed="error 31 %")).status is Status.FAIL


def test_an_accuracy_needs_full_training_and_one_bound_and_a_group():
    assert ACCURACY.needs_full_training
    for fields in ({}, {"at_least": 0.1, "at_most": 0.2}):
        with pytest.raises(ValidationError, match="either at_least or at_most"):
            ReachesAccuracy(pattern="(x)", **fields)
    with pytest.raises(ValidationError, match="group"):
        ReachesAccuracy(pattern="x", at_least=0.1)


FEATURES = TransferFeatures(
    target=Target(expression="alexnet.features"), input=(2, 3, 224, 224), expected=(2, 256, 6, 6)
)
COMPUTE = "f = alexnet.features(images).detach()\ntorch.save(f, 'f.tensor')"


def features(*cells: CellRecord, shape: tuple[int, ...] = (2, 256, 6, 6), **evidence: Any) -> Judgement:
    output = ArrayValue(type="torch.Tensor", dtype="float32", shape=shape)
    record = ModuleRecord(
        found_by="expression",
        name="alexnet.features",
        class_name="Sequential",
        forwards=(ForwardRecord(input=output, output=output),),
    )
    probes = factories.answers({FEATURES.probes()[0]: record})
    return judge(FEATURES, *cells, probes=probes, **evidence)


def test_features_computed_detached_and_saved_are_right():
    judgement = features(cell(1, COMPUTE))
    assert judgement.status is Status.PASS
    assert shown(judgement, Pair).found == [2, 256, 6, 6]
    in_memory = "with torch.no_grad():\n    data = TensorDataset(alexnet.features(x), y)"
    assert features(cell(1, in_memory)).status is Status.PASS
    written = (FileWritten(path="x.npy", cell=1, size_bytes=1),)
    assert features(cell(1, "f = alexnet.features(x).detach(); keep(f)"), files=written).status is Status.PASS


@pytest.mark.parametrize(
    ("source", "lacking"),
    [
        ("torch.save(alexnet.features(x), 'f')", "detached"),
        ("for data, y in loader:\n    torch.save(alexnet.features(data), 'f')", "detached"),
        ("numpy.save('f', alexnet.features(x))", "detached"),
        ("d = torch.utils.data.TensorDataset(alexnet.features(x), y)", "detached"),
        ("f = alexnet.features(x).detach()", "saved"),
        ("f = x.detach(); torch.save(f, 'f')", "computed"),
    ],
)
def test_what_was_not_seen_goes_to_a_ta(source: str, lacking: str):
    judgement = features(cell(1, source))
    assert judgement.status is Status.NEEDS_TA
    assert lacking in judgement.message


WIDE = FEATURES.model_copy(update={"sections": ("b",)})
PART_B = cell(2, "# Part b", kind="markdown")
NEXT = "images, labels = next(iter(loader))\n"


def wide(*cells: CellRecord) -> Judgement:
    output = ArrayValue(type="torch.Tensor", dtype="float32", shape=(2, 256, 6, 6))
    record = ModuleRecord(
        found_by="expression",
        name="alexnet.features",
        class_name="Sequential",
        forwards=(ForwardRecord(input=output, output=output),),
    )
    return judge(WIDE, *cells, probes=factories.answers({WIDE.probes()[0]: record}))


def test_what_another_section_may_do_is_named_to_the_ta_and_earns_nothing_by_itself():
    later = cell(3, "d = TensorDataset(f.detach(), y)")
    judgement = wide(cell(1, "f = alexnet.features(x)"), PART_B, later)
    assert judgement.status is Status.NEEDS_TA
    assert "detached and saved (cell 3 may do it)" in judgement.message
    assert [place.cell for place in judgement.where] == [1, 3]
    assert wide(PART_B, cell(3, COMPUTE)).status is Status.NEEDS_TA
    assert wide(PART_B, cell(3, "torch.save(net, path)")).status is Status.FAIL


@pytest.mark.parametrize(
    ("source", "status"),
    [
        (NEXT + COMPUTE, Status.NEEDS_TA),
        (COMPUTE.replace("images)", "iter(loader).next()[0])"), Status.NEEDS_TA),
        (NEXT + "for images in loader:\n    torch.save(alexnet.features(images).detach(), 'f')", Status.PASS),
        (NEXT + "f = [alexnet.features(x).detach() for x in loader]; torch.save(f, 'f')", Status.PASS),
    ],
)
def test_one_batch_of_each_loader_goes_to_a_ta(source: str, status: Status):
    judgement = features(cell(1, source))
    assert judgement.status is status
    assert ("Only the first batch" in judgement.message) == (status is Status.NEEDS_TA)


@pytest.mark.parametrize("cut", ["alexnet.features(x).data", "alexnet.features(x.cpu()).cpu().data.numpy()"])
def test_a_tensor_s_numbers_alone_are_cut_off(cut: str):
    assert features(cell(1, f"torch.save({cut}, 'f')")).status is Status.PASS


def test_another_shape_or_a_cell_that_failed_goes_to_a_ta():
    assert features(cell(1, COMPUTE), shape=(2, 9)).status is Status.NEEDS_TA
    failed = cell(1, COMPUTE, error=CellError(type="NameError"))
    assert features(failed).status is Status.NEEDS_TA


def test_a_snippet_of_the_handout_left_in_place_counts_neither_way():
    broken = cell(1, SNIPPET, error=CellError(type="NameError", message="img"))
    assert features(broken).status is Status.FAIL
    assert features(broken, cell(2, COMPUTE)).status is Status.PASS
