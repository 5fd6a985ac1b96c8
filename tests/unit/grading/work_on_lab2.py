"""Work on Lab 2: right, or wrong in everything."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from grader.evidence.training import EvaluationPass, LossUse, TrainingHistory
from tests import factories
from tests.unit.grading.handed_in import Work
from tests.unit.grading.trained import Networks, sequential, source_of

__all__ = ["work"]

_SMALL = (nn.Conv2d(3, 5, 3), nn.MaxPool2d(4), nn.Flatten(), nn.Linear(245, 1))
_LARGE = (
    nn.Conv2d(3, 5, 5), nn.MaxPool2d(2), nn.Conv2d(5, 10, 5), nn.MaxPool2d(2), nn.Flatten(),
    nn.Linear(250, 32), nn.Linear(32, 1),
)  # fmt: skip
_FILES = [f"model_small_bs64_lr0.01_epoch{epoch}" for epoch in range(5)]
_FILES += [f"{_FILES[-1]}_{curve}.csv" for curve in ("train_err", "train_loss", "val_err", "val_loss")]


def _bce(kind: str = "logits") -> LossUse:
    return LossUse(function="BCEWithLogitsLoss", input_shape=(64,), input_kind=kind)


def _lab2_training(cells: Mapping[str, int], *, right: bool) -> TrainingHistory:
    known = Networks()
    small, large = sequential(*_SMALL), sequential(*_LARGE)
    first, one_more = (3072, ()) if right else (1024, (nn.Linear(30, 30),))
    connected = sequential(nn.Linear(first, 30), *one_more, nn.Linear(30, 1))
    tried = [("part2c", "small", 0.01, 64), ("part2d", "small", 0.01, 64), ("part2d", "large", 0.01, 64)]
    tried += [("part3a", "large", 0.001 if right else 0.002, 64), ("part3b", "large", 0.1, 64)]
    tried += [("part3c", "large", 0.01, 512), ("part3d", "large", 0.01 if right else 0.02, 16)]
    tried += [("part4b", "large", 0.02, 256), ("part4d", "large", 0.02, 128)][: 2 if right else 1]
    tried += [("part5f", "connected", 0.01, 64)]
    networks = {
        "small": ("small_net", "SmallNet", small),
        "large": ("large_net", "LargeNet", large),
        "connected": ("connected", "Connected", connected),
    }
    runs, sources = [], []
    for index, (section, name, rate, size) in enumerate(tried):
        sources.append(source_of(index, "train", batch_size=size))
        carried = not right and (section, name) == ("part2d", "small")
        runs.append(
            factories.training_run(
                index,
                cells[section],
                model=known.identity_of(*networks[name], token=index),
                hyperparameters={"lr": rate, "momentum": 0.9},
                batch_sizes=(size,),
                losses=(0.69, 0.5),
                passes=2,
                source=index,
                loss=_bce("logits" if right or name != "connected" else "probabilities"),
                start=factories.carried(0) if carried else factories.fresh(),
            )
        )
    part = "test" if right else "val"
    sources.append(source_of(len(tried), part))
    net = known.identity_of("net", "LargeNet", large, token=99)
    look = EvaluationPass(
        order=99, cell=cells["part5c"], model=net, source=len(tried), after_run=len(runs) - 2
    )
    return TrainingHistory(
        runs=tuple(runs), sources=tuple(sources), evaluations=(look,), layer_lists=tuple(known.lists)
    )


def work(*, right: bool) -> Work:
    trains = ("part2c", "part2d", "part3a", "part3b", "part3c", "part3d", "part4b", "part4d", "part5f")
    tail = nn.Flatten(0) if right else nn.Identity()
    return Work(
        code={
            "part1a": "show(images)",
            "part1b": "print(counts)",
            "part2": "class SmallNet: ...\nclass LargeNet: ..." + ("" if right else "\nsum = 3"),
            "part2a": "print(count(small_net), count(large_net))",
            "part2b": "print(defaults)",
            **dict.fromkeys(trains, "train_net()"),
            "part2e": "plot()",
            "part5a": "net.load_state_dict(torch.load(best))",
            "part5c": "net.load_state_dict(best)\nprint(evaluate(net, loader))",
        },
        printed={
            "part1b": "8000 2000 2000" if right else "6000 1500 1000",
            "part2a": f"parameters of the nets: {'386, 9705' if right else '380, 9600'}",
            "part2b": "64 0.01 30" if right else "32 0.1 10",
            "part2c": "\n".join(_FILES if right else _FILES[:2]),
            "part5c": "error 0.3",
        },
        plotted=("part4b", "part4d") if right else (),
        words={
            "part4a": "The large network, batch size 256, learning rate 0.02.",
            "part4c": "The large network, batch size 128, learning rate 0.02.",
        }
        if right
        else {},
        drawn={
            "part1a": [(0, 4)],
            "part2e": [(2, 0)] * 4,
            **{section: [(2, 0)] * 2 for section in ("part3a", "part3b", "part3c", "part3d")},
        }
        if right
        else {},
        loaded=[("part5a", "net", 2)] if right else [],
        networks={
            "small_net": sequential(*_SMALL, tail),
            "large_net": sequential(*_LARGE, tail),
        },
        training=lambda cells: _lab2_training(cells, right=right),
    )
