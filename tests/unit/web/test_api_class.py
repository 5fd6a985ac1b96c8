"""The API beyond marks: remark requests, roster, files for course systems, rows of the history."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable

import pytest
from litestar.types import ASGIApp

from grader.exports import FORMATS
from grader.grading.requests import Kind
from grader.intake.roster import RosterEntry, roster_from
from grader.web.app import create_app
from grader.web.roles import Role
from grader.web.site import Site
from grader.workflows.desk.roster import keep_roster
from grader.workflows.marking.marks import MarkOrder, give_marks
from grader.workflows.marking.remark import Request, open_request
from grader.workflows.views.export import as_csv, as_json
from grader.workflows.views.show import find_results
from tests.api_client import Program, program
from tests.unit.web.test_api import CATS, problem, told
from tests.web_class import WHY

Ask = Callable[..., Program]


@pytest.fixture
def app(site: Site) -> ASGIApp:
    return create_app(site)


@pytest.fixture
def asks(app: ASGIApp, site: Site) -> Ask:
    def asks(role: Role = Role.INSTRUCTOR, **given: str) -> Program:
        return program(app, site.store, role, **given)

    return asks


def requested(site: Site, student: str = "s1005", by: str = "ann") -> str:
    """Opens a request about a mark; gives its path."""
    give_marks(site.store, "cats", [MarkOrder(student, WHY, 2.0, "too short")], actor=by)
    asked = Request(student, "cats", WHY, Kind.JUDGEMENT, f"I, {student}, said so.", True)
    [remark] = open_request(site.store, [asked], actor=student)
    return f"/courses/course/remarks/{remark.id}"


def test_a_request_is_decided_by_whoever_saw_it(asks: Ask, site: Site) -> None:
    path, who = requested(site), asks()
    seen = who.get(path)
    found = told(seen)
    assert (found["student"], found["state"], found["points_before"]) == ("s1005", "submitted", 2.0)
    assert found["seen"] and any(part["label"] == "marks" for part in found["parts"])
    decision = {"action": "decide", "points": 4, "reason": "it is there"}
    problem(who.post(f"{path}/steps", decision), "unseen")
    problem(who.post(f"{path}/steps", decision, if_match='"1-0-1"'), "changed")
    problem(who.post(f"{path}/steps", {"action": "withdraw"}, if_match=seen.headers["etag"]), "malformed")
    problem(
        who.post(f"{path}/steps", {"action": "decide", "points": 4}, if_match=seen.headers["etag"]), "refused"
    )
    answer = who.post(f"{path}/steps", decision, if_match=seen.headers["etag"], idempotency_key="k")
    assert (told(answer)["state"], [each["action"] for each in told(answer)["steps"]]) == (
        "resolved",
        ["review", "decide"],
    )
    again = who.post(f"{path}/steps", decision, if_match=seen.headers["etag"], idempotency_key="k")
    assert (again.status, again.text) == (200, answer.text)
    assert told(who.get(f"{CATS}/submissions/s1005/criteria/{WHY}"))["points"] == 4.0
    problem(who.post(f"{path}/steps", {"action": "review"}, if_match=answer.headers["etag"]), "refused")
    problem(who.post("/courses/course/remarks/99/steps", decision, if_match='"99-0-sum"'), "not-found")
    problem(who.get("/courses/course/remarks/99"), "not-found")


def test_requests_are_listed_by_state_and_blindly_for_who_grades_blind(asks: Ask, site: Site) -> None:
    paths = [requested(site, student) for student in ("s1005", "s1001", "s1002")]
    who, blind = asks(), asks(Role.TA, name="cara")
    first = told(who.get(f"{CATS}/remarks?limit=2"))
    rest = told(who.get(f"{CATS}/remarks?limit=2&cursor={first['next']}"))
    students = [each["student"] for each in first["items"] + rest["items"]]
    assert students == ["s1005", "s1001", "s1002"] and rest["next"] is None
    assert told(who.get(f"{CATS}/remarks?state=resolved"))["items"] == []
    for path in (f"{CATS}/remarks", *paths):
        text = blind.get(path).text
        assert "anon-" in text and not any(student in text for student in students)


def test_the_roster_is_for_who_may_read_it(asks: Ask, site: Site) -> None:
    entries = [
        RosterEntry(student=f"s{1000 + number}", name=f"Jane Doe {number}", line=number)
        for number in range(1, 103)
    ]
    keep_roster(site.store, roster_from(entries))
    who = asks()
    first = told(who.get("/courses/course/roster"))
    assert (len(first["items"]), first["items"][0]["name"]) == (100, "Jane Doe 1")
    assert [each["handed_in"] for each in first["items"][:9]] == [True] * 8 + [False]
    last = told(who.get(f"/courses/course/roster?cursor={first['next']}"))
    assert (len(last["items"]), last["next"]) == (2, None)
    problem(asks(Role.HEAD_TA, name="cara").get("/courses/course/roster"), "not-allowed")


def test_files_are_those_of_the_export(asks: Ask, site: Site) -> None:
    who = asks()
    found = find_results(site.store, "cats")
    assert who.get(f"{CATS}/exports/json").text == "".join(as_json(found))
    answer = who.get(f"{CATS}/exports/csv")
    assert answer.text == as_csv(found)
    assert answer.headers["content-disposition"] == 'attachment; filename="marks.csv"'
    for form in FORMATS:
        assert who.get(f"{CATS}/exports/{form}").status == 200, form
    # Marks of which points wait are in a file for a course system only where that is asked for.
    settled, whole = (who.get(f"{CATS}/exports/nbgrader{query}").text for query in ("", "?pending=include"))
    assert "s1001" not in settled and "s1001" in whole
    problem(who.get(f"{CATS}/exports/pdf"), "not-found")
    problem(who.get("/courses/course/assignments/none/exports/csv"), "not-found")
    problem(who.get(f"{CATS}/exports/csv", accept="application/json"), "not-acceptable")


def test_a_file_for_each_student_comes_in_a_zip(site: Site) -> None:
    from grader.workflows.programs.exporting import export_file

    made = export_file(site.store, "gradescope", "cats", include_pending=True)
    again = export_file(site.store, "gradescope", "cats", include_pending=True)
    with zipfile.ZipFile(io.BytesIO(made.raw)) as archive:
        assert len(archive.namelist()) == 8 and json.loads(archive.read("s1001.json"))
    assert (made.name, made.raw) == ("gradescope.zip", again.raw)


def test_rows_of_the_history_are_walked_from_any_row_on(asks: Ask, site: Site) -> None:
    who, seen, cursor = asks(Role.AUDITOR), [], ""
    while cursor is not None:
        page = told(who.get(f"/courses/course/rows?limit=7&cursor={cursor}"))
        seen += page["items"]
        cursor = page["next"]
    with site.store.reading() as history:
        newest = history.newest_row()
        last = history.seal(newest)
    assert [each["row"] for each in seen] == list(range(1, newest + 1))
    assert last is not None and (seen[-1]["kind"], seen[-1]["who"]) == (last.kind, last.actor)
