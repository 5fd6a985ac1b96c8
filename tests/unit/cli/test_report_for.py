"""`grader report --for`: feedback as course systems take it, and as mails."""

from __future__ import annotations

import email
import email.policy
import zipfile
from pathlib import Path

import pytest

from grader.intake import find_submissions
from tests import course

NAMES = {
    "canvas": ("doejane_12_345_lab.ipynb", "roerich_LATE_13_346_lab.ipynb"),
    "moodle": (
        "Jane Doe_12_assignsubmission_file_/lab.ipynb",
        "Rich Roe_13_assignsubmission_file_/lab.ipynb",
    ),
    "markus": ("group_12/lab.ipynb", "group_13/lab.ipynb"),
}


def hand_in(lab: Path, grader, system: str) -> None:
    with zipfile.ZipFile(lab / "in.zip", "w") as archive:
        for name, source in zip(NAMES[system], (course.GOOD, course.SHADOWING), strict=True):
            archive.writestr(name, course.notebook(source))
    assert grader("run", "in.zip", "--rubric", "mini", "--format", system).code == 0


def packed(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.mark.parametrize("system", sorted(NAMES))
def test_what_goes_back_is_whose_it_was(lab: Path, grader, system: str) -> None:
    hand_in(lab, grader, system)
    ended = grader("report", "-a", "mini", "--for", system, "--out", "back.zip", "--unreleased")
    assert ended.code == 0
    assert "feedback of 2 students is in back.zip" in ended.out
    assert "points still wait for a TA: " in ended.err
    files = packed(lab / "back.zip")
    # The importers find a student as intake does: the page under each name is that student's.
    owners = {}
    with zipfile.ZipFile(lab / "again.zip", "w") as again:
        for name in files:
            again.writestr(name.replace("mini-feedback.html", "lab.ipynb"), course.notebook("1"))
    for submission in find_submissions(lab / "again.zip", format=system).submissions:
        owners[submission.student] = submission
    expected = {student.student for student in find_submissions(lab / "in.zip", format=system).submissions}
    assert set(owners) == expected
    shadowing = [name for name, page in files.items() if "<code>sum</code>" in page]
    assert len(shadowing) == 1
    assert "13" in shadowing[0]


def test_who_cannot_be_named_to_the_system_is_told_and_not_dropped_silently(graded: Path, grader) -> None:
    ended = grader("report", "-a", "mini", "--for", "canvas", "--out", "back.zip", "--unreleased")
    assert ended.code == 1
    assert "no report for s1, s2: what was handed in does not carry canvas's name for it" in ended.err


def test_nothing_goes_back_before_it_is_released(graded: Path, grader) -> None:
    refused = grader("report", "-a", "mini", "--for", "markus", "--out", "back.zip")
    assert refused.code == 2
    assert "no marks of mini are released" in refused.err
    assert not (graded / "back.zip").exists()


def test_marks_go_back_as_they_were_released(graded: Path, grader) -> None:
    assert grader("release", "now", "-a", "mini", "--yes").code == 0
    assert (
        grader(
            "mark", "s1", "-a", "mini", "--criterion", "why", "--points", "1", "--comment", "AFTERWARDS"
        ).code
        == 0
    )
    ended = grader("report", "-a", "mini", "--for", "markus", "--out", "back.zip")
    assert ended.code == 0, ended.err
    assert "AFTERWARDS" not in packed(graded / "back.zip")["s1/mini-feedback.html"]
    grader("report", "-a", "mini", "--for", "markus", "--out", "now.zip", "--unreleased")
    assert "AFTERWARDS" in packed(graded / "now.zip")["s1/mini-feedback.html"]


def test_mails_are_drafts_without_a_mark_in_their_text(graded: Path, grader) -> None:
    (graded / "roster.csv").write_text(
        "student,name,email\ns1,Ann Ash,ann@uni.example\ns2,Ben,not an address\n"
    )
    ended = grader(
        "report", "-a", "mini", "--for", "mail", "--out", "mails", "--unreleased", "--roster", "roster.csv",
        "--mail-from", "course@uni.example",
    )  # fmt: skip
    assert ended.code == 1
    assert "no report for s2: their address is none" in ended.err
    (path,) = (graded / "mails").iterdir()
    mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert mail["To"] == "Ann Ash <ann@uni.example>"
    assert mail["From"] == "course@uni.example"
    assert mail["X-Unsent"] == "1"
    text = mail.get_body(("plain",)).get_content()
    assert "Hello Ann Ash," in text
    assert not [character for character in text if character.isdigit()]
    (page,) = mail.iter_attachments()
    assert page.get_filename() == "mini-feedback.html"
    assert "A small lab" in page.get_content()


def test_a_name_cannot_add_to_the_head_of_a_mail(graded: Path, grader) -> None:
    rows = '"s1","Ann\nBcc: all@uni.example","ann@uni.example"\n"s2",Ben,"b@uni.example\nBcc: x@y.example"\n'
    (graded / "roster.csv").write_text("student,name,email\n" + rows)
    ended = grader(
        "report", "-a", "mini", "--for", "mail", "--out", "mails", "--unreleased", "--roster", "roster.csv"
    )
    assert "no report for s2" in ended.err
    for path in (graded / "mails").iterdir():
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        assert mail["Bcc"] is None
        assert str(mail["To"]).endswith("<ann@uni.example>")


def test_what_goes_with_for_is_refused_without_it(graded: Path, grader) -> None:
    assert grader("report", "-a", "mini", "--out", "r", "--unreleased").code == 2
    unknown = grader("report", "-a", "mini", "--for", "blackboard", "--out", "r.zip")
    assert unknown.code == 2
    assert "canvas, moodle, markus, mail" in unknown.err
