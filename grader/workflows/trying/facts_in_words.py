"""What an attempt says, in lines: each fact known, or why it is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from grader.evidence.photos import Photo
from grader.evidence.plan import Probe
from grader.evidence.plots import DrawnAxes
from grader.evidence.record import FunctionRecord, ModuleRecord, ProbeResult
from grader.evidence.training import EvaluationPass, TrainingRun
from grader.facts.case import Case
from grader.facts.known import Fact, Known
from grader.facts.notebook import is_own, untouched
from grader.facts.photos import Limits, hints_of, letter_of
from grader.facts.targets import describe
from grader.facts.training.data_use import TestData
from grader.facts.training.losses import loss_of
from grader.facts.training.readings import Readings, batch_sizes_of, passes_of, rates_of
from grader.facts.training.runs import object_name
from grader.facts.training.seen import whole_history
from grader.facts.values.plain import plain, show

__all__ = ["facts_in_words"]

Line = tuple[str, str]
_MOST_LAYERS = 12
_MOST_AXES = 6


def facts_in_words(case: Case, probes: Sequence[Probe] = ()) -> tuple[Line, ...]:
    """Lines on the notebook, its code, what was measured, and its trainings."""
    if case.evidence.photos is not None:
        return tuple(_photo(photo) for photo in case.evidence.photos.photos)
    return (*_notebook(case), *_measured(case, probes), *_pictures(case), *_trainings(case))


def _photo(photo: Photo) -> Line:
    if photo.state != "read":
        return photo.name, f"{photo.state.replace('_', ' ')}: {photo.why}"
    hints = ", ".join(hint.about for hint in hints_of(photo, Limits()))
    letter = letter_of(photo)
    named = letter.value if isinstance(letter, Known) else f"not known, {letter.why}"
    form = f"{photo.format}, {photo.width} x {photo.height}, {photo.mode}"
    return photo.name, f"{form}; letter: {named}; noticed: {hints or 'nothing'}"


def _notebook(case: Case) -> Iterator[Line]:
    evidence = case.evidence
    yield "outcome", f"{evidence.outcome} {evidence.outcome_detail}".strip()
    code = [cell for cell in evidence.cells if cell.kind == "code"]
    own = sum(is_own(cell, case) for cell in code)
    raised = [str(cell.index) for cell in code if cell.run is not None and cell.run.error is not None]
    yield "code cells", f"{len(code)}, {own} the student's own; raised: {', '.join(raised) or 'none'}"
    if case.section is not None:
        cells = ", ".join(str(cell.index) for cell in case.section_cells())
        yield "part", f"cells {cells or 'none'}; as the handout left it: {_said(untouched(case))}"
    yield "functions", ", ".join(case.facts.functions.by_name) or "none"


def _measured(case: Case, probes: Sequence[Probe]) -> Iterator[Line]:
    for probe in probes:
        result = case.probe(probe)
        yield f"measured: {describe(probe.target)}", _answer(result) if result else "never asked"
    for watched in case.evidence.values:
        yield f"value: {watched.name}, cell {watched.cell}", show(plain(watched.value, case.bundle))


def _answer(result: ProbeResult) -> str:
    if result.error is not None:
        return f"{result.status}: {result.error.type}: {result.error.message}"
    record = result.record
    if isinstance(record, ModuleRecord):
        layers = [layer.type for layer in record.layers[:_MOST_LAYERS]]
        more = ", ..." if len(record.layers) > _MOST_LAYERS else ""
        count = sum(parameter.count for parameter in record.parameters)
        return f"network `{record.name}`: {', '.join(layers)}{more}; {count} parameters"
    if isinstance(record, FunctionRecord):
        failed = sum(call.error is not None for call in record.calls)
        return f"function `{record.name}`: {len(record.calls)} calls, {failed} raised"
    return f"{result.status} {result.detail}".strip()


def _pictures(case: Case) -> Iterator[Line]:
    plots = case.evidence.plots
    if plots is None:
        yield "figures", "not known: they were not recorded"
    elif not plots:
        yield "figures", "none"
    for plot in plots or ():
        yield f"figure {plot.how} by cell {plot.cell}", "; ".join(map(_axes, plot.axes[:_MOST_AXES]))


def _axes(axes: DrawnAxes) -> str:
    sizes = ", ".join(str(line.points) for line in axes.lines)
    shapes = ", ".join(" x ".join(map(str, shape)) for shape in axes.images)
    names = ", ".join(filter(None, (axes.title, axes.x_label, axes.y_label, *axes.legend)))
    parts = (
        f"{len(axes.lines)} lines of {sizes} points" if axes.lines else "",
        f"images of {shapes}" if shapes else "",
        f"{axes.others} others" if axes.others else "",
        f"words: {names}" if names else "",
    )
    return ", ".join(filter(None, parts)) or "empty axes"


def _checkpoints(case: Case) -> Iterator[Line]:
    files = case.evidence.checkpoints
    if files is None:
        yield "checkpoints", "not known: they were not recorded"
        return
    yield "checkpoints", f"{len(files.saved)} saved, {len(files.loaded)} loaded"
    for loaded in files.loaded:
        into = ", ".join(f"`{name}`" for name in loaded.names) or loaded.class_name or "nothing seen"
        written = "not by this run" if loaded.saved_in is None else f"by cell {loaded.saved_in}"
        yield f"`{loaded.path}`, cell {loaded.cell}", f"into {into}; written {written}; epoch {loaded.epoch}"


def _trainings(case: Case) -> Iterator[Line]:
    history = case.evidence.training
    whole = whole_history(case)
    recorded = "yes" if isinstance(whole, Known) else f"not known: {whole.why}"
    yield "trainings", f"{len(history.runs)}; all of them recorded: {recorded}"
    for run in history.runs:
        yield f"training {run.index}", "; ".join(_run(run, case))
    yield from _checkpoints(case)
    test_data = TestData.of(case)
    for look in history.evaluations:
        yield f"look at data, cell {look.cell}", _look(look, test_data)


def _run(run: TrainingRun, case: Case) -> Iterator[str]:
    yield f"`{object_name(run.model)}` in cell {run.cell} by {run.optimizer or 'hand'}"
    yield f"rate {_read(rates_of(run, case))}"
    yield f"batches of {_read(batch_sizes_of(run, case))}"
    yield f"epochs {_read(passes_of(run, case))}"
    loss = loss_of(run)
    used = f"{loss.value.function} on {loss.value.input_kind}" if isinstance(loss, Known) else _said(loss)
    yield f"loss {used}"
    start = run.start
    if not start.determined:
        yield f"start not known: {start.why}"
    elif start.carried_share:
        more = f"; {start.resembles}" if start.resembles else ""
        yield f"begins with {start.carried_share:.0%} of the weights of training {start.carried_from}{more}"
    else:
        yield "begins with fresh weights"


def _look(look: EvaluationPass, test_data: TestData) -> str:
    return f"test data: {_said(test_data.is_test(look.source, (look.cell,)))}; {look.passes} passes"


def _read(readings: Readings) -> str:
    return " or ".join(f"{value:g}" for value in readings.values) or f"not known {readings.doubt()}".strip()


def _said(fact: Fact[bool]) -> str:
    if isinstance(fact, Known):
        return "yes" if fact.value else "no"
    return f"not known: {fact.why}"
