import json
import shutil

import pytest

from grader.errors import SubmissionError, UsageError
from grader.intake import find_submissions, parse_notebook
from grader.samples.demo import ASSIGNMENTS, write_demo
from grader.workflows.regrading.rubrics import RubricShelf
from grader.workflows.upkeep.settings import read_settings


@pytest.fixture(scope="session")
def course(tmp_path_factory):
    return write_demo(tmp_path_factory.mktemp("demo") / "course")


def submissions(course, assignment):
    return find_submissions(course / "submissions" / assignment).submissions


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_every_lab_has_good_and_bad_submissions(course, assignment):
    students = [submission.student for submission in submissions(course, assignment)]
    assert {"ada", "ben", "chloe", "dev"} <= set(students)


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_each_notebook_is_matched_to_its_rubric_by_the_handout(course, assignment):
    shelf = RubricShelf([course])
    whole = [one for one in submissions(course, assignment) if one.student not in ("finn", "gil")]
    matched = [shelf.match(parse_notebook(one.read())) for one in whole]
    assert [rubric.assignment for rubric in matched] == [assignment] * len(whole)


def test_the_pets_rubric_is_sound_and_its_points_add_up(course):
    loaded = RubricShelf([course]).load("pets")
    assert sum(criterion.points for criterion in loaded.rubric.criteria) == loaded.rubric.total == 20


def test_every_section_of_the_pets_rubric_is_in_its_handout(course):
    loaded = RubricShelf([course]).load("pets")
    ids = {section.ids[0] for section in loaded.rubric.sections.values()}
    assert ids <= loaded.handout.ids


def test_one_upload_broke_off_and_one_is_the_wrong_file(course):
    found = {one.student: one for one in submissions(course, "convolution")}
    with pytest.raises(SubmissionError, match="not valid JSON"):
        parse_notebook(found["finn"].read())
    with pytest.raises(SubmissionError, match="not valid JSON"):
        parse_notebook(found["gil"].read())


def test_the_options_name_data_that_is_there(course):
    options = read_settings({}, environ={}, places=[course])
    assert (options.data / "cifar-10-batches-py" / "test_batch").is_file()


def test_writing_again_keeps_what_was_graded(course, tmp_path):
    graded = shutil.copytree(course, tmp_path / "course")
    marks = graded / "grader.db"
    marks.write_bytes(b"marks")
    write_demo(graded)
    assert marks.read_bytes() == b"marks"


def test_writing_again_writes_over_nothing_that_was_changed(course, tmp_path):
    edited = shutil.copytree(course, tmp_path / "course")
    mine = [edited / "rubrics" / "pets.yaml", *(edited / "submissions").glob("pets/*/pets.ipynb")]
    mine += list((edited / "data").rglob("test_batch"))
    for path in mine:
        path.write_bytes(b"mine")
    lost = edited / "submissions" / "convolution" / "gil" / "notes.txt"
    lost.unlink()
    write_demo(edited)
    assert [path.read_bytes() for path in mine] == [b"mine"] * len(mine)
    assert lost.exists()


@pytest.mark.parametrize("content", ["notes.txt", "grader.toml"])
def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path, content):
    (tmp_path / content).write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        write_demo(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [content]


def test_notebooks_hold_no_outputs_that_would_tell_the_answer(course):
    for path in (course / "submissions").glob("*/*/*.ipynb"):
        if path.parent.name != "finn":
            cells = json.loads(path.read_text())["cells"]
            assert not any(cell.get("outputs") for cell in cells)
