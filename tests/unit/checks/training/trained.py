"""Two parts that each train a network, and the judgement on their settings."""

from __future__ import annotations

from typing import Any

from grader.checks.training.hyperparameter_settings import HyperparameterSettings
from grader.evidence.record import CellRecord, Outcome
from grader.evidence.training import DataSource, EvaluationPass, LayerList, TrainingRun
from grader.facts.sections import Section
from grader.judging.judgement import Judgement
from tests import factories
from tests.factories import cell, history, training_run

SECTIONS = {
    "a": Section(title="a", heading="^Part a"),
    "b": Section(title="b", heading="^Part b"),
}
CELLS = (
    cell(0, "# Part a", kind="markdown"),
    cell(1, "train(net)"),
    cell(2, "# Part b", kind="markdown"),
    cell(3, "train(net)"),
)
WANTED = [
    {"title": "slow", "model": ["net", "Net"], "learning_rate": 0.001, "batch_size": 64, "section": "a"},
    {"title": "small", "model": ["net", "Net"], "learning_rate": 0.01, "batch_size": 16, "section": "b"},
]


def source(token: int, batch_size: int) -> DataSource:
    return DataSource(token=token, dataset_token=0, dataset="CIFAR10", batch_size=batch_size)


def run(index: int, cell_index: int, rate: float, batch: int | None, **more: Any) -> TrainingRun:
    batches = () if batch is None else (batch, 3)
    given = {"hyperparameters": {"lr": rate, "momentum": 0.9}, "batch_sizes": batches, "passes": 30, **more}
    return training_run(index, cell_index, **given)


def judge(
    *runs: TrainingRun,
    cells: tuple[CellRecord, ...] = CELLS,
    outcome: Outcome = Outcome.COMPLETED,
    sources: tuple[DataSource, ...] = (),
    layer_lists: tuple[LayerList, ...] = (),
    evaluations: tuple[EvaluationPass, ...] = (),
    **fields: Any,
) -> Judgement:
    check = HyperparameterSettings(**(fields or {"settings": WANTED}))
    training = history(*runs, sources=sources, layer_lists=layer_lists, evaluations=evaluations)
    evidence = factories.evidence(cells, training=training, outcome=outcome)
    return check.judge(factories.case(check, evidence, sections=SECTIONS))
