"""Hand-built evidence for unit tests: small functions, each with the least that a case needs."""

from __future__ import annotations

import contextlib
import copy
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

import numpy as np
import torch

from grader.evidence.codec import Bundle
from grader.evidence.photos import Photo
from grader.evidence.plan import (
    Call,
    FunctionProbe,
    InputSpec,
    IntegersInput,
    LiteralInput,
    ModuleProbe,
    Target,
    UniformInput,
    probe_id,
)
from grader.evidence.record import (
    CallRecord,
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
    RaisedError,
    Submitted,
    WatchedValue,
)
from grader.evidence.training import (
    LayerList,
    ModelIdentity,
    RegisteredLayer,
    Start,
    TrainingHistory,
    TrainingRun,
    digest_of_layers,
)
from grader.evidence.values import (
    ArrayValue,
    BoolValue,
    FloatValue,
    IntValue,
    MappingValue,
    NoneValue,
    OtherValue,
    SequenceValue,
    StrValue,
    Value,
)
from grader.facts.case import Case, Reference
from grader.facts.facts import Facts
from grader.facts.handout import Handout
from grader.facts.sections import Alignment, Section
from grader.grading.late import LateLine
from grader.grading.marks import Decision, Mark, mark_of
from grader.grading.verdict import Finding, Verdict
from grader.judging.check import Check
from grader.judging.exhibits import Table
from grader.judging.judgement import Judgement
from grader.photos.names import letter_of_folder, letter_of_name, number_of_name
from grader.rubric.model import Criterion, Rubric
from reference import FUNCTIONS

AnyProbe = ModuleProbe | FunctionProbe
AnyRecord = ModuleRecord | FunctionRecord


def value_probe(expression: str) -> FunctionProbe:
    """Asks for the value of an expression, after the last cell."""
    return FunctionProbe(target=Target(expression=f"lambda: {expression}"), calls=(Call(),))


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


def photo(name: str, **more: Any) -> Photo:
    """A right photo of this name; `looks` may give some measures only, and letters are read from the name."""
    looks = {
        "sharpness": 0.7,
        "brightness": 0.9,
        "dark": 0.0,
        "bright": 0.0,
        "contrast": 0.4,
        "wall": 0.9,
        "wall_spread": 1.0,
        "wall_edges": 0.0,
        "hand": {"left": 0.3, "top": 0.2, "right": 0.7, "bottom": 1.0, "x": 0.5, "y": 0.6, "area": 0.2},
    } | dict(more.pop("looks", {}))
    of_name = {
        "letter_of_name": letter_of_name(name),
        "letter_of_folder": letter_of_folder(name),
        "number_of_name": number_of_name(name),
    }
    read = {"format": "JPEG", "mode": "RGB", "width": 224, "height": 224, "pixels": name, "looks": looks}
    about = read if more.get("state", "read") == "read" else {}
    return Photo.model_validate({"name": name, "sha256": f"{len(name):064x}", **of_name, **about, **more})


def answers(
    found: Mapping[AnyProbe, AnyRecord | ProbeResult] | Iterable[tuple[AnyProbe, AnyRecord | ProbeResult]],
) -> dict[str, ProbeResult]:
    """Probe results by id, from a mapping or pairs; a bare record stands for an answer that is ok."""
    return {
        probe_id(probe): record
        if isinstance(record, ProbeResult)
        else ProbeResult(status="ok", record=record)
        for probe, record in (found.items() if isinstance(found, Mapping) else found)
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
    peers: Sequence[Check] = (),
) -> Case:
    """One criterion of one submission; sections are aligned as `grade` would."""
    facts = Facts.of(Bundle(given, arrays), sections or {}, handout)
    if alignment is not None:
        facts = replace(facts, alignment=alignment)
    return Case(facts, section, reference or Reference(), check.watches(), tuple(peers) or (check,))


def parameter(name: str, *shape: int, trainable: bool = True) -> ParameterRecord:
    return ParameterRecord(name=name, shape=shape, dtype="float32", trainable=trainable)


def layer(path: str, kind: str, *parameters: str, **more: Any) -> LayerRecord:
    return LayerRecord(path=path, type=kind, parameters=parameters, **more)


def model(
    name: str = "net", token: int = 0, *, class_name: str = "Net", count: int = 10, layers: int | None = None
) -> ModelIdentity:
    """A network; `layers` is the place of its layers among those of the history."""
    return ModelIdentity(
        token=token, class_name=class_name, names=(name,), parameter_count=count, layers=layers
    )


def layer_list(text: str, *, cut: bool = False, whole: str | None = None) -> LayerList:
    """A network's layers as the recorder lists them.

    Args:
        text: A line for each, as ``fc1: Linear(in_features=3072, out_features=30)``.
        cut: There are more.
        whole: The digest over all of them, where these are not all.
    """
    matches = [re.fullmatch(r"(.*?): (\w+)\((.*)\)", line) for line in text.splitlines()]
    listed = tuple(
        RegisteredLayer(path=match[1], type=match[2], settings=eval(f"dict({match[3]})"))
        for match in matches
        if match is not None
    )
    return LayerList(layers=listed, digest=whole if cut else digest_of_layers(listed), cut=cut)


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


def value_of(thing: Any, arrays: list[np.ndarray]) -> Value:
    """Records a Python object as the collector would; numbers of arrays go to the end of `arrays`."""
    if isinstance(thing, torch.Tensor | np.ndarray):
        dtype = str(thing.dtype).removeprefix("torch.")
        kind = "torch.Tensor" if isinstance(thing, torch.Tensor) else "numpy.ndarray"
        numbers = thing.detach().cpu().numpy() if isinstance(thing, torch.Tensor) else thing
        arrays.append(numbers.copy())
        return ArrayValue(type=kind, dtype=dtype, shape=tuple(thing.shape), array=len(arrays) - 1)
    if isinstance(thing, list | tuple):
        items = tuple(value_of(item, arrays) for item in thing)
        return SequenceValue(type=type(thing).__name__, items=items, length=len(items))
    if isinstance(thing, dict):
        pairs = tuple((value_of(key, arrays), value_of(item, arrays)) for key, item in thing.items())
        return MappingValue(type="dict", items=pairs, length=len(pairs))
    return _scalar(thing)


def _scalar(thing: Any) -> Value:
    library = f"numpy.{type(thing).__name__}" if isinstance(thing, np.generic) else type(thing).__name__
    if thing is None:
        return NoneValue()
    if isinstance(thing, bool | np.bool_):
        return BoolValue(value=bool(thing), type=library)
    if isinstance(thing, int | np.integer):
        return IntValue(value=int(thing), type=library)
    if isinstance(thing, float | np.floating):
        return FloatValue(value=float(thing), type=library)
    if isinstance(thing, str):
        return StrValue(value=thing, length=len(thing))
    return OtherValue(type=type(thing).__name__)


def called(
    probe: FunctionProbe,
    function: Callable[..., Any],
    arrays: list[np.ndarray],
    *,
    cell: int | None = None,
    seed: int = 7,
) -> FunctionRecord:
    """Makes the calls that a probe asks for, with inputs drawn from a seed."""
    drawing = np.random.default_rng(seed)
    calls = tuple(_call(call, function, probe.repeat, arrays, drawing) for call in probe.calls)
    return FunctionRecord(name=probe.target.names[0], cell=cell, calls=calls)


def _call(
    call: Call,
    function: Callable[..., Any],
    repeat: int,
    arrays: list[np.ndarray],
    drawing: np.random.Generator,
) -> CallRecord:
    args = [_draw(spec, drawing) for spec in call.args]
    kwargs = {key: _draw(spec, drawing) for key, spec in call.kwargs.items()}
    sent = {
        "args": tuple(value_of(arg, arrays) for arg in args),
        "kwargs": {key: value_of(arg, arrays) for key, arg in kwargs.items()},
    }
    printed = io.StringIO()
    returned = []
    try:
        with contextlib.redirect_stdout(printed):
            for _ in range(repeat):
                returned.append(function(*copy.deepcopy(args), **copy.deepcopy(kwargs)))
    except Exception as error:
        raised = RaisedError(type=type(error).__name__, message=str(error))
        return CallRecord(**sent, error=raised, stdout=printed.getvalue())
    values = tuple(value_of(thing, arrays) for thing in returned)
    return CallRecord(**sent, returned=values, stdout=printed.getvalue())


def _draw(spec: InputSpec, drawing: np.random.Generator) -> Any:
    if isinstance(spec, LiteralInput):
        numbers: Any = spec.value
        plain = spec.container == "python"
    elif isinstance(spec, IntegersInput):
        numbers, plain = drawing.integers(spec.low, spec.high, spec.shape), spec.container == "python"
        if plain:
            return int(numbers)
    elif isinstance(spec, UniformInput):
        numbers, plain = drawing.uniform(spec.low, spec.high, spec.shape), False
    else:
        numbers, plain = drawing.standard_normal(spec.shape), False
    if plain:
        return numbers
    array = np.array(numbers, dtype=spec.dtype)
    if spec.container == "list":
        return array.tolist()
    return torch.from_numpy(array) if spec.container == "torch" else array


def case_of_function(
    check: Check,
    function: Callable[..., Any],
    source: str = "def function():\n    ...",
    *,
    seed: int = 7,
    **more: Any,
) -> Case:
    """A notebook of one cell whose function answered every function probe of `check`."""
    arrays: list[np.ndarray] = []
    probes = [probe for probe in check.probes() if isinstance(probe, FunctionProbe)]
    found = [(probe, called(probe, function, arrays, cell=0, seed=seed)) for probe in probes]
    given = evidence(code_cells(source), probes=answers(found))
    return case(check, given, arrays=arrays, reference=Reference(functions=FUNCTIONS), **more)


def case_of_variables(check: Check, *held: tuple[str, Any], sources: Sequence[str] = (), **more: Any) -> Case:
    """A notebook whose n-th cell gave the n-th variable its value; `sources` stand for what it says."""
    arrays: list[np.ndarray] = []
    values = tuple(
        WatchedValue(name=name, cell=place, value=value_of(thing, arrays))
        for place, (name, thing) in enumerate(held)
    )
    texts = sources or [f"{name} = ..." for name, _ in held] or ["pass"]
    given = evidence(code_cells(*texts), values=values)
    return case(check, given, arrays=arrays, reference=Reference(functions=FUNCTIONS), **more)


Shown = TypeVar("Shown")


def shown(judged: Judgement | Finding, kind: type[Shown]) -> Shown:
    """The one exhibit of a type."""
    (exhibit,) = (each for each in judged.exhibits if isinstance(each, kind))
    return exhibit


def rows(judged: Judgement | Finding, title: str) -> list[dict[str, Any]]:
    """The rows of the one table with a title."""
    (table,) = (each for each in judged.exhibits if isinstance(each, Table) and each.title == title)
    return table.records


def marked(
    verdict: Verdict,
    given: Mapping[str, tuple[float, str]] | None = None,
    *,
    late: LateLine | None = None,
    by: str = "ta-3",
) -> Mark:
    """The mark by a verdict.

    Args:
        verdict: The newest.
        given: Points and reason of each criterion that a person decided on.
        late: The line for handing in late.
        by: Who decided, on 1 December 2026.
    """
    at = datetime(2026, 12, 1, tzinfo=UTC)
    decisions = [
        Decision(seq, criterion, points, by, at, why)
        for seq, (criterion, (points, why)) in enumerate((given or {}).items())
    ]
    return replace(mark_of(verdict, decisions), late=late)
