"""What a course system wants a file called that goes back: read by the rules of its own importer."""

from __future__ import annotations

import re
from pathlib import PurePath

import pytest

from grader.intake.sent_back import place_for

FILE = "lab2-feedback.html"


def canvas_reads(name: str) -> tuple[str, str]:
    """User and attachment, as canvas-lms takes them from a name."""
    user, attachment = [part for part in name.split("_") if re.fullmatch(r"\d+", part)][:2]
    return user, attachment


def moodle_reads(path: str) -> tuple[str, str, str]:
    """Participant and plug-in, as Moodle takes them from the first part of a path that has them."""
    for part in path.split("/"):
        info = part.split("_", 4)
        if len(info) >= 4 and info[1].isdigit():
            return info[1], info[2], info[3]
    raise AssertionError(f"Moodle finds nobody in {path}")


@pytest.mark.parametrize("name", ["doejane_12_345_lab2.ipynb", "doejane_LATE_12_345_my lab_2.ipynb"])
def test_canvas_finds_user_and_attachment_again(name: str) -> None:
    place = place_for("canvas", "12", PurePath("submissions.zip") / name, FILE)
    assert place is not None
    assert canvas_reads(place) == ("12", "345")
    assert place.endswith(f"_345_{FILE}")
    assert ("_LATE_" in place) is ("_LATE_" in name)


def test_canvas_knows_anonymous_files_by_their_own_id() -> None:
    place = place_for("canvas", "aB3x9", PurePath("s.zip/anon_aB3x9_345_lab2.ipynb"), FILE)
    assert place == f"anon_aB3x9_345_{FILE}"


@pytest.mark.parametrize(
    "path", ["Jane Doe_12_assignsubmission_file_/lab2.ipynb", "Jane Doe_12_assignsubmission_file_lab2.ipynb"]
)
def test_moodle_finds_participant_and_plugin_again(path: str) -> None:
    place = place_for("moodle", "12", PurePath("download.zip") / path, FILE)
    assert place == f"Jane Doe_12_assignsubmission_file_/{FILE}"
    assert moodle_reads(place) == ("12", "assignsubmission", "file")


def test_markus_finds_the_groups_folder() -> None:
    assert (
        place_for("markus", "group_0007", PurePath("s/group_0007/lab2.ipynb"), FILE) == f"group_0007/{FILE}"
    )


@pytest.mark.parametrize(
    ("system", "student", "path"),
    [
        ("canvas", "s101", "submissions/s101/lab2.ipynb"),
        ("canvas", "12", "submissions/doejane_13_345_lab2.ipynb"),
        ("canvas", "12", "submissions/doejane_12_text.html"),
        ("canvas", "s101", "submissions/s101/roe_13_345_lab2.ipynb"),
        ("moodle", "s101", "submissions/s101/Roe_13_assignsubmission_file_/lab2.ipynb"),
        ("moodle", "12", "submissions/Jane Doe_13_assignsubmission_file_/lab2.ipynb"),
        ("markus", "s101", "submissions/s101.ipynb"),
    ],
)
def test_nobody_is_guessed(system: str, student: str, path: str) -> None:
    assert place_for(system, student, PurePath(path), FILE) is None
