"""SVG elements with escaped attributes; colours come from classes of the style sheet where they can."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

__all__ = ["element", "image", "joined"]


def element(name: str, *content: str, **attributes: object) -> Markup:
    """``<name attribute="...">content</name>``; ``class_`` and ``stroke_width`` lose their underscores."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_value(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    # Markup's own formatting would escape as well, and take most of a report's time.
    return Markup(f"<{name}{written}>{joined(content)}</{name}>")  # noqa: S704 - every part is escaped


def joined(parts: Sequence[str]) -> Markup:
    return Markup("".join(map(escape, parts)))  # noqa: S704 - every part is escaped


def image(label: str, width: float, height: float, *content: str, class_: str = "") -> Markup:
    """A picture with its description for those who do not see it; it shrinks to the width there is."""
    return element(
        "svg",
        *content,
        viewBox=f"0 0 {_value(width)} {_value(height)}",
        width=width,
        height=height,
        role="img",
        aria_label=label,
        class_=class_ or None,
    )


def _value(value: object) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
