"""Hand-built evidence for unit tests: small functions, each with the least that a case needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from grader.evidence.codec import Bundle
from grader.evidence.plan import FunctionProbe, ModuleProbe, ValueProbe, probe_id
from grader.evidence.record import (
    CellError,
    CellRecord,
    CellRun,
    Evidence,
    FunctionRecord,
    LayerRecord,
    ModuleRecord,
    Outcome,
    Output,
    ParameterRecord,
    ProbeResult,
    Submitted,
    ValueRecord,
)
from grader.evidence.training import ModelIdentity, Start, TrainingHistory, TrainingRun
from grader.rubric.alignment import Alignment, align
from grader.rubric.case import Case, Reference
from grader.rubric.handout import Handout
from grader.rubric.model import Check, Criterion, Rubric, Section

AnyProbe = ModuleProbe | FunctionProbe | ValueProbe
AnyRecord = ModuleRecord | FunctionRecord | ValueRecord


def stdout(text: str) -> Output:
    return Output(kind="stream", name="stdout", text=text)


def cell(
    index: int,
    source: str = "",
    *,
    kind: Literal["code", "markdown", "raw"] = "code",
    handout_id: str | None = None,
    count: int | None = None,
    stored: str = "",
    printed: str = "",
    error: CellError | None = None,
    run: bool = True,
) -> CellRecord:
    """A cell; `stored` is what the student's file held as output, `printed` what our run gave."""
    submitted = Submitted(execution_count=count, outputs=(stdout(stored),) if stored else ())
    status: Literal["ok", "error", "not_run"] = "not_run" if not run else "error" if error else "ok"
    outputs = (stdout(printed),) if printed else ()
    cell_run = CellRun(status=status, outputs=outputs, error=error) if kind == "code" else None
    return CellRecord(
        index=index, kind=kind, source=source, handout_id=handout_id, submitted=submitted, run=cell_run
    )


def code_cells(*sources: str) -> tuple[CellRecord, ...]:
    return tuple(cell(index, source) for index, source in enumerate(sources))


def evidence(
    cells: Sequence[CellRecord] = (), *, outcome: Outcome = Outcome.COMPLETED, **more: Any
) -> Evidence:
    return Evidence(notebook="0" * 64, plan="1" * 64, outcome=outcome, cells=tuple(cells), **more)


def answers(found: Mapping[AnyProbe, AnyRecord | ProbeResult]) -> dict[str, ProbeResult]:
    """Probe results by id; a bare record stands for an answer that is ok."""
    return {
        probe_id(probe): record
        if isinstance(record, ProbeResult)
        else ProbeResult(status="ok", record=record)
        for probe, record in found.items()
    }


def rubric(
    *checks: Check, sections: Mapping[str, Section] | None = None, points: float = 1.0, **more: Any
) -> Rubric:
    """A rubric with one criterion for each check, called c0, c1, ..."""
    criteria = tuple(
        Criterion(id=f"c{place}", title=f"Criterion {place}", points=points, check=check)
        for place, check in enumerate(checks)
    )
    return Rubric(
        assignment="lab",
        title="A lab",
        total=points * len(checks),
        sections=sections or {},
        criteria=criteria,
        **more,
    )


def case(
    check: Check,
    given: Evidence,
    *,
    sections: Mapping[str, Section] | None = None,
    section: str | None = None,
    arrays: Sequence[np.ndarray] = (),
    reference: Reference | None = None,
    handout: Handout | None = None,
    alignment: Alignment | None = None,
) -> Case:
    """One criterion of one submission; sections are aligned as `grade` would."""
    whole = rubric(check, sections=sections)
    criterion = whole.criteria[0].model_copy(update={"section": section})
    return Case(
        bundle=Bundle(given, arrays),
        rubric=whole,
        criterion=criterion,
        alignment=alignment or align(given.cells, whole, handout),
        reference=reference or Reference(),
    )


def parameter(name: str, *shape: int, trainable: bool = True) -> ParameterRecord:
    return ParameterRecord(name=name, shape=shape, dtype="float32", trainable=trainable)


def layer(path: str, kind: str, *parameters: str, **more: Any) -> LayerRecord:
    return LayerRecord(path=path, type=kind, parameters=parameters, **more)


def model(name: str = "net", token: int = 0, *, class_name: str = "Net", count: int = 10) -> ModelIdentity:
    return ModelIdentity(token=token, class_name=class_name, names=(name,), parameter_count=count)


def fresh() -> Start:
    return Start(determined=True)


def carried(source: int, share: float = 1.0) -> Start:
    return Start(determined=True, carried_share=share, identity_share=share, carried_from=source)


def training_run(index: int, cell_index: int | None, **more: Any) -> TrainingRun:
    """A run that started fresh, unless told otherwise."""
    given = {"model": model(), "start": fresh(), "optimizer": "SGD", "steps": 4, **more}
    return TrainingRun(index=index, order=given.pop("order", index), cell=cell_index, **given)


def history(*runs: TrainingRun, **more: Any) -> TrainingHistory:
    return TrainingHistory(runs=runs, **more)
