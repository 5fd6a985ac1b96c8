"""The first screen: the mark, what to look at next, what waits, how the run went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from grader.evidence.record import CellRecord
from grader.facts.raised import raised_in
from grader.grading.points import add_up
from grader.reporting.cells import cell_name, cells_by_name, heading_above
from grader.reporting.decided import Asked, asked
from grader.reporting.findings import FindingView
from grader.reporting.how_it_ran import RunFacts, run_facts
from grader.reporting.model import ReportInput
from grader.reporting.text import count, listed, number

__all__ = ["Headline", "headline"]

_COSTLIEST = 3
_EMPTY = 6
_WAITING = 5

#: How a cell ends that did not come to its end, other than by an error.
_UNFINISHED = ("timeout", "output_limit", "died", "not_run")


@dataclass(frozen=True)
class Step:
    """Something to look at next.

    Attributes:
        lost: Points that it cost, 0 where it cost none by itself.
        links: Criteria that it is about: id and title of each.
        text: What was found, a message.
        todo: Markdown on how to mend or check it.
    """

    text: str
    lost: float = 0.0
    links: tuple[tuple[str, str], ...] = ()
    todo: str = ""


@dataclass(frozen=True)
class Headline:
    """The page's first lines.

    Attributes:
        asked_about: Criteria with a remark request that waits for an answer.
        answered_about: Criteria with one that was answered, and none that waits.
    """

    sentence: str
    next_steps: tuple[Step, ...]
    waiting: tuple[FindingView, ...]
    more_waiting: int
    run: RunFacts
    open_requests: int
    asked_about: tuple[FindingView, ...]
    answered_about: tuple[FindingView, ...]
    about_the_sum: tuple[Asked, ...]


def headline(report: ReportInput, views: Sequence[FindingView]) -> Headline:
    """Picks what a student should read first."""
    costly = sorted((view for view in views if view.lost > 0), key=lambda view: -view.lost)
    waiting = sorted((view for view in views if view.pending > 0), key=lambda view: -view.pending)
    asked_about = tuple(view for view in views if any(each.is_open for each in view.asked))
    return Headline(
        sentence=_sentence(report, views),
        next_steps=_next_steps(report, costly, waiting),
        waiting=tuple(waiting[:_WAITING]),
        more_waiting=max(0, len(waiting) - _WAITING),
        run=run_facts(report),
        open_requests=sum(note.state.is_open for note in report.remarks),
        asked_about=asked_about,
        answered_about=tuple(view for view in views if view.asked and view not in asked_about),
        about_the_sum=asked(report, ""),
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


def _next_steps(
    report: ReportInput, costly: Sequence[FindingView], waiting: Sequence[FindingView]
) -> tuple[Step, ...]:
    """What cost most, each with how to mend it; parts without an answer share one step.

    A cell that raised comes first where criteria stand on it: what it cost is mended with it.
    """
    written = [view for view in costly if not view.empty][:_COSTLIEST]
    steps = [
        Step(view.gist, view.lost, ((view.id, view.title),), view.advice[0] if view.advice else "")
        for view in written
    ]
    told: set[str] = set()
    for at, step in enumerate(steps):
        if step.todo in told:
            steps[at] = replace(step, todo="")
        told.add(step.todo)
    steps += _empty_step([view for view in costly if view.empty])
    steps.sort(key=lambda step: -step.lost)
    if report.bundle is None:
        return tuple(steps)
    cells = report.bundle.evidence.cells
    raised = raised_in(report.bundle.evidence, report.unchanged)
    unrun = [cell for cell in cells if cell.run is not None and cell.run.status in _UNFINISHED]
    stopped, failed = (_standing_on(cells, part, (*costly, *waiting)) for part in (unrun, raised.own))
    first = _stopped_step(cells, unrun, stopped) if stopped else []
    errors = _error_step(cells, raised.own, failed)
    steps = [*first, *errors, *steps] if failed else [*first, *steps, *errors]
    return (*steps, *_prose_step(cells, raised.prose))


def _empty_step(views: Sequence[FindingView]) -> list[Step]:
    if not views:
        return []
    more = f" and {count(len(views) - _EMPTY, 'more part')}" if len(views) > _EMPTY else ""
    links = tuple((view.id, view.title) for view in views[:_EMPTY])
    what = "this part" if len(views) == 1 else "these parts"
    return [Step(f"Nothing was handed in for {what}{more}.", add_up(view.lost for view in views), links)]


def _standing_on(
    cells: Sequence[CellRecord], broken: Sequence[CellRecord], views: Sequence[FindingView]
) -> tuple[FindingView, ...]:
    """Criteria that cost or wait, and that look at a cell that did not come to its end.

    One that waits may look at other cells under the same heading instead: where it failed there is nothing to
    point at.
    """
    numbers = {cell.index for cell in broken}
    parts = {heading_above(cells, number) for number in numbers} - {""}
    return tuple(
        view
        for view in views
        if not view.read_by_a_person
        and any(
            place in numbers or (view.pending > 0 and heading_above(cells, place) in parts)
            for place in view.places
        )
    )


def _stopped_step(
    cells: Sequence[CellRecord], unrun: Sequence[CellRecord], touched: Sequence[FindingView]
) -> list[Step]:
    name = cell_name(cells, unrun[0].index)
    later = f" and {count(len(unrun) - 1, 'later cell')}" if len(unrun) > 1 else ""
    text = f"The run did not come to the end of {name}{later}. {_looks(touched)} at what did not run."
    return [Step(text, links=_links(touched))]


def _looks(views: Sequence[FindingView]) -> str:
    return "This criterion looks" if len(views) == 1 else "These criteria look"


def _links(views: Sequence[FindingView]) -> tuple[tuple[str, str], ...]:
    return tuple((view.id, view.title) for view in views[:_COSTLIEST])


def _error_step(
    cells: Sequence[CellRecord], broken: Sequence[CellRecord], touched: Sequence[FindingView]
) -> list[Step]:
    if not broken:
        return []
    first, error = broken[0], broken[0].run.error if broken[0].run else None
    kind = error.type if error else "an error"
    name = cell_name(cells, first.index)
    text = f"When the service ran your notebook from top to bottom, {name}, raised `{kind}`"
    later = count(len(broken) - 1, "later cell") if len(broken) > 1 else ""
    if any(output.kind == "error" and output.name == kind for output in first.submitted.outputs):
        others = f"; {later} raised an error too" if later else ""
        text += f", as it did in the file you handed in{others}."
    else:
        others = f" and {later} an error too" if later else ""
        text += f"{others}. See whether “Restart and run all” goes through for you."
    return [Step(f"{text} {_looks(touched)} at it." if touched else text, links=_links(touched))]


def _prose_step(cells: Sequence[CellRecord], prose: Sequence[CellRecord]) -> list[Step]:
    if not prose:
        return []
    one = len(prose) == 1
    numbers = listed(str(cell.index) for cell in prose)
    what = f"Cell {numbers} holds text, not code" if one else f"Cells {numbers} hold text, not code"
    mend = "make it a text cell" if one else "make them text cells"
    return [Step(cells_by_name(f"{what}: {mend}. Nothing was taken off for it.", cells))]
