from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from grader.errors import SubmissionError, UsageError
from grader.evidence.record import CellRecord
from grader.intake import Submission
from grader.store.rubrics import LoadedRubric
from grader.workflows.regrading.rubrics import Chooser, RubricShelf, load_rubric_file
from grader.workflows.running.planning import plan_work, read_file
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


@dataclass(frozen=True)
class TwoLabs:
    """A course of the labs `mini` and `other`; a notebook says in its one cell which it is for."""

    chooser: Chooser

    def plan(self, *handed_in: tuple[str, str, str | None]) -> list[tuple[str, str, bool]]:
        """Plans (student, path, assignment or None where broken); gives (assignment, student, broken)."""
        files = [
            read_file(Submission(student, Path(path), lambda lab=lab: course.notebook(lab) if lab else b"{"))
            for student, path, lab in handed_in
        ]
        works = plan_work(files, self.choose, by_path=self.chooser.named_by)
        return [(work.assignment, work.student, bool(work.file.problem)) for work in works]

    def choose(self, cells: Sequence[CellRecord]) -> LoadedRubric | None:
        return self.chooser.shelf.load(cells[0].source) if cells else None


@pytest.fixture
def two_labs(tmp_path: Path) -> TwoLabs:
    for name in ("mini", "other"):
        text = course.RUBRIC.replace("assignment: mini", f"assignment: {name}")
        course.write_rubric(tmp_path / "rubrics", text, f"{name}.yaml")
    return TwoLabs(RubricShelf([tmp_path]).chooser(None))


GOOD = [("s1", "x/s1/a.ipynb", "mini"), ("s1", "x/s1/b.ipynb", "other")]


@pytest.mark.parametrize(
    ("path", "assignment"),
    [
        ("x/s2/other.ipynb", "other"),
        ("x/mini/s2/a.ipynb", "mini"),
        ("mini/s2/other.ipynb", "other"),
        ("lab2/s2/a.ipynb", "lab2"),
    ],
    ids=["file", "folder", "innermost", "no other notebook of it"],
)
def test_a_broken_notebook_goes_where_its_path_says(two_labs: TwoLabs, path: str, assignment: str) -> None:
    planned = two_labs.plan(*GOOD, ("s2", path, None))
    assert (assignment, "s2", True) in planned
    assert len(planned) == 3


def test_a_broken_notebook_is_the_lab_that_the_student_has_not_handed_in_otherwise(two_labs: TwoLabs) -> None:
    planned = two_labs.plan(*GOOD, ("s2", "x/s2/a.ipynb", "mini"), ("s2", "x/s2/b.ipynb", None))
    assert planned[2:] == [("other", "s1", False), ("other", "s2", True)]


def test_a_broken_notebook_never_takes_the_place_of_a_good_one(two_labs: TwoLabs) -> None:
    planned = two_labs.plan(*GOOD, ("s2", "x/s2/a.ipynb", "mini"), ("s2", "mini/s2/b.ipynb", None))
    assert planned[1] == ("mini", "s2", False)
    assert planned[3] == ("other", "s2", True)


def test_a_broken_notebook_that_may_be_either_lab_is_an_error_that_names_it(two_labs: TwoLabs) -> None:
    with pytest.raises(UsageError, match=r"1 of 3 notebooks") as raised:
        two_labs.plan(*GOOD, ("s2", "x/s2/lab.ipynb", None))
    assert raised.value.where == "x/s2/lab.ipynb"
    assert "--rubric" in raised.value.todo


@pytest.mark.parametrize(("asked", "mode"), [(None, "budget"), ("full", "full"), ("budget", "budget")])
def test_the_command_may_ask_for_full_training(tmp_path: Path, asked: str | None, mode: str) -> None:
    rubric = load_rubric_file(course.write_rubric(tmp_path))
    file = read_file(submission(lambda: course.notebook("x = 1")))
    [work] = plan_work([file], lambda _: rubric, training=asked)
    assert work.plan.training.mode == mode
