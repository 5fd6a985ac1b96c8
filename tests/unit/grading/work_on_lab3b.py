"""Work on Lab 3 Part B: right, or wrong in everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from grader.evidence.training import EvaluationPass, LossUse, TrainingHistory, TrainingRun
from tests import factories
from tests.unit.grading.handed_in import Work
from tests.unit.grading.trained import Networks, sequential, source_of

__all__ = ["work"]


def _lab3b_training(cells: Mapping[str, int], *, right: bool) -> TrainingHistory:
    loss = LossUse(
        function="CrossEntropyLoss", input_shape=(16, 9),
        input_kind="logits" if right else "probabilities",
    )  # fmt: skip
    known = Networks()
    widths = (4, 4, 4, 6) if right else (4, 4, 4)
    rates = (0.01, 0.001, 0.02, 0.01) if right else (0.01, 0.001, 0.001)
    train = source_of(0, "train", dataset="ImageFolder", sampled=108, length=108, batch_size=16)
    few = source_of(1, "train", dataset="ImageFolder", sampled=27, length=27, batch_size=27, names=("small",))
    test = source_of(2, "test", dataset="ImageFolder", sampled=54, length=54)
    model = known.identity_of("small", "Net", sequential(nn.Conv2d(3, 4, 9)), token=9)
    common: dict[str, Any] = {
        "batch_sizes": (16,),
        "passes": 2,
        "loss": loss,
        "losses": (2.1, 2.0),
        "source": 0,
    }
    losses = (2.0, 0.001 if right else 0.9)
    overfit = {**common, "losses": losses, "source": 1, "steps": 90, "batch_sizes": (27,), "model": model}
    runs = [factories.training_run(0, cells["model-c"], **overfit)]
    for place, width in enumerate(widths, start=1):
        model = known.identity_of("net", "Net", sequential(nn.Conv2d(3, width, 9)), token=place)
        start = factories.fresh() if right or place == 1 else factories.carried(1)
        given = {**common, "model": model, "hyperparameters": {"lr": rates[place - 1]}, "start": start}
        runs.append(factories.training_run(place, cells["search-b"], order=2 * place, **given))
    looks = _looks(cells, runs, right=right)
    model = known.identity_of("on_features", "Features", sequential(nn.Linear(9216, 9)), token=8)
    runs.append(factories.training_run(9, cells["transfer-c"], order=100, **{**common, "model": model}))
    return TrainingHistory(
        runs=tuple(runs), sources=(train, few, test), evaluations=looks, layer_lists=tuple(known.lists)
    )


def _looks(cells: Mapping[str, int], runs: list[TrainingRun], *, right: bool) -> tuple[EvaluationPass, ...]:
    """The last one is the test; whoever is wrong looked at the test data after each run, and not then."""
    model = runs[-1].model
    last = EvaluationPass(
        order=99, cell=cells["search-d"], model=model, source=2 if right else 0, after_run=len(runs) - 1
    )
    early = tuple(
        EvaluationPass(
            order=run.order + 1, cell=run.cell, model=model, source=2, after_run=run.index, passes=2
        )
        for run in runs[1:]
    )
    return (last,) if right else (*early, last)


def work(*, right: bool) -> Work:
    classes = 9 if right else 10
    features = "saved = alexnet.features(images)"
    from_images = sequential(nn.Conv2d(3, 2, 56, stride=56), nn.Flatten(), nn.Linear(32, classes))
    from_features = sequential(nn.Flatten(), nn.Linear(9216, classes))
    return Work(
        code={
            "model": "class Net: ..." + ("" if right else "\nsum = 3"),
            "model-b": "def train(): ...",
            "model-c": "train()",
            "search-b": "train()",
            "search-d": "print(test())",
            "transfer-a": f"{features}.detach()\ntorch.save(saved, 'f')" if right else features,
            "transfer-b": "class Features: ...",
            "transfer-c": "train()",
        },
        printed={
            "search-d": "test accuracy 0.5",
            "model-c": "accuracy: 100 %" if right else "accuracy: 80 %",
        },
        networks={
            "alexnet.features": sequential(nn.AdaptiveAvgPool2d(6), nn.Conv2d(3, 256, 1)),
            "[2, 3, 224, 224]": from_images,
            "[2, 256, 6, 6]": from_features,
            "[2, 9216]": from_features,
        },
        training=lambda cells: _lab3b_training(cells, right=right),
        files=[("search-b", "net_epoch1.pt")] if right else [],
        drawn={"search-b": [(4, 0)] * 4, "transfer-c": [(2, 0)]} if right else {},
    )
