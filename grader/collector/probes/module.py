"""Reads a network: parameters, layers in order of use, operations, outputs on hidden inputs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from grader.collector.networks import (
    buffers,
    class_name,
    is_trainable,
    is_whole,
    parameters,
    shape_of,
    submodules,
)
from grader.collector.probes.placed import placed
from grader.collector.probes.stirring import stir
from grader.collector.probes.surroundings import Surroundings, raised
from grader.collector.probes.target import Found, Missing, cell_of, find_module
from grader.collector.probes.trace import Trace, layers_of
from grader.collector.values import encode
from grader.evidence.frames import ProbeInputs
from grader.evidence.plan import ModuleProbe
from grader.evidence.record import ForwardRecord, ModuleRecord, ParameterRecord, ProbeResult
from grader.evidence.values import ArrayValue

__all__ = ["probe_module"]

_CLONE = torch._C.TensorBase.clone
_DETACH = torch._C.TensorBase.detach
_COPY = torch._C.TensorBase.copy_
_EQUAL = torch.equal
_DTYPE = vars(torch._C.TensorBase)["dtype"].__get__
_NO_GRAD = torch.no_grad


def probe_module(probe: ModuleProbe, around: Surroundings) -> ProbeResult:
    found = find_module(probe.target, around)
    if isinstance(found, Missing):
        return _missing(found, around)
    network: nn.Module = found.thing
    with _left_as_it_was(network):
        if probe.stirred:
            stir(network, around.plan.seed)
        tensors = [
            tuple(_tensor(name, tensor, probe.weights, around) for name, tensor in read(network))
            for read in (parameters, buffers)
        ]
        forwards, trace = _forwards(network, probe, around)
    layers, layers_cut = layers_of(network, trace)
    record = ModuleRecord(
        found_by=found.found_by,
        name=found.name,
        class_name=class_name(network),
        built=found.built,
        cell=cell_of(network, around),
        parameters=tensors[0],
        buffers=tensors[1],
        layers=layers,
        operations=() if trace is None else tuple(trace.operations),
        forwards=forwards,
        modules_cut=not is_whole(network),
        layers_cut=layers_cut,
        operations_cut=trace is not None and trace.cut,
    )
    return ProbeResult(
        status="ok",
        detail=_choice(found),
        record=record,
        candidates=tuple(found.seen.candidates),
        candidates_cut=found.seen.cut,
    )


def _missing(missing: Missing, around: Surroundings) -> ProbeResult:
    error = None if missing.error is None else raised(missing.error, around.cells)
    return ProbeResult(
        status="not_found" if error is None else "error",
        detail=missing.tried,
        error=error,
        candidates=tuple(missing.seen.candidates),
        candidates_cut=missing.seen.cut,
    )


def _choice(found: Found) -> str:
    names = [candidate.name for candidate in found.seen.candidates]
    return f"looked at {', '.join(names)}; took {found.name}" if len(names) > 1 else ""


def _tensor(name: str, tensor: torch.Tensor, with_values: bool, around: Surroundings) -> ParameterRecord:
    position = None
    if with_values:
        described = encode(_DETACH(tensor), around.kept)
        position = described.array if isinstance(described, ArrayValue) else None
    return ParameterRecord(
        name=name,
        shape=shape_of(tensor),
        dtype=str(_DTYPE(tensor)).removeprefix("torch."),
        trainable=is_trainable(tensor),
        array=position,
    )


def _forwards(
    network: nn.Module, probe: ModuleProbe, around: Surroundings
) -> tuple[tuple[ForwardRecord, ...], Trace | None]:
    """One pass for each hidden input, the first traced; one of zeros where only a shape is known."""
    records: list[ForwardRecord] = []
    trace: Trace | None = None
    for inputs in around.inputs:
        tracing = Trace(network) if trace is None else None
        records.append(_forward(network, inputs, tracing, around))
        trace = trace or tracing
    if trace is None and probe.target.discover is not None:
        trace = Trace(network)
        with trace:
            network(placed(torch.zeros(probe.target.discover.input_shape), network))
    return tuple(records), trace


def _forward(
    network: nn.Module, inputs: ProbeInputs, trace: Trace | None, around: Surroundings
) -> ForwardRecord:
    given = encode(around.fresh(inputs)[0][0], around.kept)
    fresh, named = around.fresh(inputs)
    try:
        args = [placed(value, network) for value in fresh]
        kwargs = {name: placed(value, network) for name, value in named.items()}
        if trace is None:
            output = network(*args, **kwargs)
        else:
            with trace:
                output = network(*args, **kwargs)
    except (Exception, SystemExit) as error:
        return ForwardRecord(input=given, error=raised(error, around.cells))
    return ForwardRecord(input=given, output=encode(output, around.kept))


@contextmanager
def _left_as_it_was(network: nn.Module) -> Iterator[None]:
    """Eval mode, no gradients, random numbers apart; modes and values as before afterwards."""
    modes = [(part, part.training) for _, part in submodules(network)]
    values: list[tuple[Any, torch.Tensor]] = [
        (tensor, _CLONE(_DETACH(tensor))) for _, tensor in parameters(network) + buffers(network)
    ]
    try:
        with _NO_GRAD(), torch.random.fork_rng(devices=[]):
            for part, _ in modes:
                part.training = False
            yield
    finally:
        for part, mode in modes:
            part.training = mode
        for tensor, before in values:
            if not _EQUAL(_DETACH(tensor), before):
                _COPY(_DETACH(tensor), before)
