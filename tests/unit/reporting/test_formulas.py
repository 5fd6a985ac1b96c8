"""Formulas in Markdown become MathML, and nothing but MathML."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.reporting.formulas import MATHML, formula
from grader.reporting.markdown import TEXT_TAGS, markdown


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes |= {(tag, name) for name, _ in attrs}


def test_indices_fractions_and_sums_are_set() -> None:
    html = markdown(r"Each output is $y_{ij} = \frac{1}{n}\sum_{u} x_{i+u}$.")
    assert "<msub><mi>y</mi>" in html
    assert "<mfrac><mrow><mn>1</mn></mrow><mrow><mi>n</mi></mrow></mfrac>" in html
    assert html.startswith('<p>Each output is <math display="inline">')


def test_two_dollars_set_a_formula_on_a_line_of_its_own() -> None:
    assert '<math display="block">' in markdown("$$\n(32 - 3) + 1 = 30\n$$")


def test_signs_of_markdown_within_a_formula_belong_to_it() -> None:
    html = markdown(r"$a_1 * b_1 * c$ and *stressed*")
    assert html.count("<em>") == 1
    assert html.count("<mo>*</mo>") == 2


@pytest.mark.parametrize("text", ["costs $5 and $10", r"\$x$", "one $ alone", "`$x$`", "$ x $", "$$"])
def test_dollars_that_are_no_formula_stay(text: str) -> None:
    html = markdown(text)
    assert "<math" not in html
    assert "$" in html


@pytest.mark.parametrize("latex", [r"\frac{", "x_", "{" * 900, "x" * 2_000, r"\left(", r"\begin{matrix}"])
def test_what_cannot_be_set_is_shown_as_it_was_written(latex: str) -> None:
    assert formula(latex) == f"<code>{latex}</code>"


@pytest.mark.parametrize(
    "latex",
    [
        r"\text{<script>alert(1)</script>}",
        r"\text{</mtext></math><img src=x onerror=alert(1)>}",
        r"\href{javascript:alert(1)}{x}",
        r"\color{red;background:url(https://x.example)}{x}",
        r"\style{position:fixed}{x}",
        "<iframe src='https://x.example'>",
        "&lt;script&gt;",
    ],
)
def test_hostile_formulas_stay_words(latex: str) -> None:
    tags = Tags(markdown(f"${latex}$"))
    assert tags.found <= TEXT_TAGS | set(MATHML)
    assert all(name in MATHML.get(tag, {"class", "tabindex"}) for tag, name in tags.attributes)


@given(st.text(alphabet=r"\{}^_&<>'\"abfrctexsq()[]1 ", max_size=60))
def test_no_formula_yields_anything_else(latex: str) -> None:
    tags = Tags(formula(latex))
    assert tags.found <= {*MATHML, "code", "span"}


def test_the_allowlist_covers_what_labs_write() -> None:
    latex = r"\begin{bmatrix}1&0\\0&1\end{bmatrix} \hat{y} \overline{x} \sqrt[3]{z} \mathbb{R}^{n\times m}"
    before, after = Tags(formula(latex)), Tags(markdown(f"${latex}$"))
    assert before.found <= after.found
    assert {"mtable", "mover", "mroot"} <= after.found
    assert not re.search("xmlns", formula(latex))
