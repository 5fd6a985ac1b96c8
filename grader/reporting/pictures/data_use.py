"""Which data were trained on, which were only looked at, and in which order: one lane for each data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from grader.evidence.training import DataSource, TrainingHistory
from grader.facts.known import Fact, Unknown
from grader.facts.training.data_use import TestData
from grader.grading.verdict import Finding
from grader.judging.exhibits import DataLanes
from grader.reporting.model import ReportInput
from grader.reporting.pages import fragment
from grader.reporting.pictures.svg import element, image
from grader.reporting.text import count, listed

__all__ = ["draw"]

_WIDTH, _HEIGHT = 320, 22
_EVENTS = 120


@dataclass(frozen=True)
class Event:
    """A training run or an evaluation pass over one source; `step` is its place in time, from 0."""

    step: int
    source: int
    trains: bool


@dataclass(frozen=True)
class Lane:
    """One set of data: its name, what it is, what was done with it, and the strip."""

    name: str
    what: str
    use: str
    strip: Markup


def draw(report: ReportInput, finding: Finding, exhibit: DataLanes) -> Markup | None:
    if report.bundle is None:
        return None
    history = report.bundle.evidence.training
    events, test_data = _events(history), TestData(history)
    lanes = [_lane(group, events, test_data.is_test(group[0].token)) for group in _groups(history.sources)]
    drawn = [lane for lane in lanes if lane is not None]
    return fragment("data_use.html.j2", lanes=drawn) if drawn else None


def _events(history: TrainingHistory) -> tuple[Event, ...]:
    known = {source.token for source in history.sources}
    found = [(run.order, run.source, True) for run in history.runs if run.source in known]
    found += [(done.order, done.source, False) for done in history.evaluations if done.source in known]
    in_order = sorted(found)[:_EVENTS]
    return tuple(
        Event(step, source, trains) for step, (_, source, trains) in enumerate(in_order) if source is not None
    )


def _groups(sources: Sequence[DataSource]) -> list[list[DataSource]]:
    """Loaders that draw on the same items of the same data set stand together."""
    groups: dict[object, list[DataSource]] = {}
    for source in sources:
        same = (source.dataset, source.split, source.length, source.index_digest)
        groups.setdefault(same if source.index_digest else source.token, []).append(source)
    return list(groups.values())


def _lane(group: Sequence[DataSource], events: Sequence[Event], is_test: Fact[bool]) -> Lane | None:
    tokens = {source.token for source in group}
    own = [event for event in events if event.source in tokens]
    if not own:
        return None
    trained, looked = sum(event.trains for event in own), sum(not event.trains for event in own)
    uses = [f"{count(trained, 'training run')}"] if trained else []
    uses += [f"{count(looked, 'evaluation')}"] if looked else []
    names = sorted({name for source in group for name in source.names})
    use = listed(uses)
    strip = _strip(own, len(events), f"{', '.join(names) or 'a loader'}: {use}", is_test)
    return Lane(", ".join(names[:4]) or "a loader without a name", _what(group[0], is_test), use, strip)


def _what(source: DataSource, is_test: Fact[bool]) -> str:
    """What data are, by the same facts that the judge goes by: a page never says more than the verdict."""
    parts = [source.dataset]
    if source.sampled is not None:
        whole = f" of {source.length}" if source.length not in (None, source.sampled) else ""
        parts.append(f"{source.sampled}{whole} items")
    if isinstance(is_test, Unknown):
        parts.append("perhaps test data")
    elif is_test.value:
        parts.append("test set")
    elif source.split == "train":
        parts.append("train set")
    return ", ".join(parts)


def _strip(own: Sequence[Event], steps: int, label: str, is_test: Fact[bool]) -> Markup:
    middle = _HEIGHT / 2
    gap = (_WIDTH - 20) / max(1, steps - 1)
    line = element("line", x1=4, y1=middle, x2=_WIDTH - 4, y2=middle, class_="spine")
    marks = [_mark(10 + event.step * gap, middle, event.trains, is_test) for event in own]
    return image(label, _WIDTH, _HEIGHT, line, *marks, class_="strip")


def _mark(x: float, y: float, trains: bool, is_test: Fact[bool]) -> Markup:
    if trains:
        tone = "wait" if isinstance(is_test, Unknown) else "bad" if is_test.value else "good"
        return element("rect", x=x - 5, y=y - 5, width=10, height=10, class_=f"trained {tone}")
    return element("circle", cx=x, cy=y, r=4.5, class_="looked")
