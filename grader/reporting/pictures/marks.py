"""How the marks of a class lie, and how it did on each criterion."""

from __future__ import annotations

from markupsafe import Markup

from grader.grading.what_if import Distribution
from grader.reporting.pictures.svg import element, image
from grader.reporting.summary import CriterionLine, Marks
from grader.reporting.text import count, number

__all__ = ["before_and_after", "histogram", "success"]

_WIDTH, _HEIGHT, _FOOT, _HEAD, _SIDE = 460, 190, 24, 18, 14


def histogram(marks: Marks) -> Markup | None:
    """Submissions by points, with the median as a line."""
    most = max((each.students for each in marks.bins), default=0)
    if not most:
        return None
    step = (_WIDTH - 2 * _SIDE) / len(marks.bins)
    room = _HEIGHT - _FOOT - _HEAD
    drawn: list[Markup] = []
    for place, each in enumerate(marks.bins):
        height = room * each.students / most
        x, top = _SIDE + place * step, _HEIGHT - _FOOT - height
        drawn.append(element("rect", x=x + 2, y=top, width=step - 4, height=height, class_="bar-earned"))
        drawn.append(element("text", str(each.students or ""), x=x + step / 2, y=top - 5, class_="axis"))
        drawn.append(_label(each.low, x))
    drawn.append(_label(marks.bins[-1].high, _WIDTH - _SIDE))
    median = _SIDE + (_WIDTH - 2 * _SIDE) * marks.median / (marks.bins[-1].high or 1.0)
    line = element("line", x1=median, y1=2, x2=median, y2=_HEIGHT - _FOOT, class_="median")
    # Numbers last, so that the line crosses none.
    shapes, numbers = ([part for part in drawn if part.startswith("<text") is text] for text in (False, True))
    return image(_described(marks), _WIDTH, _HEIGHT, *shapes, line, *numbers, class_="histogram")


def before_and_after(before: Distribution, after: Distribution) -> Markup | None:
    """Two distributions over the same parts of the points, as pairs of bars; None where nobody has a mark.

    Bars of what comes after carry their place, by which a script can move them.
    """
    most = max((*before.counts, *after.counts), default=0)
    if not most:
        return None
    bins = len(after.counts)
    step, room = (_WIDTH - 2 * _SIDE) / bins, _HEIGHT - _FOOT - _HEAD
    drawn: list[Markup] = []
    for place, (was, becomes) in enumerate(zip(before.counts, after.counts, strict=True)):
        x, half = _SIDE + place * step + 2, (step - 4) / 2
        for number_of, left, class_ in ((was, x, "bar-before"), (becomes, x + half, "bar-after")):
            height = room * number_of / most
            top = _HEIGHT - _FOOT - height
            drawn.append(
                element("rect", x=left, y=top, width=half, height=height, class_=class_, data_bin=place)
            )
    foot = _HEIGHT - 7
    shares = ((_SIDE + place * step, str(100 * place // bins)) for place in range(0, bins + 1, 2))
    percents = [element("text", share, x=x, y=foot, class_="axis") for x, share in shares]
    return image(_both(before, after), _WIDTH, _HEIGHT, *drawn, *percents, class_="histogram two-fold")


def _both(before: Distribution, after: Distribution) -> str:
    bins = len(after.counts)
    parts = [
        f"{100 * place // bins} to {100 * (place + 1) // bins} %: {was} before, {becomes} after"
        for place, (was, becomes) in enumerate(zip(before.counts, after.counts, strict=True))
        if was or becomes
    ]
    return f"Marks by share of the points. {'; '.join(parts)}"


def _label(points: float, x: float) -> Markup:
    """The border between two bins."""
    return element("text", number(points), x=float(x), y=_HEIGHT - 7, class_="axis")


def _described(marks: Marks) -> str:
    parts = [
        f"{number(each.low)} to {number(each.high)} points: {count(each.students, 'submission')}"
        for each in marks.bins
        if each.students
    ]
    return f"Median {number(marks.median)}. {'; '.join(parts)}"


def success(line: CriterionLine) -> Markup:
    """Full, part, none and waiting as one bar."""
    parts = (
        (line.correct, "bar-earned", "full"),
        (line.partly, "bar-part", "part"),
        (line.wrong, "bar-lost", "none"),
        (line.waiting, "bar-open", "waiting"),
    )
    whole = sum(students for students, _, _ in parts) or 1
    stretches: list[Markup] = []
    start = 0.0
    for students, class_, _ in parts:
        width = 100.0 * students / whole
        stretches.append(
            element("rect", x=f"{start:.2f}%", y=0, width=f"{width:.2f}%", height="100%", class_=class_)
        )
        start += width
    label = ", ".join(f"{students} {word}" for students, _, word in parts)
    return element("svg", *stretches, role="img", aria_label=label, class_="bar small")
