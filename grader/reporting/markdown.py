"""Markdown, formulas included, as HTML that can neither run nor fetch anything."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from functools import lru_cache
from itertools import pairwise
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markupsafe import Markup

from grader.reporting.formulas import MATHML, formula
from grader.reporting.text import clean

__all__ = ["TEXT_ATTRIBUTES", "TEXT_TAGS", "allowlist", "markdown", "message", "sanitised"]

TEXT_TAGS = {
    *("a", "b", "blockquote", "br", "code", "dd", "del", "div", "dl", "dt", "em", "hr"),
    *("i", "li", "ol", "p", "pre", "s", "small", "span", "strong", "sub", "sup", "table", "tbody", "td"),
    *("tfoot", "th", "thead", "tr", "u", "ul"),
}
TEXT_ATTRIBUTES = {"a": {"href"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}, "ol": {"start"}}
_DROPPED_WITH_CONTENT = {"script", "style", "title", "iframe", "object", "noscript", "template", "textarea"}


def sanitised(html: str) -> Markup:
    """HTML reduced to text structure: no scripts, styles, pictures, frames, forms, events or classes.

    Links keep absolute http(s) and mailto addresses only, and open without telling where they came from.
    """
    return _text_only()(clean(html))


def allowlist(tags: Set[str], attributes: Mapping[str, Set[str]], **more: Any) -> Callable[[str], Markup]:
    """Lets in HTML of these elements and attributes only; made once, as that takes longer than to use it.

    Args:
        tags: Elements.
        attributes: Of each element.
        more: As in `nh3.Cleaner`.
    """
    given = {"url_schemes": {"http", "https", "mailto"}, **more}
    cleaner = nh3.Cleaner(
        tags=set(tags),
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes={tag: set(names) for tag, names in attributes.items()},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
        **given,
    )
    return lambda html: Markup(cleaner.clean(html))  # noqa: S704 - sanitised within


@lru_cache(maxsize=1)
def _text_only() -> Callable[[str], Markup]:
    return allowlist(TEXT_TAGS, TEXT_ATTRIBUTES)


@lru_cache(maxsize=1)
def _of_markdown() -> Callable[[str], Markup]:
    return allowlist(
        TEXT_TAGS | set(MATHML),
        {**TEXT_ATTRIBUTES, **MATHML, "span": {"tabindex"}, "div": {"aria-label", "role", "tabindex"}},
        allowed_classes={"span": {"formula"}, "div": {"wide"}},
    )


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False})
    parser.inline.ruler.before("escape", "formula", _formula)
    parser.inline.ruler.before("escape", "line_break", _line_break)
    parser.add_render_rule("formula", _rendered)
    parser.add_render_rule("table_open", lambda *_: f"{_SCROLLING}<table>\n")
    parser.add_render_rule("table_close", lambda *_: "</table>\n</div>\n")
    return parser.enable("table").enable("strikethrough").disable("image")


#: Round a table, which may be wider than a phone; to be reached without a mouse.
_SCROLLING = '<div class="wide" tabindex="0" role="region" aria-label="Table">'
_LINE_BREAK = re.compile(r"<br ?/?>", re.IGNORECASE)
_FORMULA = re.compile(r"\$\$(?P<block>[^$]+)\$\$|\$(?=\S)(?P<inline>[^$\n]+?)(?<=\S)\$(?!\d)")


def _formula(state: StateInline, silent: bool) -> bool:
    """``$...$`` and ``$$...$$``, whose underscores and stars are not Markdown's; ``$5 and $10`` are none."""
    found = _FORMULA.match(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        token = state.push("formula", "math", 0)
        token.content, token.block = found[found.lastgroup or 0], found.lastgroup == "block"
    state.pos = found.end()
    return True


def _line_break(state: StateInline, silent: bool) -> bool:
    """The one tag that people use in Markdown for want of another way."""
    found = _LINE_BREAK.match(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        state.push("hardbreak", "br", 0)
    state.pos = found.end()
    return True


def _rendered(renderer: object, tokens: Sequence[Token], place: int, *_: object) -> str:
    return formula(tokens[place].content, display=tokens[place].block)


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
    html = _parser().renderer.render(tokens, _parser().options, {})
    return _of_markdown()(html)


@lru_cache(maxsize=1)
def _code_only() -> MarkdownIt:
    return MarkdownIt("zero").enable("backticks")


@lru_cache(maxsize=2048)
def message(text: str) -> Markup:
    """A finding's sentence: its `code` set as code, all else as written.

    Messages quote what students named and returned, so neither links nor emphasis are read from them.
    """
    text = clean(text)
    return _without_doubt(text) or sanitised(_code_only().renderInline(text))


def _without_doubt(text: str) -> Markup | None:
    """A sentence whose code is told by single backticks in pairs, as nearly all are; None for any other."""
    parts = text.split("`")
    codes = parts[1::2]
    if len(parts) % 2 == 0 or not all(codes) or "" in parts[2:-1:2] or text.startswith("\ufeff"):
        return None
    if any("\n" in code or code[0] == code[-1] == " " for code in codes):
        return None
    html = (f"<code>{_escaped(part)}</code>" if at % 2 else _escaped(part) for at, part in enumerate(parts))
    return Markup("".join(html))  # noqa: S704 - each part is escaped


def _escaped(text: str) -> str:
    """As the allowlist writes text."""
    for sign, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\xa0", "&nbsp;")):
        if sign in text:
            text = text.replace(sign, name)
    return text
