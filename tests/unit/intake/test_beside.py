"""What a student hands in with the notebook, and what of it is taken."""

from __future__ import annotations

import io
import stat
import zipfile

import pytest

from grader.intake import beside as rules
from grader.intake import find_submissions, parse_notebook
from grader.intake.beside import beside_in_archive, packed
from tests.unit.intake.conftest import notebook_bytes

A, B = notebook_bytes("a = 1"), notebook_bytes("b = 2")
HELPER = b"def double_all(numbers):\n    return [2 * n for n in numbers]\n"


def files(submission):
    return dict(submission.beside().files)


def zipped(members):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


def test_files_of_the_notebooks_folder_come_with_it(handed_in, by_student):
    path = handed_in(
        {
            "s1/lab.ipynb": A,
            "s1/helper.py": HELPER,
            "s1/data/table.csv": b"1,2",
            "s1/empty.txt": b"",
            "s2/lab.ipynb": B,
        }
    )
    found = by_student(path)
    assert files(found["s1"]) == {"helper.py": HELPER, "data/table.csv": b"1,2", "empty.txt": b""}
    assert files(found["s2"]) == {}


def test_they_lie_as_they_lay_beside_it(handed_in, by_student):
    path = handed_in({"s1/work/lab.ipynb": A, "s1/work/helper.py": HELPER, "s1/readme.md": b"hello"})
    beside = by_student(path)["s1"].beside()
    assert dict(beside.files) == {"helper.py": HELPER}
    assert beside.left_out == ("s1/readme.md: does not lie below the notebook's folder",)


def test_one_students_files_are_no_other_students(handed_in, by_student):
    found = by_student(handed_in({"s1.ipynb": A, "s2.ipynb": B, "helper.py": HELPER}))
    assert files(found["s1"]) == files(found["s2"]) == {}


def test_what_the_course_system_wrote_and_litter_are_not_taken(handed_in, by_student):
    path = handed_in(
        {
            "submitted/s1/lab/lab.ipynb": A,
            "submitted/s1/lab/timestamp.txt": b"2026-02-02 15:58:23 UTC",
            "submitted/s1/lab/.DS_Store": b"x",
            "submitted/s1/lab/.ipynb_checkpoints/lab-checkpoint.ipynb": A,
            "submitted/s1/lab/helper.py": HELPER,
        }
    )
    assert files(by_student(path)["s1"]) == {"helper.py": HELPER}


def test_canvas_puts_more_before_a_name_than_its_student_did(handed_in, by_student):
    path = handed_in({"doejane_17_101_lab.ipynb": A, "doejane_17_102_helper.py": HELPER})
    assert files(by_student(path)["17"]) == {"helper.py": HELPER}


def test_a_notebook_for_another_lab_is_no_file_of_this_one(handed_in, by_student):
    path = handed_in({"s1/lab1.ipynb": A, "s1/lab2.ipynb": B, "s1/helper.py": HELPER})
    found = find_submissions(path, assignment_of=lambda raw: "one" if raw == A else "two").submissions
    assert [files(each) for each in found] == [{"helper.py": HELPER}] * 2


def test_links_are_named_and_not_followed(folder, by_student, tmp_path):
    path = folder({"s1/lab.ipynb": A})
    (tmp_path / "secret").write_text("secret")
    (path / "s1" / "secret.txt").symlink_to(tmp_path / "secret")
    beside = by_student(path)["s1"].beside()
    assert beside.files == ()
    assert "symbolic link" in beside.left_out[0]


@pytest.mark.parametrize(
    ("limit", "value", "why"),
    [
        ("_MOST_FILES", 2, "there are more than 2 files"),
        ("_MOST_BYTES", 25, "all files together have more than"),
        ("_LONGEST_PATH", 4, "its path is too long"),
    ],
)
def test_what_is_more_than_is_taken_is_named(handed_in, by_student, monkeypatch, limit, value, why):
    path = handed_in({"s1/lab.ipynb": A, **{f"s1/{name}.txt": b"0123456789" for name in "abc"}})
    monkeypatch.setattr(rules, limit, value)
    beside = by_student(path)["s1"].beside()
    assert len(beside.files) + len(beside.left_out) == 3
    assert why in beside.left_out[-1]


def test_many_that_are_left_out_are_counted(handed_in, by_student, monkeypatch):
    path = handed_in({"s1/lab.ipynb": A, **{f"s1/{at}.txt": b"0" for at in range(20)}})
    monkeypatch.setattr(rules, "_MOST_FILES", 0)
    assert by_student(path)["s1"].beside().left_out[-1] == "and 15 more"


def test_packed_they_are_a_notebook_with_files_beside_it():
    given = (("helper.py", HELPER), ("data/empty.csv", b""))
    raw = packed("lab.ipynb", A, given)
    assert parse_notebook(raw) == parse_notebook(A)
    assert dict(beside_in_archive(raw).files) == dict(given)


def test_equal_files_are_packed_alike_whatever_their_order():
    one, other = ("a.py", b"1"), ("b.py", b"2")
    assert packed("lab.ipynb", A, (one, other)) == packed("lab.ipynb", A, (other, one))
    assert packed("lab.ipynb", A, (one,)) != packed("lab.ipynb", A, (("a.py", b"2"),))


def test_a_notebook_alone_is_kept_as_it_came():
    assert packed("lab.ipynb", A, ()) == A
    assert beside_in_archive(A).files == ()


def test_in_a_students_own_zip_files_lie_beside_the_notebook_in_it():
    raw = zipped({"work/lab.ipynb": A, "work/helper.py": HELPER, "other/x.txt": b"x", "__MACOSX/._lab": b""})
    assert dict(beside_in_archive(raw).files) == {"helper.py": HELPER}


@pytest.mark.parametrize("name", ["../out.py", "/etc/out.py", "a/../../out.py", "a\\..\\out.py", "a\nb.py"])
def test_no_path_leads_out_of_the_folder(name):
    raw = zipped({"lab.ipynb": A, name: HELPER})
    taken = beside_in_archive(raw).files
    assert all(".." not in path and not path.startswith("/") and path.isprintable() for path, _ in taken)
    assert name not in dict(taken)


def test_a_link_in_a_zip_is_no_file():
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("lab.ipynb", A)
        link = zipfile.ZipInfo("out")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert beside_in_archive(made.getvalue()).files == ()


@pytest.mark.parametrize("raw", [b"PK\x03\x04 cut short", zipped({"x.txt": b"x"}), b"", b"\x1f\x8b"])
def test_where_no_notebook_can_be_read_nothing_lies_beside_it(raw):
    assert beside_in_archive(raw).files == ()
