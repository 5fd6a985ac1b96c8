"""The API for students, rubrics and proofs: nothing unreleased, nothing of others, seals of receipts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from litestar.types import ASGIApp

from grader.errors import LetGoError
from grader.web.app import create_app
from grader.web.roles import Role
from grader.web.site import Site
from grader.workflows.marking.marks import MarkOrder, give_marks
from grader.workflows.releasing.preview import preview_of
from grader.workflows.releasing.release import hide_marks, release_marks
from grader.workflows.views.show import find_results
from tests import course, web_class
from tests.api_client import Program, program
from tests.unit.web.test_api import problem, told
from tests.web_class import CURVES, WHY

MY, CATS = "/courses/course/my", "/courses/course/assignments/cats"
Ask = Callable[..., Program]


@pytest.fixture
def app(site: Site) -> ASGIApp:
    return create_app(site)


@pytest.fixture
def asks(app: ASGIApp, site: Site) -> Ask:
    def asks(role: Role = Role.INSTRUCTOR, **given: str) -> Program:
        return program(app, site.store, role, **given)

    return asks


def student(asks: Ask, id: str = "s1001", name: str = "sam") -> Program:
    return asks(Role.STUDENT, name=name, student=id)


def mark(site: Site, points: float, comment: str, criterion: str = WHY) -> None:
    [result] = [each for each in find_results(site.store, "cats") if each.student == "s1001"]
    order = MarkOrder("s1001", criterion, points, comment, seen=course.seen_now(result, criterion))
    give_marks(site.store, "cats", [order], actor="ann")


def release(site: Site) -> None:
    release_marks(site.store, "cats", upto=preview_of(site.store, "cats").upto, reason="", actor="ann")


def test_a_student_reads_the_mark_as_of_the_release_and_nothing_newer(asks: Ask, site: Site) -> None:
    who = student(asks)
    before = told(who.get(f"{MY}/cats"))
    assert (before["points"], before["released_at"], before["criteria"]) == (None, None, [])
    problem(who.get(f"{MY}/cats/report"), "not-found")
    mark(site, 2.5, "a fair start")
    assert told(who.get(f"{MY}/cats")) == before
    release(site)
    shown = who.get(f"{MY}/cats")
    found = told(shown)
    [line] = [each for each in found["criteria"] if each["id"] == WHY]
    assert (line["points"], line["status"], line["comment"]) == (2.5, "MARKED", "a fair start")
    assert found["points"] == sum(each["points"] for each in found["criteria"])
    assert told(who.get(MY))["items"][0]["points"] == found["points"]
    report = who.get(f"{MY}/cats/report")
    assert report.status == 200 and "a fair start" in report.text and "attachment" in str(report.headers)

    mark(site, 4.0, "NOT YET RELEASED")
    same = who.get(f"{MY}/cats", if_none_match=shown.headers["etag"])
    assert same.status == 304, "what is not released changes no answer and no tag"
    assert "NOT YET RELEASED" not in who.get(f"{MY}/cats").text + who.get(f"{MY}/cats/report").text
    hide_marks(site.store, "cats", reason="too early", actor="ann")
    assert told(who.get(f"{MY}/cats")) == before


def test_who_hands_in_nothing_and_who_grades_have_no_works_of_their_own(asks: Ask) -> None:
    [work] = told(asks(Role.STUDENT, name="nobody").get(MY))["items"]
    assert (work["file"], work["points"]) == ("", None)
    problem(asks(Role.INSTRUCTOR, name="eve").get(MY), "not-allowed")
    problem(student(asks).get(f"{MY}/dogs"), "not-found")


def test_own_works_come_page_by_page(asks: Ask, site: Site, tmp_path: Path) -> None:
    (tmp_path / "rubrics").mkdir()
    text = web_class.RUBRIC.replace("assignment: cats", "assignment: dogs")
    (tmp_path / "rubrics" / "dogs.yaml").write_text(text)
    who = Program(create_app(dataclasses.replace(site, places=(tmp_path,))), student(asks).secret)
    first = told(who.get(f"{MY}?limit=1"))
    rest = told(who.get(f"{MY}?limit=1&cursor={first['next']}"))
    names = [each["assignment"] for each in (*first["items"], *rest["items"])]
    assert names == ["cats", "dogs"] and rest["next"] is None


def test_a_rubric_shows_to_each_role_what_it_may_see(asks: Ask, site: Site, tmp_path: Path) -> None:
    whole = told(asks().get(f"{CATS}/rubric"))
    assert whole["total"] == 12 and "assignment: cats" in whole["text"]
    assert [each["id"] for each in whole["lines"]] == ["builtin-shadowing", WHY, CURVES]
    for role, name in ((Role.AUDITOR, "aud"), (Role.ASSIGNED_TA, "dan")):
        answer = asks(role, name=name).get(f"{CATS}/rubric")
        assert answer.status == 404 if role is Role.ASSIGNED_TA else told(answer)["text"] is None
    who = student(asks)
    problem(who.get(f"{CATS}/rubric"), "not-found")
    (tmp_path / "rubrics").mkdir()
    text = web_class.RUBRIC.replace("    points: 2\n", "    points: 2\n    public: true\n")
    (tmp_path / "rubrics" / "cats.yaml").write_text(text)
    app = create_app(dataclasses.replace(site, places=(tmp_path,)))
    public = Program(app, who.secret).get(f"{CATS}/rubric")
    assert [each["id"] for each in told(public)["lines"]] == ["builtin-shadowing"]
    assert told(public)["text"] is None and "validation" not in public.text
    problem(Program(app, who.secret).get("/courses/course/assignments/cast/rubric"), "not-found")


def test_seals_are_those_of_the_history_and_a_proof_reads_it(asks: Ask, site: Site) -> None:
    who, audit = asks(), "/courses/course/audit"
    with site.store.reading() as history:
        newest = history.newest_seal()
        assert newest is not None
        third = history.seal_of(3)
    assert told(who.get(f"{audit}/seal")) == {"row": newest.seq, "digest": newest.digest}
    row = told(who.get(f"{audit}/rows/3"))
    assert third is not None and (row["row"], row["digest"]) == (3, third.digest)
    assert row["newest"] == {"row": newest.seq, "digest": newest.digest} and row["who"]
    problem(who.get(f"{audit}/rows/99999"), "not-found")
    assert told(who.get(audit))["sound"] is None
    proof = told(who.get(f"{audit}?anew=true"))
    assert proof["sound"] and proof["proved"] == newest.seq
    assert proof["seal"] == f"{newest.seq}:{newest.digest}"
    assert told(who.get(audit))["seal"] == proof["seal"]
    problem(student(asks).get(f"{audit}/seal"), "not-allowed")


def test_a_recording_that_was_let_go_of_is_gone_and_marks_are_not(
    site: Site, asks: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise LetGoError("the recording was let go of on 1 March 2026", at=datetime(2026, 3, 1, tzinfo=UTC))

    mark(site, 2.5, "read")
    release(site)
    who = student(asks)
    monkeypatch.setattr("grader.web.api.own.report_file", gone)
    monkeypatch.setattr("grader.workflows.programs.own.report_of", gone)
    assert "let go of on 1 March" in problem(who.get(f"{MY}/cats/report"), "let-go")["detail"]
    found = told(who.get(f"{MY}/cats"))
    assert found["points"] == 4.5 and {each["message"] for each in found["criteria"]} == {""}
