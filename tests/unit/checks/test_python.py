"""A course's own function: what it says counts, what it cannot tell is a TA's, its faults are ours."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from grader.checks import registry
from grader.errors import RubricError
from grader.facts.case import Reference
from grader.grading.verdict import Finding
from grader.judging.judgement import Status
from grader.rubric.loader import load_rubric
from grader.rubric.slips import Material, slips_in
from grader.samples.percent import notebook_bytes, read_percent
from grader.sandbox.base import Sandbox
from grader.workflows.trying.try_check import trial_rubric, try_check

CODE = """\
# %%
def double(n):
    return 2 * n

limit = 3
# %%
print("done")
"""


@pytest.fixture(scope="module")
def sandbox(torchvision: ModuleType) -> Sandbox:
    from tests.in_process import InProcess

    return InProcess()


def judged(sandbox: Sandbox, *answers: Any, code: str = CODE, **keys: Any) -> tuple[Finding, list[Any]]:
    """The finding, and what the course's own function was given."""
    given: list[Any] = []

    def own(attempt: Any, limit_s: float) -> Any:
        given.append(attempt)
        return answers[0]

    reference = Reference(checks={"own": own})
    asked = {"function": "own", **keys} if answers else keys
    rubric = trial_rubric("python", asked, None)
    return try_check(notebook_bytes(read_percent(code)), rubric, reference, sandbox).finding, given


@pytest.mark.parametrize(
    ("answer", "status", "share", "said"),
    [
        (True, Status.PASS, 1, "judged by a program of the course"),
        ([1.0, "All is there."], Status.PASS, 1, "All is there."),
        ([False, "Nothing is there."], Status.FAIL, 0, "Nothing is there."),
        ((0.25, "A part is there."), Status.PARTIAL, 0.25, "A part is there."),
        (None, Status.NEEDS_TA, 0, "A TA judges this part."),
        ([2, "too much"], Status.CHECK_ERROR, 0, "returned [2, 'too much']"),
        ("yes", Status.CHECK_ERROR, 0, "returned yes"),
    ],
)
def test_its_answer_is_the_judgement(
    answer: Any, status: Status, share: float, said: str, sandbox: Sandbox
) -> None:
    finding, _ = judged(sandbox, answer)
    assert (finding.status, finding.points) == (status, share)
    assert said in finding.message
    assert finding.pending == (1 if status in (Status.NEEDS_TA, Status.CHECK_ERROR) else 0)


def test_it_gets_the_attempt_as_plain_data(sandbox: Sandbox) -> None:
    measure = "def measure(image):\n    return [student['double'](4), image.shape[0]]\n"
    args = [{"kind": "normal", "shape": [3, 2]}]
    _, [attempt] = judged(sandbox, True, watch=["limit"], measure=measure, args=args)
    assert attempt["measured"] == [8, 3]
    assert attempt["values"] == {"limit": 3}
    assert [cell["own"] for cell in attempt["cells"]] == [True, True]
    assert "done" in attempt["cells"][1]["printed"]
    assert attempt["section"] == [0, 1]


@pytest.mark.parametrize(
    ("measure", "status", "said"),
    [
        ("def measure():\n    return student['double'](4)\n", Status.PASS, "Measured: 8, as expected."),
        ("def measure():\n    return student['limit']\n", Status.FAIL, "Measured: 3; expected 8."),
        ("def measure():\n    return student['absent']\n", Status.CHECK_ERROR, "`measure` failed: KeyError"),
        ("import nothing_of_this_name\n\ndef measure():\n    return 1\n", Status.CHECK_ERROR, "nothing_of"),
        ("def measure():\n    return object()\n", Status.CHECK_ERROR, "evidence cannot hold"),
        ("def measure(n):\n    return n\n", Status.CHECK_ERROR, "TypeError"),
    ],
)
def test_what_it_measures_is_compared(measure: str, status: Status, said: str, sandbox: Sandbox) -> None:
    finding, _ = judged(sandbox, measure=measure, expected=[8])
    assert finding.status is status, finding
    assert said in finding.message


def test_what_the_student_never_defined_is_not_measured(sandbox: Sandbox) -> None:
    measure = "def measure():\n    return student['triple'](4)\n"
    absent, _ = judged(sandbox, measure=measure, expected=[12], needs=["triple"])
    assert (absent.status, absent.message) == (Status.FAIL, "No cell defines `triple`.")
    starred = CODE + "# %%\nfrom helpers_that_are_not_here import *\n"
    open_, _ = judged(sandbox, code=starred, measure=measure, expected=[12], needs=["triple"])
    assert open_.status is Status.NEEDS_TA


def test_the_course_s_code_changes_none_of_the_student_s_names(sandbox: Sandbox) -> None:
    measure = "def measure():\n    student['limit'] = 9\n    return student['limit']\n"
    keys = {"measure": measure, "expected": [9]}
    other = {"measure": "def measure():\n    return student['limit']\n", "expected": [3]}
    rubric = trial_rubric("all_of", {"of": [{"check": "python", **each} for each in (keys, other)]}, None)
    finding = try_check(notebook_bytes(read_percent(CODE)), rubric, Reference(), sandbox).finding
    assert finding.status is Status.PASS


HEAD = (
    "assignment: lab\ntitle: A lab\ntotal: 1\ncriteria:\n  - {id: one, title: One, points: 1, check: python"
)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("}", "give either 'function' or 'expected'"),
        (", function: own, expected: [1], measure: 'def measure(): pass'}", "give either"),
        (", expected: [1]}", "'expected' needs a 'measure'"),
        (", expected: [1], measure: 'def measure(: pass'}", "'measure' is no Python: line 1"),
        (", expected: [1], measure: 'x = 1'}", "has to define a function of this name"),
        (", function: own, limit_s: 600}", "less than or equal to 60"),
    ],
)
def test_slips_are_told(keys: str, said: str) -> None:
    with pytest.raises(RubricError) as raised:
        load_rubric(HEAD + keys, registry(), name="lab.yaml")
    assert said in str(raised.value)
    assert "lab.yaml:5" in str(raised.value)


def test_a_check_that_the_reference_does_not_have_is_told() -> None:
    text = HEAD + ", function: conts}"
    material = Material(checks=frozenset({"counts"}))
    [slip] = slips_in(load_rubric(text, registry(), name="lab.yaml"), text, "lab.yaml", material)
    assert str(slip) == "lab.yaml:5: no check of the reference is called 'conts'; did you mean 'counts'?"
