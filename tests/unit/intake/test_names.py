from pathlib import PurePosixPath

import pytest

from grader.intake import find_submissions
from grader.intake.names import canvas_id_in_path, name_in_path
from tests.unit.intake.conftest import notebook_bytes


@pytest.mark.parametrize(
    ("student", "path", "name"),
    [
        ("4711", "dl/doejane_4711_900_lab2.ipynb", "doejane"),
        ("4711", "dl.zip/doejane_LATE_4711_900_lab2.ipynb", "doejane"),
        ("512", "dl/Jane Doe_512_assignsubmission_file_/work/lab2.ipynb", "Jane Doe"),
        ("s101", "submissions/s101/lab2.ipynb", ""),
        ("xY9z", "dl/anon_xY9z_902_lab2.ipynb", ""),
    ],
)
def test_names_are_read_from_where_canvas_and_moodle_write_them(student, path, name):
    assert name_in_path(student, PurePosixPath(path)) == name


@pytest.mark.parametrize(
    "file", ["doejane_4711_900_lab2.ipynb", "Jane Doe_512_assignsubmission_file_/lab2.ipynb"]
)
def test_it_is_the_name_that_intake_found(handed_in, file):
    (found,) = find_submissions(handed_in({file: notebook_bytes()})).submissions
    assert found.name
    assert name_in_path(found.student, found.path) == found.name


@pytest.mark.parametrize(
    "path",
    [
        "submissions/4711/doejane_4711_900_lab2.ipynb",
        "submissions/4711/Jane Doe_4711_assignsubmission_file_/lab2.ipynb",
        "submissions/mallory/doejane_4712_900_lab2.ipynb",
    ],
)
def test_nobody_takes_anothers_name_by_the_name_of_a_file(path):
    student = PurePosixPath(path).parts[1]
    assert name_in_path(student, PurePosixPath(path)) == ""


def test_a_number_of_canvas_is_known_from_its_own_downloads_only():
    assert canvas_id_in_path("4711", PurePosixPath("dl/doejane_4711_900_lab2.ipynb")) == "4711"
    assert canvas_id_in_path("xY9z", PurePosixPath("dl/anon_xY9z_902_lab2.ipynb")) == ""
    assert canvas_id_in_path("512", PurePosixPath("dl/Jane Doe_512_assignsubmission_file_/lab2.ipynb")) == ""
    assert canvas_id_in_path("4711", PurePosixPath("submissions/4711/doejane_4711_900_lab2.ipynb")) == ""
