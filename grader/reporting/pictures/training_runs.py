"""The timeline of training runs: each run's settings, its loss, and what its weights started from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from grader.evidence.record import CellRecord
from grader.evidence.training import DataSource, ModelIdentity, TrainingRun
from grader.grading.verdict import Finding
from grader.judging.exhibits import RunTimeline
from grader.judging.judgement import Status
from grader.reporting.cells import cell_name
from grader.reporting.model import ReportInput
from grader.reporting.pages import fragment
from grader.reporting.pictures.svg import element, image, joined
from grader.reporting.text import count, listed, number

__all__ = ["draw", "settings", "sparkline"]

_NODE_X, _NODE_Y, _LANE_X, _LANE_GAP = 10, 18, 24, 7
_LANES = 3
_SPARK_WIDTH, _SPARK_HEIGHT = 96, 28
_ROWS = 60


@dataclass(frozen=True)
class Row:
    """One run.

    Attributes:
        run: Counted from 1, as people count; evidence counts from 0.
        place: The cell that trains, by name; empty where it is not known.
        start: In words; `tone` colours it: fresh is good, carried against the rules bad, unknown waits.
        rail: The stretch of the timeline beside it.
    """

    run: int
    place: str
    subject: str
    settings: str
    start: str
    tone: str
    rail: Markup
    curve: Markup | None


def draw(report: ReportInput, finding: Finding, exhibit: RunTimeline) -> Markup | None:
    if report.bundle is None:
        return None
    history = report.bundle.evidence.training
    if not history.runs:
        return None
    runs = history.runs[:_ROWS]
    accused = _accused(finding, exhibit)
    links = _links(runs)
    sources = {source.token: source for source in history.sources}
    cells = report.bundle.evidence.cells
    rows = [_row(run, accused, links, at, sources, cells) for at, run in enumerate(runs)]
    return fragment(
        "training_runs.html.j2", rows=rows, linked=bool(links), left_out=len(history.runs) - len(runs)
    )


def _accused(finding: Finding, exhibit: RunTimeline) -> dict[int, str]:
    """Runs that the finding names, with their colour: bad where it is established, else waiting."""
    tone = "wait" if finding.status is Status.NEEDS_TA else "bad"
    return {each.run: tone for each in exhibit.carried}


def _row(
    run: TrainingRun,
    accused: Mapping[int, str],
    links: Sequence[Link],
    at: int,
    sources: Mapping[int, DataSource],
    cells: Sequence[CellRecord],
) -> Row:
    start, tone = _start(run, accused.get(run.index))
    source = None if run.source is None else sources.get(run.source)
    return Row(
        run=run.index + 1,
        place="" if run.cell is None else cell_name(cells, run.cell),
        subject=_subject(run.model),
        settings=settings(run, None if source is None else source.batch_size),
        start=start,
        tone=tone,
        rail=_rail(links, at, tone),
        curve=sparkline(run.losses),
    )


def _subject(model: ModelIdentity) -> str:
    name = model.names[0] if model.names else None
    if name and model.class_name and name != model.class_name:
        return f"{name} ({model.class_name})"
    return name or model.class_name or "parameters without a module"


def _start(run: TrainingRun, accused: str | None) -> tuple[str, str]:
    """What a run began with, in words, and the colour of it."""
    start = run.start
    if not start.determined:
        return f"Start not established{f': {start.why}' if start.why else ''}", "wait"
    if start.reloaded_initial:
        return "Fresh weights, the same as at an earlier start", "good"
    if start.carried_from is None or not start.carried_share > 0:
        return "Fresh weights", "good"
    part = (
        "all weights" if start.carried_share >= 1 else f"{number(100 * start.carried_share)} % of the weights"
    )
    told = f"Went on with {part} of run {start.carried_from + 1}"
    if start.resembles:
        told += f"; {start.resembles}"
    return (f"{told}; your TA looks at it", accused) if accused == "wait" else (told, accused or "plain")


def settings(run: TrainingRun, batch_size: int | None = None) -> str:
    """``SGD, lr 0.01, momentum 0.9, batch 64, 30 passes``; zero and absent ones are left out."""
    parts = [run.optimizer] if run.optimizer else []
    values = run.hyperparameters
    parts += [f"{word} {_setting(values[key])}" for key, word in _TOLD.items() if values.get(key)]
    batch = batch_size or (run.batch_sizes[0] if run.batch_sizes else None)
    parts += [f"batch {batch}"] if batch else []
    if run.passes:
        parts.append(
            count(run.passes, "pass", "passes") + (", cut to a few batches each" if run.passes_cut else "")
        )
    return ", ".join(parts)


_TOLD = {"lr": "lr", "momentum": "momentum", "weight_decay": "weight decay"}


def _setting(value: float | bool | str | None) -> str:
    return f"{value:.6g}" if isinstance(value, float | int) and not isinstance(value, bool) else str(value)


@dataclass(frozen=True)
class Link:
    """Weights that went from one row to a later one, drawn in a lane of its own."""

    origin: int
    target: int
    lane: int


def _links(runs: Sequence[TrainingRun]) -> tuple[Link, ...]:
    places = {run.index: place for place, run in enumerate(runs)}
    links: list[Link] = []
    for target, run in enumerate(runs):
        origin = places.get(-1 if run.start.carried_from is None else run.start.carried_from)
        if origin is None or origin >= target or run.start.reloaded_initial:
            continue
        taken = {link.lane for link in links if link.target > origin}
        lane = next((lane for lane in range(_LANES) if lane not in taken), _LANES - 1)
        links.append(Link(origin, target, lane))
    return tuple(links)


def _rail(links: Sequence[Link], position: int, tone: str) -> Markup:
    """A row's stretch: no view box, so that vertical lines grow with the row's text."""
    strokes = [stroke for link in links for stroke in _strokes(link, position)]
    node = element("circle", cx=_NODE_X, cy=_NODE_Y, r=6, class_=f"node {tone}")
    spine = element("line", x1=_NODE_X, y1=0, x2=_NODE_X, y2="100%", class_="spine")
    return element("svg", spine, *strokes, node, class_="rail", aria_hidden="true")


def _strokes(link: Link, position: int) -> list[Markup]:
    x = _LANE_X + link.lane * _LANE_GAP
    lines: list[tuple[object, object, object, object]] = []
    if position == link.origin:
        lines = [(_NODE_X, _NODE_Y, x, _NODE_Y), (x, _NODE_Y, x, "100%")]
    elif link.origin < position < link.target:
        lines = [(x, 0, x, "100%")]
    elif position == link.target:
        lines = [(x, 0, x, _NODE_Y), (x, _NODE_Y, _NODE_X + 8, _NODE_Y)]
    drawn = [element("line", x1=a, y1=b, x2=c, y2=d, class_="carry") for a, b, c, d in lines]
    if position == link.target:
        tip = _NODE_X + 7
        points = f"{tip},{_NODE_Y} {tip + 7},{_NODE_Y - 4} {tip + 7},{_NODE_Y + 4}"
        drawn.append(element("polygon", points=points, class_="carry-tip"))
    return drawn


def sparkline(losses: Sequence[float]) -> Markup | None:
    """The training loss over the passes of a run, with its first and last value in the description."""
    finite = [loss for loss in losses if math.isfinite(loss)]
    if not finite:
        return None
    low, high = min(finite), max(finite)
    step = (_SPARK_WIDTH - 8) / max(1, len(finite) - 1)
    scale = (_SPARK_HEIGHT - 8) / ((high - low) or 1.0)
    points = [(4 + i * step, 4 + (high - loss) * scale) for i, loss in enumerate(finite)]
    lines = joined(
        [element("line", x1=a, y1=b, x2=c, y2=d, class_="loss") for (a, b), (c, d) in pairwise(points)]
    )
    end = element("circle", cx=points[-1][0], cy=points[-1][1], r=2.5, class_="loss-end")
    return image(_described(losses, finite), _SPARK_WIDTH, _SPARK_HEIGHT, lines, end, class_="spark")


def _described(losses: Sequence[float], finite: Sequence[float]) -> str:
    broken = "; then it was no longer a number" if len(finite) < len(losses) else ""
    passes = count(len(losses), "pass", "passes")
    values = listed(
        [number(finite[0])] if len(finite) == 1 else [number(finite[0]), number(finite[-1])], "to"
    )
    return f"Training loss over {passes}: {values}{broken}"
