"""Networks and data as the record of training tells of them."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from grader.collector.networks import layer_list
from grader.evidence.training import DataSource, LayerList, ModelIdentity

__all__ = ["Networks", "sequential", "source_of"]

_PARTS = {"train": ("train", "train_loader"), "val": ("train", "val_loader"), "test": ("test", "test_loader")}


def sequential(*layers: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(*layers)


def source_of(token: int, part: str, **more: Any) -> DataSource:
    split, name = _PARTS[part]
    given = {
        "dataset": "CIFAR10",
        "dataset_token": int(split == "test"),
        "split": split,
        "names": (name,),
        **more,
    }
    return DataSource(token=token, **given)


class Networks:
    """The networks of one history, with the layers of each."""

    def __init__(self) -> None:
        self.lists: list[LayerList] = []

    def identity_of(self, name: str, class_name: str, network: nn.Module, token: int) -> ModelIdentity:
        self.lists.append(layer_list(network))
        return ModelIdentity(
            token=token,
            class_name=class_name,
            names=(name,),
            parameter_count=sum(parameter.numel() for parameter in network.parameters()),
            layers=len(self.lists) - 1,
        )
