"""Formulas as MathML, which browsers set by themselves: no script, no font, nothing to fetch."""

from __future__ import annotations

import html
from functools import lru_cache
from xml.etree.ElementTree import Element, tostring

__all__ = ["MATHML", "formula"]

_CHARACTERS = 1_000
_WIDE_CHARACTERS = 48

#: MathML elements that `formula` may yield, with their attributes; the sanitiser lets nothing else through.
MATHML: dict[str, set[str]] = {
    **{tag: set() for tag in ("mrow", "mn", "ms", "mtext", "mroot", "msqrt", "msub", "msup", "msubsup")},
    **{tag: set() for tag in ("mphantom", "mtr")},
    "math": {"display"},
    "mfrac": {"linethickness"},
    "mi": {"mathvariant"},
    "mo": {"fence", "form", "largeop", "lspace", "movablelimits", "rspace", "separator", "stretchy"},
    "mover": {"accent"},
    "mpadded": {"height", "width"},
    "mspace": {"width"},
    "mstyle": {"displaystyle", "scriptlevel"},
    "mtable": {"columnalign", "columnspacing", "rowspacing"},
    "mtd": {"columnalign"},
    "munder": {"accentunder"},
    "munderover": set(),
}


@lru_cache(maxsize=512)
def formula(latex: str, *, display: bool = False) -> str:
    """LaTeX as a MathML element; as code where it is too long or not understood.

    Browsers break no formula into lines: one that may be too wide for a phone scrolls by itself, and can be
    reached with the keyboard.

    Args:
        latex: Without the dollar signs.
        display: Set on a line of its own.
    """
    if len(latex) <= _CHARACTERS:
        from latex2mathml.converter import convert_to_element

        try:
            written = _written(convert_to_element(latex, display="block" if display else "inline"))
            wide = len(latex) > _WIDE_CHARACTERS
            return f'<span class="formula" tabindex="0">{written}</span>' if wide else written
        # The converter meets nonsense with whatever error its parser runs into.
        except Exception:  # noqa: S110 - the code below says what was written
            pass
    return f"<code>{html.escape(latex)}</code>"


def _written(math: Element) -> str:
    """The converter leaves character references in texts, which must not be escaped once more."""
    del math.attrib["xmlns"]
    for element in math.iter():
        element.text = html.unescape(element.text or "")
    return tostring(math, encoding="unicode", short_empty_elements=False)
