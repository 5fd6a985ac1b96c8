"""The mark as a bar: earned, open, lost."""

from __future__ import annotations

from markupsafe import Markup

from grader.reporting.pictures.svg import element
from grader.reporting.text import number

__all__ = ["bar"]


def bar(points: float, pending: float, out_of: float) -> Markup:
    """A bar as wide as the page; what is neither earned nor open stays the colour of its ground."""
    earned = 100.0 * min(1.0, points / out_of) if out_of else 0.0
    waiting = min(100.0 - earned, 100.0 * pending / out_of) if out_of else 0.0
    label = f"{number(points)} of {number(out_of)} points earned"
    return element(
        "svg",
        _stretch(0.0, 100.0, "bar-ground"),
        _stretch(0.0, earned, "bar-earned"),
        _stretch(earned, waiting, "bar-open"),
        role="img",
        aria_label=f"{label}, {number(pending)} still open" if pending else label,
        class_="bar",
    )


def _stretch(start: float, width: float, class_: str) -> Markup:
    return element("rect", x=f"{start:.2f}%", y=0, width=f"{width:.2f}%", height="100%", class_=class_)
