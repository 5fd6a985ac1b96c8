"""The first screen: the mark, what cost most, what to look at next, what waits, how the run went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grader.evidence.record import CellRecord, Evidence, Outcome, ShimKind
from grader.facts.handed_in import nothing_came
from grader.facts.raised import raised_in
from grader.grading.points import add_up
from grader.reporting.code import heading_above
from grader.reporting.findings import FindingView
from grader.reporting.model import ReportInput
from grader.reporting.raised import raised_clause
from grader.reporting.text import count, duration, listed, number

__all__ = ["Headline", "RunFacts", "headline"]

_COSTLIEST = 3
_NEXT_STEPS = 3
_WAITING = 5

_OUTCOMES = {
    Outcome.COMPLETED: "Every cell of your notebook ran without an error.",
    Outcome.CELL_ERROR: "Your notebook ran to the end; some cells raised errors.",
    Outcome.TIMEOUT: "Your notebook was stopped at the time limit.",
    Outcome.OUT_OF_MEMORY: "Your notebook was stopped because it used more memory than allowed.",
    Outcome.OUTPUT_LIMIT: "Your notebook was stopped because it printed more than allowed.",
    Outcome.KERNEL_DIED: "Python stopped while your notebook ran; later cells did not run.",
    Outcome.INVALID_SUBMISSION: "The file handed in could not be read as a notebook.",
    Outcome.SANDBOX_UNAVAILABLE: "Our service could not run your notebook. This costs you no points.",
}

_STAND_INS = {
    ShimKind.TRAINING_BUDGET: "training was cut to a few batches a pass",
    ShimKind.DATASET: "data sets came from a local copy",
    ShimKind.PRETRAINED: "pretrained networks had random weights",
    ShimKind.IMREAD: "pictures from the web were stand-ins",
    ShimKind.CUDA: "there was no GPU, so `.cuda()` stayed on the CPU",
    ShimKind.MISSING_PACKAGE: "packages that the service does not have could not be used",
    ShimKind.EXIT: "what ends or restarts the kernel did not",
    ShimKind.COMPILE: "`torch.compile` left networks as they are",
    ShimKind.COLAB_DRIVE: "Google Drive was an empty folder",
    ShimKind.NETWORK: "there was no network",
    ShimKind.SHELL: "shell commands for downloads did nothing",
    ShimKind.WORKERS: "data loaders ran without worker processes",
}


@dataclass(frozen=True)
class Step:
    """Something to look at next; `anchor` is an id in the page, empty where there is none."""

    text: str
    anchor: str = ""
    title: str = ""


@dataclass(frozen=True)
class RunFacts:
    """How the run went, in sentences."""

    sentence: str
    detail: str
    facts: tuple[str, ...]


@dataclass(frozen=True)
class Headline:
    sentence: str
    costliest: tuple[FindingView, ...]
    next_steps: tuple[Step, ...]
    waiting: tuple[FindingView, ...]
    more_waiting: int
    run: RunFacts


def headline(report: ReportInput, views: Sequence[FindingView]) -> Headline:
    """Picks what a student should read first."""
    costly = sorted((view for view in views if view.lost > 0), key=lambda view: -view.lost)
    waiting = sorted((view for view in views if view.pending > 0), key=lambda view: -view.pending)
    return Headline(
        sentence=_sentence(report, views),
        costliest=tuple(costly[:_COSTLIEST]),
        next_steps=_next_steps(report, costly),
        waiting=tuple(waiting[:_WAITING]),
        more_waiting=max(0, len(waiting) - _WAITING),
        run=_run_facts(report),
    )


def _sentence(report: ReportInput, views: Sequence[FindingView]) -> str:
    if report.result.our_fault:
        return "Nothing is decided yet: our service could not run your notebook."
    mark = report.mark
    lost = add_up(view.lost for view in views)
    parts = [f"{count(mark.points, 'point')} so far" if mark.pending else count(mark.points, "point")]
    if mark.pending:
        parts.append(f"{number(mark.pending)} still open")
    taken = [
        f"{number(-line.points)} off ({line.title.lower()})" for line in mark.adjustments if line.points < 0
    ]
    if lost or not taken:
        parts.append(f"{number(lost)} lost" if lost else "none lost")
    parts += taken
    return f"{listed(parts)}."


def _next_steps(report: ReportInput, costly: Sequence[FindingView]) -> tuple[Step, ...]:
    """How to mend what cost most, then the first error; nothing that is told twice."""
    steps = [Step(view.advice[0], view.id, view.title) for view in costly if view.advice]
    steps = list({step.text: step for step in reversed(steps)}.values())[::-1][:_NEXT_STEPS]
    if report.bundle is not None:
        cells = report.bundle.evidence.cells
        raised = raised_in(report.bundle.evidence, report.unchanged)
        steps += [*_error_step(cells, raised.own), *_prose_step(raised.prose)]
    return tuple(steps)


def _error_step(cells: Sequence[CellRecord], broken: Sequence[CellRecord]) -> list[Step]:
    if not broken:
        return []
    first, error = broken[0], broken[0].run.error if broken[0].run else None
    place = heading_above(cells, first.index)
    under = f" (under “{place}”)" if place else ""
    later = count(len(broken) - 1, "later cell") if len(broken) > 1 else ""
    kind = error.type if error else "an error"
    raised = (
        f"When the service ran your notebook from top to bottom, cell {first.index}{under} raised `{kind}`"
    )
    if any(output.kind == "error" and output.name == kind for output in first.submitted.outputs):
        others = f"; {later} raised an error too" if later else ""
        return [Step(f"{raised}, as it did in the file you handed in{others}.")]
    others = f" and {later} an error too" if later else ""
    return [Step(f"{raised}{others}. See whether “Restart and run all” goes through for you.")]


def _prose_step(cells: Sequence[CellRecord]) -> list[Step]:
    if not cells:
        return []
    numbers = listed(str(cell.index) for cell in cells)
    one = len(cells) == 1
    what = f"Cell {numbers} holds text, not code" if one else f"Cells {numbers} hold text, not code"
    mend = "make it a text cell" if one else "make them text cells"
    return [Step(f"{what}: {mend}. Nothing was taken off for it.")]


def _run_facts(report: ReportInput) -> RunFacts:
    facts = () if report.bundle is None else _facts(report.bundle.evidence)
    if report.bundle is not None and report.result is Outcome.CELL_ERROR:
        raised = raised_clause(raised_in(report.bundle.evidence, report.unchanged))
        return RunFacts(f"Your notebook ran to the end; {raised or 'some cells raised errors'}.", "", facts)
    if nothing_came(report.result, report.result_detail):
        return RunFacts("Nothing was handed in.", "", facts)
    # Why our service failed is for course staff, who find it in `grader show`.
    ours = report.result.our_fault
    return RunFacts(_OUTCOMES[report.result], "" if ours else report.result_detail, facts)


def _facts(evidence: Evidence) -> tuple[str, ...]:
    ran = [cell.run for cell in evidence.cells if cell.run is not None and cell.run.status != "not_run"]
    errors = sum(run.error is not None for run in ran)
    facts = [f"{count(len(ran), 'code cell')} ran, {count(errors, 'error') if errors else 'no errors'}"]
    if evidence.wall_time_s:
        facts.append(f"it took {duration(evidence.wall_time_s)}")
    if evidence.training.runs:
        facts.append(f"{count(len(evidence.training.runs), 'training run')} seen")
    used = {use.kind for use in evidence.shims}
    facts += [text for kind, text in _STAND_INS.items() if kind in used]
    return tuple(facts)
