"""What is judged in the property tests: for each bundled rubric right work, and work with mistakes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from grader.collector.recorder.networks import architecture
from grader.evidence.training import (
    DataSource,
    EvaluationPass,
    LossUse,
    ModelIdentity,
    TrainingHistory,
    TrainingRun,
)
from reference import FUNCTIONS
from tests import factories
from tests.unit.grading.handed_in import Work

__all__ = ["RIGHT", "WRONG"]


def off_by_one(function: Callable[..., Any]) -> Callable[..., Any]:
    """Gives wrong numbers of the right shape."""
    return lambda *args, **kwargs: np.asarray(function(*args, **kwargs)) + 1.0


def sequential(*layers: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(*layers)


# Convolution by hand.

_BY_HAND = {
    "conv2d": ("conv2d", FUNCTIONS["conv2d"]),
    "conv2d-multichannel": ("conv2d_multichannel", FUNCTIONS["conv2d"]),
    "zero-padding": ("zero_padding", FUNCTIONS["zero_padding"]),
    "strided-conv2d": ("strided_conv2d", lambda x, k, stride: FUNCTIONS["conv2d"](x, k, stride=stride)),
    "vectorized": ("conv2d_fast", FUNCTIONS["conv2d"]),
    "max-pool2d": ("max_pool2d", FUNCTIONS["max_pool2d"]),
    "average-pool2d": ("average_pool2d", FUNCTIONS["average_pool2d"]),
}
_UNITS = {"units_a": 25, "units_b": 25, "units_c": 125, "units_d": 9000}
_WEIGHTS = {"a": (9, 1), "b": (27, 1), "c": (135, 5), "d": (450, 10), "e": (20_000_000, 500)}
_COUNTS = {
    f"{kind}_{name}": count
    for name, both in _WEIGHTS.items()
    for kind, count in zip(("weights", "biases"), both, strict=True)
}


def _convolution(*, right: bool) -> Work:
    body = "total = 0\n    for row in range(3):\n        total = total + row\n    return total"
    if not right:
        body = "return torch.nn.functional.conv2d(*args) + F.max_pool2d(*args)"
    code = {section: f"def {name}(*args):\n    {body}" for section, (name, _) in _BY_HAND.items()}
    code |= {
        "sobel-filters": "sobel_vertical = ...",
        "output-units": "units_a = ...",
        "weight-counts": "weights_a = ...",
    }
    code |= {"mlp": "class MLP: ...", "lenet5": "class LeNet5: ..."}
    if not right:
        code["mlp"] += "\nsum = 3"
    sobel = [FUNCTIONS[name]() for name in ("sobel_vertical", "sobel_horizontal")]
    shift = 0 if right else 1.5
    variables = [
        ("sobel-filters", "sobel_vertical", sobel[0] + shift),
        ("sobel-filters", "sobel_horizontal", sobel[1] + shift),
    ]
    variables += [("output-units", name, count + shift) for name, count in _UNITS.items()]
    variables += [("weight-counts", name, count + shift) for name, count in _COUNTS.items()]
    return Work(
        code=code,
        variables=variables,
        functions={name: function if right else off_by_one(function) for name, function in _BY_HAND.values()},
        networks={"MLP": _mlp(50 if right else 51), "LeNet5": _lenet(10 if right else 11)},
        operations=(12, 12 if right else 900),
    )


def _mlp(hidden: int) -> nn.Module:
    return sequential(nn.Linear(784, hidden), nn.Linear(hidden, 20), nn.Linear(20, 10))


def _lenet(classes: int) -> nn.Module:
    return sequential(
        nn.Conv2d(1, 6, 5), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, classes),
    )  # fmt: skip


# Lab 1.

_LAB1_CODE = {
    "part1a": "def sum_of_cubes(n):\n    return n",
    "part1b": "def word_lengths(sentence):\n    return list(map(len, sentence.split()))",
    "part1c": "def all_same_length(sentence):\n    return len(set(word_lengths(sentence))) == 1",
    "part2b": "output = [0, 0, 0]\nfor i in range(3):\n    output[i] += matrix[i, 0] * vector[0]",
    "part2c": "output2 = np.dot(matrix, vector)",
    "part3a": "img = plt.imread(address)",
    "part3b": "plt.imshow(img)",
    "part3c": "img_add = np.clip(img + 0.25, 0, 1)",
    "part3d": "img_cropped = img[5:135, 10:160, :3]",
    "part4a": "img_torch = torch.from_numpy(img_cropped)",
    "part4b": "img_torch.shape",
    "part4c": "img_torch.numel()",
    "part4f": "maximum = img_torch.amax(dim=(0, 1))",
    "part5": "train(pigeon)",
}
_LAB1_WRONG_CODE = {
    "part1c": "def all_same_length(sentence):\n    return sum(sentence)",
    "part2b": "output = np.dot(matrix, vector)\nsum = 3",
    "part3a": "img = np.zeros((140, 170, 4))",
    "part3b": "print(img)",
}


def _lab1(*, right: bool) -> Work:
    shape = (140, 170, 4) if right else (6, 8, 4)
    image = np.random.default_rng(3).uniform(0, 1, shape).astype(np.float32)
    brighter = np.clip(image + np.float32(0.25), 0, 1)
    cropped = image[5:135, 10:160, :3]
    variables = [
        ("part2b", "output", np.array([4.0, 8.0, -3.0]) if right else np.array([4.0, 7.0, -3.0])),
        ("part2c", "output2", np.array([4.0, 8.0, -3.0]) if right else np.array([4.0, 8.0, -2.0])),
        ("part3a", "img", image),
        ("part3c", "img_add", brighter if right else image + 0.3),
        ("part3d", "img_cropped", cropped if right else brighter[:3, :5]),
        ("part4a", "img_torch", torch.from_numpy(cropped.copy()) if right else torch.zeros(3, 4, 5)),
        ("part4f", "maximum", torch.from_numpy(cropped.max(axis=(0, 1))) if right else torch.zeros(3)),
    ]
    functions = {name: FUNCTIONS[name] for name in ("sum_of_cubes", "word_lengths", "all_same_length")}
    wrong = {
        "sum_of_cubes": lambda n: n + 0.5,
        "word_lengths": lambda text: sys.stdout.write(f"{text}\n") and None,
        "all_same_length": lambda text: sys.stdout.write("True\n") and None,
    }
    return Work(
        code=_LAB1_CODE if right else {**_LAB1_CODE, **_LAB1_WRONG_CODE},
        printed={
            "part4c": "58500" if right else "32 floats",
            "part5": "Training Error Rate: 0.01" if right else "Training Error Rate: 0.08",
        },
        variables=variables,
        functions=functions if right else wrong,
        training=lambda cells: factories.history(factories.training_run(0, cells["part5"])),
    )


# Lab 2.

_SMALL = (nn.Conv2d(3, 5, 3), nn.MaxPool2d(4), nn.Flatten(), nn.Linear(245, 1))
_LARGE = (
    nn.Conv2d(3, 5, 5), nn.MaxPool2d(2), nn.Conv2d(5, 10, 5), nn.MaxPool2d(2), nn.Flatten(),
    nn.Linear(250, 32), nn.Linear(32, 1),
)  # fmt: skip
_FILES = [f"model_small_bs64_lr0.01_epoch{epoch}" for epoch in range(5)]
_FILES += [f"{_FILES[-1]}_{curve}.csv" for curve in ("train_err", "train_loss", "val_err", "val_loss")]
_PARTS = {"train": ("train", "train_loader"), "val": ("train", "val_loader"), "test": ("test", "test_loader")}


def _source(token: int, part: str, **more: Any) -> DataSource:
    split, name = _PARTS[part]
    given = {
        "dataset": "CIFAR10",
        "dataset_token": int(split == "test"),
        "split": split,
        "names": (name,),
        **more,
    }
    return DataSource(token=token, **given)


def _identity(name: str, class_name: str, network: nn.Module, token: int) -> ModelIdentity:
    count = sum(parameter.numel() for parameter in network.parameters())
    return ModelIdentity(
        token=token,
        class_name=class_name,
        names=(name,),
        parameter_count=count,
        architecture=architecture(network),
    )


def _bce(kind: str = "logits") -> LossUse:
    return LossUse(function="BCEWithLogitsLoss", input_shape=(64,), target_shape=(64,), input_kind=kind)


def _lab2_training(cells: Mapping[str, int], *, right: bool) -> TrainingHistory:
    small, large = sequential(*_SMALL), sequential(*_LARGE)
    connected = sequential(nn.Linear(3072 if right else 1024, 30), nn.Linear(30, 1))
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
        sources.append(_source(index, "train", batch_size=size))
        carried = not right and (section, name) == ("part2d", "small")
        runs.append(
            factories.training_run(
                index,
                cells[section],
                model=_identity(*networks[name], token=index),
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
    sources.append(_source(len(tried), part))
    net = _identity("net", "LargeNet", large, token=99)
    look = EvaluationPass(
        order=99, cell=cells["part5c"], model=net, source=len(tried), after_run=len(runs) - 2
    )
    return TrainingHistory(runs=tuple(runs), sources=tuple(sources), evaluations=(look,))


def _lab2(*, right: bool) -> Work:
    trains = ("part2c", "part2d", "part3a", "part3b", "part3c", "part3d", "part4b", "part4d", "part5f")
    tail = nn.Flatten(0) if right else nn.Identity()
    return Work(
        code={
            "part1b": "print(counts)",
            "part2": "class SmallNet: ...\nclass LargeNet: ..." + ("" if right else "\nsum = 3"),
            "part2a": "print(count(small_net), count(large_net))",
            "part2b": "print(defaults)",
            **dict.fromkeys(trains, "train_net()"),
            "part5c": "print(evaluate(net, loader))",
        },
        printed={
            "part1b": "8000 2000 2000" if right else "6000 1500 1000",
            "part2a": f"parameters of the nets: {'386, 9705' if right else '380, 9600'}",
            "part2b": "64 0.01 30" if right else "32 0.1 10",
            "part2c": "\n".join(_FILES if right else _FILES[:2]),
            "part5c": "error 0.3",
        },
        networks={
            "small_net": sequential(*_SMALL, tail),
            "large_net": sequential(*_LARGE, tail),
        },
        training=lambda cells: _lab2_training(cells, right=right),
    )


# Lab 3 Part B.


def _lab3b_training(cells: Mapping[str, int], *, right: bool) -> TrainingHistory:
    loss = LossUse(
        function="CrossEntropyLoss", input_shape=(16, 9), target_shape=(16,),
        input_kind="logits" if right else "probabilities",
    )  # fmt: skip
    widths = (4, 4, 4, 6) if right else (4, 4, 4)
    rates = (0.01, 0.001, 0.02, 0.01) if right else (0.01, 0.001, 0.001)
    train = _source(0, "train", dataset="ImageFolder", sampled=108, length=108, batch_size=16)
    few = _source(1, "train", dataset="ImageFolder", sampled=27, length=27, batch_size=27, names=("small",))
    test = _source(2, "test", dataset="ImageFolder", sampled=54, length=54)
    model = _identity("small", "Net", sequential(nn.Conv2d(3, 4, 9)), token=9)
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
        model = _identity("net", "Net", sequential(nn.Conv2d(3, width, 9)), token=place)
        start = factories.fresh() if right or place == 1 else factories.carried(1)
        given = {**common, "model": model, "hyperparameters": {"lr": rates[place - 1]}, "start": start}
        runs.append(factories.training_run(place, cells["search-b"], order=2 * place, **given))
    looks = _looks(cells, runs, right=right)
    return TrainingHistory(runs=tuple(runs), sources=(train, few, test), evaluations=looks)


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


def _lab3b(*, right: bool) -> Work:
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
    )


_WORKS: Mapping[str, Callable[..., Work]] = {
    "convolution": _convolution,
    "lab1": _lab1,
    "lab2": _lab2,
    "lab3b": _lab3b,
}
RIGHT: Mapping[str, Work] = {name: work(right=True) for name, work in _WORKS.items()}
WRONG: Mapping[str, Work] = {name: work(right=False) for name, work in _WORKS.items()}
