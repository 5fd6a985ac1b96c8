from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from grader.errors import SubmissionError
from grader.intake import Submission
from grader.workflows.planning import plan_work, read_file
from grader.workflows.rubrics import load_rubric_file
from tests import course


def submission(read: Callable[[], bytes], **more: object) -> Submission:
    return Submission(student="s1", path=Path("s1/lab.ipynb"), read=read, **more)


def refusing(error: Exception) -> Callable[[], bytes]:
    def read() -> bytes:
        raise error

    return read


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Permission denied"), "Permission denied"),
        (SubmissionError("the file is too large", found="200 MB"), "the file is too large; found 200 MB"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_problem_of_the_submission(error: Exception, said: str) -> None:
    assert said in read_file(submission(refusing(error))).problem


def test_what_intake_objects_to_is_not_even_read() -> None:
    never = refusing(AssertionError("must not be read"))
    assert read_file(submission(never, problem="two notebooks")).problem == "two notebooks"


def test_a_good_file_has_cells_and_its_own_digest() -> None:
    file = read_file(submission(lambda: course.notebook(course.GOOD)))
    assert [cell.source for cell in file.cells] == [course.GOOD]
    assert file.problem == ""
    other = read_file(submission(lambda: course.notebook(course.SHADOWING)))
    assert file.notebook != other.notebook


def test_a_class_of_two_labs_grades_each_by_its_own_rubric(tmp_path: Path) -> None:
    one = load_rubric_file(course.write_rubric(tmp_path))
    two = load_rubric_file(
        course.write_rubric(
            tmp_path, course.RUBRIC.replace("assignment: mini", "assignment: other"), "o.yaml"
        )
    )
    files = [
        read_file(submission(lambda: course.notebook("lab = 1"))),
        read_file(submission(lambda: course.notebook("lab = 2"))),
    ]
    works = plan_work(files, lambda cells: one if cells[0].source == "lab = 1" else two)
    assert [work.assignment for work in works] == ["mini", "other"]
    assert [work.plan.assignment for work in works] == ["mini", "other"]


@pytest.mark.parametrize(("asked", "mode"), [(None, "budget"), ("full", "full"), ("budget", "budget")])
def test_the_command_may_ask_for_full_training(tmp_path: Path, asked: str | None, mode: str) -> None:
    rubric = load_rubric_file(course.write_rubric(tmp_path))
    file = read_file(submission(lambda: course.notebook("x = 1")))
    [work] = plan_work([file], lambda _: rubric, training=asked)
    assert work.plan.training.mode == mode
