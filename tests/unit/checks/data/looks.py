"""A history of two trainings and looks at data, for tests of what data were used for."""

from __future__ import annotations

from typing import Any

from grader.evidence.record import CellRecord, Outcome
from grader.evidence.training import DataSource, EvaluationPass, ModelIdentity, TrainingRun
from grader.facts.handout import fingerprint
from grader.facts.sections import Section
from grader.judging.check import Check
from grader.judging.judgement import Judgement
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
