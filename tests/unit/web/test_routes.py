"""Who gets where: every route there is, for every role, from the route table itself."""

from __future__ import annotations

import re

import pytest
from litestar import get

from grader.errors import SetUpError
from grader.web.app import create_app, routes_of
from grader.web.guards import SAFE, handlers_of, permission_of, permits, scope_of
from grader.web.headers import PAGE_POLICY
from grader.web.pages import ROUTES
from grader.web.rendering import asset
from grader.web.roles import (
    GRANTED,
    Permission,
    Role,
    grades_blind,
    is_limited,
    may,
    reruns_at_most,
)
from grader.web.site import Server, Site
from tests import web_class
from tests.unit.web.conftest import SignIn
from tests.web_client import COURSE, ORIGIN, in_course

#: What stands in place of a path's parameters.
PARTS = {
    "{course:str}": COURSE,
    "{sha256:str}": "0" * 64,
    "{assignment:str}": "cats",
    "{criterion:str}": web_class.WHY,
    "{student:str}": "s1001",
    "{id:int}": "1",
    "{format:str}": "csv",
    "{signed:str}": "made.up",
    "{version:str}": asset("desk.css").version,
    "{name:str}": "desk.css",
}


def filled(path: str) -> str:
    for part, text in PARTS.items():
        path = path.replace(part, text)
    assert "{" not in path, path
    return path


#: Ask for a secret of their own in place of a session.
SIGNING_IN = ("/login", "/login/link", "/login/password")
#: Ask for what a course system says, as forms of another site: what each answers to nothing.
FROM_ELSEWHERE = {"/lti/login": 404, "/lti/launch": 401, "/lti/deep": 401, "/lti/enter": 401}


@pytest.mark.parametrize("role", [None, *Role])
def test_a_route_is_for_those_who_have_its_permission_and_for_nobody_else(
    site: Site, sign_in: SignIn, role: Role | None
) -> None:
    """No form is sent with its token here, so that nothing is written: who may come is told so instead."""
    client = sign_in(role)
    asked = 0
    for path, handler in handlers_of(routes_of(ROUTES, site)):
        permission = permission_of(handler)
        if scope_of(handler) is not None:
            continue  # of programs: `test_api_access.py`
        assert permission is not None
        for method in sorted(handler.http_methods):
            answer = client.ask(method, filled(path), headers={"origin": "http://127.0.0.1:8310"})
            asked += 1
            allowed = may(role, permission)
            if permission is Permission.WATCH:
                assert answer.status == 200, (method, path)
            elif permission is Permission.LINK:
                assert answer.status == 404 and "none, or has ended" in answer.text, (method, path)
            elif path in FROM_ELSEWHERE or permission is Permission.WORK:
                # A worker has a token; who is signed in has none.
                assert answer.status == FROM_ELSEWHERE.get(path, 401), (method, path)
                assert answer.cookies == []
            elif path in SIGNING_IN:
                assert answer.status == (200 if method in SAFE else 401), (method, path)
                assert answer.cookies == []
            elif not allowed:
                assert answer.status == (401 if role is None else 403), (method, path)
                assert role is None or "may not" in answer.text
            elif method in SAFE:
                assert answer.status in (200, 303, 404), (method, path, answer.text[:2000])
            else:
                assert answer.status == 403 and "may not" not in answer.text, (method, path)
    assert asked >= 15


@pytest.mark.parametrize("role", list(Role))
def test_a_course_that_somebody_is_not_in_is_answered_as_one_that_is_not_there(
    both: Server, enrolled: SignIn, role: Role
) -> None:
    """Every route of every course, for every role in another one: the same answer, whatever is there."""
    client = enrolled(role)
    asked = 0
    for path, handler in handlers_of(routes_of(ROUTES, both)):
        permission = permission_of(handler)
        if not path.startswith("/c/") or permission is Permission.PUBLIC:
            continue
        own, foreign, missing, none_of_theirs = (
            path.replace("{course:str}", course).replace("{student:str}", student)
            for course, student in (
                ("course", "s1001"),
                ("vision", "s1001"),
                ("nobody", "s1001"),
                ("vision", "s9999"),
            )
        )
        for method in sorted(handler.http_methods):
            answers = [
                client.ask(method, filled(each), headers={"origin": ORIGIN})
                for each in (foreign, missing, none_of_theirs)
            ]
            assert [answer.status for answer in answers] == [404] * 3, (method, path)
            texts = {re.sub("vision|nobody|s1001|s9999", "", answer.text) for answer in answers}
            assert len(texts) == 1 and "cats" not in texts.pop(), (method, path)
            # What is not refused for the course is not refused for lack of one either.
            assert permission is not None
            mine = client.ask(method, filled(own), headers={"origin": ORIGIN})
            assert (mine.status != 403) >= (may(role, permission) and method in SAFE), (method, path)
            asked += 1
    assert asked >= 15


def test_who_is_not_signed_in_gets_nothing_but_what_is_for_everybody(site: Site) -> None:
    public = {
        path
        for path, handler in handlers_of(routes_of(ROUTES, site))
        if permission_of(handler) is Permission.PUBLIC
    }
    assert public == {
        *SIGNING_IN,
        *FROM_ELSEWHERE,
        "/lti/jwks",
        "/oidc/start",
        "/oidc/back",
        "/healthz",
        "/readyz",
        "/api/v1/openapi.json",
        "/static/{version:str}/{name:str}",
    }


def test_the_table_of_roles_says_what_it_should() -> None:
    marking = {role for role in Role if Permission.MARK in GRANTED[role]}
    assert marking == {Role.ASSIGNED_TA, Role.TA, Role.HEAD_TA, Role.INSTRUCTOR}
    seeing = {Role.HEAD_TA, Role.INSTRUCTOR, Role.AUDITOR}
    assert {role for role in Role if Permission.READ_CLASS in GRANTED[role]} == seeing
    assert {role for role in Role if not grades_blind(role)} == seeing
    assert GRANTED[Role.STUDENT] == {Permission.PUBLIC, Permission.SIGNED_IN, Permission.OWN_WORK}
    for permission in (Permission.READ_PEOPLE, Permission.READ_RELEASE):
        assert {role for role in Role if permission in GRANTED[role]} == seeing - {Role.HEAD_TA}
    assert {role for role in Role if Permission.RELEASE in GRANTED[role]} == {Role.INSTRUCTOR}
    assert {role for role in Role if Permission.READ_SETUP in GRANTED[role]} == seeing
    assert {role for role in Role if Permission.SET_UP in GRANTED[role]} == {Role.INSTRUCTOR}
    assert GRANTED[Role.ASSIGNED_TA] == GRANTED[Role.TA] - {
        Permission.MARK_ALIKE,
        Permission.DECIDE_REMARKS,
        Permission.TRY_RUBRIC,
        Permission.READ_QUEUE,
        Permission.RERUN,
    }
    assert [role for role in Role if is_limited(role)] == [Role.ASSIGNED_TA]
    steering = {Role.HEAD_TA, Role.INSTRUCTOR, Role.ADMIN}
    assert {role for role in Role if Permission.STEER_QUEUE in GRANTED[role]} == steering
    assert {role for role in Role if Permission.RERUN in GRANTED[role]} == steering | {Role.TA}
    assert [role for role in steering if reruns_at_most(role) is not None] == []
    assert reruns_at_most(Role.TA) == 1
    keeping = {Role.INSTRUCTOR, Role.ADMIN}
    assert {role for role in Role if Permission.KEEP_WORKERS in GRANTED[role]} == keeping
    assert {role for role in Role if Permission.READ_SIMILAR in GRANTED[role]} == {Role.INSTRUCTOR}
    assert GRANTED[Role.ADMIN] == {
        Permission.PUBLIC,
        Permission.SIGNED_IN,
        Permission.READ_QUEUE,
        Permission.RERUN,
        Permission.STEER_QUEUE,
        Permission.KEEP_WORKERS,
    }
    assert not any(
        {Permission.WATCH, Permission.LINK, Permission.WORK} & granted for granted in GRANTED.values()
    )
    assert not may(None, Permission.SIGNED_IN)
    assert not GRANTED[Role.AUDITOR] & {Permission.MARK, Permission.MARK_ALIKE, Permission.DECIDE_REMARKS}


def test_a_route_without_a_permission_keeps_the_application_from_starting(site: Site) -> None:
    @get("/leak", sync_to_thread=False)
    def leak() -> str:
        return "everything"

    @get("/vague", opt={"permission": "everybody"}, sync_to_thread=False)
    def vague() -> str:
        return "everything"

    for handler, path in ((leak, "/leak"), (vague, "/vague")):
        with pytest.raises(SetUpError, match="declares no permission") as refused:
            create_app(site, [*ROUTES, handler])
        assert path in str(refused.value)

    @get("/right", opt=permits(Permission.AUDIT), sync_to_thread=False)
    def right() -> str:
        return "everything"

    create_app(site, [*ROUTES, right])


def test_every_answer_carries_the_headers_that_hold_browsers(site: Site, sign_in: SignIn) -> None:
    client = sign_in(Role.INSTRUCTOR)
    paths = [filled(path) for path, _ in handlers_of(routes_of(ROUTES, site))]
    seen = set()
    for method, path in [
        *(("GET", path) for path in paths),
        ("GET", "/nothing/here"),
        ("DELETE", "/"),
        ("GET", in_course("/a/no/s/x")),
        ("GET", "/c/no/a/cats/waiting"),
    ]:
        answer = client.ask(method, path)
        seen.add(answer.status)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "camera=()" in answer.headers["permissions-policy"]
        policy = answer.headers["content-security-policy"]
        if "/untrusted/" in path and answer.status == 200:
            assert policy.startswith("sandbox; default-src 'none'; img-src data:; style-src 'sha256-")
            assert "script" not in policy and "allow-" not in policy
        else:
            assert policy == PAGE_POLICY
        if not path.startswith("/static/"):
            assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers
    assert seen >= {200, 404, 405}


def test_what_is_not_there_and_what_was_never_there_look_the_same(sign_in: SignIn) -> None:
    client = sign_in(Role.TA)
    answers = [client.get(path) for path in ("/a/none/s/s1001", "/a/cats/s/s9999", "/a/none/waiting")]
    assert {answer.status for answer in answers} == {404}
