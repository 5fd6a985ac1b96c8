"""What lies inside one student's folder never changes another student's row, nor stops the class."""

import pytest

from grader.intake import find_submissions
from tests.unit.intake.conftest import notebook_bytes
from tests.unit.intake.test_layouts import GRADESCOPE

A, B, C = (notebook_bytes(f"{name} = 1") for name in "abc")
TIME = b"2026-02-02 10:00:00 UTC"
FORGED = b"2020-01-01 00:00:00 UTC"
METADATA = b"""
alice:
  :submitters: [{:name: Mallory, :sid: mallory}]
submission_31:
  :submitters: [{:name: Mallory, :sid: mallory}]
Jane Doe_512_assignsubmission_file_:
  :submitters: [{:name: Mallory, :sid: mallory}]
export:
  :submitters: [{:name: Mallory, :sid: mallory}]
"""

#: Each layout with two honest students, and where the third one's files lie.
CLASSES = {
    "folder": ({"alice/lab2.ipynb": A, "bob/work/lab2.ipynb": B}, "mallory"),
    "gradescope": (
        {
            "submission_metadata.yml": GRADESCOPE,
            "submission_31/lab2.ipynb": A,
            "submission_32/lab2.ipynb": B,
        },
        "submission_33",
    ),
    "gradescope, wrapped": (
        {
            "export/submission_metadata.yml": GRADESCOPE,
            "export/submission_31/lab2.ipynb": A,
            "export/submission_32/lab2.ipynb": B,
        },
        "export/submission_33",
    ),
    "moodle": (
        {
            "Jane Doe_512_assignsubmission_file_/lab2.ipynb": A,
            "Jo Roe_513_assignsubmission_file_/lab2.ipynb": B,
        },
        "Mal Lory_514_assignsubmission_file_",
    ),
    "nbgrader": (
        {
            "submitted/alice/lab2/lab2.ipynb": A,
            "submitted/alice/lab2/timestamp.txt": TIME,
            "submitted/bob/lab2/lab2.ipynb": B,
            "submitted/bob/lab2/timestamp.txt": TIME,
            "submitted/mallory/lab2/timestamp.txt": TIME,
        },
        "submitted/mallory/lab2",
    ),
    "nbgrader, from within": (
        {
            "alice/lab2/lab2.ipynb": A,
            "alice/lab2/timestamp.txt": TIME,
            "bob/lab2/lab2.ipynb": B,
            "bob/lab2/timestamp.txt": TIME,
            "mallory/lab2/timestamp.txt": TIME,
        },
        "mallory/lab2",
    ),
}

#: What the third one hands in beside a notebook.
PLANTED = {
    "metadata of Gradescope": {"submission_metadata.yml": METADATA},
    "metadata that is no YAML": {"submission_metadata.yml": b"[[["},
    "metadata further down": {"export/submission_metadata.yml": METADATA},
    "a submission of Gradescope": {"submission_31/lab2.ipynb": C},
    "a folder of Moodle": {"x_1_assignsubmission_file_/lab2.ipynb": C},
    "another's folder of Moodle": {"Jane Doe_512_assignsubmission_file_/lab2.ipynb": C},
    "many folders of Moodle": {f"x_{i}_assignsubmission_file_/lab2.ipynb": C for i in range(9)},
    "names of Canvas": {f"alice_{i}_900_lab2.ipynb": C for i in range(9)},
    "another's submission of nbgrader": {
        "submitted/alice/lab2/lab2.ipynb": C,
        "submitted/alice/lab2/timestamp.txt": b"2027-01-01 00:00:00 UTC",
    },
    "a time of nbgrader": {"timestamp.txt": FORGED},
    "a time further down": {"x/timestamp.txt": FORGED, "x/y/timestamp.txt": FORGED},
    "a folder of another": {"alice/lab2.ipynb": C, "alice/lab2/lab2.ipynb": C},
}


def rows(path):
    """What is told of everybody but the owner of the third notebook."""
    found = find_submissions(path)
    others = [one for one in found.submissions if one.student not in OWN]
    told = [
        (each.student, each.read(), each.submitted_at, each.late, each.problem, each.notes, each.name)
        for each in others
    ]
    return found.format, told


OWN = {"mallory", "submission_33", "514"}


@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED)
@pytest.mark.parametrize(("honest", "folder_of"), CLASSES.values(), ids=CLASSES)
def test_nothing_in_a_students_folder_changes_anothers_row(handed_in, honest, folder_of, planted):
    more = {f"{folder_of}/{name}": raw for name, raw in planted.items()}
    files = {f"{folder_of}/lab2.ipynb": C, **honest}
    before = rows(handed_in(files))
    assert len(before[1]) == 2
    assert rows(handed_in({**more, **files})) == before


@pytest.mark.parametrize("name", ["submission_metadata.yml", "timestamp.txt", "lab2/timestamp.txt"])
@pytest.mark.parametrize(("honest", "folder_of"), CLASSES.values(), ids=CLASSES)
def test_a_link_in_a_students_folder_changes_nothing(folder, honest, folder_of, name):
    path = folder({**honest, f"{folder_of}/lab2.ipynb": C, f"{folder_of}/lab2/x": b""})
    before = rows(path)
    link = path / folder_of / name
    link.unlink(missing_ok=True)
    link.symlink_to("/etc/passwd")
    assert rows(path) == before


def test_a_forged_time_in_an_own_subfolder_does_not_count(handed_in, by_student):
    honest, own = CLASSES["nbgrader"]
    path = handed_in({**honest, f"{own}/sub/lab2.ipynb": C, f"{own}/sub/timestamp.txt": FORGED})
    found = by_student(path)
    assert found["mallory"].submitted_at == found["alice"].submitted_at


def test_a_submission_folder_may_be_called_submitted_by_its_student(handed_in, by_student):
    path = handed_in({"alice/lab2.ipynb": A, "submitted/x/lab2/lab2.ipynb": B, "bob/lab2.ipynb": B})
    assert set(by_student(path)) == {"alice", "bob", "submitted"}


@pytest.mark.parametrize("stray", ["notes.ipynb", "solution/lab2.ipynb"])
def test_one_stray_notebook_leaves_a_download_of_canvas_what_it_is(handed_in, by_student, stray):
    path = handed_in({"doejane_4711_900_lab2.ipynb": A, "roejo_LATE_4712_901_lab2.ipynb": B, stray: C})
    found = by_student(path)
    assert {student: one.late for student, one in found.items()} == {"4711": False, "4712": True}
    (problem,) = find_submissions(path).problems
    assert problem.endswith(f"{stray}: belongs to no student in the layout 'canvas'")


def test_what_was_unpacked_beside_a_download_of_canvas_is_nobodys(handed_in, by_student):
    path = handed_in({"doejane_4711_900_lab2.ipynb": A, "mallory_9_901_work/doejane_4711_999_lab2.ipynb": C})
    assert by_student(path)["4711"].read() == A
