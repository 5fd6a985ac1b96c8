from __future__ import annotations

from pathlib import Path

import pytest

from grader.errors import IntakeError
from grader.intake.roster import Roster, read_roster


def roster(tmp_path: Path, text: str, encoding: str = "utf-8") -> Roster:
    path = tmp_path / "roster.csv"
    path.write_bytes(text.encode(encoding))
    return read_roster(path)


PLAIN = """\
UTORid,Student Number,Last Name,First Name,Email,Section
doej,1001,Doe,Jane,jane.doe@mail.example,LEC0101
smithj,1002,Smith,John,john@mail.example,LEC0201
"""


@pytest.mark.parametrize(
    "given",
    ["doej", "DOEJ", " 1001 ", "jane.doe@mail.example", "jane.doe", "Doe, Jane", "Jane Doe", "doejane"],
)
def test_a_student_is_found_by_any_id_and_by_the_whole_name(tmp_path: Path, given: str) -> None:
    found = roster(tmp_path, PLAIN).find(given)
    assert found is not None
    assert (found.student, found.name, found.section) == ("doej", "Doe, Jane", "LEC0101")


@pytest.mark.parametrize("given", ["doe", "jane", "", "100", "Smith Jane"])
def test_parts_of_ids_and_names_find_nobody(tmp_path: Path, given: str) -> None:
    assert roster(tmp_path, PLAIN).find(given) is None


def test_the_name_of_the_format_helps_where_the_id_is_strange(tmp_path: Path) -> None:
    found = roster(tmp_path, PLAIN).find("4711", name="smithjohn")
    assert found is not None
    assert found.student == "smithj"


def test_a_gradebook_of_canvas_is_a_roster(tmp_path: Path) -> None:
    text = (
        "Student,ID,SIS User ID,SIS Login ID,Section,Lab 2 (5502)\r\n"
        "    Points Possible,,,,,40\r\n"
        '"Doe, Jane",101,1001,doej,LEC0101,\r\n'
    )
    people = roster(tmp_path, text, "utf-8-sig")
    [entry] = people.entries
    assert (entry.student, entry.login, entry.number, entry.canvas_id) == ("doej", "doej", "1001", "101")
    assert people.find("101") is people.find("1001") is people.find("doej") is entry


def test_an_id_that_two_share_finds_neither_and_is_said(tmp_path: Path) -> None:
    people = roster(tmp_path, PLAIN.replace("1002", "1001"))
    assert people.find("1001") is None
    assert people.find("doej") is not None
    assert people.problems == ("doej, smithj share the id '1001'",)


def test_equal_names_find_nobody(tmp_path: Path) -> None:
    people = roster(tmp_path, PLAIN.replace("Smith,John", "Doe,Jane"))
    assert people.find("Jane Doe") is None
    assert people.find("smithj") is not None


def test_who_handed_in_nothing_is_known(tmp_path: Path) -> None:
    people = roster(tmp_path, PLAIN)
    assert [entry.student for entry in people.without_submission([people.find("1001"), None])] == ["smithj"]


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"", "no column says who"),
        (b"colour,shape\nred,round\n", "no column says who"),
        ("id\nZo\xeb".encode("latin-1"), "cannot be read"),
    ],
)
def test_what_is_no_roster_is_refused(tmp_path: Path, raw: bytes, what: str) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes(raw)
    with pytest.raises(IntakeError, match=what):
        read_roster(path)
    with pytest.raises(IntakeError, match="cannot be read"):
        read_roster(tmp_path / "nowhere.csv")
