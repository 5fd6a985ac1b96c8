"""An assignment that has a rubric and no submission: it is set up and looked at before anybody hands in."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from grader.web.app import routes_of
from grader.web.guards import SAFE, handlers_of, scope_of
from grader.web.pages import ROUTES
from grader.web.roles import Role
from grader.web.site import Site
from grader.workflows.setting_up.dates import dates_view
from tests import web_class
from tests.unit.web.conftest import SignIn
from tests.web_client import in_course

RUBRIC = web_class.RUBRIC.replace("assignment: cats", "assignment: dogs").replace(
    "Cats and dogs", "Only dogs"
)
RUBRIC += "late: {due: 2027-01-01T00:00:00Z}\n"
#: What the pages say of one student, one criterion or one file: there is none yet.
OF_ONE = re.compile(r"\{(student|criterion|id|format|sha256|signed|version|name|job)[:_]")
#: Say nothing of an assignment by itself, look through what was handed in, or change what was judged.
OF_MORE = ("/compare", "/similar", "/rubric", "/rubric/state", "/rubric/shares", "/rubric/confirm", "/push")


@pytest.fixture
def site(site: Site, tmp_path: Path) -> Site:
    (tmp_path / "rubrics").mkdir()
    (tmp_path / "rubrics" / "dogs.yaml").write_text(RUBRIC)
    return dataclasses.replace(site, places=(tmp_path,))


def test_every_page_of_an_assignment_is_there_once_it_has_a_rubric(site: Site, sign_in: SignIn) -> None:
    client, asked, wrong = sign_in(), [], []
    for path, handler in handlers_of(routes_of(ROUTES, site)):
        if "{assignment:str}" not in path or OF_ONE.search(path) or path.endswith(OF_MORE):
            continue
        if not handler.http_methods & SAFE or scope_of(handler) is not None or "/my/" in path:
            continue
        typed = path.replace("{course:str}", site.course.name)
        answer = client.get(typed.replace("{assignment:str}", "dogs"))
        mistyped = client.get(typed.replace("{assignment:str}", "dgs"))
        asked.append(path)
        if answer.status not in (200, 303) or mistyped.status != 404:
            wrong.append((path, answer.status, mistyped.status))
    assert wrong == [], "\n".join(map(str, wrong))
    assert len(asked) >= 8


def test_dates_of_the_rubric_file_and_of_the_course_hold_before_the_first_hand_in(
    site: Site, sign_in: SignIn
) -> None:
    client = sign_in()
    token = client.get("/a/dogs/setup").form_token
    why = (("reason", "as agreed"), ("form_token", token))
    early = client.post(
        "/a/dogs/setup/allow",
        ("step", "extend"),
        ("students", "s1001"),
        ("until", "2026-12-01T00:00"),
        *why,
    )
    assert early.status == 422 and "not later than the date for all" in early.text
    assert client.post("/a/dogs/setup/dates", ("due", "2027-02-01T00:00"), *why).status == 303
    view = dates_view(site.store, "dogs")
    assert view.rubrics.due and view.now.due and (view.rubrics.due.month, view.now.due.month) == (1, 2)
    refused = client.post("/a/dgs/setup/dates", ("due", "2027-02-01T00:00"), *why)
    assert refused.status == 422 and "did you mean &#39;dogs&#39;?" in refused.text
    with site.store.reading() as history:
        assert history.known_assignments() == ["cats", "dogs"] and history.assignments() == ["cats"]


def test_an_assignment_that_was_set_up_stays_known_without_its_rubric_file(
    site: Site, sign_in: SignIn
) -> None:
    client = sign_in()
    token = client.get("/a/dogs/setup").form_token
    fields = (("due", "2027-02-01T00:00"), ("reason", "as agreed"), ("form_token", token))
    assert client.post("/a/dogs/setup/dates", *fields).status == 303
    (site.places[0] / "rubrics" / "dogs.yaml").unlink()
    assert "as agreed" in client.get("/a/dogs/setup").text
    assert "dogs" in client.get(in_course("/")).text


def test_who_is_limited_to_a_share_sees_nothing_of_it(site: Site, sign_in: SignIn) -> None:
    client = sign_in(Role.ASSIGNED_TA, "dan")
    assert "dogs" not in client.get(in_course("/")).text
    assert client.get("/a/dogs/students").status == 404
