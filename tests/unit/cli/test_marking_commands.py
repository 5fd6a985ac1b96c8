from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from grader.workflows.marking import remark as remark_workflow
from tests import course

OPEN = ["remark", "open", "s2", "-a", "mini", "-c", "builtin-shadowing", "-m", "see the handout", "--accept"]


def marks_of(grader, student: str) -> dict:
    return json.loads(grader("show", student, "-a", "mini", "--json").out)


def test_a_mark_shows_in_every_listing(graded: Path, grader) -> None:
    ended = grader("mark", "s1", "-a", "mini", "-c", "why", "-p", "2.5", "-m", "sound", "--as", "ann")
    assert ended.out == "s1: why: 2.5 of 3 (was 0)\n"
    exported = marks_of(grader, "s1")
    assert (exported["points"], exported["pending"]) == (4.5, 0.0)
    assert exported["criteria"][1]["decision"]["by"] == "ann"
    assert "ann: sound" in grader("show", "s1", "-a", "mini").out
    [row, _] = csv.DictReader(io.StringIO(grader("export", "csv", "-a", "mini", "--out", "-").out))
    assert (row["points"], row["why"]) == ("4.5", "2.5")
    assert "why: 2.5 points: sound" in grader("show", "s1", "-a", "mini", "--history").out


def test_a_mark_survives_a_regrade_and_a_fresh_run(graded: Path, grader) -> None:
    grader("mark", "s1", "-a", "mini", "-c", "why", "-p", "2.5")
    grader("regrade", "-a", "mini")
    grader("run", "submissions", "--rubric", "mini", "--fresh")
    shown = marks_of(grader, "s1")
    assert (shown["attempt"], shown["points"]) == (2, 4.5)


def test_a_mark_on_an_earlier_file_stays_and_is_listed_until_it_is_given_again(graded: Path, grader) -> None:
    grader("mark", "s1", "-a", "mini", "-c", "why", "-p", "2.5")
    course.hand_in(graded / "submissions", "s1", course.GOOD, "again = True")
    assert "marked on an earlier file: why" in grader("run", "submissions", "--rubric", "mini").out
    assert marks_of(grader, "s1")["points"] == 4.5
    [row] = [line for line in grader("pending", "-a", "mini").out.splitlines() if " s1 " in line]
    assert "marked on an earlier file" in row
    assert "ta gave 2.5 of 3" in row
    grader("mark", "s1", "-a", "mini", "-c", "why", "-p", "2.5")
    assert " s1 " not in grader("pending", "-a", "mini").out
    assert "earlier file" not in grader("run", "submissions", "--rubric", "mini", "--fresh").out


def test_marks_come_from_a_table(graded: Path, grader) -> None:
    (graded / "marks.csv").write_text("student,criterion,points,comment\ns1,why,1,a\ns2,why,2,b\n")
    ended = grader("mark", "-a", "mini", "--from", "marks.csv")
    assert ended.out.splitlines() == ["s1: why: 1 of 3 (was 0)", "s2: why: 2 of 3 (was 0)"]


def test_pending_lists_and_hides_names(graded: Path, grader) -> None:
    out = grader("pending", "-a", "mini").out
    assert [line.split()[:3] for line in out.splitlines()[1:]] == [["why", "s1", "3"], ["why", "s2", "3"]]
    hidden = grader("pending", "-a", "mini", "--anonymous").out
    assert "s1" not in hidden
    name = hidden.splitlines()[1].split()[1]
    assert grader("mark", name, "-a", "mini", "-c", "why", "-p", "1").code == 0
    assert grader("pending", "-a", "mini", "--anonymous").out.count("anon-") == 1


def test_whoever_goes_by_pseudonyms_learns_no_id(graded: Path, grader) -> None:
    name = grader("pending", "-a", "mini", "--anonymous").out.splitlines()[1].split()[1]
    opened = grader("remark", "open", name, *OPEN[3:], "--as", "ta")
    id = opened.out.split()[1]
    for arguments in (
        ["mark", name, "-a", "mini", "-c", "why", "-p", "1"],
        ["mark", name, "-a", "mini", "-c", "why", "-p", "9"],
        ["mark", name, "-a", "mini", "-c", "builtin-shadowing", "-p", "1"],
        ["remark", "open", name, *OPEN[3:]],
        ["remark", "show", id, "--anonymous"],
        ["show", name, "-a", "mini", "--history"],
        ["show", name, "-a", "mini", "--history", "--json"],
    ):
        ended = grader(*arguments)
        assert name in ended.out + ended.err
        assert not re.search(r"\bs[12]\b", ended.out + ended.err)


def test_an_anonymous_list_is_in_the_order_of_its_pseudonyms(lab: Path, grader) -> None:
    for number in range(3, 9):
        course.hand_in(lab / "submissions", f"s{number}", course.GOOD)
    grader("run", "submissions", "--rubric", "mini")
    rows = grader("pending", "-a", "mini", "--anonymous").out.splitlines()[1:]
    names = [row.split()[1] for row in rows]
    assert len(names) == 8
    assert names == sorted(names)


def test_history_is_shown_for_whatever_name_was_typed(graded: Path, grader) -> None:
    name = grader("pending", "-a", "mini", "--anonymous").out.splitlines()[1].split()[1]
    for typed in (name, " \uff531 ", "s1"):
        shown = json.loads(grader("show", typed, "-a", "mini", "--json", "--history").out)
        assert [row["kind"] for row in shown["history"]] == ["submissions", "attempts", "verdicts"]
        assert shown["history"][2]["who"] == "ta"


def test_a_request_goes_its_whole_way(graded: Path, grader) -> None:
    opened = grader(*OPEN)
    assert opened.code == 0
    id = opened.out.split()[1]
    assert "submitted" in grader("remark", "list", "-a", "mini").out
    assert grader("remark", "review", id).out == f"request {id} on builtin-shadowing is under review\n"
    shown = grader("remark", "show", id).out
    assert "see the handout" in shown
    assert "sum = 1 + 2" in shown
    decided = grader("remark", "decide", id, "-p", "2", "-m", "it was given", "--as", "bob")
    assert decided.out == f"request {id} is resolved: builtin-shadowing raised, 0 -> 2 of 2\n"
    assert marks_of(grader, "s2")["points"] == 2.0
    assert "escalated" in grader("remark", "escalate", id, "-m", "more").out
    assert "is final" in grader("remark", "decide", id, "-p", "1", "-m", "half", "--as", "prof").out
    assert marks_of(grader, "s2")["points"] == 1.0
    assert grader("remark", "list", "--open").out == "no remark requests\n"
    history = grader("show", "s2", "-a", "mini", "--history").out
    assert f"remark request {id}: decide 2 points: it was given" in history


def test_both_comments_and_every_request_stand_on_the_page_and_in_show(graded: Path, grader) -> None:
    grader(
        "mark", "s2", "-a", "mini", "-c", "builtin-shadowing", "-p", "0.5", "-m", "a little", "--as", "ann"
    )
    id = grader(*OPEN).out.split()[1]
    page = page_of(graded, grader)
    assert "1 remark request of yours waits for an answer" in page
    assert "a remark was asked for; it waits for a TA." in page
    assert f"remark request {id} on builtin-shadowing" in grader("show", "s2", "-a", "mini").out
    grader("remark", "review", id)
    grader("remark", "decide", id, "-p", "2", "-m", "it was given", "--as", "bob")
    page = page_of(graded, grader)
    assert "0.5 of 2 (before: 0)" in page
    assert "2 of 2 (before: 0.5)" in page
    assert page.index("a little") < page.index("it was given")
    assert "waits for an answer" not in page
    assert 'Answered is your remark request on <a href="#c-builtin-shadowing">' in page
    assert "ann:" not in page
    shown = grader("show", "s2", "-a", "mini").out
    assert "ann: 0.5 points: a little; then bob: 2 points: it was given" in shown
    assert ": resolved: see the handout" in shown


def test_of_two_requests_the_page_says_which_waits_and_which_was_answered(graded: Path, grader) -> None:
    grader("mark", "s2", "-a", "mini", "-c", "why", "-p", "1")
    id = grader(*OPEN).out.split()[1]
    grader("remark", "review", id)
    grader("remark", "decide", id, "-p", "2", "-m", "it was given", "--as", "bob")
    grader("remark", "open", "s2", "-a", "mini", "-c", "why", "-m", "more", "--accept")
    page = page_of(graded, grader)
    waits = page[page.index("1 remark request of yours waits") :].split("</p>")[0]
    assert "#c-why" in waits
    assert "#c-builtin-shadowing" not in waits
    answered = page[page.index("Answered is your remark request") :].split("</p>")[0]
    assert "#c-builtin-shadowing" in answered
    assert "#c-why" not in answered


def test_a_rejected_request_and_one_about_the_sum_are_answered_on_the_page(graded: Path, grader) -> None:
    first = grader(*OPEN).out.split()[1]
    about_sum = ("-m", "the sum is wrong", "--kind", "counting_error", "--accept")
    assert grader("remark", "open", "s2", "-a", "mini", *about_sum).code == 0
    grader("remark", "review", first)
    assert grader("remark", "decide", first, "--reject", "-m", "the name hides the builtin").code == 0
    page = page_of(graded, grader)
    assert "a remark was asked for; the mark stays as it was." in page
    assert "the name hides the builtin" in page
    assert page.index("the sum is wrong") < page.index("All criteria")
    shown = grader("show", "s2", "-a", "mini").out
    assert "reject: the name hides the builtin" in shown
    assert "on the sum" in shown


@pytest.mark.parametrize(
    ("contact", "told"),
    [
        ("https://course.example/remarks?lab=1", '<a href="https://course.example/remarks?lab=1">'),
        ("ta@course.example", '<a href="mailto:ta@course.example">'),
        ("the desk in room 3", "turn to the desk in room 3,"),
        ("javascript:alert(1)", "turn to javascript:alert(1),"),
        ("", "turn to your TA or instructor,"),
    ],
)
def test_the_page_says_how_to_ask(graded: Path, grader, contact: str, told: str) -> None:
    settings = graded / "grader.toml"
    kept = settings.read_text() if settings.exists() else ""
    settings.write_text(f'contact = "{contact}"\n{kept}' if contact else kept)
    assert told in page_of(graded, grader)


def page_of(folder: Path, grader) -> str:
    assert grader("report", "s2", "-a", "mini", "-o", "pages").code == 0
    return (folder / "pages" / "s2.html").read_text()


POLICY = "remarks:\n  remarks_open_until: {until}\n"


@pytest.mark.parametrize(
    ("until", "deadline"),
    [
        ("2999-01-02T00:00:00Z", "2999-01-02 00:00 UTC"),
        ("2001-02-03T00:00:00Z", "2001-02-03 00:00 UTC, overdue"),
    ],
)
def test_requests_are_listed_with_age_and_deadline(lab: Path, grader, until: str, deadline: str) -> None:
    course.write_rubric(lab / "rubrics", course.RUBRIC + POLICY.format(until=until))
    assert grader("run", "submissions", "--rubric", "mini").code == 0
    grader(*OPEN, "--late-because", "was ill")
    header, row = grader("remark", "list").out.splitlines()
    assert f"  0 d  {deadline}  " in row
    shown = grader("remark", "list", "--overdue").out
    assert shown == (f"{header}\n{row}\n" if "overdue" in deadline else "no remark requests\n")


@pytest.mark.parametrize(
    ("filters", "kept"),
    [
        (["-a", "mini"], True),
        (["-c", "builtin-shadowing"], True),
        (["-c", "why"], False),
        (["--state", "submitted"], True),
        (["--state", "resolved"], False),
        (["--student", "s1"], False),
        (["--open"], True),
        (["--overdue"], False),
    ],
)
def test_requests_are_filtered(graded: Path, grader, filters: list[str], kept: bool) -> None:
    grader(*OPEN)
    assert ("see the handout" in grader("remark", "list", *filters).out) is kept


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mark", "s1", "-a", "mini", "-c", "why", "-p", "9"], "0 to 3"),
        (["mark", "s1", "-a", "mini", "-c", "why"], "needs points"),
        (["mark", "s1", "-a", "mini", "-c", "why", "-p", "1", "--take-back"], "needs points"),
        (["mark", "-a", "mini", "-p", "1"], "needs a student"),
        (["mark", "s3", "-a", "mini", "-c", "why", "-p", "1"], "'s3' handed in nothing"),
        (["mark", "s1", "-a", "mini", "-c", "hwy", "-p", "1"], "did you mean 'why'?"),
        (["mark", "-a", "mini", "--from", "absent.csv"], "cannot be read"),
        (["mark", "s1", "-a", "mini", "-c", "why", "-p", "1", "--from", "absent.csv"], "two commands"),
        (["mark", "-a", "mini", "-p", "0", "--from", "absent.csv"], "two commands"),
        ([*OPEN[:-1]], "accept"),
        (["remark", "open", "s2", "-a", "mini", "-m", "x", "--accept"], "names its criterion"),
        (["remark", "decide", "999", "-p", "1", "-m", "x"], "no remark request 999"),
        (["remark", "decide", "999", "-p", "1", "-m", "x", "--reject"], "leave out --points"),
        (["remark", "show", "999"], "no remark request 999"),
        (["remark", "import", "absent.csv", "-a", "mini"], "cannot be read"),
        (["pending", "-a", "mimi"], "did you mean 'mini'?"),
        (["pending", "-a", "mini", "-c", "hwy"], "did you mean 'why'?"),
        (["remark", "list", "-a", "mini", "-c", "hwy"], "did you mean 'why'?"),
        (["db", "backup", "grader.db"], "already"),
        (["regrade", "-a", "mini", "--rerun", "--dry-run"], "dry run"),
        (["regrade", "-a", "mini", "--criterion", "whi"], "did you mean 'why'?"),
        (["regrade", "-a", "mini", "--outcome", "TIMEOOT"], "did you mean 'TIMEOUT'?"),
    ],
)
def test_a_refusal_is_one_message_and_exit_code_2(
    graded: Path, grader, arguments: list[str], said: str
) -> None:
    before = grader("audit").out
    ended = grader(*arguments)
    assert ended.code == 2
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert grader("audit").out == before


def test_requests_of_a_form_are_taken_or_named(graded: Path, grader) -> None:
    (graded / "form.csv").write_text(
        "student,criterion,reason,accepted\ns2,builtin-shadowing,x,yes\ns9,why,x,yes\n"
    )
    ended = grader("remark", "import", "form.csv", "-a", "mini")
    assert ended.code == 2
    assert "form.csv:3: 's9' handed in nothing" in ended.out
    assert ended.out.splitlines()[-1] == "1 taken, 1 not"
    again = grader("remark", "import", "form.csv", "-a", "mini").out.splitlines()
    assert again[0].startswith("already request ")
    assert again[-1] == "0 taken, 1 there already, 1 not"


def test_a_rejected_request_leaves_the_mark(graded: Path, grader) -> None:
    id = grader(*OPEN).out.split()[1]
    assert "is rejected" in grader("remark", "decide", id, "--reject", "-m", "the rule is clear").out
    assert marks_of(grader, "s2")["points"] == 0.0


def test_a_backup_and_an_upgrade_of_what_is_new_enough(graded: Path, grader) -> None:
    assert grader("db", "backup", "copy.db", "--no-evidence").out.startswith("wrote copy.db\n")
    assert grader("show", "s1", "-a", "mini", "--db", "copy.db", "--evidence", "grader.db.evidence").code == 0
    assert "nothing to do" in grader("db", "upgrade").out


def test_a_backup_is_restored_elsewhere_with_its_evidence_and_its_seal(graded: Path, grader) -> None:
    made = grader("db", "backup", "marks.backup")
    assert made.code == 0
    (graded / "elsewhere").mkdir()
    back = grader("db", "restore", "marks.backup", "--db", "elsewhere/grader.db")
    assert back.code == 0
    seal = made.out.partition("seal ")[2].partition(":")[0]
    assert f"seal {seal}:" in back.out
    assert grader("audit", "--db", "elsewhere/grader.db").out == grader("audit").out
    again = grader("db", "restore", "marks.backup", "--db", "elsewhere/grader.db")
    assert (again.code, "already" in again.err) == (2, True)


def test_everyone_who_acts_is_written_down(graded: Path, grader, monkeypatch) -> None:
    monkeypatch.setenv("GRADER_USER", "carol")
    id = int(grader(*OPEN).out.split()[1])
    from grader.store import open_store

    with open_store("grader.db") as store:
        assert remark_workflow.find(store, id).opened_by == "carol"


def test_the_second_of_two_tas_is_shown_both(graded: Path, grader) -> None:
    [row] = [line for line in grader("pending", "-a", "mini").out.splitlines() if " s1 " in line]
    seen = row.split()[3]
    assert grader("mark", "s1", "-a", "mini", "-c", "why", "-p", "2", "--seen", seen, "--as", "ann").code == 0
    for said in ([], ["--seen", seen]):
        refused = grader("mark", "s1", "-a", "mini", "-c", "why", "-p", "1", "--as", "bob", *said)
        assert refused.code == 2
        assert "2 points, ann, 20" in refused.err
    now = re.search(r"--seen (\d+\+\d+)", refused.err)[1]
    assert f" {now} " in grader("show", "s1", "-a", "mini").out
    assert marks_of(grader, "s1")["criteria"][1]["points"] == 2.0
    marked = grader("mark", "s1", "-a", "mini", "-c", "why", "-p", "1", "--as", "bob", "--seen", now)
    assert marked.out == "s1: why: 1 of 3 (was 2)\n"
    assert f"(seen: {now})" in grader("show", "s1", "-a", "mini", "--history").out


def test_what_waits_goes_out_as_a_worksheet_and_comes_back_as_marks(graded: Path, grader) -> None:
    assert grader("pending", "-a", "mini", "--csv", "waiting.csv").out.startswith("wrote waiting.csv\n")
    table = graded / "waiting.csv"
    table.write_text(table.read_text().replace("s2,why,,,", "s2,why,1.5,half,"))
    given = grader("mark", "-a", "mini", "--from", "waiting.csv", "--as", "bob")
    assert given.out == "s2: why: 1.5 of 3 (was 0)\n"
    again = grader("mark", "-a", "mini", "--from", "waiting.csv", "--as", "ann")
    assert again.code == 2
    assert "waiting.csv:3: s2: 'why' was marked otherwise meanwhile" in again.err
    assert "1.5 points, bob" in again.err


def test_a_decision_on_a_request_says_what_was_seen(graded: Path, grader) -> None:
    id = grader(*OPEN).out.split()[1]
    seen = re.search(r"^seen: +(\S+) \(for --seen\)$", grader("remark", "show", id).out, re.MULTILINE)[1]
    stale = grader("remark", "decide", id, "-p", "2", "-m", "x", "--seen", f"{seen}+{id}", "--as", "bob")
    assert stale.code == 2
    assert f"request {id}: 'builtin-shadowing' was marked otherwise meanwhile" in stale.err
    decided = grader("remark", "decide", id, "-p", "2", "-m", "it was given", "--as", "bob", "--seen", seen)
    assert "is resolved" in decided.out
