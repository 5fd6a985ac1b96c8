"""Which program gets where: every route of the API, for every role and scope, from the route table itself."""

from __future__ import annotations

import json

import pytest
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from grader.errors import SetUpError
from grader.web.addresses import API_PATH
from grader.web.app import create_app, routes_of
from grader.web.guards import SAFE, handlers_of, permission_of, permits, permits_programs, scope_of
from grader.web.pages import ROUTES
from grader.web.roles import Permission, Role, may
from grader.web.site import Server, Site
from grader.workflows.accounts.tokens import Scope
from tests.api_client import Program, program
from tests.unit.web.conftest import SignIn
from tests.unit.web.test_routes import filled
from tests.web_client import ORIGIN, Answer


def routes(server: Server) -> list[tuple[str, HTTPRouteHandler, Scope, Permission]]:
    """Every route that takes tokens, with what it declares."""
    found = []
    for path, handler in handlers_of(routes_of(ROUTES, server)):
        scope, permission = scope_of(handler), permission_of(handler)
        if scope is not None:
            assert permission is not None and path.startswith(f"{API_PATH}/")
            found.append((path.removeprefix(API_PATH), handler, scope, permission))
    assert len(found) >= 10
    return found


@pytest.fixture
def app(both: Server) -> ASGIApp:
    return create_app(both)


def ask(who: Program, method: str, path: str) -> Answer:
    """A request that writes nothing: what a write sends fits no model."""
    if method in SAFE:
        return who.ask(method, filled(path))
    return who.ask(method, filled(path), b'"nothing"', content_type="application/json")


@pytest.mark.parametrize("role", list(Role))
def test_a_route_is_for_roles_with_its_permission_by_tokens_with_its_scope(
    both: Server, app: ASGIApp, role: Role
) -> None:
    whole = program(app, both.home.store, role)
    by_scope = {scope: program(app, both.home.store, role, scope) for scope in Scope}
    for path, handler, scope, permission in routes(both):
        for method in sorted(handler.http_methods):
            allowed = may(role, permission)
            for who in (whole, by_scope[scope]):
                answer = ask(who, method, path)
                good = answer.status not in (401, 403) and answer.status < 500
                assert good if allowed else answer.status == 403, (method, path, answer.text[:500])
                assert method in SAFE or not allowed or answer.status in (400, 404), (method, path)
            # One other scope stands for all: they are compared as one word.
            other = next(each for each in Scope if each is not scope)
            answer = ask(by_scope[other], method, path)
            assert answer.status == 403, (method, path)
            assert not allowed or f'scope="{scope}"' in answer.headers["www-authenticate"]


def test_nobody_gets_anything_without_a_token(both: Server, app: ASGIApp, sign_in: SignIn) -> None:
    browser = sign_in(Role.INSTRUCTOR)
    for path, handler, _, _ in routes(both):
        for method in sorted(handler.http_methods):
            answer = ask(Program(app), method, path)
            assert answer.status == 401 and answer.headers["www-authenticate"] == "Bearer", (method, path)
            if method not in SAFE:
                headers = {"origin": ORIGIN, "content-type": "application/json"}
                answer = browser.ask(method, API_PATH + filled(path), body=b"{}", headers=headers)
                assert answer.status == 401, (method, path)


@pytest.mark.parametrize("role", [Role.STUDENT, Role.INSTRUCTOR])
def test_a_foreign_course_and_a_missing_one_are_answered_alike(
    both: Server, app: ASGIApp, role: Role
) -> None:
    who = program(app, both.home.store, role)
    for path, handler, _, _ in routes(both):
        if "{course:str}" not in path:
            continue
        for method in sorted(handler.http_methods):
            foreign, missing, neither = (
                ask(who, method, path.replace("{course:str}", course).replace("{student:str}", student))
                for course, student in (("vision", "s1001"), ("nobody", "s1001"), ("vision", "s9999"))
            )
            assert foreign.status == missing.status == neither.status == 404, (method, path)
            assert foreign.text == missing.text == neither.text, (method, path)
            assert set(json.loads(foreign.text)) == {"type", "title", "status"}


def test_a_route_of_the_api_without_a_scope_keeps_the_application_from_starting(site: Site) -> None:
    @get("/api/v1/courses/{course:str}/leak", opt=permits(Permission.READ_WORK), sync_to_thread=False)
    def leak() -> str:
        return "everything"

    @get("/page", opt=permits_programs(Permission.READ_WORK, Scope.READ), sync_to_thread=False)
    def page() -> str:
        return "everything"

    with pytest.raises(SetUpError, match="declares no scope") as refused:
        create_app(site, [*ROUTES, page])
    assert "/c/{course:str}/page" in str(refused.value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("grader.web.app.api.SERVER_ROUTES", (leak,))
        with pytest.raises(SetUpError, match="declares no scope") as refused:
            create_app(site, [*ROUTES])  # a list of its own: tests share what was made of the usual one
    assert "leak" in str(refused.value)
