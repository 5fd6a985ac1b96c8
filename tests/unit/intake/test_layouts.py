"""Each layout of a course system, as files written by hand from its documentation."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from grader.errors import IntakeError
from grader.intake import find_submissions, format_names
from tests.unit.intake.conftest import notebook_bytes

A, B = notebook_bytes("a = 1"), notebook_bytes("b = 2")


def test_folder_per_student(handed_in, by_student):
    path = handed_in({"s101/lab2.ipynb": A, "s102/work/final.ipynb": B})
    found = by_student(path)
    assert {student: one.read() for student, one in found.items()} == {"s101": A, "s102": B}
    assert find_submissions(path).format == "folder"


def test_markus_download_is_a_folder_per_group(handed_in, by_student):
    path = handed_in({"group_0001/lab2.ipynb": A, "group_0001/notes.txt": b"hello"})
    assert list(by_student(path, format="markus")) == ["group_0001"]


def test_flat_files_are_named_by_their_student(handed_in, by_student):
    path = handed_in({"s101.ipynb": A, "s102.ipynb": B, "roster.csv": b"id,name"})
    intake = find_submissions(path)
    assert (list(by_student(path)), intake.format, intake.problems) == (["s101", "s102"], "flat", ())


def test_a_single_notebook_is_its_own_submission(folder, by_student):
    path = folder({"s101.ipynb": A}) / "s101.ipynb"
    assert by_student(path)["s101"].read() == A


def test_nbgrader_takes_the_time_from_timestamp_txt(handed_in, by_student):
    path = handed_in(
        {
            "submitted/s101/lab2/lab2.ipynb": A,
            "submitted/s101/lab2/timestamp.txt": b"2026-02-02 15:58:23.948203 America/Toronto",
            "submitted/s102/lab2/lab2.ipynb": B,
            "submitted/s102/lab2/timestamp.txt": b"2026-02-03 01:00:00 UTC\n",
        }
    )
    found = by_student(path)
    zone = ZoneInfo("America/Toronto")
    assert found["s101"].submitted_at == datetime(2026, 2, 2, 15, 58, 23, 948203, tzinfo=zone)
    assert found["s102"].submitted_at == datetime(2026, 2, 3, 1, tzinfo=UTC)
    assert find_submissions(path).format == "nbgrader"


def test_canvas_names_carry_user_lateness_and_attempt(handed_in, by_student):
    path = handed_in(
        {
            "doejane_4711_900_lab2.ipynb": A,
            "roejo_LATE_4712_901_lab_2.ipynb": B,
            "LATE_anon_xY9z_902_lab2.ipynb": A,
            "poesam_4713_text.html": b"<p>see my drive</p>",
        }
    )
    found = by_student(path)
    assert find_submissions(path).format == "canvas"
    assert {student: (one.name, one.late) for student, one in found.items()} == {
        "4711": ("doejane", False),
        "4712": ("roejo", True),
        "xY9z": ("", True),
        "4713": ("poesam", False),
    }
    assert found["4713"].read() == b"<p>see my drive</p>"


def test_canvas_takes_the_newest_attachment_and_says_so(handed_in, by_student):
    path = handed_in({"doejane_4711_900_lab2.ipynb": A, "doejane_4711_905_lab2-1.ipynb": B})
    submission = by_student(path)["4711"]
    assert (submission.read(), submission.problem) == (B, None)
    assert "newest of 2 notebooks" in submission.notes[0]


GRADESCOPE = b"""---
submission_31:
  :submitters:
  - :name: Jane Doe
    :sid: '1001'
    :email: jane@example.com
  - :name: Jo Roe
    :sid:
    :email: jo@example.com
  :created_at: !ruby/object:ActiveSupport::TimeWithZone
    utc: 2026-02-01 12:34:56.000000000 Z
  :score: 0.0
submission_32:
  :submitters:
  - :name: Jane Doe
    :sid: '1001'
  :created_at: '2026-02-02 08:00:00 -0500'
"""


def test_gradescope_reads_submitters_from_its_metadata(handed_in, by_student):
    path = handed_in(
        {
            "export/submission_metadata.yml": GRADESCOPE,
            "export/submission_31/lab2.ipynb": A,
            "export/submission_32/lab2.ipynb": B,
            "export/submission_33/lab2.ipynb": A,
        }
    )
    found = by_student(path)
    assert find_submissions(path).format == "gradescope"
    assert set(found) == {"1001", "jo@example.com", "submission_33"}
    assert found["jo@example.com"].submitted_at == datetime(2026, 2, 1, 12, 34, 56, tzinfo=UTC)
    assert found["1001"].read() == B
    assert found["1001"].submitted_at == datetime(2026, 2, 2, 13, tzinfo=UTC)


@pytest.mark.parametrize("metadata", [b"- a\n- b\n", b"a: [", b"a: " + b"[" * 5000])
def test_gradescope_metadata_that_is_none_is_one_clear_error(folder, metadata):
    path = folder({"submission_metadata.yml": metadata, "submission_1/lab2.ipynb": A})
    with pytest.raises(IntakeError, match=r"submission_metadata\.yml: the metadata"):
        find_submissions(path)


def test_moodle_folders_give_name_and_number(handed_in, by_student):
    path = handed_in(
        {
            "Jane Doe_512_assignsubmission_file_/lab2.ipynb": A,
            "Jo van Roe_513_assignsubmission_file/lab2.ipynb": B,
            "Sam Poe_514_assignsubmission_file_lab2.ipynb": A,
            "Ann Moe_515_assignsubmission_onlinetext_/onlinetext.html": b"<p>",
        }
    )
    found = by_student(path)
    assert find_submissions(path).format == "moodle"
    assert {student: one.name for student, one in found.items()} == {
        "512": "Jane Doe",
        "513": "Jo van Roe",
        "514": "Sam Poe",
        "515": "Ann Moe",
    }
    assert found["515"].read() == b"<p>"


@pytest.mark.parametrize("wrapper", ["submissions", "handed-in"])
def test_a_folder_packed_around_everything_is_taken_off(archive, by_student, wrapper):
    path = archive([(f"{wrapper}/s101.ipynb", A), (f"{wrapper}/s102.ipynb", B)])
    assert list(by_student(path)) == ["s101", "s102"]


def test_an_archive_of_one_students_folder_is_that_student(archive, by_student):
    assert list(by_student(archive([("s101/lab2.ipynb", A)]))) == ["s101"]


def test_a_named_format_is_used_even_where_another_fits(folder, by_student):
    path = folder({"doejane_4711_900_lab2.ipynb": A})
    assert list(by_student(path, format="flat")) == ["doejane_4711_900_lab2"]


def test_an_unknown_format_is_refused_with_the_known_ones(folder):
    with pytest.raises(IntakeError) as caught:
        find_submissions(folder({"s101.ipynb": A}), format="blackboard")
    assert all(name in caught.value.expected for name in format_names())
