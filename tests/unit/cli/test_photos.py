"""`grader photos` as a TA types it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from grader.photos import packages
from tests.photo_class import jpeg, zipped


@pytest.fixture
def submissions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three students with one photo each of A and B, and a rubric for them."""
    import numpy as np

    from grader.samples.datasets.gestures import draw_looks, draw_photos

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRADER_USER", "ta")
    folder = tmp_path / "submissions"
    folder.mkdir()
    for student in range(3):
        rng = np.random.default_rng(student)
        looks = draw_looks(rng, 1)
        number = 1001234567 + student
        files = [
            (f"{number}_{letter}_1.jpg", jpeg(draw_photos(rng, letter, looks, takes=1)[0])) for letter in "AB"
        ]
        if student == 0:
            dark = Image.open(io.BytesIO(files[0][1])).point(lambda value: value // 5)
            files[0] = (files[0][0], jpeg(dark))
        (folder / f"doe{student}_{number}.zip").write_bytes(zipped(files))
    rubrics = tmp_path / "rubrics"
    rubrics.mkdir()
    (rubrics / "lab3a.yaml").write_text(
        "assignment: lab3a\ntitle: Photos\ntotal: 4\ncriteria:\n"
        "- {id: all, title: All, points: 2, check: photo_count, letters: AB, each: 1}\n"
        "- {id: lit, title: Lit, points: 2, check: photo_hints, look_for: [dark], of: 2}\n"
    )
    return folder


def test_from_zips_to_marks_and_to_a_data_set(submissions: Path, grader) -> None:  # type: ignore[no-untyped-def]
    assert "6 photos of 3 students" in grader("photos", "collect", "submissions", "--into", "photos").out
    checked = grader("photos", "check", "photos", "--jobs", "1")
    assert checked.code == 0
    assert "1001234567  lab3a       COMPLETED       3       4        1" in checked.out
    sheet = (submissions.parent / "photos" / "sheets" / "1001234567.html").read_text(encoding="utf-8")
    assert "it looks dark" in sheet
    decided = grader("photos", "decide", "photos", "1001234567", "--accept", "A1", "--as", "ann")
    assert "lit 1 -> 2 of 2" in decided.out
    assert "ann" in grader("show", "1001234567", "--assignment", "lab3a", "--history").out
    Path("consent.csv").write_text("student,consent\n" + "".join(f"{1001234567 + n},yes\n" for n in range(3)))
    assert "6 photos of 3 people" in grader("photos", "consolidate", "photos", "--consent", "consent.csv").out
    assert "6 photos of 3 people" in grader("photos", "anonymize", "photos", "--out", "data").out
    assert "wrote data/CARD.md" in grader("photos", "card", "data").out
    assert {path.name for path in Path("data").iterdir()} == {
        "train",
        "val",
        "test",
        "dataset.json",
        "CARD.md",
    }


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["check", "absent"], "holds no collected photos"),
        (["check", "photos", "--rubric", "lab2"], "judges no photos"),
        (["collect", "submissions", "--into", "submissions/photos"], "the folder that they come from"),
        (["collect", "submissions", "--into", "rubrics"], "holds something else"),
        (["decide", "photos", "1001234567", "--accept", "Z9"], "has no photo 'Z9'"),
        (["decide", "photos", "1001234567"], "nothing is said"),
        (["consolidate", "photos", "--consent", "empty.csv"], "too few people"),
        (["anonymize", "photos", "--out", "rubrics"], "a folder of its own"),
        (["card", "rubrics"], "cannot be read"),
    ],
)
def test_what_cannot_be_says_what_to_do(  # type: ignore[no-untyped-def]
    submissions: Path, grader, command: list[str], said: str
) -> None:
    grader("photos", "collect", "submissions", "--into", "photos")
    if "consolidate" in command or "decide" in command or "anonymize" in command:
        grader("photos", "check", "photos", "--jobs", "1")
    Path("empty.csv").write_text("student,consent\n")
    if "anonymize" in command:
        Path("all.csv").write_text("student,consent\n" + "".join(f"{1001234567 + n},yes\n" for n in range(3)))
        grader("photos", "decide", "photos", "1001234567", "--accept", "A1")
        grader("photos", "consolidate", "photos", "--consent", "all.csv")
    ended = grader("photos", *command)
    assert ended.code == 2
    assert said in ended.err


def test_run_says_who_judges_photos(submissions: Path, grader) -> None:  # type: ignore[no-untyped-def]
    ended = grader("run", "submissions", "--rubric", "lab3a")
    assert ended.code == 2
    assert "grader photos collect" in ended.err


def test_stored_photos_are_not_run_again_as_notebooks(submissions: Path, grader) -> None:  # type: ignore[no-untyped-def]
    grader("photos", "collect", "submissions", "--into", "photos")
    grader("photos", "check", "photos", "--jobs", "1")
    ended = grader("regrade", "--assignment", "lab3a", "--rerun")
    assert ended.code == 2
    assert "this rubric judges photos" in ended.err


def test_without_its_packages_it_says_how_to_install_them(  # type: ignore[no-untyped-def]
    submissions: Path, grader, monkeypatch: pytest.MonkeyPatch
) -> None:
    grader("photos", "collect", "submissions", "--into", "photos")
    monkeypatch.setitem(packages.PACKAGES, "no_such_package", "pillow-heif")
    ended = grader("photos", "check", "photos")
    assert ended.code == 2
    assert "pip install 'grader[photos]'" in ended.err
