import random
import stat
import zipfile

import pytest

from grader.errors import IntakeError, SubmissionError
from grader.intake import find_submissions
from grader.intake.notebook_json import MAX_BYTES
from tests.unit.intake.conftest import notebook_bytes

A, B = notebook_bytes("a = 1"), notebook_bytes("b = 2")


def refused(submission):
    """The problem of a submission that cannot be read either."""
    with pytest.raises(SubmissionError):
        submission.read()
    return submission.problem


@pytest.mark.parametrize("name", ["../evil/lab2.ipynb", "/etc/lab2.ipynb", "s101/../../lab2.ipynb"])
def test_a_climbing_or_absolute_path_becomes_nobody_elses_file(archive, by_student, tmp_path, name):
    found = by_student(archive([("s101/lab2.ipynb", A), ("evil/lab2.ipynb", A), (name, B)]))
    assert "leads out" in refused(found[name])
    assert (found["s101"].problem, found["evil"].problem) == (None, None)
    assert [path.name for path in tmp_path.iterdir()] == ["handed-in.zip"]


@pytest.mark.parametrize("name", ["s102/..\\lab2.ipynb", "s102/lab2\0.ipynb", "C:/lab2.ipynb"])
def test_names_that_other_systems_read_as_paths_are_refused(archive, name):
    intake = find_submissions(archive([("s101/lab2.ipynb", A), (zipfile.ZipInfo("x"), b"")]))
    assert intake.submissions[0].problem is None
    member = zipfile.ZipInfo("placeholder")
    member.filename = member.orig_filename = name
    found = find_submissions(archive([("s101/lab2.ipynb", A), (member, B)], name="second.zip")).submissions
    assert [one.problem for one in found if one.student != "s101"] == ["its path leads out of the archive"]


def test_a_symbolic_link_is_refused(archive, by_student):
    link = zipfile.ZipInfo("s102/lab2.ipynb")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    found = by_student(archive([("s101/lab2.ipynb", A), (link, b"/etc/passwd")]))
    assert "symbolic link" in refused(found["s102"])


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_given_twice_is_refused(archive, by_student):
    found = by_student(archive([("s101/lab2.ipynb", A), ("s101/lab2.ipynb", B), ("s102/lab2.ipynb", A)]))
    assert "notebooks" in found["s101"].problem
    assert found["s102"].problem is None


def test_a_bomb_is_refused_unopened(archive, by_student):
    found = by_student(archive([("s101/lab2.ipynb", b"0" * 20_000_000), ("s102/lab2.ipynb", A)]))
    assert "times its size" in refused(found["s101"])
    assert found["s102"].problem is None


def test_an_oversized_file_is_refused(archive, by_student):
    noise = random.Random(0).randbytes(1_000_000) * 53
    assert len(noise) > MAX_BYTES
    with pytest.raises(SubmissionError, match="too large"):
        by_student(archive([("s101/lab2.ipynb", noise)]))["s101"].read()


def test_a_file_that_claims_more_than_anybody_looks_at_is_refused_unopened(archive, by_student, monkeypatch):
    monkeypatch.setattr("grader.intake.archive.MAX_READ_BYTES", 1000)
    noise = random.Random(0).randbytes(1001)
    assert "too large" in refused(by_student(archive([("s101/lab2.ipynb", noise)]))["s101"])


def test_a_file_that_lies_about_its_size_gives_no_more_than_it_claimed(archive, by_student):
    path = archive([("s101/lab2.ipynb", b"0" * 500_000)])
    raw = bytearray(path.read_bytes())
    true_size, claimed = (500_000).to_bytes(4, "little"), (100).to_bytes(4, "little")
    path.write_bytes(raw.replace(true_size, claimed))
    with pytest.raises(SubmissionError, match="cannot be unpacked"):
        by_student(path)["s101"].read()


def test_an_encrypted_file_is_refused(archive, by_student):
    path = archive([("s101/lab2.ipynb", A)])
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    assert "encrypted" in refused(by_student(path)["s101"])


@pytest.mark.parametrize("raw", [b"", b"no zip at all", b"PK\x05\x06" + b"\0" * 10])
def test_what_is_no_archive_is_one_clear_error(tmp_path, raw):
    path = tmp_path / "all.zip"
    path.write_bytes(raw)
    with pytest.raises(IntakeError, match="no readable zip"):
        find_submissions(path)
