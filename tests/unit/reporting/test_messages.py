"""A finding's sentence on a page: the short way to draw it says what the long way does."""

from __future__ import annotations

from random import Random

import pytest
from markdown_it import MarkdownIt

from grader.reporting.markdown import message, sanitised
from grader.reporting.text import clean

_PIECES = (
    "`", "``", "`x`", "` x `", "` `", "a", " ", "\n", "<b>", "&", "&amp;", ">", '"', "'", "\xa0", "*a*",
    "_b_", "[c](http://d)", "\\", "\\`", "$x$", "<script>", "é", "\u202e", "\x1b[31m", "\r\n", "\x00",
    "\u2028", "\ufeff", "&#60;", "http://e",
)  # fmt: skip

_CODE_ALONE = MarkdownIt("zero").enable("backticks")


def _by_the_long_way(text: str) -> str:
    return str(sanitised(_CODE_ALONE.renderInline(clean(text))))


@pytest.mark.parametrize("seed", range(20))
def test_messages_are_drawn_alike_by_both_ways(seed: int) -> None:
    random = Random(seed)
    for _ in range(200):
        text = "".join(random.choices(_PIECES, k=random.randrange(9)))
        assert str(message(text)) == _by_the_long_way(text), repr(text)


def test_a_sentence_with_code_is_escaped() -> None:
    drawn = message("Cell `a < b` says <i>no</i> & more.")
    assert drawn == "Cell <code>a &lt; b</code> says &lt;i&gt;no&lt;/i&gt; &amp; more."
