"""A course's own files are found where they are convenient, and never where they could be a student's."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.workflows.upkeep.course_folder import course_folders
from tests import course


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """``course/submissions/<student>/lab.ipynb``, and a folder that has to do with neither."""
    for student in ("alice", "mallory"):
        course.hand_in(tmp_path / "course" / "submissions", student, course.GOOD)
    (tmp_path / "elsewhere").mkdir()
    return tmp_path


def content(folder: Path) -> Path:
    """Everything that a course, or a student who knows these names, puts into a folder."""
    (folder / "grader.toml").write_text('rubric = "mine"')
    course.write_rubric(folder / "rubrics", name="mine.yaml")
    return reference(folder)


def reference(folder: Path) -> Path:
    (folder / "reference").mkdir(parents=True)
    (folder / "reference" / "__init__.py").write_text("FUNCTIONS = ARCHITECTURES = {}")
    return folder


@pytest.mark.parametrize("start", [".", "course", "course/submissions", "elsewhere"])
@pytest.mark.parametrize("graded", ["mallory", "mallory/lab.ipynb", "."])
def test_nothing_comes_from_within_a_students_folder(
    root: Path, monkeypatch: pytest.MonkeyPatch, start: str, graded: str
) -> None:
    mallory = content(root / "course" / "submissions" / "mallory")
    monkeypatch.chdir(root / start)
    folders = course_folders(root / "course" / "submissions" / graded)
    assert not any(place.resolve().is_relative_to(mallory) for place in folders.places)
    assert folders.reference() is None


@pytest.mark.parametrize("graded", [".", "lab.ipynb", "../mallory", "../mallory/lab.ipynb"])
def test_a_students_folder_as_current_folder_is_refused_and_named(
    root: Path, monkeypatch: pytest.MonkeyPatch, graded: str
) -> None:
    mallory = content(root / "course" / "submissions" / "mallory")
    monkeypatch.chdir(mallory)
    folders = course_folders(Path(graded))
    assert mallory not in {place.resolve() for place in folders.places}
    assert mallory in folders.refused
    assert folders.reference() is None


@pytest.mark.parametrize("start", ["course", "course/submissions", "elsewhere"])
def test_a_student_called_reference_is_not_imported(
    root: Path, monkeypatch: pytest.MonkeyPatch, start: str
) -> None:
    course.hand_in(reference(root / "course" / "submissions"), "reference", course.GOOD)
    monkeypatch.chdir(root / start)
    assert course_folders(root / "course" / "submissions").reference() is None


@pytest.mark.parametrize("graded", ["alice", "alice/lab.ipynb", None])
def test_among_students_folders_the_one_called_reference_has_to_be_named(
    root: Path, monkeypatch: pytest.MonkeyPatch, graded: str | None
) -> None:
    reference(root / "course" / "submissions")
    monkeypatch.chdir(root / "course" / "submissions")
    try:
        assert course_folders(Path(graded) if graded else None).reference() is None
    except UsageError as refused:
        assert "--reference" in str(refused)


def test_a_class_that_a_student_made_up_gives_her_reference_no_way_in(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mallory = content(root / "course" / "submissions" / "mallory")
    for student in ("one", "two"):
        course.hand_in(mallory / "work", student, course.GOOD)
    monkeypatch.chdir(root / "elsewhere")
    with pytest.raises(UsageError, match="could be a student's"):
        course_folders(mallory / "work").reference()


@pytest.mark.parametrize("graded", ["submissions", "submissions/alice", "submissions/alice/lab.ipynb"])
def test_the_current_folder_is_the_courses_where_students_are_below_it(
    root: Path, monkeypatch: pytest.MonkeyPatch, graded: str
) -> None:
    content(root / "course")
    monkeypatch.chdir(root / "course")
    folders = course_folders(Path(graded))
    assert [place.resolve() for place in folders.places] == [root / "course"]
    assert folders.reference() == Path("reference")
    assert folders.refused == ()


def test_without_grader_toml_too(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reference(root / "course")
    monkeypatch.chdir(root / "course")
    assert course_folders(Path("submissions")).reference() == Path("reference")
    assert course_folders().reference() == Path("reference")


@pytest.mark.parametrize("start", ["elsewhere", "course/submissions"])
def test_options_beside_the_submissions_are_found_from_anywhere(
    root: Path, monkeypatch: pytest.MonkeyPatch, start: str
) -> None:
    content(root / "course")
    monkeypatch.chdir(root / start)
    folders = course_folders(root / "course" / "submissions")
    assert root / "course" in folders.places
    with pytest.raises(UsageError, match="start in that folder"):
        folders.reference()


def test_a_course_of_flat_files_and_an_archive_have_a_folder_beside_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for name in ("s101.ipynb", "s102.ipynb"):
        (flat / name).write_bytes(course.notebook(course.GOOD))
    (tmp_path / "all.zip").write_bytes(b"PK")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert course_folders(flat).beside == tmp_path
    assert course_folders(tmp_path / "all.zip").beside == tmp_path


def test_the_answers_that_come_with_the_grader_are_taken_whatever_lies_beside_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("reference/__init__.py", "demo/lab.ipynb", "notes/lab.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    submissions = tmp_path / "elsewhere" / "class"
    submissions.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError):
        course_folders(submissions).reference()
    monkeypatch.setattr("grader.workflows.upkeep.course_folder.bundled", lambda name: tmp_path / name)
    assert course_folders(submissions).reference() == Path("reference")
