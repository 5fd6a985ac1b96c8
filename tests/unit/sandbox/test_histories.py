"""A training history that goes back on what it said is not believed; one that goes on is."""

from __future__ import annotations

from typing import Any

import pytest

from grader.evidence.training import (
    DataSource,
    EvaluationPass,
    ModelIdentity,
    Start,
    TrainingHistory,
    TrainingRun,
)
from grader.sandbox.histories import doubted, gone_on

CARRIED = Start(determined=True, carried_share=1.0, identity_share=1.0, carried_from=0)
MODEL = ModelIdentity(token=0, class_name="Net", parameter_count=9)


def run(index: int, **more: Any) -> TrainingRun:
    fields: dict[str, Any] = {"order": index, "cell": index, "steps": 4, "passes": 2, "start": CARRIED}
    return TrainingRun(index=index, model=MODEL, **{**fields, **more})


LOOK = EvaluationPass(order=2, cell=1, model=MODEL, source=0, after_run=0)
SOURCE = DataSource(token=0, dataset_token=0, dataset="CIFAR10", split="test")
BEFORE = TrainingHistory(runs=(run(0), run(1)), evaluations=(LOOK,), sources=(SOURCE,))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"runs": (run(0), run(1, steps=9, passes=3, losses=(0.5,), last_cell=7), run(2))},
        {"runs": (run(0), run(1, order=5))},
        {"evaluations": (LOOK.model_copy(update={"passes": 3, "order": 4}), LOOK)},
        {"sources": (SOURCE, SOURCE.model_copy(update={"token": 1}))},
    ],
)
def test_a_history_that_goes_on_is_believed(changes: dict[str, Any]) -> None:
    after = BEFORE.model_copy(update=changes)
    assert gone_on(BEFORE, after) == (after, "")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"runs": (run(0),)}, "run 1 of cell 1 is gone"),
        ({"runs": ()}, "run 0 of cell 0 is gone"),
        ({"runs": (run(0), run(1, start=Start(determined=True)))}, "start of run 1"),
        ({"runs": (run(0), run(1, cell=9))}, "cell of run 1"),
        ({"runs": (run(0), run(1, hyperparameters={"lr": 0.5}))}, "hyperparameters of run 1"),
        ({"runs": (run(0), run(1, steps=3))}, "steps of run 1"),
        ({"runs": (run(1), run(0))}, "index of run 0"),
        ({"evaluations": ()}, "an evaluation is gone"),
        ({"sources": ()}, "a source of data is gone"),
        ({"sources": (SOURCE.model_copy(update={"split": "train"}),)}, "a source of data is gone"),
    ],
)
def test_one_that_lost_or_changed_something_leaves_the_older_one_in_doubt(
    changes: dict[str, Any], named: str
) -> None:
    history, change = gone_on(BEFORE, BEFORE.model_copy(update=changes))
    assert named in change
    assert history == doubted(BEFORE, change)
    assert not history.complete


def test_what_was_incomplete_once_stays_so() -> None:
    history, change = gone_on(doubted(BEFORE, "a hook was removed"), BEFORE)
    assert (history.complete, history.notes, change) == (False, ("a hook was removed",), "")
