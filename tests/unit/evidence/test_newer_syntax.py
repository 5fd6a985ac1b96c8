"""F-strings of Python 3.12 mean on an older Python what they mean on theirs."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.evidence.newer_syntax import as_older_python

NAMES = {
    "counts": {"a": 1, "it's": 5},
    "history": {"loss": [0.5, 0.25]},
    "x": 3,
    "width": 8,
    "words": ["p", "q"],
}

#: What is written, and what Python 3.12 makes of it.
NEWER = [
    ('f"epoch {1}: {history["loss"][-1]:.3f}"', "epoch 1: 0.250"),
    ("f'{counts['a']}'", "1"),
    ("f'''{'''x'''}'''", "x"),
    ('f"""first\n{counts["""a"""]}\'"""', "first\n1'"),
    ('f"{"\\n".join(words)}"', "p\nq"),
    ('f"{counts["it\'s"]}"', "5"),
    ('f"{f"{f"{x}"}"}"', "3"),
    ('f"{f"{counts["a"]}-{x}"}|"', "1-3|"),
    ('f"{f"\\n{x}"}"', "\n3"),
    ('f"{x!r:>{width}}{counts["a"]}"', "       31"),
    ('f"{x:{"0"}{width}}"', "00000003"),
    ('f"{ {"a": 1}["a"] }{{}}"', "1{}"),
    ('f"{x=} {counts["a"]=}"', "x=3 counts['a']=1"),
    ('f"say \\"{counts["a"]}\\" it\'s"', 'say "1" it\'s'),
    ("f'{counts['a']} isn\\'t \"2\"'", '1 isn\'t "2"'),
    ('f"{x # a comment\n}{counts["a"]}"', "31"),
    ('f"a{\n counts["a"]\n}b"', "a1b"),
    ('f"{", ".join(f"{word}={word!r}" for word in words)}"', "p='p', q='q'"),
    ('f"{"a" "b"}"', "ab"),
    ('rf"\\d{counts["a"]}"', "\\d1"),
    ('f"{x if x != 3 else "no"}"', "no"),
    ('f"{(lambda v: v + 1)(x)}{counts["a"]}"', "41"),
    ('f"{counts["a"]}" "tail" f"{x}"', "1tail3"),
    ('f"{b"x"[0]}{"é"}"', "120é"),
]


@pytest.mark.parametrize(("written", "meant"), NEWER)
def test_it_means_the_same(written, meant):
    source = f"before = 1  # it's\nresult = ({written})\nafter = 'f\"{{'\n"
    older = as_older_python(source)
    names = dict(NAMES)
    exec(older or source, names)
    assert names["result"] == meant or (sys.version_info < (3, 12) and "=" in written)
    if older is not None:
        assert older.count("\n") == source.count("\n")


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python reads them itself")
@pytest.mark.parametrize("written", [written for written, _ in NEWER if 'b"x"' not in written])
def test_these_need_it(written):
    with pytest.raises(SyntaxError):
        compile(written, "cell", "eval")
    assert as_older_python(written) is not None


LEFT_ALONE = [
    'f"{x}"',
    'x = 1 # f"{counts["a"]}"',
    "f'{counts[\"a\"]}'",
    '"f{counts["',
    'f"{',
    'f"{counts["a]}"',
    "counts['f'] = 'x'",
    'def f[T](x): return f"{x["a"]}"',
    "f'{x!z}'" + 'f"{counts["a"]}"',
]


@pytest.mark.parametrize("source", LEFT_ALONE)
def test_other_code_is_left_as_it_is(source):
    assert as_older_python(source) is None


@given(st.text(alphabet="f'\"{}\\\n#!:=rx[] ", max_size=40))
def test_whatever_a_cell_holds_it_is_read_or_left(source):
    older = as_older_python(source)
    if older is not None:
        compile(older, "cell", "exec", dont_inherit=True)
