"""Whose photos these are, in every layout, and how zips within zips are read."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path

import pytest

from grader.errors import IntakeError, SubmissionError
from grader.intake.photos import MAX_PHOTO_BYTES, PhotoSubmission, find_photos
from tests.photo_class import zipped

PHOTOS = [("100_A_1.jpg", b"a"), ("100_B_1.jpg", b"b")]


def names(submission: PhotoSubmission) -> list[str]:
    return [file.name for file in submission.files()]


def contents(submission: PhotoSubmission) -> dict[str, bytes]:
    return {file.name: file.read() for file in submission.files() if not file.problem}


@pytest.mark.parametrize(
    ("files", "students"),
    [
        (["doe_1001234567.zip", "roe_1007654321.zip"], ["1001234567", "1007654321"]),
        (["doe_1001234567.zip", "s102.zip"], ["1001234567", "s102"]),
        (["doe_1001234567/hand.zip", "s102/photos/A/IMG_1.JPG"], ["1001234567", "s102"]),
        (["doejane_4711_900_doe_1001234567.zip", "roe_LATE_4712_901_roe.zip"], ["4711", "4712"]),
        (["Jane Doe_4711_assignsubmission_file_/doe_1001234567.zip"], ["4711"]),
        (["submitted/s101/lab3a/doe.zip", "submitted/s102/lab3a/roe.zip"], ["s101", "s102"]),
    ],
)
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "archive"])
def test_students_are_found_in_every_layout(
    tmp_path: Path, files: list[str], students: list[str], packed: bool
) -> None:
    inner = {name: zipped(PHOTOS) if name.endswith(".zip") else b"photo" for name in files}
    root = tmp_path / "submissions"
    if packed:
        root = tmp_path / "submissions.zip"
        root.write_bytes(zipped(inner.items()))
    else:
        for name, raw in inner.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(raw)
    found = find_photos(root)
    assert [each.student for each in found.submissions] == students
    assert all(names(each) for each in found.submissions)


@pytest.mark.parametrize("inside", ["A/IMG_1.jpg", "IMG_1.jpg", "doe/A/IMG_1.jpg", "my photos/IMG_1.jpg"])
def test_one_students_zip_is_one_student(tmp_path: Path, inside: str) -> None:
    path = tmp_path / "doe_1001234567.zip"
    path.write_bytes(zipped([(inside, b"x"), (inside.replace("1", "2").replace("A/", "B/"), b"y")]))
    (only,) = find_photos(path).submissions
    assert only.student == "1001234567"
    assert only.name == "doe"
    assert len(contents(only)) == 2


def test_what_computers_leave_behind_is_nobodys_photo(tmp_path: Path) -> None:
    litter = [("__MACOSX/A/._IMG_1.jpg", b"x"), (".DS_Store", b"y"), ("Thumbs.db", b"z"), ("A/._b.jpg", b"x")]
    (tmp_path / "doe_1001234567.zip").write_bytes(zipped([("A/b.jpg", b"photo"), *litter]))
    (only,) = find_photos(tmp_path).submissions
    assert contents(only) == {"A/b.jpg": b"photo"}


def test_zips_within_zips_are_read_and_folders_keep_their_names(tmp_path: Path) -> None:
    inner = zipped([("1.jpg", b"one"), ("2.jpg", b"two")])
    (tmp_path / "doe_1001234567.zip").write_bytes(zipped([("all/A.zip", inner), ("all/B/3.jpg", b"three")]))
    (only,) = find_photos(tmp_path).submissions
    assert contents(only) == {
        "all/A.zip/1.jpg": b"one",
        "all/A.zip/2.jpg": b"two",
        "all/B/3.jpg": b"three",
    }


def test_zips_within_zips_end_somewhere(tmp_path: Path) -> None:
    raw = zipped([("1.jpg", b"one")])
    for _ in range(6):
        raw = zipped([("again.zip", raw)])
    (tmp_path / "doe_1001234567.zip").write_bytes(raw)
    (only,) = find_photos(tmp_path).submissions
    (file,) = only.files()
    assert "deep" in file.problem


def test_many_small_archives_end_somewhere(tmp_path: Path) -> None:
    inner = zipped([("1.jpg", b"one")])
    (tmp_path / "doe_1001234567.zip").write_bytes(zipped([(f"{n}.zip", inner) for n in range(100)]))
    (only,) = find_photos(tmp_path).submissions
    files = list(only.files())
    assert 0 < sum(not file.problem for file in files) < 50
    assert any("archives" in file.problem for file in files)


@pytest.mark.parametrize(
    ("name", "said"), [("../../out.jpg", "out of the archive"), ("/etc/out.jpg", "out of the archive")]
)
def test_a_path_that_leads_out_is_named_and_not_read(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "doe_1001234567.zip").write_bytes(zipped([(name, b"x"), ("a.jpg", b"y")]))
    (only,) = find_photos(tmp_path).submissions
    problems = [file.problem for file in only.files() if file.problem]
    assert len(problems) == 1
    assert said in problems[0]


def test_a_bomb_is_named_and_not_unpacked(tmp_path: Path) -> None:
    bomb = zipped([("a.jpg", bytes(400 * 1024**2))], zipfile.ZIP_DEFLATED)
    (tmp_path / "doe_1001234567.zip").write_bytes(bomb)
    (only,) = find_photos(tmp_path).submissions
    (file,) = only.files()
    assert "300 times" in file.problem


def test_a_photo_over_the_cap_is_refused(tmp_path: Path) -> None:
    raw = os.urandom(1024**2) * (MAX_PHOTO_BYTES // 1024**2 + 1)
    (tmp_path / "doe_1001234567.zip").write_bytes(zipped([("a.jpg", raw)]))
    (only,) = find_photos(tmp_path).submissions
    for file in only.files():
        with pytest.raises(SubmissionError, match="more than 60 MB"):
            file.read()


def test_a_damaged_zip_is_its_students_problem_only(tmp_path: Path) -> None:
    (tmp_path / "doe_1001234567.zip").write_bytes(zipped(PHOTOS)[:-30])
    (tmp_path / "roe_1007654321.zip").write_bytes(zipped(PHOTOS))
    broken, whole = find_photos(tmp_path).submissions
    assert [file.problem != "" for file in broken.files()] == [True]
    assert len(contents(whole)) == 2


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    folder = tmp_path / "in" / "s101"
    folder.mkdir(parents=True)
    (folder / "a.jpg").symlink_to(tmp_path / "secret.jpg")
    (folder / "b.jpg").write_bytes(b"photo")
    link = zipfile.ZipInfo("c.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        archive.writestr(link, "../../secret.jpg")
    (only,) = find_photos(tmp_path / "in").submissions
    assert list(contents(only).values()) == [b"photo"]
    assert sum("link" in file.problem for file in only.files()) == 2


def test_where_there_are_no_photos_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "lab.ipynb").write_text("{}")
    with pytest.raises(IntakeError, match="no photos"):
        find_photos(tmp_path)
    with pytest.raises(IntakeError, match="nothing here"):
        find_photos(tmp_path / "absent")
