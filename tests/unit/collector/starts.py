"""Starts of a second training, honest and disguised, of many networks and optimizers: see ``starts.yaml``.

Those of ``starts_of_another.yaml`` were written by somebody who had not written what looks for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

__all__ = [
    "Start",
    "disguised",
    "disguised_by_another",
    "honest",
    "honest_by_another",
    "look_alikes",
    "seen_by_function",
]

_CODE: dict[str, Any] = YAML(typ="safe").load(Path(__file__).with_suffix(".yaml"))
_OF_ANOTHER: dict[str, Any] = YAML(typ="safe").load(Path(__file__).with_name("starts_of_another.yaml"))
_NETS_OF_ANOTHER = ("two layers", "tanh", "convolution")
#: In a network as small as the first of these, chance makes weights alike; others have no layer to turn back.
_TOO_SMALL = ("tiny", "one layer", "batch norm")
#: Optimizers that each disguise which only the function shows comes with.
_OPTIMIZERS_OF_EACH = 5


@dataclass(frozen=True)
class Start:
    """Cells that train a network once, and then again in some way."""

    name: str
    cells: tuple[str, str]


def honest() -> Iterator[Start]:
    """Second trainings that nobody should doubt."""
    yield from _each(_CODE["nets"], _CODE["honest"])


def disguised() -> Iterator[Start]:
    """Second trainings that went on from trained weights, and hide it."""
    nets = {name: net for name, net in _CODE["nets"].items() if name not in _TOO_SMALL}
    yield from _each(nets, {**_CODE["disguises"], "turned": _CODE["turned"]})


def look_alikes() -> Iterator[Start]:
    """Second trainings that nobody should doubt, of networks whose outputs are alike for other reasons."""
    yield from _each(_CODE["look_alikes"], _CODE["alike"])


def seen_by_function() -> Iterator[Start]:
    """Second trainings that went on from trained weights of which no value, and no filter, is left."""
    for place, (way, code) in enumerate(_CODE["by_function"].items()):
        net, _, disguise = code.partition("---\n")
        for number in range(_OPTIMIZERS_OF_EACH):
            yield _start(way, net, disguise, place + number, 100 * place + number)


def honest_by_another() -> Iterator[Start]:
    yield from _each(_nets_of_another(), _OF_ANOTHER["honest"])


def disguised_by_another() -> Iterator[Start]:
    yield from _each(_nets_of_another(), _OF_ANOTHER["disguises"])


def _nets_of_another() -> dict[str, str]:
    return {name: _CODE["nets"][name] for name in _NETS_OF_ANOTHER}


def _each(nets: Mapping[str, str], ways: Mapping[str, str]) -> Iterator[Start]:
    """Every network trained again in every way, with one optimizer after another."""
    for place, (name, net) in enumerate(nets.items()):
        for number, (way, code) in enumerate(ways.items()):
            yield _start(f"{name}: {way}", net, code, place + number, 100 * place + number)


def _start(name: str, net: str, code: str, optimizer: int, seed: int) -> Start:
    optimizers = _CODE["optimizers"]
    chosen = optimizers[optimizer % len(optimizers)]
    filled = {"net": net, "optimizer": chosen, "seed": seed, "decoy": _CODE["decoy"]}
    kind = chosen.partition("(")[0].rpartition(".")[2]
    return Start(f"{name} ({kind})", (_filled(_CODE["setup"], filled), _filled(code, filled)))


def _filled(code: str, given: Mapping[str, object]) -> str:
    for name, value in given.items():
        code = code.replace(f"{{{name}}}", str(value))
    return code
