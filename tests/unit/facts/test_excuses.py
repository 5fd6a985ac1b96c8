"""Functions that worked where they were written, and no longer do after the last cell."""

from __future__ import annotations

import pytest

from grader.checks.functions.convolution import Convolution
from grader.checks.functions.function_values import FunctionValues
from grader.evidence.record import CellError
from grader.facts.case import Reference
from grader.facts.sections import Alignment, Section
from grader.judging.judgement import Status
from reference import FUNCTIONS
from tests.factories import answers, called, case, cell, code_cells, evidence

CUBES = FunctionValues(
    function="cubes", reference="sum_of_cubes", groups=[{"name": "g", "calls": [{"args": [3]}]}]
)
CONVOLUTION = Convolution(function="conv2d", groups=[{"name": "g", "image": [5, 6], "kernel": [3, 3]}])
SUMMING = "def cubes(n):\n    return sum(i**3 for i in range(n + 1))"
HELPED = "def helper(n): return n**3\ndef cubes(n):\n    return helper(n) + cubes(n - 1) if n else 0"


def uncallable(n):
    return n(3)


def off_by_one(n):
    return n


def unknown(name):
    def function(*args):
        raise NameError(f"name '{name}' is not defined")

    return function


def judged(function, *sources, at=0, check=CUBES, cells=(), **more):
    arrays = []
    probe = check.probes()[0]
    record = called(probe, function, arrays, cell=at)
    given = evidence(cells or code_cells(*sources), probes=answers([(probe, record)]))
    reference = Reference(functions=FUNCTIONS)
    return check.judge(case(check, given, arrays=arrays, reference=reference, **more))


@pytest.mark.parametrize(
    "sources",
    [
        (SUMMING, "sum = 36"),
        (SUMMING, "a, (sum, b) = x"),
        (f"{SUMMING}\nsum = cubes(3)",),
        (f"{SUMMING}\nfor sum in range(3): print(sum)",),
        (HELPED, "helper = 3"),
        (HELPED, "with open('x') as helper: pass"),
        (HELPED, "helper = 3\nhelper = 4"),
    ],
)
def test_a_function_that_can_no_longer_be_called_by_its_user_goes_to_a_ta(sources):
    judgement = judged(uncallable, *sources)
    assert judgement.status is Status.NEEDS_TA
    assert "another meaning" in judgement.message


@pytest.mark.parametrize(
    "later", ["def helper(n, m): return n", "from other import helper", "class helper: pass"]
)
@pytest.mark.parametrize("function", [uncallable, off_by_one])
def test_a_helper_defined_anew_below_goes_to_a_ta(function, later):
    judgement = judged(function, HELPED, later)
    assert judgement.status is Status.NEEDS_TA
    assert "cell 1, line 1, below it, gives `helper` another meaning" in judgement.message


@pytest.mark.parametrize(
    "sources",
    [
        (f"sum = 36\n{SUMMING}",),
        (SUMMING, "def f():\n    sum = 36"),
        (SUMMING, "squares = [sum for sum in range(3)]"),
        (SUMMING, "len = 3"),
        (HELPED, "def helper(n): return n**3"),
        (HELPED, "number = 3"),
        ("def cubes(n, helper=3):\n    return helper(n)", "helper = 3"),
        ("def helper(n): return n\n" + "def cubes(n):\n    total = n\n    return total(n)", "total = 3"),
    ],
)
def test_what_changes_no_name_that_the_function_uses_excuses_nothing(sources):
    assert judged(uncallable, *sources).status is Status.FAIL


def test_a_number_in_place_of_a_function_explains_no_wrong_answer():
    assert judged(off_by_one, SUMMING, "sum = 36").status is Status.FAIL
    assert judged(off_by_one, HELPED, "helper = 3").status is Status.FAIL


class MissingPackage(ModuleNotFoundError):
    """As the sandbox has it."""


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MissingPackage("`mytools` is not available in the grading sandbox"), Status.NEEDS_TA),
        (ModuleNotFoundError("No module named 'mytools'"), Status.NEEDS_TA),
        (ImportError("cannot import name 'sume' from 'math'"), Status.FAIL),
        (NameError("name 'helper' is not defined"), Status.FAIL),
    ],
)
def test_a_package_that_the_sandbox_lacks_is_no_fault_of_the_function(error, status):
    def lacking(n):
        raise error

    judgement = judged(lacking, "def cubes(n):\n    return helper(n)")
    assert judgement.status is status
    assert ("`mytools`, which it uses, is not here" in judgement.message) is (status is Status.NEEDS_TA)


def test_right_answers_stay_right_whatever_comes_below():
    assert judged(FUNCTIONS["sum_of_cubes"], HELPED, "def helper(n, m): ...").status is Status.PASS


FIRST = "def conv2d(image, kernel):\n    return image * kernel"
SECTIONS = {"first": Section(title="1.1", heading="^1.1"), "fourth": Section(title="1.4", heading="^1.4")}
REPLACED = [
    "def conv2d(image, kernel, stride):\n    return image",
    "conv2d = nn.Conv2d(1, 1, 3)",
    "from torch.nn.functional import conv2d",
    "conv2d, pool = nn.Conv2d(1, 1, 3), nn.MaxPool2d(2)",
]


def strided(image, kernel):
    raise TypeError("conv2d() missing 1 required positional argument: 'stride'")


def convolved(later, function=strided, at=3, first=FIRST, **more):
    cells = (
        cell(0, "# 1.1", kind="markdown"),
        cell(1, first),
        cell(2, "# 1.4", kind="markdown"),
        cell(3, later),
    )
    given = {"sections": SECTIONS, "section": "first", **more}
    return judged(function, check=CONVOLUTION, cells=cells, at=at, **given)


@pytest.mark.parametrize("later", REPLACED)
def test_a_function_whose_name_another_section_takes_goes_to_a_ta(later):
    at = 3 if later.startswith("def") else None
    for function in (strided, lambda image, kernel: image):
        judgement = convolved(later, function, at)
        assert judgement.status is Status.NEEDS_TA
        assert "cell 3 gives `conv2d`, written in cell 1, another meaning" in judgement.message


@pytest.mark.parametrize("later", REPLACED[1:])
def test_a_name_taken_below_the_function_in_its_own_cell_goes_to_a_ta(later):
    judgement = convolved("pass", at=None, first=f"{FIRST}\n{later}")
    assert judgement.status is Status.NEEDS_TA


def test_a_wrong_function_that_nothing_replaces_fails():
    assert convolved("pass", at=1).status is Status.FAIL
    assert convolved("pass", at=None, first=f"@no_grad()\n{FIRST}").status is Status.FAIL
    assert convolved("pass", at=1, first=f"{FIRST}\n{FIRST}").status is Status.FAIL


def test_what_the_handout_left_to_be_written_is_no_definition_of_the_students():
    stub = 'def conv2d(image, kernel):\n    """Slides."""\n    ...'
    assert convolved(FIRST, first=stub).status is Status.FAIL
    sections = {"first": (0, 1)}
    given = Alignment(sections=sections, unchanged=frozenset({1}))
    assert convolved(FIRST, alignment=given).status is Status.FAIL


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("np", "import course_tools\nimport numpy as np"),
        ("pad", "from course_tools import pad"),
        ("size", "size, step = read()"),
        ("helper", "def helper(n)\n    return n"),
    ],
)
def test_a_name_that_an_error_kept_from_being_bound_goes_to_a_ta(name, lost):
    caller = cell(1, f"def cubes(n):\n    return {name}")
    error = CellError(type="ModuleNotFoundError", message="course_tools", line=1)
    judgement = judged(unknown(name), cells=(cell(0, lost, error=error), caller), at=1)
    assert judgement.status is Status.NEEDS_TA
    assert f"`{name}`, which it uses, is lost to an error in cell 0" in judgement.message
    other = judged(unknown(name), cells=(cell(0, f"def f({name}): ...", error=error), caller), at=1)
    assert other.status is Status.FAIL
