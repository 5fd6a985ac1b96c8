import os
import subprocess

import pytest

from grader.errors import IntakeError, SubmissionError
from grader.intake import find_submissions
from grader.intake.identity import normalise_id
from grader.intake.notebook_json import MAX_BYTES
from tests.unit.intake.conftest import notebook_bytes

A, B = notebook_bytes("a = 1"), notebook_bytes("b = 2")


def test_two_notebooks_without_times_are_a_problem_that_names_both(handed_in, by_student):
    path = handed_in({"s101/lab2.ipynb": A, "s101/lab2-Copy1.ipynb": B, "s102/lab2.ipynb": A})
    found = by_student(path)
    assert "lab2.ipynb" in found["s101"].problem
    assert "lab2-Copy1.ipynb" in found["s101"].problem
    assert found["s102"].problem is None


def test_notebooks_for_different_assignments_are_kept_apart(folder):
    path = folder({"s101/one.ipynb": A, "s101/two.ipynb": B})
    intake = find_submissions(path, assignment_of=lambda raw: "lab1" if raw == A else "lab2")
    assert [(one.student, one.problem) for one in intake.submissions] == [("s101", None), ("s101", None)]


def test_notebooks_for_the_same_assignment_still_are_a_problem(folder, by_student):
    path = folder({"s101/one.ipynb": A, "s101/two.ipynb": B})
    assert "2 notebooks" in by_student(path, assignment_of=lambda raw: "lab1")["s101"].problem


def test_a_folder_without_a_notebook_is_a_row_with_what_was_found(folder, by_student):
    several = {"s104/lab2.pdf": b"%PDF", "s104/lab2.py": b"x = 1"}
    path = folder({"s101/lab2.ipynb": A, "s102/lab2.pdf": b"%PDF", "s103": None, **several})
    found = by_student(path)
    assert (found["s102"].problem, found["s102"].read()) == (None, b"%PDF")
    assert found["s103"].problem == "nothing was handed in"
    assert found["s104"].problem == "there is no notebook in what came: lab2.pdf, lab2.py"


def test_a_student_with_nothing_but_litter_or_an_empty_folder_is_not_lost(folder, archive, by_student):
    files = {"s101/lab2.ipynb": A, "s102/.DS_Store": b"x", "s103/.ipynb_checkpoints/lab2-checkpoint.ipynb": B}
    zipped = archive([*files.items(), ("s104/", b""), ("s101/work/", b""), ("__MACOSX/s105/", b"")])
    for path, empty in ((folder({**files, "s104": None}), 3), (zipped, 3)):
        found = by_student(path)
        assert len(found) == 1 + empty
        assert found["s101"].problem is None
        assert all(found[f"s10{number}"].problem == "nothing was handed in" for number in (2, 4))
        assert found["s103"].problem == (
            "only a copy that Jupyter keeps for itself came: lab2-checkpoint.ipynb;"
            " to do: hand in the notebook itself"
        )


def test_what_a_mac_writes_beside_a_notebook_is_no_copy_of_it(folder, by_student):
    beside = {"s102/__MACOSX/._lab2.ipynb": b"x", "s103/._lab2.ipynb": b"x"}
    found = by_student(folder({"s101/lab2.ipynb": A, **beside}))
    assert all(found[student].problem == "nothing was handed in" for student in ("s102", "s103"))


def test_what_nobody_hands_in_is_ignored_with_a_note(handed_in):
    path = handed_in(
        {
            "s101/lab2.ipynb": A,
            "s101/.ipynb_checkpoints/lab2-checkpoint.ipynb": B,
            "__MACOSX/s101/._lab2.ipynb": b"\0",
            ".DS_Store": b"\0",
        }
    )
    intake = find_submissions(path)
    assert [one.read() for one in intake.submissions] == [A]
    assert intake.problems == ("3 files that nobody hands in were ignored (.DS_Store, checkpoints)",)


def test_a_file_of_nobody_is_reported(folder):
    path = folder({"s101.ipynb": A, "slides.pdf": b"%PDF", "s102.xyz": b"<p>"})
    (one, two) = find_submissions(path).problems
    assert one.endswith("s102.xyz: belongs to no student in the layout 'flat'")
    assert two.endswith("slides.pdf: belongs to no student in the layout 'flat'")


@pytest.mark.parametrize(
    "name", ["s102.html", "s102.zip", "s102.PDF", "s102.py", "s102.docx", "s102.ipynb.txt"]
)
def test_what_is_handed_in_instead_beside_flat_notebooks_is_a_row_and_not_silence(folder, by_student, name):
    found = by_student(folder({"s101.ipynb": A, name: b"something"}))
    assert found["s102"].read() == b"something"


@pytest.mark.parametrize("files", [{}, {"notes.txt": b"x"}, {"s101/report.pdf": b"%PDF"}])
def test_a_folder_without_any_notebook_is_an_error(folder, tmp_path, files):
    (tmp_path / "handed-in").mkdir()
    with pytest.raises(IntakeError, match="no notebooks were found"):
        find_submissions(folder(files))


def test_an_archive_in_the_folder_is_pointed_to(folder):
    with pytest.raises(IntakeError) as caught:
        find_submissions(folder({"all.zip": b"PK"}))
    assert caught.value.todo.endswith("all.zip")


def test_a_missing_path_is_an_error(tmp_path):
    with pytest.raises(IntakeError, match="nothing here"):
        find_submissions(tmp_path / "absent")


def test_links_and_pipes_are_refused_and_never_opened(folder, by_student, tmp_path):
    secret = tmp_path / "secret.ipynb"
    secret.write_bytes(B)
    path = folder({"s101/lab2.ipynb": A, "s102": None, "s103": None})
    (path / "s102" / "lab2.ipynb").symlink_to(secret)
    os.mkfifo(path / "s103" / "lab2.ipynb")
    found = by_student(path)
    assert "symbolic link" in found["s102"].problem
    assert "named pipe" in found["s103"].problem
    for student in ("s102", "s103"):
        with pytest.raises(SubmissionError):
            found[student].read()


def test_a_linked_folder_is_not_entered(folder, by_student, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "lab2.ipynb").write_bytes(B)
    path = folder({"s101/lab2.ipynb": A, "s102": None})
    (path / "s102" / "work").symlink_to(outside)
    assert "symbolic link" in by_student(path)["s102"].problem


def test_a_student_s_folder_that_is_a_link_is_a_row_that_waits(folder, by_student, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "lab2.ipynb").write_bytes(B)
    path = folder({"s101/lab2.ipynb": A, "s101/data/points.csv": b"1"})
    (path / "s102").symlink_to(outside)
    (path / "s103").symlink_to(tmp_path / "nowhere")
    (path / "s101" / "more").symlink_to(outside)
    found = by_student(path)
    assert find_submissions(path).problems == ()
    for student in ("s102", "s103"):
        assert "symbolic link, not a folder" in found[student].problem
        with pytest.raises(SubmissionError):
            found[student].read()
    assert [name for name, _ in found["s101"].beside().files] == ["data/points.csv"]
    assert "symbolic link" in found["s101"].beside().left_out[0]


def test_a_class_of_nothing_but_links_is_told_that_links_are_not_followed(folder, tmp_path):
    path = folder({"s101": None})
    (path / "s101").rmdir()
    (path / "s101").symlink_to(tmp_path)
    with pytest.raises(IntakeError, match="no notebooks") as caught:
        find_submissions(path)
    assert "symbolic links, which are not followed" in caught.value.found
    assert "cp -rL" in caught.value.todo


def test_the_folder_of_submissions_may_itself_be_a_link(folder, by_student, tmp_path):
    folder({"s101/lab2.ipynb": A})
    (tmp_path / "here").symlink_to(tmp_path / "handed-in")
    assert by_student(tmp_path / "here")["s101"].read() == A


def test_a_file_exchanged_for_a_link_after_listing_is_not_followed(folder, by_student, tmp_path):
    secret = tmp_path / "secret.ipynb"
    secret.write_bytes(B)
    path = folder({"s101/lab2.ipynb": A})
    submission = by_student(path)["s101"]
    (path / "s101" / "lab2.ipynb").unlink()
    (path / "s101" / "lab2.ipynb").symlink_to(secret)
    with pytest.raises(SubmissionError, match="cannot be read"):
        submission.read()


def test_an_oversized_file_is_refused(folder, by_student):
    path = folder({"s101/lab2.ipynb": A})
    os.truncate(path / "s101" / "lab2.ipynb", MAX_BYTES + 1)
    with pytest.raises(SubmissionError, match="too large"):
        by_student(path)["s101"].read()


@pytest.fixture
def deep_folder(folder):
    """A student's folder nested deeper than Python's calls may be, and than its own rmtree can remove."""
    path = folder({"s101/lab2.ipynb": A})
    here = os.open(path / "s101", os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    yield path
    subprocess.run(["rm", "-rf", path / "s101" / "d"], check=True)


def test_folders_nested_deeper_than_python_can_recurse_are_listed(deep_folder, by_student):
    assert by_student(deep_folder)["s101"].read() == A


@pytest.mark.parametrize("name", ["-rf", "'; DROP TABLE marks; --", 'a"b', "$(id)", "a b", "名前"])
def test_odd_names_are_stored_literally(folder, by_student, name):
    assert by_student(folder({f"{name}/lab2.ipynb": A}))[name].read() == A


def test_look_alike_ids_are_flagged_on_both(folder, by_student):
    path = folder({"paul/lab2.ipynb": A, "рaul/lab2.ipynb": B, "mary/lab2.ipynb": A})
    found = by_student(path)
    assert all("look alike" in found[student].notes[0] for student in ("paul", "рaul"))
    assert found["mary"].notes == ()
    assert len(find_submissions(path).problems) == 1


#: Two ways to write one id each: é as one character and as two, a full-width s, a ligature, a space behind.
TWINS = [("jos\u00e9", "jose\u0301"), ("s101", "\uff53101"), ("finn", "\ufb01nn"), ("s101", "s101 ")]


@pytest.mark.parametrize(("one", "other"), TWINS)
@pytest.mark.parametrize("second", [{"lab2.ipynb": B}, {"lab2.ipynb": A}, {"lab2.pdf": b"%PDF"}])
def test_names_that_become_one_id_are_one_row_that_waits_and_tells_each_path_apart(
    handed_in, by_student, one, other, second
):
    more = {f"{other}/{name}": raw for name, raw in second.items()}
    found = by_student(handed_in({f"{one}/lab2.ipynb": A, **more, "s9/lab2.ipynb": A}))
    assert set(found) == {normalise_id(one), "s9"}
    problem = found[normalise_id(one)].problem
    assert "whose is which cannot be told" in problem
    for path in (f"{one}/lab2.ipynb", *more):
        assert ascii(path) in problem


@pytest.mark.parametrize(("one", "other"), TWINS)
def test_flat_names_that_become_one_id_wait_as_well(handed_in, by_student, one, other):
    found = by_student(handed_in({f"{one}.ipynb": A, f"{other}.ipynb": B, "s9.ipynb": A}))
    assert "whose is which cannot be told" in found[normalise_id(one)].problem


def test_a_name_with_an_empty_folder_beside_its_twin_is_no_settled_zero(folder, by_student):
    found = by_student(folder({"jos\u00e9/lab2.ipynb": A, "jose\u0301": None}))
    assert "whose is which cannot be told" in found["jos\u00e9"].problem


def test_names_that_become_one_id_stand_for_it_with_a_notebook_for_each_assignment(folder):
    path = folder({"jos\u00e9/one.ipynb": A, "jos\u00e9/help.py": b"", "jose\u0301/two.ipynb": B})
    intake = find_submissions(path, assignment_of=lambda raw: "lab1" if raw == A else "lab2")
    assert [(one.student, one.problem) for one in intake.submissions] == [("jos\u00e9", None)] * 2


def test_a_notebook_that_was_saved_twice_is_one_notebook_with_a_note(handed_in, by_student):
    found = by_student(handed_in({"s101/lab2 (1).ipynb": A, "s101/lab2.ipynb": A, "s102/lab2.ipynb": B}))
    assert found["s101"].problem is None
    assert found["s101"].read() == A
    assert "2 notebooks with the same content came" in found["s101"].notes[0]


def test_an_empty_folder_beside_one_that_cannot_be_entered_is_not_nothing(folder, by_student, tmp_path):
    path = folder({"s101/lab2.ipynb": A, "s102/empty": None})
    (path / "s102" / "work").symlink_to(tmp_path)
    assert "symbolic link" in by_student(path)["s102"].problem


def test_names_in_a_zip_of_a_mac_are_read_as_the_folder_s_are(archive, by_student):
    # A Mac writes UTF-8 and sets no flag that says so; Python sets it for names that are not ASCII.
    path = archive([("jose\u0301/lab2.ipynb", A), ("s102/lab2.ipynb", B)])
    raw = path.read_bytes()
    for header, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        place = raw.index(header) + flags
        raw = (
            raw[:place]
            + (int.from_bytes(raw[place : place + 2], "little") & ~0x800).to_bytes(2, "little")
            + raw[place + 2 :]
        )
    path.write_bytes(raw)
    assert set(by_student(path)) == {"jos\u00e9", "s102"}
    assert by_student(path)["jos\u00e9"].read() == A


def test_a_direction_mark_in_a_name_is_written_out_and_noted(folder, by_student):
    path = folder({"abc\u202edef/lab2.ipynb": A})
    assert "cannot be seen" in by_student(path)["abc<U+202E>def"].notes[0]


def test_a_name_that_is_no_text_is_written_out(folder, by_student):
    path = folder({os.fsdecode(b"s\xff1/lab2.ipynb"): A})
    (student,) = by_student(path)
    assert student.encode() == b"s<U+DCFF>1"


@pytest.mark.parametrize(("most", "fits"), [(4, False), (5, True)])
def test_more_files_than_any_class_hands_in_are_refused_with_who_has_them(handed_in, monkeypatch, most, fits):
    for module in ("entries", "folder", "archive"):
        monkeypatch.setattr(f"grader.intake.{module}.MAX_ENTRIES", most)
    path = handed_in({"s101/lab2.ipynb": A, "s102/lab2.ipynb": A, **{f"s103/{i}.txt": b"" for i in range(3)}})
    if fits:
        assert len(find_submissions(path).submissions) == 3
        return
    with pytest.raises(IntakeError, match="too many files") as caught:
        find_submissions(path)
    assert caught.value.expected == "at most 4"
    assert caught.value.found == "s103 alone holds 3 of them"
