from __future__ import annotations

import ast

import pytest

from grader.facts.code.pieces import pieces
from grader.facts.code.source import nodes_of, parse_cell
from grader.facts.once import once
from grader.judging.check import Check
from tests.factories import case, code_cells, evidence


class _Asks(Check):
    check: str = "asks"

    def judge(self, case):
        raise NotImplementedError


def _case():
    return case(_Asks(), evidence(code_cells("x = 1")))


def test_what_is_asked_once_is_worked_out_once_for_each_attempt_and_argument():
    asked = []

    @once
    def count(case, name):
        asked.append(name)
        return len(asked)

    one, other = _case(), _case()
    assert [count(one, "a"), count(one, "a"), count(one, "b"), count(other, "a"), count(one, "a")] == [
        1,
        1,
        2,
        3,
        1,
    ]


SOURCES = [
    "def f(a, *b, c=1, **d):\n    return [x for x in b if x] + {**d}",
    "class A(B, metaclass=C):\n    y: int = 3",
    "match p:\n    case {'a': [1, *rest], **more} | Q(z=3):\n        pass\n    case _:\n        raise E",
    "with open(n) as f, g:\n    del f[1:2, ::3]\nasync def h():\n    await q\n    yield",
    'print(f"{a!r:>{w}}", "b" + "c")',
]


@pytest.mark.parametrize("source", SOURCES)
def test_all_nodes_of_a_tree_are_given_in_the_order_of_a_walk(source):
    tree = ast.parse(source)
    assert nodes_of(tree) == tuple(ast.walk(tree)) == nodes_of(tree)


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("\n\nx = 1\n\ny = 2\n", [3, 5]),
        ("x = 1\n%matplotlib inline\ny = 2", [1, 2, 3]),
        ("%%time\nx = 1", [2]),
        ("In [1]: x = 1\n   ...: y = 2", [1, 2]),
        (">>> x = 1\n>>> y = 2", [1, 2]),
    ],
)
def test_statements_keep_the_lines_of_the_cell_with_ipythons_syntax_and_without(source, lines):
    cell = parse_cell(0, source)
    assert [cell.line_of(statement) for statement in cell.tree.body] == lines


def test_a_prompt_that_reads_as_an_annotation_is_taken_off():
    (statement,) = parse_cell(0, "In [1]: x = 3").tree.body
    assert ast.unparse(statement) == "x = 3"


def test_code_in_strings_is_read_once_for_cells_with_one_text():
    first, second = (pieces(parse_cell(place, 'exec("import sys; sys.exit()")')) for place in (1, 2))
    assert [piece.depth for piece in first] == [0, 1]
    assert first is second
