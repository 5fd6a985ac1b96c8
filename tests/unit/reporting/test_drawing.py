"""What templates put into a page is cleaned and escaped, as Jinja itself does it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, UndefinedError
from markupsafe import Markup

from grader.reporting.pages import templates
from grader.reporting.text import clean

TEMPLATE = (
    '{% macro shown(text) %}<b title="{{ text }}">{{ text }}</b>{% endmacro %}'
    "{{ value }}{{ shown(value) }}{{ [value, value] | join(', ') }}{{ value ~ value }}"
    "{% set kept %}<i>{{ value }}</i>{% endset %}{{ kept }}{% filter upper %}{{ value }}{% endfilter %}"
    "{% for each in [value, 1, none, 2.5] %}{{ each }} {% endfor %}{{ '<' }}{{ value | safe | e }}"
)
#: Jinja's own way, by which each value is cleaned and then escaped.
PLAIN = Environment(
    autoescape=True,
    finalize=lambda value: (
        clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value
    ),
)
texts = st.text() | st.text(alphabet="a&<>\"'\x1b[31m\u202e\x00\ud800")


@given(texts | texts.map(Markup.escape) | st.integers() | st.none())
def test_a_value_is_put_into_a_page_as_jinja_does_it(value: object) -> None:
    drawn = templates().from_string(TEMPLATE).render(value=value)
    assert drawn == PLAIN.from_string(TEMPLATE).render(value=value)
    assert drawn.__class__ is str


@pytest.mark.parametrize("around", ["{{ %s }}", "{%% autoescape false %%}{{ %s }}{%% endautoescape %%}"])
def test_what_is_not_there_is_an_error_and_no_gap(around: str) -> None:
    with pytest.raises(UndefinedError):
        templates().from_string(around % "missing").render()


def test_where_a_template_asks_for_no_escape_it_is_cleaned_alone() -> None:
    asked = "{% autoescape false %}{{ value }}{% endautoescape %}{{ value }}"
    assert templates().from_string(asked).render(value="<\x1b[1m") == "<&lt;"
