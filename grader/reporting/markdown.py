"""Markdown as HTML that can neither run nor fetch anything."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markupsafe import Markup

from grader.reporting.text import clean

__all__ = ["markdown", "message", "sanitised"]

_TEXT_TAGS = {
    *("a", "b", "blockquote", "br", "code", "dd", "del", "div", "dl", "dt", "em", "hr"),
    *("i", "li", "ol", "p", "pre", "s", "small", "span", "strong", "sub", "sup", "table", "tbody", "td"),
    *("tfoot", "th", "thead", "tr", "u", "ul"),
}
_ATTRIBUTES = {"a": {"href"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}, "ol": {"start"}}
_DROPPED_WITH_CONTENT = {"script", "style", "title", "iframe", "object", "noscript", "template", "textarea"}


def sanitised(html: str) -> Markup:
    """HTML reduced to text structure: no scripts, styles, pictures, frames, forms, events or classes.

    Links keep absolute http(s) and mailto addresses only, and open without telling where they came from.
    """
    safe = nh3.clean(
        clean(html),
        tags=_TEXT_TAGS,
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(safe)  # noqa: S704 - sanitised in the line above


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False})
    parser.inline.ruler.before("escape", "formula", _formula)
    return parser.enable("table").enable("strikethrough").disable("image")


_FORMULA = re.compile(r"\$\$?(?=\S)([^$\n]+?)(?<=\S)\$\$?(?!\d)")


def _formula(state: StateInline, silent: bool) -> bool:
    """``$...$`` as code, so that its underscores and stars stay what they are."""
    found = _FORMULA.match(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        state.push("code_inline", "code", 0).content = found[1]
    state.pos = found.end()
    return True


@lru_cache(maxsize=512)
def markdown(text: str) -> Markup:
    """Blocks of Markdown. Headings become bold lines, so that the page keeps an outline of its own."""
    tokens = _parser().parse(clean(text))
    for token, after in pairwise([*tokens, Token("", "", 0)]):
        if token.type == "heading_open":
            bold = [Token("strong_open", "strong", 1), *(after.children or ())]
            after.children = [*bold, Token("strong_close", "strong", -1)]
        if token.type in ("heading_open", "heading_close"):
            token.tag = "p"
    return sanitised(_parser().renderer.render(tokens, _parser().options, {}))


@lru_cache(maxsize=1)
def _code_only() -> MarkdownIt:
    return MarkdownIt("zero").enable("backticks")


@lru_cache(maxsize=2048)
def message(text: str) -> Markup:
    """A finding's sentence: its `code` set as code, all else as written.

    Messages quote what students named and returned, so neither links nor emphasis are read from them.
    """
    return sanitised(_code_only().renderInline(clean(text)))
