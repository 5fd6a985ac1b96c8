"""Notebooks that reach for what measures them go to a TA; ordinary ones never do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import pytest

from grader.evidence.codec import Bundle
from grader.grading.grade import grade
from grader.grading.tampering import held_back, signs_of_tampering
from grader.rubric.case import Case, Reference
from grader.rubric.model import Check, Judgement, Status, Where
from tests.factories import cell, code_cells, evidence, rubric


class Passing(Check):
    check: Literal["passing"] = "passing"

    def judge(self, case: Case) -> Judgement:
        return Judgement.passed("Right.")


REACHING = [
    "import ctypes",
    "from ctypes import pythonapi",
    "import grader.collector.session as s",
    "import sys; f = sys._getframe()",
    "from sys import settrace",
    "import gc; gc.get_objects()",
    "get_ipython().kernel.shell_handlers.clear()",
    "torch.optim.optimizer._global_optimizer_pre_hooks.clear()",
    "def f(): pass\nf.__code__ = g.__code__",
    "__import__('grader.collector.values')",
    "%matplotlib inline\nimport ctypes",
]
ORDINARY = [
    "import torch, gc\ngc.collect()",
    "net.eval()\nnet.kernel_size = 3\nconv.kernel = 2",
    "print(f.__code__.co_name)",
    "get_ipython().run_line_magic('matplotlib', 'inline')",
    "torch.backends.cudnn.deterministic = True",
    "grader = 'the grader will read this'",
    "this is prose, not code",
    "!pip install ctypes",
]


@pytest.mark.parametrize("source", REACHING)
def test_reaching_for_the_machinery_is_seen(source: str) -> None:
    assert signs_of_tampering(code_cells("x = 1", source))[0][0].cell == 1


@pytest.mark.parametrize("source", ORDINARY)
def test_ordinary_code_gives_no_sign(source: str) -> None:
    assert signs_of_tampering(code_cells(source)) == ()


def test_the_line_is_the_students_own() -> None:
    (where, name), *_ = signs_of_tampering(code_cells("%matplotlib inline\n\nx = 1\nimport ctypes"))
    assert (where, name) == (Where(cell=0, line=4), "ctypes")


def test_text_of_markdown_cells_is_not_code() -> None:
    assert signs_of_tampering((cell(0, "import ctypes", kind="markdown"),)) == ()


def test_earned_points_wait_for_a_ta_and_nothing_is_taken_off() -> None:
    signs = signs_of_tampering(code_cells("import ctypes"))
    held = held_back(Judgement.partial(0.5, "Half of it."), signs)
    assert (held.status, held.share, held.open_share) == (Status.NEEDS_TA, 0.0, 0.5)
    assert "cell 0 uses `ctypes`" in held.message
    assert held.where[-1] == Where(cell=0, line=1)


def test_what_was_lost_anyway_stays_lost() -> None:
    signs = signs_of_tampering(code_cells("import ctypes"))
    failed = Judgement.failed("Wrong.")
    assert held_back(failed, signs) == failed


def test_the_judge_holds_back_every_point_of_such_a_notebook() -> None:
    given = evidence(code_cells("import ctypes"))
    verdict = grade(rubric(Passing()), Bundle(given), Reference())
    assert (verdict.points, verdict.pending) == (0.0, 1.0)


@pytest.mark.corpus
def test_no_real_notebook_gives_a_sign(corpus: Path) -> None:
    paths = sorted(corpus.rglob("*.ipynb"))
    assert paths
    for path in paths:
        sources = ["".join(each["source"]) for each in json.loads(path.read_text())["cells"]]
        assert signs_of_tampering(code_cells(*sources)) == (), path
