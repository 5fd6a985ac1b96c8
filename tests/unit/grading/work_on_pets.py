"""Work on the demo's lab: right, or wrong in everything."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from grader.evidence.training import EvaluationPass, LossUse, TrainingHistory
from tests import factories
from tests.unit.grading.handed_in import Work
from tests.unit.grading.trained import Networks, sequential, source_of

__all__ = ["work"]

_BODY = (nn.Conv2d(3, 4, 5), nn.MaxPool2d(2), nn.Conv2d(4, 8, 5), nn.MaxPool2d(2), nn.Flatten())
_RIGHT = (*_BODY, nn.Linear(200, 1), nn.Flatten(0))
_TWO_SCORES = (*_BODY, nn.Linear(200, 2))


def _training(cells: Mapping[str, int], *, right: bool) -> TrainingHistory:
    known, runs, sources = Networks(), [], []
    tried = [(0.01, 64), (0.1, 64), (0.01, 256)] if right else [(0.01, 64), (0.02, 64), (0.01, 32)]
    loss = LossUse(
        function="BCEWithLogitsLoss",
        input_shape=(64,),
        input_kind="logits" if right else "probabilities",
    )
    for index, (rate, size) in enumerate(tried):
        sources.append(source_of(index, "train", batch_size=size))
        runs.append(
            factories.training_run(
                index,
                cells["settings"],
                model=known.identity_of("net", "PetNet", sequential(*_RIGHT), index if right else 0),
                hyperparameters={"lr": rate},
                batch_sizes=(size,),
                losses=(0.69, 0.5),
                passes=2,
                source=index,
                loss=loss,
                start=factories.fresh() if right or not index else factories.carried(0),
            )
        )
    sources.append(source_of(len(tried), "test" if right else "train"))
    net = known.identity_of("net", "PetNet", sequential(*_RIGHT), 2 if right else 0)
    look = EvaluationPass(order=99, cell=cells["choice"], model=net, source=len(tried), after_run=2)
    return TrainingHistory(
        runs=tuple(runs), sources=tuple(sources), evaluations=(look,), layer_lists=tuple(known.lists)
    )


def work(*, right: bool) -> Work:
    return Work(
        code={
            "data": "print(counts)",
            "network": "class PetNet: ..." + ("" if right else "\nsum = 3"),
            "settings": "\n".join(["net = PetNet()\ntrain(net)"] * 3) if right else "train(net)",
            "choice": "print(error_rate(net, test_set))",
        },
        printed={
            "data": "8000 2000 2000" if right else "6000 1500 1000",
            "choice": "error 0.3",
        },
        networks={"PetNet": sequential(*(_RIGHT if right else _TWO_SCORES))},
        training=lambda cells: _training(cells, right=right),
    )
