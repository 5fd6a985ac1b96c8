"""Several courses on one server: each is one database, below an address of its own."""

from __future__ import annotations

import dataclasses

import pytest

from grader.errors import SetUpError, UsageError
from grader.store import Store
from grader.store.damage import damages
from grader.web.app import create_app
from grader.web.guards import permits
from grader.web.pages import ROUTES, courses
from grader.web.roles import Permission, Role
from grader.web.sessions import Person
from grader.web.site import Server, Site
from grader.workflows.accounts.people import add_account, who_is_in
from grader.workflows.desk.courses import works_of
from grader.workflows.desk.deciding import last_given
from tests.unit.web.conftest import SignIn
from tests.web_class import WHY
from tests.web_client import Client


def enter(server: Server, role: Role = Role.HEAD_TA) -> Client:
    client = Client(create_app(server))
    assert client.get(f"/login?token={server.sessions.link_for(Person('cara', role))}").status == 303
    return client


def test_who_is_in_one_course_is_led_into_it(sign_in: SignIn) -> None:
    answer = sign_in().ask("GET", "/")
    assert (answer.status, answer.headers["location"]) == (303, "/c/course")


def test_who_is_in_several_chooses(both: Server) -> None:
    client = enter(both)
    first = client.ask("GET", "/")
    assert first.status == 200
    assert 'href="/c/vision">Computer Vision' in first.text and 'href="/c/course">course' in first.text
    inside = client.ask("GET", "/c/vision/a/cats/waiting").text
    assert 'href="/c/vision">Computer Vision' in inside and 'href="/">Desk' in inside


def test_addresses_and_forms_stay_in_their_course(both: Server, other: Store) -> None:
    client = enter(both)
    shown = client.ask("GET", f"/c/vision/a/cats/grade/{WHY}?student=s1002")
    assert "/c/vision/untrusted/a/cats/s/s1002" in shown.text and "/c/course/" not in shown.text
    seen = shown.text.split('name="seen" value="', 1)[1].split('"', 1)[0]
    fields = {"form_token": shown.form_token, "student": "s1002", "seen": seen, "points": "2", "next": ""}
    given = client.post(f"/c/vision/a/cats/give/{WHY}", *fields.items())
    assert given.status == 303 and given.headers["location"].startswith("/c/vision/a/cats/grade/")
    assert last_given(other, "cats", WHY, actor="cara") is not None
    assert last_given(both.home.store, "cats", WHY, actor="cara") is None


def test_a_course_that_is_not_there_has_no_pages(sign_in: SignIn) -> None:
    client = sign_in(Role.INSTRUCTOR)
    for path in ("/c/none", "/c/none/a/cats/waiting", "/c/none/audit", "/c/COURSE", "/c/cours%65x", "/c/.."):
        answer = client.ask("GET", path)
        assert answer.status == 404 and "cats" not in answer.text, path
    token = client.get("/").form_token
    assert client.ask("GET", "/c/cours%65").status == 200
    assert client.post(f"/c/none/a/cats/give/{WHY}", ("form_token", token)).status == 404


def test_who_is_not_signed_in_is_not_told_which_courses_there_are(sign_in: SignIn) -> None:
    nobody = sign_in(None)
    there, not_there = (nobody.ask("GET", f"/c/{name}/a/cats/waiting") for name in ("course", "none"))
    assert there.status == not_there.status == 401
    assert there.text == not_there.text


def test_two_databases_of_one_course_are_refused(site: Site, other: Store) -> None:
    beside = dataclasses.replace(site, store=other)
    with pytest.raises(UsageError, match=r"other\.db"):
        Server([site, beside])


def test_a_route_of_the_server_asks_for_no_role_in_a_course(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courses.courses, "opt", permits(Permission.AUDIT))
    with pytest.raises(SetUpError, match="asks for a role"):
        create_app(site, [*ROUTES])  # a list of its own: tests share what was made of the usual one


@pytest.mark.parametrize("name", ["", "DL", "dl 2026", "../dl", "dl/2026", "-dl", "d" * 41])
def test_a_name_that_stands_badly_in_an_address_is_refused(other: Store, name: str) -> None:
    with pytest.raises(UsageError, match="short name"):
        other.name_course(name)
    assert other.course.name == "vision"


def test_a_course_without_a_title_goes_by_its_name(other: Store) -> None:
    other.name_course("dl-2026")
    assert (other.course.name, other.course.title) == ("dl-2026", "dl-2026")
    with other.database.reading() as session:
        assert list(damages(session)) == []
    assert [work.assignment for work in works_of(other)] == ["cats"]


def test_whoever_is_in_another_course_stays_in_it_under_its_new_name(both: Server, other: Store) -> None:
    home = both.home.store
    for name, course in (("ben", "vision"), ("cara", "course")):
        add_account(home, name, Role.TA, course=course)
    # Said twice, as by whoever was stopped in between.
    assert [home.rename_course("vision", "cv-2026") for _ in range(2)] == [1, 0]
    other.name_course("cv-2026")
    enrolments = {each.login: [(at.course, at.role) for at in each.enrolments] for each in who_is_in(home)}
    assert enrolments == {"ben": [("cv-2026", "ta")], "cara": [("course", "ta")]}
    with pytest.raises(UsageError, match="is called course itself"):
        home.rename_course("course", "dl")
    with pytest.raises(UsageError, match="short name"):
        home.rename_course("cv-2026", "CV 2026")
    assert {each.login: [at.course for at in each.enrolments] for each in who_is_in(home)} == {
        "ben": ["cv-2026"], "cara": ["course"],
    }  # fmt: skip
