"""Names of builtins that a cell binds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from grader.checks.code.no_builtin_shadowing import NoBuiltinShadowing
from grader.evidence.record import CellRecord
from grader.facts.handout import fingerprint
from grader.judging.judgement import Judgement, Status
from tests import factories


def judge(*sources: str, **fields: Any) -> Judgement:
    check = NoBuiltinShadowing(**fields)
    return check.judge(factories.case(check, factories.evidence(factories.code_cells(*sources))))


def names(judgement: Judgement) -> list[tuple[str, int, int | None]]:
    return [(each["name"], each["cell"], each["line"]) for each in judgement.data["names"]]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("sum = 0", [("sum", 1)]),
        ("a, (max, *min) = x", [("max", 1), ("min", 1)]),
        ("sum: int = 0", [("sum", 1)]),
        ("sum = 0\nsum += 1", [("sum", 1), ("sum", 2)]),
        ("for id in x:\n    pass", [("id", 1)]),
        ("y = [input for input in x]", [("input", 1)]),
        ("y = {k: list for k, list in x}", [("list", 1)]),
        ("if (len := 3): pass", [("len", 1)]),
        ("def f(input, *list, dict=1, **set): pass", [("input", 1), ("list", 1), ("dict", 1), ("set", 1)]),
        ("g = lambda max: max", [("max", 1)]),
        ("def sum(x):\n    return x", [("sum", 1)]),
        ("async def iter(): pass", [("iter", 1)]),
        ("class type: pass", [("type", 1)]),
        ("import numpy as map", [("map", 1)]),
        ("from torch import sum, max as m", [("sum", 1)]),
        ("with open('x') as file, y as open: pass", [("open", 1)]),
        ("try: pass\nexcept ValueError as all: pass", [("all", 2)]),
        ("def f():\n    global sum\n    sum = 1", [("sum", 3)]),
        ("class A:\n    global sum\n    sum = 1", [("sum", 3)]),
        ("match x:\n    case [max, *min]: pass\n    case int() as abs: pass",
         [("max", 2), ("min", 2), ("abs", 3)]),
        ("match x:\n    case {'a': any, **all}: pass", [("all", 2), ("any", 2)]),
        ("class A:\n    def eval(self, input):\n        pass", [("input", 2)]),
        ("for x.sum in y: x[max] = 1", []),
        ("sum: int", []),
        ("def f():\n    global sum\n    return sum(x)", []),
        ("class A:\n    max = 3\n    def eval(self): pass\n    class type: pass", []),
        ("net.eval(); x = sum(y)", []),
        ("from math import *", []),
        ("exit = 3; _ = 4", []),
    ],
)  # fmt: skip
def test_every_binding_form_is_told_from_use(source: str, expected: list[tuple[str, int]]):
    found = [(name, line) for name, _, line in names(judge(source))]
    assert sorted(found) == sorted(expected)


def test_no_binding_passes_and_one_is_advice_with_cell_and_line():
    assert judge("x = sum(y)").status is Status.PASS
    judgement = judge("x = 1", "\n\ny = 2\nsum = 3")
    assert judgement.status is Status.FAIL
    assert names(judgement) == [("sum", 1, 4)]
    assert (judgement.where[0].cell, judgement.where[0].line) == (1, 4)
    assert set(judgement.data) == {"names"}
    assert set(judgement.data["names"][0]) == {"name", "cell", "line"}


@pytest.mark.parametrize("module", ["numpy", "torch"])
def test_a_star_import_that_brings_a_sum_is_told_and_not_counted(module: str):
    judgement = judge("x = 1", f"import os\nfrom {module} import *")
    assert (judgement.status, judgement.data) == (Status.PASS, {"names": []})
    assert f"`from {module} import *` in cell 1" in judgement.advice
    assert (judgement.where[0].cell, judgement.where[0].line) == (1, 2)
    brought: dict[str, Any] = {}
    exec(f"from {module} import *", brought)
    assert brought["sum"] is not sum


@pytest.mark.parametrize(
    ("source", "advice"),
    [
        (
            "x = 1\nsum = 0",
            "Choose another name, as `total` for `sum`;"
            " from cell 0, line 2 on, the builtin `sum` cannot be called.",
        ),
        (
            "def f(x):\n    sum = 0\ninput = 3",
            "Choose another name, as `total` for `sum`;"
            " from cell 0, line 3 on, the builtin `input` cannot be called.",
        ),
        (
            "def f(max):\n    return max",
            "Choose another name; inside this function the builtin cannot be called.",
        ),
        (
            "x = [input for input in y]",
            "Choose another name; inside the comprehension the builtin cannot be called.",
        ),
    ],
)
def test_the_advice_says_how_far_a_name_reaches(source: str, advice: str):
    assert judge(source).advice == advice


def test_other_imports_bring_no_advice():
    assert judge("from math import *", "from numpy import array", "import numpy").advice == ""


@pytest.mark.parametrize(
    "source",
    [
        "%matplotlib inline\n!ls -l\nsum = 1",
        "files = !ls\n%cd data\nsum = 1",
        "x?\n!unzip -q \\\n  data.zip\nsum = 1",
        "%%time\nsum = 1",
        "   sum = 1",
        "import os\r\n\r\nsum = 1\r\n",
        "import os\n\n%time sum = 1",
        "!ls\nif True:\n    %time sum = 1",
        "%prun -q sum = 1",
        "%prun -l 10 -s cumulative sum = 1",
        "%time --no-raise-error sum = 1",
        'print(f"{\'a\'}")\nprint(f"{counts["a"]}")\nsum = 1',
    ],
)
def test_ipython_syntax_hides_nothing_and_lines_stay_the_students(source: str):
    [(name, _, line)] = names(judge(source))
    assert name == "sum"
    lines = source.replace("\r\n", "\n").split("\n")
    assert line is not None
    assert lines[line - 1].strip().endswith("sum = 1")


@pytest.mark.parametrize(
    "source",
    ["%%shell\nsum=1\n", "%%bash\nlist=2", "%timeit sum([1])", "%time sum([1])", "%time is sum = 3 ?"],
)
def test_what_binds_nothing_is_no_binding(source: str):
    assert names(judge(source)) == []


def test_a_cell_that_does_not_parse_hides_no_other():
    judgement = judge("The answer is that sum = 5 because", "max = 1")
    assert names(judgement) == [("max", 1, 1)]


def test_a_cell_of_many_magics_is_read_all_the_same():
    source = "if True:\n    !ls\n" + "!ls\nx = 1\n" * 2000 + "sum = 1"
    assert names(judge(source)) == [("sum", 0, 4003)]


def test_an_expression_nested_beyond_reason_hides_no_other_cell():
    deep = "x = " + "-" * 900 + "1"
    assert names(judge(deep, "sum = 1")) == [("sum", 1, 1)]
    assert names(judge("x = " + "+".join(["1"] * 20_000), "sum = 1")) == [("sum", 1, 1)]


def test_names_and_allow_limit_the_search():
    source = "sum = 1\nid = 2\nx = 3"
    assert [name for name, *_ in names(judge(source, names=["sum"]))] == ["sum"]
    assert [name for name, *_ in names(judge(source, allow=["sum"]))] == ["id"]


def test_code_of_the_handout_is_not_held_against_the_student():
    given = {"cells": [{"cell_type": "code", "source": "sum = 1", "metadata": {"id": "a"}}]}
    cells = (factories.cell(0, "sum  =  1\n", handout_id="a"), factories.cell(1, "sum = 2"))
    check = NoBuiltinShadowing()
    judgement = check.judge(factories.case(check, factories.evidence(cells), handout=fingerprint(given)))
    assert [(name, cell) for name, cell, _ in names(judgement)] == [("sum", 1)]


def _cells(path: Path) -> tuple[CellRecord, ...]:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return tuple(
        CellRecord(index=place, kind=cell["cell_type"], source="".join(cell["source"]))
        for place, cell in enumerate(notebook["cells"])
    )


@pytest.mark.corpus
def test_real_notebooks_have_exactly_the_labelled_bindings(corpus: Path):
    labels = YAML(typ="safe").load(corpus / "labels.yaml")
    assert labels
    for key, label in labels.items():
        check = NoBuiltinShadowing()
        judgement = check.judge(factories.case(check, factories.evidence(_cells(corpus / label["file"]))))
        found = sorted((name, cell) for name, cell, _ in names(judgement))
        assert found == sorted((each["name"], each["cell"]) for each in label["builtin_shadowing"]), key
