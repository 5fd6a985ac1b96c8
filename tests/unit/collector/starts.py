"""Starts of a second training, honest and disguised, of many networks and optimizers: see ``starts.yaml``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

__all__ = ["Start", "disguised", "honest"]

_CODE: dict[str, Any] = YAML(typ="safe").load(Path(__file__).with_suffix(".yaml"))
#: In a network as small as the first of these, chance makes weights alike; others have no layer to turn back.
_TOO_SMALL = ("tiny", "one layer", "batch norm")


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


def _each(nets: Mapping[str, str], ways: Mapping[str, str]) -> Iterator[Start]:
    """Every network trained again in every way, with one optimizer after another."""
    optimizers = _CODE["optimizers"]
    for place, (name, net) in enumerate(nets.items()):
        for number, (way, code) in enumerate(ways.items()):
            optimizer = optimizers[(place + number) % len(optimizers)]
            filled = {
                "net": net,
                "optimizer": optimizer,
                "seed": 100 * place + number,
                "decoy": _CODE["decoy"],
            }
            kind = optimizer.partition("(")[0].rpartition(".")[2]
            yield Start(f"{name}: {way} ({kind})", (_filled(_CODE["setup"], filled), _filled(code, filled)))


def _filled(code: str, given: Mapping[str, object]) -> str:
    for name, value in given.items():
        code = code.replace(f"{{{name}}}", str(value))
    return code
