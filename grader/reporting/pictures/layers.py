"""A network as a table: layers in the order of the forward pass, shapes, and how parameters are counted."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from markupsafe import Markup

from grader.evidence.record import LayerRecord, ModuleRecord, OperationRecord, ParameterRecord
from grader.evidence.values import BoolValue, FloatValue, IntValue, SequenceValue, StrValue, Value
from grader.facts.networks.parameters import product
from grader.grading.verdict import Finding
from grader.judging.exhibits import NetworkTable
from grader.judging.judgement import Status
from grader.reporting.model import ReportInput
from grader.reporting.pages import fragment
from grader.reporting.text import plain

__all__ = ["draw", "written_count"]

_ROWS = 80
_HIDDEN_OPERATIONS = {"dropout", "contiguous", "detach", "clone", "to"}


@dataclass(frozen=True)
class Row:
    """One step of the forward pass.

    Attributes:
        arithmetic: Empty where nothing is learned.
        again: A layer used before, whose parameters are counted there.
        differs: The network beside it has no such step at this place.
    """

    name: str
    what: str
    shape: str
    arithmetic: str
    again: bool = False
    differs: bool = False


def draw(report: ReportInput, finding: Finding, exhibit: NetworkTable) -> Markup | None:
    record = _module(report, exhibit)
    if record is None or not record.layers:
        return None
    rows = _rows(record)
    reference_name, reference = _reference(report, finding, exhibit)
    rows, reference = _compared(rows, reference, traced=bool(record.operations))
    return fragment(
        "layers.html.j2",
        name=record.name,
        class_name=record.class_name,
        rows=rows[:_ROWS],
        left_out=max(0, len(rows) - _ROWS),
        total=sum(parameter.count for parameter in record.parameters),
        learned=_sum_of_layers(record),
        reference_name=reference_name,
        reference=reference,
        no_shape="not used in forward" if record.operations else "not measured",
    )


def _module(report: ReportInput, exhibit: NetworkTable) -> ModuleRecord | None:
    result = report.bundle.evidence.probes.get(exhibit.probe) if report.bundle is not None else None
    record = None if result is None else result.record
    return record if isinstance(record, ModuleRecord) else None


def _rows(record: ModuleRecord) -> list[Row]:
    """Steps as traced; where nothing was traced, layers as registered."""
    parameters = {parameter.name: parameter for parameter in record.parameters}
    layers = {layer.path: layer for layer in record.layers}
    if not record.operations:
        return [_layer_row(layer, parameters, layer.output_shape) for layer in record.layers]
    rows: list[Row] = []
    seen: set[str] = set()
    for operation in record.operations:
        layer = layers.get(operation.layer or "")
        if layer is not None and layer.type == operation.name:
            rows.append(_layer_row(layer, parameters, operation.output_shape, again=layer.path in seen))
            seen.add(layer.path)
        elif operation.name not in _HIDDEN_OPERATIONS:
            rows.append(Row("", _operation(operation), _shape(operation.output_shape), ""))
    unused = [layer for layer in record.layers if layer.path not in seen and layer.parameters]
    return rows + [_layer_row(layer, parameters, None) for layer in unused]


def _layer_row(
    layer: LayerRecord,
    parameters: Mapping[str, ParameterRecord],
    shape: tuple[int, ...] | None,
    *,
    again: bool = False,
) -> Row:
    own = [parameters[name] for name in layer.parameters if name in parameters]
    arithmetic = "" if again else written_count([parameter.shape for parameter in own])
    return Row(layer.path, _layer(layer), _shape(shape), arithmetic, again)


def written_count(shapes: Iterable[tuple[int, ...]]) -> str:
    """The sum for one layer's parameter tensors, kernel first: ``3*3*3*5 + 5 = 140``."""
    shapes = list(shapes)
    if not shapes:
        return ""
    products = [product(shape) for shape in shapes]
    total = sum(math.prod(shape) for shape in shapes)
    return f"{' + '.join(products)} = {total}" if products != [str(total)] else str(total)


def _layer(layer: LayerRecord) -> str:
    return _described(layer.type, {name: _setting(value) for name, value in layer.hyperparameters.items()})


def _described(kind: str, settings: Mapping[str, str]) -> str:
    """``Conv2d(3, 5, kernel 3)``: sizes first, then what does not go without saying."""
    settings = {name: _square(value) for name, value in settings.items()}
    arguments = [settings[name] for name in _SIZES if name in settings]
    goes_without_saying = {"stride": settings.get("kernel_size")} if "Pool" in kind else {}
    arguments += [
        f"{label} {settings[name]}"
        for name, (label, usual) in _TOLD.items()
        if name in settings and settings[name] not in (*usual, goes_without_saying.get(name))
    ]
    return f"{kind}({', '.join(arguments)})" if arguments else kind


def _square(size: str) -> str:
    """``3`` for ``3×3``, as both are written."""
    sides = set(size.split("×"))
    return sides.pop() if len(sides) == 1 else size


_SIZES = ("in_channels", "out_channels", "in_features", "out_features")
#: Hyperparameters worth a word, how they are called, and the values that go without saying.
_TOLD = {
    "kernel_size": ("kernel", ()),
    "stride": ("stride", ("1", "nothing")),
    "padding": ("padding", ("0",)),
    "dilation": ("dilation", ("1",)),
    "p": ("p", ()),
    "dim": ("dim", ()),
}


def _operation(operation: OperationRecord) -> str:
    told = [f"{name} {_setting(value)}" for name, value in operation.arguments.items()]
    return f"{operation.name}({', '.join(told)})"


def _setting(value: Value) -> str:
    if isinstance(value, BoolValue | IntValue | FloatValue | StrValue):
        return plain(value.value)
    if isinstance(value, SequenceValue):
        return "×".join(_setting(item) for item in value.items)
    return "nothing" if value.kind == "none" else value.kind


def _shape(shape: tuple[int, ...] | None) -> str:
    """A shape without its batch axis: ``5×30×30``; a lone batch axis is a number for each input."""
    if shape is None:
        return ""
    return "×".join(str(n) for n in shape[1:]) or "1 number"


def _sum_of_layers(record: ModuleRecord) -> str:
    """``140 + 246`` for the line of the total; empty where it would repeat a single number."""
    counts = {parameter.name: parameter.count for parameter in record.parameters}
    sums = [sum(counts.get(name, 0) for name in layer.parameters) for layer in record.layers]
    written = [str(total) for total in sums if total]
    return " + ".join(written) if len(written) > 1 else ""


def _reference(report: ReportInput, finding: Finding, exhibit: NetworkTable) -> tuple[str, list[Row]]:
    """Name and steps of the network that was asked for; nothing where that is unclear or not yet released."""
    if finding.status is Status.PASS or not report.shows_expected(finding):
        return "", []
    network = report.reference.architectures.get(exhibit.reference)
    return ("", []) if network is None else (network.name, [_reference_row(step) for step in network.steps])


def _compared(rows: Sequence[Row], reference: Sequence[Row], *, traced: bool) -> tuple[list[Row], list[Row]]:
    """Both tables with the steps marked that the other one does not have; no reference where none differs.

    Steps are compared by shape and parameters; where no forward pass was traced, only those that learn are.
    """
    own, other = (
        [i for i, row in enumerate(table) if traced or row.arithmetic] for table in (rows, reference)
    )
    seen = [(rows[i].shape if traced else "", rows[i].arithmetic) for i in own]
    asked = [(reference[i].shape if traced else "", reference[i].arithmetic) for i in other]
    blocks = SequenceMatcher(None, seen, asked, autojunk=False).get_matching_blocks()
    same_own = {own[block.a + i] for block in blocks for i in range(block.size)}
    same_other = {other[block.b + i] for block in blocks for i in range(block.size)}
    if not reference or (len(same_own), len(same_other)) == (len(own), len(other)):
        return list(rows), []
    return _marked(rows, set(own) - same_own), _marked(reference, set(other) - same_other)


def _marked(rows: Sequence[Row], different: set[int]) -> list[Row]:
    return [dataclasses.replace(row, differs=place in different) for place, row in enumerate(rows)]


def _reference_row(step: Any) -> Row:
    settings = {field.name: getattr(step.layer, field.name) for field in dataclasses.fields(step.layer)}
    what = _described(step.layer.type, {name: _plain_setting(value) for name, value in settings.items()})
    arithmetic = step.parameters.text if step.parameters else ""
    return Row("", what, _shape((1, *step.output_shape)), arithmetic)


def _plain_setting(value: Any) -> str:
    return "×".join(str(part) for part in value) if isinstance(value, tuple) else plain(value)
