"""The executed notebook as HTML: drawn cell by cell, and let into the page through one allowlist."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from markupsafe import Markup, escape

from grader.evidence.record import CellRecord
from grader.reporting.code import CODE_CLASSES, highlighted
from grader.reporting.formulas import MATHML
from grader.reporting.markdown import TEXT_ATTRIBUTES, TEXT_TAGS, allowlist, markdown
from grader.reporting.notebook import as_notebook

__all__ = ["appendix", "let_in"]

_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_CLASSES = {
    "div": {"cell", "prose", "body", "output", "wide"},
    "p": {"quiet"},
    "pre": {"source", "output", "stdout", "stderr", "error", "result"},
    "span": {
        "tag",
        "formula",
        "ansi-bold",
        *CODE_CLASSES,
        *(f"ansi-{colour}{shade}-fg" for colour in _COLOURS for shade in ("", "-intense")),
    },
}
_ATTRIBUTES = {
    **TEXT_ATTRIBUTES,
    **MATHML,
    "div": {"aria-label", "id", "role", "tabindex"},
    "span": {"tabindex"},
    "img": {"alt", "loading", "src"},
}
_VALUES = {
    "id": re.compile(r"cell-\d+"),
    "href": re.compile(r"(?:https?|mailto):.*", re.DOTALL | re.IGNORECASE),
    "role": re.compile("region"),
    "tabindex": re.compile("0"),
    "src": re.compile(r"data:image/(?:png|jpeg);base64,[A-Za-z0-9+/=]+"),
}


def appendix(cells: Sequence[CellRecord]) -> Markup:
    """All cells with what they put out when the service ran them."""
    return let_in("".join(_cell(cell) for cell in as_notebook(cells)["cells"]))


def _cell(cell: Mapping[str, Any]) -> str:
    """A cell as nbformat has it. No template: of hundreds of cells it takes longer than all they show."""
    about, source = cell["metadata"], cell["source"]
    prose = " prose" if cell["cell_type"] == "markdown" else ""
    if prose:
        inside = str(markdown(source))
    elif cell["cell_type"] == "raw":
        inside = f'<pre class="source"><code>{escape(source)}</code></pre>'
    else:
        code = "\n".join(highlighted(source))
        outputs = "".join(_output(output, about["number"]) for output in cell["outputs"])
        inside = f'<pre class="source"><code>{code}</code></pre>{outputs}'
    note = f'<p class="quiet">{escape(about["note"])}</p>' if about["note"] else ""
    return (
        f'<div class="cell{prose}" id="{escape(cell["id"])}"><span class="tag">{about["number"]}</span>'
        f'<div class="body">\n{inside}{note}</div></div>\n'
    )


def _output(output: Mapping[str, Any], number: int) -> str:
    match output:
        case {"output_type": "stream", "name": name, "text": text}:
            return f'<pre class="output {name}">{_in_colours(text)}</pre>'
        case {"output_type": "error", "traceback": lines}:
            raised = "\n".join(lines)
            return f'<pre class="output error">{_in_colours(raised)}</pre>'
        case {"data": {"text/html": html}}:
            label = f"Output of cell {number}"
            return f'<div class="output wide" tabindex="0" role="region" aria-label="{label}">{html}</div>'
        case {"data": {"text/plain": text}}:
            return f'<pre class="output result">{_in_colours(text)}</pre>'
    [(kind, encoded)] = output["data"].items()
    source = f"data:{kind};base64,{escape(encoded)}"
    return f'<img src="{source}" alt="Picture put out by cell {number}" loading="lazy">'


def _in_colours(text: str) -> str:
    """Text with a terminal's colours as classes."""
    if "\x1b" not in text:
        return escape(text)
    # To import it takes most of a second, which texts without colours need not wait for.
    from nbconvert.filters.ansi import ansi2html

    return str(ansi2html(text))


def let_in(html: str) -> Markup:
    """HTML with nothing in it but what our own template, Markdown, Pygments and MathML put there.

    It trusts neither the exporter nor what came through it: no styles, no classes but known ones, no ids but
    those of cells, no address in a picture but the picture itself.
    """
    return _allowlist()(html)


@lru_cache(maxsize=1)
def _allowlist() -> Callable[[str], Markup]:
    return allowlist(
        TEXT_TAGS | set(MATHML) | {"img"},
        _ATTRIBUTES,
        allowed_classes=_CLASSES,
        attribute_filter=_checked,
        url_schemes={"data", "http", "https", "mailto"},
    )


def _checked(tag: str, name: str, value: str) -> str | None:
    pattern = _VALUES.get(name)
    return value if pattern is None or pattern.fullmatch(value) else None
