"""The cell that a report gives to paste: at the end of the notebook it shows the difference."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from grader.checks import registry
from grader.evidence.codec import Bundle
from grader.facts.case import Reference
from grader.grading.grade import grade
from grader.grading.marks import mark_of
from grader.grading.shown import shown_of
from grader.intake import normalise_notebook, parse_notebook
from grader.judging.exhibits import NotShown, Shown, ShownCall
from grader.reporting import ReportInput, render_report
from grader.reporting.to_run import ToRun, cell_of
from grader.rubric.loader import load_rubric
from grader.rubric.model import Rubric
from grader.rubric.plan import plan_for
from grader.sandbox.base import Job
from grader.workflows.regrading.reference import bundled, load_reference
from tests import course

HEAD = "assignment: lab\ntitle: A lab\ntotal: 2\ncriteria:\n  - id: one\n    title: One\n    points: 2\n"
CONV = """\
    check: convolution
    function: conv2d
    groups:
      - {name: hidden images, image: [5, 6], kernel: [3, 2]}
"""
CUBES = """\
    check: function_values
    function: sum_of_cubes
    reference: sum_of_cubes
    groups:
      - {name: hidden numbers, calls: [{args: [{kind: integers, low: 5, high: 10000, container: python}]}]}
      - {name: negative, calls: [{args: [-3], accept: [-1, 0]}]}
"""
SHAPE = "    check: output_shape\n    target: {names: [Net]}\n    input: [4, 3]\n    expected: [4, 1]\n"
COUNT = "    check: parameter_count\n    target: {names: [net]}\n    expected: 9\n"

FLIPPED = """\
import torch
def conv2d(image, kernel):
    kernel = torch.flip(kernel, (0, 1))
    return torch.nn.functional.conv2d(image[None, None], kernel[None, None])[0, 0]"""
NETS = (
    "import torch\nclass Net(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.inner = torch.nn.Linear(3, 2)\n    def forward(self, x):\n        return self.inner(x)",
    "net = Net()",
)


@pytest.fixture(scope="module")
def reference() -> Reference:
    return load_reference(bundled("reference"))


@pytest.fixture(scope="module")
def box(torchvision: ModuleType) -> Any:
    from tests.in_process import InProcess

    return InProcess()


def rubric_of(check: str, more: str = "") -> Rubric:
    return load_rubric(HEAD.replace("criteria:\n", f"{more}criteria:\n") + check, registry())


def attempt(box: Any, rubric: Rubric, *sources: str) -> Bundle:
    notebook = normalise_notebook(parse_notebook(course.notebook(*sources)))
    evidence: Bundle = box.run(Job("trial", notebook, plan_for(rubric)))
    return evidence


def shown(rubric: Rubric, bundle: Bundle, reference: Reference) -> tuple[Shown, ...]:
    return shown_of(rubric, bundle, reference, None, {"one"}).get("one", ())


def pasted(cell: ToRun, *sources: str) -> str:
    """What a cell prints at the end of a notebook."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for source in sources:
        exec(source, names)
    before = set(names)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(cell.code, "pasted", "exec"), names)
    assert set(names) - before == {"_show_it"}
    return printed.getvalue()


def test_a_wrong_convolution_is_shown_with_the_numbers_of_the_attempt(box: Any, reference: Reference) -> None:
    rubric = rubric_of(CONV)
    made = shown(rubric, attempt(box, rubric, FLIPPED), reference)
    told = pasted(cell_of(made), FLIPPED)
    assert "hidden images:" in told
    assert "of 15 numbers compared differ by more than" in told
    assert not told.startswith("0 of")
    mended = FLIPPED.replace("    kernel = torch.flip(kernel, (0, 1))\n", "")
    assert "0 of 15 numbers compared differ" in pasted(cell_of(made), mended)


def test_no_two_attempts_are_shown_the_same_inputs(box: Any, reference: Reference) -> None:
    rubric = rubric_of(CONV)
    one, other = (shown(rubric, attempt(box, rubric, FLIPPED), reference) for _ in range(2))
    assert isinstance(one[0], ShownCall)
    assert isinstance(other[0], ShownCall)
    assert one[0].args[0] != other[0].args[0]
    assert one[0].args[1] != other[0].args[1]
    # What one attempt was shown is right for it alone: learned by heart it helps no later one.
    assert one[0].expected != other[0].expected


def test_of_plain_numbers_every_group_that_went_wrong_is_shown(box: Any, reference: Reference) -> None:
    rubric, wrong = rubric_of(CUBES), "def sum_of_cubes(n):\n    return 7"
    made = shown(rubric, attempt(box, rubric, wrong), reference)
    told = pasted(cell_of(made), wrong)
    assert "hidden numbers:" in told
    assert "1 of 1 numbers compared differ" in told
    assert "right is any of [-1, 0]" in told
    assert "import torch" not in cell_of(made).code


def test_a_function_that_raises_raises_again(box: Any, reference: Reference) -> None:
    rubric, raising = rubric_of(CUBES), "def sum_of_cubes(n):\n    raise KeyError(n)"
    cell = cell_of(shown(rubric, attempt(box, rubric, raising), reference))
    assert "# In our run it gave KeyError" in cell.code
    with pytest.raises(KeyError):
        pasted(cell, raising)


def test_names_that_the_notebook_took_from_python_do_not_break_it(box: Any, reference: Reference) -> None:
    rubric = rubric_of(CONV)
    made = shown(rubric, attempt(box, rubric, FLIPPED), reference)
    told = pasted(cell_of(made), FLIPPED, "print = len = map = tuple = sum = 3")
    assert "numbers compared differ" in told


def test_shapes_and_parameters_of_the_networks_are_shown(box: Any, reference: Reference) -> None:
    rubric = rubric_of(SHAPE)
    told = pasted(cell_of(shown(rubric, attempt(box, rubric, *NETS), reference)), *NETS)
    assert "expected: [4, 1]" in told
    assert "yours:    [4, 2]" in told
    counted = rubric_of(COUNT)
    told = pasted(cell_of(shown(counted, attempt(box, counted, *NETS), reference)), *NETS)
    assert "inner.weight (2, 3) 6" in told
    assert "expected: 9 parameters" in told
    assert "yours:    8" in told


def test_what_is_too_large_to_paste_is_said_so(box: Any, reference: Reference) -> None:
    large = rubric_of(CONV.replace("[5, 6]", "[40, 60]"))
    made = shown(large, attempt(box, large, FLIPPED), reference)
    assert isinstance(made[0], NotShown)
    assert cell_of(made).instead.startswith("There is no cell to paste")
    both = rubric_of(
        CONV.replace("groups:\n", "groups:\n      - {name: large, image: [40, 60], kernel: [3, 3]}\n")
    )
    small = shown(both, attempt(box, both, FLIPPED), reference)
    assert [each.group for each in small if isinstance(each, ShownCall)] == ["hidden images"]
    assert len(cell_of(small).code) < 6_000


def test_a_long_right_answer_is_shown_by_its_first_wrong_number(box: Any, reference: Reference) -> None:
    padded = """\
    check: convolution
    function: conv2d
    arguments: [image, kernel, padding]
    groups: [{name: wide border, image: [4, 4], kernel: [2, 2], padding: 12}]
"""
    rubric = rubric_of(padded)
    wrong = FLIPPED.replace("(image, kernel)", "(image, kernel, padding)").replace(
        "kernel[None, None])", "kernel[None, None], padding=padding)"
    )
    made = shown(rubric, attempt(box, rubric, wrong), reference)
    assert isinstance(made[0], ShownCall)
    assert made[0].expected is None
    told = pasted(cell_of(made), wrong)
    assert "a result" not in told
    assert "first at (" in told


def reported(box: Any, reference: Reference, more: str = "", *, over: bool = False) -> str:
    rubric = rubric_of(CONV, more)
    bundle = attempt(box, rubric, FLIPPED)
    given = ReportInput(
        student="s1",
        rubric=rubric,
        mark=mark_of(grade(rubric, bundle, reference), ()),
        bundle=bundle,
        to_run=shown_of(rubric, bundle, reference, None, {"one"}),
    )
    return render_report(replace(given, remarks_over=over))


UNTIL = "remarks: {remarks_open_until: 2026-02-12T23:59:00-05:00}\n"


def test_a_report_has_the_cell_or_says_when_it_will(box: Any, reference: Reference) -> None:
    assert "def _show_it():" in reported(box, reference)
    after = UNTIL + "cells_to_run: after_remarks\n"
    held = reported(box, reference, after)
    assert "def _show_it():" not in held
    assert "is added to this report after the remark period" in held
    assert "def _show_it():" in reported(box, reference, after, over=True)
    never = reported(box, reference, "cells_to_run: never\n", over=True)
    assert "A cell that shows it" not in never


def test_nothing_is_shown_where_the_reference_is_another(box: Any) -> None:
    rubric = rubric_of(CONV)
    assert shown(rubric, attempt(box, rubric, FLIPPED), Reference()) == ()
