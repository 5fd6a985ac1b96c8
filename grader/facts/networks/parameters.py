"""Networks in words and numbers: the arithmetic of their parameters, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from grader.evidence.record import ModuleRecord, ParameterRecord
from grader.facts.case import Case
from grader.facts.known import Fact, Known, Unknown
from grader.facts.networks.found import parameters_in_reach

__all__ = [
    "arithmetic",
    "counted",
    "frozen_count",
    "frozen_later",
    "layer_table",
    "product",
    "scales_count",
    "trainable_count",
]

#: What weight normalisation makes of one weight: its lengths, and the directions beside them.
#: Source: torch.nn.utils.parametrizations.weight_norm, and its predecessor torch.nn.utils.weight_norm.
_SCALES = {".original0": ".original1", "_g": "_v"}


def trainable_count(module: ModuleRecord) -> int:
    """Numbers in all trainable parameters, from their shapes."""
    return sum(parameter.count for parameter in module.parameters if parameter.trainable)


def counted(module: ModuleRecord, layer: str | None) -> Fact[int | None]:
    """The trainable parameters of a network, or of one layer of it; None where it has no such layer."""
    whole = parameters_in_reach(module)
    if isinstance(whole, Unknown):
        return whole
    if layer is None:
        return Known(trainable_count(module))
    return Known(next((row["count"] for row in layer_table(module) if row["path"] == layer), None))


def frozen_count(module: ModuleRecord, layer: str | None) -> int:
    """Numbers in parameters that are not trainable at the end of the notebook."""
    inside = "" if layer is None else f"{layer}."
    return sum(
        each.count for each in module.parameters if not each.trainable and each.name.startswith(inside)
    )


def frozen_later(case: Case) -> Fact[bool]:
    """Known where code freezes parameters below the criterion's section, and none up to its end does."""
    inside = case.alignment.cells_of(case.section) if case.section is not None else ()
    freezing = [each.index for each in case.evidence.cells if "requires_grad" in each.source]
    if not inside or not freezing or min(freezing) <= inside[-1]:
        return Unknown("where they were frozen is not known")
    return Known(True)


def scales_count(module: ModuleRecord, layer: str | None) -> int:
    """Numbers that a normalisation of weights adds to those of the layers themselves."""
    counts = {each.name: each.count for each in module.parameters if each.trainable}
    pairs = [
        (name, name.removesuffix(end) + other)
        for name in counts
        for end, other in _SCALES.items()
        if name.endswith(end) and (layer is None or name.startswith(f"{layer}."))
    ]
    return sum(counts[name] for name, other in pairs if other in counts)


def product(shape: Sequence[int]) -> str:
    """The numbers in one tensor as a board writes them: height, width, inputs, outputs.

    Args:
        shape: As torch keeps it: (out, in, height, width), (out, in) or (out,).
    """
    return "*".join(str(size) for size in (*shape[2:], *shape[:2][::-1])) or "1"


def arithmetic(parameters: list[ParameterRecord]) -> str:
    """How the numbers of a layer add up, as ``3*3*3*5 + 5 = 140``: kernel first, then biases."""
    products = [product(parameter.shape) for parameter in parameters]
    return f"{' + '.join(products)} = {sum(parameter.count for parameter in parameters)}"


def layer_table(module: ModuleRecord) -> list[dict[str, Any]]:
    """One row for each layer that has parameters, and one for parameters outside all layers."""
    by_name = {parameter.name: parameter for parameter in module.parameters if parameter.trainable}
    rows = []
    for layer in module.layers:
        own = [by_name.pop(name) for name in layer.parameters if name in by_name]
        if own:
            rows.append(_row(layer.path, layer.type, own))
    if by_name:
        rows.append(_row("", module.class_name, list(by_name.values())))
    return rows


def _row(path: str, kind: str, parameters: list[ParameterRecord]) -> dict[str, Any]:
    return {
        "path": path,
        "type": kind,
        "shapes": [list(parameter.shape) for parameter in parameters],
        "arithmetic": arithmetic(parameters),
        "count": sum(parameter.count for parameter in parameters),
    }
