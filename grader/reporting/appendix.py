"""The executed notebook as HTML: drawn by nbconvert, and let into the page through one allowlist."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from markupsafe import Markup

from grader.evidence.record import CellRecord
from grader.reporting.bare_pictures import PICTURES
from grader.reporting.code import CODE_CLASSES, highlighted
from grader.reporting.formulas import MATHML
from grader.reporting.markdown import TEXT_ATTRIBUTES, TEXT_TAGS, allowlisted, markdown
from grader.reporting.notebook import as_notebook

if TYPE_CHECKING:
    from nbconvert import HTMLExporter

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
    from nbconvert.exporters import TemplateExporter

    # HTMLExporter's own method parses the page once more to add missing alt texts, which ours has; that
    # would take ten times as long as all the rest.
    drawn, _ = TemplateExporter.from_notebook_node(_exporter(), as_notebook(cells))
    return let_in(drawn)


def let_in(html: str) -> Markup:
    """HTML with nothing in it but what our own template, Markdown, Pygments and MathML put there.

    It trusts neither the exporter nor what came through it: no styles, no classes but known ones, no ids but
    those of cells, no address in a picture but the picture itself.
    """
    return allowlisted(
        html,
        TEXT_TAGS | set(MATHML) | {"img"},
        _ATTRIBUTES,
        allowed_classes=_CLASSES,
        attribute_filter=_checked,
        url_schemes={"data", "http", "https", "mailto"},
    )


def _checked(tag: str, name: str, value: str) -> str | None:
    pattern = _VALUES.get(name)
    return value if pattern is None or pattern.fullmatch(value) else None


@lru_cache(maxsize=1)
def _exporter() -> HTMLExporter:
    """One exporter for all reports, with a template of ours that has no styles, scripts or addresses.

    Importing nbconvert takes a second, which commands that write no report need not spend.
    """
    from nbconvert import HTMLExporter
    from traitlets.config import Config

    settings = Config()
    settings.Exporter.default_preprocessors = []
    settings.NbConvertBase.display_data_priority = [*PICTURES, "text/html", "text/plain"]
    templates = resources.files("grader.reporting").joinpath("templates")
    return HTMLExporter(
        config=settings,
        extra_template_basedirs=[str(templates)],
        template_name="appendix",
        filters={"highlight_code": _coloured_code, "markdown2html": markdown},
    )


def _coloured_code(source: str, **_: object) -> str:
    return "\n".join(highlighted(source))
