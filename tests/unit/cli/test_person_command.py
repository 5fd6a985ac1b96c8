"""`grader person`: what is held about one person is shown, given out and erased, and each command goes on."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

ROSTER = "student,name,email\ns1,Annabell Lee,lee@school.example\ns2,Bob Ray,ray@school.example\n"
MARK = ("mark", "-a", "mini", "-c", "why", "-p", "1.5")
REASON = ("--reason", "asked for by letter of 2 March")


@pytest.fixture
def known(graded: Path, grader) -> Path:
    """Two students, one of them on the roster by a name that stands in a comment."""
    Path("roster.csv").write_text(ROSTER)
    assert grader("roster", "roster.csv").code == 0
    assert grader(*MARK, "s1", "-m", "Well seen, Annabell Lee").code == 0
    return graded


@pytest.fixture
def erased(known: Path, grader) -> str:
    """The label of s1, who was erased."""
    ended = grader("person", "erase", "s1", *REASON, "--yes")
    assert ended.code == 0, ended.err
    [line] = [line for line in ended.out.splitlines() if line.startswith("erased: ")]
    return line.split()[1]


def test_show_tells_all_that_is_held_and_what_stays(known: Path, grader) -> None:
    shown = grader("person", "show", "Annabell Lee").out
    assert shown.startswith("s1 (Annabell Lee)\n")
    assert "notebooks and recordings  " in shown
    [said] = [line for line in shown.splitlines() if "sealed and has a name in it" in line]
    assert "(marks, comment)" in said
    assert "handed in submissions/s1/lab.ipynb" in shown
    plain = json.loads(grader("person", "show", "s1", "--json").out)
    assert [person["email"] for person in plain["roster"]] == ["lee@school.example"]
    [work] = plain["works"]
    assert [row["kind"] for row in work["rows"]] == ["submissions", "attempts", "verdicts", "marks"]
    assert work["rows"][3]["holds"]["comment"] == "Well seen, Annabell Lee"
    assert {file["what"] for file in plain["files"]} == {"notebook", "evidence"}
    assert all(file["bytes"] > 0 for file in plain["files"])


def test_what_is_given_out_holds_nothing_of_another(known: Path, grader) -> None:
    assert grader(*MARK, "s2").code == 0
    assert grader("person", "export", "s1", "out").code == 0
    names = sorted(path.name for path in Path("out").iterdir())
    assert [name.partition("-")[0] for name in names] == ["evidence", "notebook", "person.json"]
    [notebook] = Path("out").glob("*.ipynb")
    assert notebook.read_bytes() == Path("submissions/s1/lab.ipynb").read_bytes()
    assert "s2" not in Path("out/person.json").read_text()
    again = grader("person", "export", "s1", "out")
    assert again.code == 2


def test_nothing_is_erased_where_nobody_can_be_asked(known: Path, grader) -> None:
    ended = grader("person", "erase", "s1", *REASON)
    assert ended.code == 2
    assert "nothing was erased" in ended.err
    assert "not reached: free text that is sealed and has a name in it" in ended.out
    assert grader("show", "s1", "--assignment", "mini").code == 0


@pytest.mark.parametrize("reason", ["", "  ", "Annabell Lee asked", "s1 asked", "by LEE@school.example"])
def test_a_reason_is_needed_and_holds_no_name(known: Path, grader, reason: str) -> None:
    ended = grader("person", "erase", "s1", "--reason", reason, "--yes")
    assert ended.code == 2
    assert grader("show", "s1", "--assignment", "mini").code == 0


def test_an_open_request_is_settled_first(known: Path, grader) -> None:
    asked = grader(
        "remark", "open", "s1", "--assignment", "mini", "--criterion", "why", "--reason", "x", "--accept"
    )
    assert asked.code == 0, asked.err
    ended = grader("person", "erase", "s1", *REASON, "--yes")
    assert ended.code == 2
    assert "remark request" in ended.err


def test_the_name_is_nowhere_but_where_it_was_said_to_stay(known: Path, grader) -> None:
    ended = grader("person", "erase", "s1", *REASON, "--yes")
    assert "removed: 2 notebooks and recordings" in ended.out
    raw = b"".join(path.read_bytes() for path in Path().glob("grader.db*") if path.is_file())
    assert raw.count(b"Annabell Lee") == 1, "the comment"
    assert b"lee@school.example" not in raw
    assert b"submissions/s1" not in raw


def test_an_audit_is_green_and_says_nothing_of_damage(erased: str, grader) -> None:
    ended = grader("audit")
    assert ended.code == 0
    [line] = ended.out.splitlines()
    assert line.startswith("unbroken: ")
    assert grader("audit", "--repair").out.splitlines()[-1].startswith("unbroken: ")
    assert grader("db", "reproject").code == 0
    assert grader("audit").code == 0


def test_lists_and_show_know_the_label_and_who_erased(erased: str, grader) -> None:
    listed = grader("list").out
    assert f"{erased}" in listed
    assert "s1" not in listed
    shown = grader("show", erased, "--assignment", "mini", "--history").out
    assert "dropped by ta" in shown
    assert "this person was erased; it counts nowhere" in shown
    assert "nothing brings it back" in shown
    assert grader("show", "s1", "--assignment", "mini").code == 2
    assert json.loads(grader("show", erased, "--assignment", "mini", "--json").out)["student"] == erased
    again = grader("person", "show", erased)
    assert again.code == 0
    assert "was erased" in again.out
    undone = grader("drop", erased, "--assignment", "mini", "--undo", "--reason", "x")
    assert undone.code == 2
    assert "was erased" in undone.err


@pytest.mark.parametrize("form", ["json", "csv", "canvas", "moodle", "markus", "nbgrader", "gradescope"])
def test_no_export_has_them(erased: str, grader, form: str) -> None:
    ended = grader("export", form, "--assignment", "mini", "--include-pending", "--out", "out")
    assert ended.code == 0, ended.err
    written = Path("out").rglob("*") if Path("out").is_dir() else [Path("out")]
    files = [path for path in written if path.is_file()]
    assert not any(erased.encode() in path.read_bytes() or erased in path.name for path in files)
    assert any(line.startswith(f"left out: {erased}: dropped by ta") for line in ended.out.splitlines())


def test_whoever_asks_a_person_leaves_them_out(erased: str, grader) -> None:
    assert erased not in grader("pending", "--assignment", "mini").out
    assert "1 submission, 1 judged" in grader("summary", "--assignment", "mini").out
    assert grader("report", "--assignment", "mini", "--out", "pages").code == 0
    assert [path.name for path in Path("pages").iterdir()] == ["s2.html"]
    assert grader("regrade", "--assignment", "mini").code == 0
    assert erased not in grader("remark", "list").out
    refused = grader(*MARK, erased)
    assert refused.code == 2
    assert grader("report", erased, "--assignment", "mini", "--out", "pages").code == 2


def test_a_second_try_goes_on_where_files_were_left(erased: str, grader) -> None:
    again = grader("person", "erase", erased, "--yes")
    assert again.code == 0
    assert "removed: 0 notebooks" in again.out


def test_a_run_over_the_rest_grades_nobody_again(erased: str, grader) -> None:
    shutil.rmtree("submissions/s1")
    ended = grader("run", "submissions", "--rubric", "mini")
    assert ended.code == 0, ended.err
    assert grader("list").out.count("mini") == 2
    assert grader("audit").code == 0


def test_a_backup_of_it_comes_back_whole(erased: str, grader) -> None:
    assert grader("db", "backup", "copy").code == 0
    assert grader("db", "restore", "copy", "--db", "again.db").code == 0
    assert erased in grader("list", "--db", "again.db").out


def test_a_name_that_older_rows_were_sealed_with_is_refused_with_the_way_out(known: Path, grader) -> None:
    """As `grader db upgrade` leaves a database of an older version."""
    with sqlite3.connect("grader.db") as connection:
        connection.execute("DELETE FROM names WHERE text = 's9'")
        changed = connection.execute("SELECT max(changed) + 1 FROM names").fetchone()[0]
        token = connection.execute("SELECT token FROM names WHERE text = 's2'").fetchone()[0]
        connection.execute(
            "UPDATE names SET token = 's2', person = 's2', salt = '', changed = ? WHERE token = ?",
            (changed, token),
        )
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for table in ("submissions", "attempts"):
            connection.execute(f"UPDATE {table} SET student = 's2' WHERE student = ?", (token,))
        for _, made_by in triggers:
            connection.execute(made_by)
    connection.close()
    ended = grader("person", "erase", "s2", *REASON, "--yes")
    assert ended.code == 2
    assert "were sealed with this name" in ended.err
    assert "destroy this database" in ended.err
