from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from grader.errors import SubmissionError, UsageError
from grader.evidence.record import CellRecord
from grader.intake import Submission
from grader.store.rubrics import LoadedRubric
from grader.workflows.regrading.rubrics import Chooser, RubricShelf, load_rubric_file
from grader.workflows.running.grade_folder import of_this_assignment
from grader.workflows.running.planning import (
    HandedIn,
    look_at,
    plan_seen,
    plan_work,
    read_file,
    without_rubric,
)
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


def test_what_no_rubric_fits_is_named_and_stops_nobody_else(two_labs: TwoLabs) -> None:
    files = [
        read_file(Submission(student, Path(path), lambda lab=lab: course.notebook(lab) if lab else b"{"))
        for student, path, lab in [*GOOD, ("s2", "x/s2/lab.ipynb", None)]
    ]
    seen = [look_at(file, two_labs.choose) for file in files]
    works = plan_seen(seen, by_path=two_labs.chooser.named_by)
    assert [work.student for work in works] == ["s1", "s1"]
    (line,) = without_rubric(seen, works)
    assert line.startswith("x/s2/lab.ipynb: no rubric fits it (")
    assert "--rubric" in line
    with pytest.raises(UsageError, match="no rubric fits the notebook"):
        plan_work(files[2:], two_labs.choose)


def of_handout(rubric: LoadedRubric) -> bytes:
    """A notebook with the cells of a handout, told by their ids."""
    assert rubric.handout is not None
    cells = [
        {
            "cell_type": "code",
            "source": f"x = {at}",
            "metadata": {"id": cell.id},
            "outputs": [],
            "execution_count": None,
        }
        for at, cell in enumerate(rubric.handout.cells)
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells}).encode()


@pytest.fixture
def lab2() -> Chooser:
    return RubricShelf([]).chooser("lab2")


def kept(chooser: Chooser, *handed_in: tuple[str, str, bytes]) -> tuple[list[HandedIn], list[str]]:
    files = (
        read_file(Submission(student, Path(path), lambda raw=raw: raw)) for student, path, raw in handed_in
    )
    seen, left_out = of_this_assignment(
        [look_at(file, chooser.choose, chooser.another) for file in files], chooser
    )
    return [one.file for one in seen], left_out


def test_another_labs_notebook_waits_for_a_person_and_is_not_judged(lab2: Chooser) -> None:
    one, two = (of_handout(lab2.shelf.load(name)) for name in ("lab1", "lab2"))
    files, left_out = kept(lab2, ("s1", "s1/lab.ipynb", two), ("s2", "s2/lab.ipynb", one))
    assert left_out == []
    assert [(file.submission.student, bool(file.problem)) for file in files] == [("s1", False), ("s2", True)]
    assert files[1].problem.startswith("the file is the notebook of Lab 1")
    assert "to do: hand in the notebook of this assignment" in files[1].problem
    assert files[1].again().raw == one


def test_beside_a_students_right_notebook_another_labs_is_left_out(lab2: Chooser) -> None:
    one, two = (of_handout(lab2.shelf.load(name)) for name in ("lab1", "lab2"))
    files, left_out = kept(lab2, ("s1", "s1/lab1.ipynb", one), ("s1", "s1/lab2.ipynb", two))
    assert [file.submission.path.name for file in files] == ["lab2.ipynb"]
    assert left_out[0].startswith("s1/lab1.ipynb: it is the notebook of Lab 1")


def test_a_notebook_of_no_known_handout_is_judged_by_the_named_rubric(lab2: Chooser) -> None:
    files, left_out = kept(lab2, ("s1", "s1/lab.ipynb", course.notebook("x = 1")))
    assert ([file.problem for file in files], left_out) == ([""], [])
    assert lab2.another(()) is None
    assert RubricShelf([]).chooser(None).another(files[0].again().cells) is None


@pytest.mark.parametrize(("asked", "mode"), [(None, "budget"), ("full", "full"), ("budget", "budget")])
def test_the_command_may_ask_for_full_training(tmp_path: Path, asked: str | None, mode: str) -> None:
    rubric = load_rubric_file(course.write_rubric(tmp_path))
    file = read_file(submission(lambda: course.notebook("x = 1")))
    [work] = plan_work([file], lambda _: rubric, training=asked)
    assert work.plan.training.mode == mode
