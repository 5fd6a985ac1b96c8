"""Evidence for a bundled rubric, built by hand from what a student did in each section."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from grader.collector.probes.trace import layers_of
from grader.evidence.checkpoints import CheckpointLoaded, Checkpoints
from grader.evidence.codec import Bundle
from grader.evidence.photos import PhotoSet
from grader.evidence.plan import FunctionProbe, ModuleProbe, Probe
from grader.evidence.plots import DrawnAxes, DrawnLine, Plot
from grader.evidence.record import (
    CellRecord,
    FileWritten,
    ForwardRecord,
    FunctionRecord,
    ModuleRecord,
    Output,
    ProbeResult,
    Submitted,
    WatchedValue,
)
from grader.evidence.training import TrainingHistory
from grader.rubric.model import Rubric
from grader.rubric.plan import plan_for
from tests import factories

__all__ = ["Work", "bundle_of"]

_SHOWN = Submitted(outputs=(Output(kind="display_data", data={"image/png": "iVBO"}),))


def nothing_trained(cells: Mapping[str, int]) -> TrainingHistory:
    return TrainingHistory()


@dataclass(frozen=True)
class Work:
    """What a student did, each thing with the section in which it was done.

    Attributes:
        code: Source of the section's one code cell.
        printed: What that cell printed.
        plotted: Sections whose cell shows a plot in the file handed in.
        variables: Section, name and value, in the order in which they were set.
        functions: By the name that a probe asks for.
        networks: By name, expression, or for a probe that discovers the shape of an input as text.
        operations: Torch operations of the calls of a counted function: of the first, of the others.
        training: Builds the history, given the cell of each section.
        files: Section and path.
        words: What is answered below the section's code.
        drawn: Figures that the section's cell showed: of each, how many lines and how many images.
        loaded: Section, name of the network that got weights, and number of the training that wrote them.
        photos: Where photos were handed in and no notebook.
    """

    code: Mapping[str, str]
    printed: Mapping[str, str] = field(default_factory=dict)
    plotted: tuple[str, ...] = ()
    variables: Sequence[tuple[str, str, Any]] = ()
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    networks: Mapping[str, nn.Module] = field(default_factory=dict)
    operations: tuple[int, int] = (12, 12)
    training: Callable[[Mapping[str, int]], TrainingHistory] = nothing_trained
    files: Sequence[tuple[str, str]] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    drawn: Mapping[str, Sequence[tuple[int, int]]] = field(default_factory=dict)
    loaded: Sequence[tuple[str, str, int]] = ()
    photos: PhotoSet | None = None


def bundle_of(rubric: Rubric, work: Work, seed: int = 7) -> Bundle:
    """The evidence of this work, with an answer to all that the rubric's plan asks, drawn from a seed."""
    arrays: list[np.ndarray] = []
    sections = tuple(_sections(rubric, work))
    place = {name: index for index, (name, cell) in enumerate(sections) if cell.kind == "code"}
    values = tuple(
        WatchedValue(name=name, cell=place[section], value=factories.value_of(thing, arrays))
        for section, name, thing in work.variables
    )
    probes = [(probe, _answer(probe, work, place, arrays, seed)) for probe in plan_for(rubric).probes]
    given = factories.evidence(
        [cell.model_copy(update={"index": index}) for index, (_, cell) in enumerate(sections)],
        values=values,
        files=tuple(FileWritten(path=path, cell=place[where], size_bytes=9) for where, path in work.files),
        probes=factories.answers(probes),
        training=work.training(place),
        plots=tuple(_plots(work, place)),
        checkpoints=_checkpoints(work, place),
        photos=work.photos,
    )
    return Bundle(given, arrays)


def _plots(work: Work, place: Mapping[str, int]) -> Iterator[Plot]:
    """Each line and each image is another one."""
    for section, figures in work.drawn.items():
        for figure, (lines, images) in enumerate(figures):
            drawn = tuple(DrawnLine(points=2, digest=f"{section} {figure} {line}") for line in range(lines))
            axes = DrawnAxes(title=section, lines=drawn, images=((8, 8, 3),) * images)
            yield Plot(cell=place[section], how="shown", axes=(axes,))


def _checkpoints(work: Work, place: Mapping[str, int]) -> Checkpoints:
    loaded = tuple(
        CheckpointLoaded(
            path="best.pt", cell=place[section], saved_in=0, run=run, epoch=2, class_name="Net", names=(name,)
        )
        for section, name, run in work.loaded
    )
    return Checkpoints(loaded=loaded)


def _sections(rubric: Rubric, work: Work) -> Iterator[tuple[str, CellRecord]]:
    """A heading for each section, which two of them may share, and its code below it."""
    headed: set[str | None] = {None}
    for name, section in rubric.sections.items():
        given_id = section.ids[0] if section.ids else None
        if given_id is None or given_id not in headed:
            yield name, factories.cell(0, f"## {section.title}", kind="markdown", handout_id=given_id)
            headed.add(given_id)
        if name in work.code:
            cell = factories.cell(0, work.code[name], printed=work.printed.get(name, ""))
            yield name, cell.model_copy(update={"submitted": _SHOWN}) if name in work.plotted else cell
        if name in work.words:
            yield f"words of {name}", factories.cell(0, work.words[name], kind="markdown")


def _answer(
    probe: Probe, work: Work, place: Mapping[str, int], arrays: list[np.ndarray], seed: int
) -> ProbeResult | FunctionRecord | ModuleRecord:
    match probe:
        case FunctionProbe(target=target):
            cell = next(place[name] for name, text in work.code.items() if target.names[0] in text)
            return _counted(
                factories.called(probe, work.functions[target.names[0]], arrays, cell=cell, seed=seed),
                work,
                probe,
            )
        case ModuleProbe(target=target):
            keys = (
                *target.names,
                target.expression,
                str(list(probe.inputs[0].shape)) if probe.inputs else "",
            )
            found = next((key for key in keys if key in work.networks), None)
            return (
                ProbeResult(status="not_found")
                if found is None
                else _described(work.networks[found], probe, arrays, seed)
            )


def _counted(record: FunctionRecord, work: Work, probe: FunctionProbe) -> FunctionRecord:
    if not probe.count_operations:
        return record
    first, others = work.operations
    calls = tuple(
        call.model_copy(update={"operations": others if place else first})
        for place, call in enumerate(record.calls)
    )
    return record.model_copy(update={"calls": calls})


def _described(network: nn.Module, probe: ModuleProbe, arrays: list[np.ndarray], seed: int) -> ModuleRecord:
    forwards, drawn = [], torch.Generator().manual_seed(seed)
    for given in probe.inputs:
        images = torch.randn(given.shape, generator=drawn)
        with torch.no_grad():
            output = network(images)
        forwards.append(
            ForwardRecord(
                input=factories.value_of(images[:0], arrays), output=factories.value_of(output, arrays)
            )
        )
    return ModuleRecord(
        found_by="name",
        name=next(iter(probe.target.names), "net"),
        class_name=type(network).__name__,
        parameters=tuple(
            factories.parameter(name, *tensor.shape) for name, tensor in network.named_parameters()
        ),
        layers=layers_of(network, None)[0],
        forwards=tuple(forwards),
    )
