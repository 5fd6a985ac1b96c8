"""Pages that stand alone: one file, nothing fetched, no script but ours, and a policy that holds browsers."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from importlib import resources
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from markupsafe import Markup, escape

from grader.grading.times import in_zone
from grader.reporting import text
from grader.reporting.markdown import markdown, message

__all__ = ["digest", "fragment", "page", "page_with_keys", "sheet", "templates"]


#: All that is changed of a text on its way into a page: most have none of it.
_CHANGED = re.compile(f"[{text.UNCLEAN}&<>\"']")


def _into_page(value: Any) -> str:
    """A value as it stands in a page: cleaned and escaped unless it is markup."""
    if value.__class__ is str and _CHANGED.search(value) is None:
        return value
    return value if value.__class__ is Markup else escape(_finalized(value))


class _Code(CodeGenerator):
    """Lets one call put a value into a page, where Jinja makes four and an object; pages have hundreds."""

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.into_page(")

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape:
            super()._output_child_post(node, frame, finalize)
        else:
            self.write(")")


class _Pages(Environment):
    code_generator_class = _Code
    into_page = staticmethod(_into_page)


def page(template: str, **context: Any) -> str:
    """Renders a whole page with its styles and its Content-Security-Policy; no script runs on it."""
    styles = sheet("page.css")
    return templates().get_template(template).render(styles=styles, policy=_policy(styles), **context)


def page_with_keys(template: str, *, styles: str, script: str, **context: Any) -> str:
    """Renders a page for course staff that may be used by keys, and without them as well.

    Args:
        template: Its name.
        styles: A style sheet of its own beside that of all pages.
        script: A packaged script, which is all that may run.
        context: What the template needs.
    """
    both, code = Markup("\n").join((sheet("page.css"), sheet(styles))), sheet(script)
    policy = _policy(both, code)
    rendered: str = (
        templates().get_template(template).render(styles=both, script=code, policy=policy, **context)
    )
    return rendered


def fragment(template: str, **context: Any) -> Markup:
    """Renders part of a page."""
    return Markup(templates().get_template(template).render(**context))  # noqa: S704 - autoescaped


@lru_cache(maxsize=2)
def templates(before: str = "") -> Environment:
    """Templates with the filters of all pages.

    Args:
        before: A package whose templates are looked at first, so that its ``base.html.j2`` can frame ours.
    """
    own = PackageLoader("grader.reporting")
    environment = _Pages(
        loader=ChoiceLoader([PackageLoader(before), own]) if before else own,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalized,
        # They are packaged with the code that fills them: looking at their files again finds nothing new.
        auto_reload=False,
    )
    environment.filters.update(
        count=text.count,
        duration=text.duration,
        listed=text.listed,
        contact=_contact,
        in_zone=in_zone,
        markdown=markdown,
        message=message,
        number=text.number,
        plain=text.plain,
    )
    return environment


def _contact(address: str) -> Markup | str:
    """A link where the course gave a link or a mail address, else its words."""
    address = text.clean(address)
    if re.fullmatch(r"https?://\S+", address):
        target = address
    elif re.fullmatch(r"[^\s@:/?]+@[^\s@:/?]+", address):
        target = f"mailto:{address}"
    else:
        return address
    return Markup('<a href="{}">{}</a>').format(target, address)


def _finalized(value: Any) -> Any:
    """Cleans every piece of text on its way into a page, wherever it came from."""
    return text.clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@lru_cache(maxsize=8)
def sheet(name: str) -> Markup:
    """A packaged style sheet or script."""
    text = resources.files("grader.reporting").joinpath(f"templates/{name}").read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704 - packaged with this module


@lru_cache(maxsize=4)
def _policy(styles: str, script: str = "") -> str:
    """Allows the style sheet and the script there is, by hash, and pictures that lie in the page itself."""
    scripts = f" script-src {digest(script)};" if script else ""
    return (
        f"default-src 'none'; style-src {digest(styles)};{scripts} img-src data:; base-uri 'none';"
        " form-action 'none'"
    )


def digest(text: str) -> str:
    """As a Content-Security-Policy names a style sheet or a script by its content."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
