"""`grader lti`: platforms as whoever runs the server registers them; launches: `tests/unit/web`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grader.store import open_store
from tests.unit.cli.conftest import Grader

SCHOOL = {
    "--issuer": "https://canvas.instructure.com",
    "--client-id": "10000000000042",
    "--deployment": "7:dl",
    "--auth-url": "https://sso.canvaslms.com/api/lti/authorize_redirect",
    "--token-url": "https://sso.canvaslms.com/login/oauth2/token",
    "--jwks-url": "https://sso.canvaslms.com/api/lti/security/jwks",
    "--origin": "https://School.instructure.com/courses/7",
}


def add(name: str = "school", **changed: str) -> list[str]:
    given = SCHOOL | {f"--{key.replace('_', '-')}": text for key, text in changed.items()}
    return ["lti", "add", name, *(text for pair in given.items() for text in pair if pair[1])]


def test_a_platform_is_registered_shown_and_removed(graded: Path, grader: Grader) -> None:
    ended = grader(*add(), "--enrol", "ta", "--enrol", "student")
    assert ended.code == 0
    assert "school may bring people to course, and enrols student, ta" in ended.out
    assert grader("lti", "connect", "school", "4dde05e8").out == "course 4dde05e8 of school is course\n"
    listed = grader("lti", "list").out
    assert "canvas.instructure.com" in listed and "4dde05e8" in listed and "student, ta" in listed
    [told] = json.loads(grader("lti", "list", "--json").out)
    assert told["origins"] == [
        "https://sso.canvaslms.com", "https://school.instructure.com", "https://canvas.instructure.com",
    ]  # fmt: skip
    assert told["connected"] == [{"context": "4dde05e8", "course": "course"}]
    assert grader("lti", "remove", "school").code == 0
    assert "no platform is registered" in grader("lti", "list").out
    with open_store("grader.db") as store:
        assert store.platforms.contexts() == []
    missing = grader("lti", "remove", "school")
    assert missing.code == 2 and "no platform of this name" in missing.err


@pytest.mark.parametrize(
    ("changed", "more", "said"),
    [
        ({"jwks_url": "http://canvas.example.org/keys"}, [], "by TLS alone"),
        ({"jwks_url": "file:///etc/passwd"}, [], "by TLS alone"),
        ({"token_url": "http://192.0.2.7/token"}, [], "--token-url"),
        ({"auth_url": "https://user:secret@example.org/"}, [], "--auth-url"),
        ({"auth_url": "https://exa mple.org;script-src/"}, [], "--auth-url"),
        ({"origin": "school.instructure.com"}, [], "--origin"),
        ({"issuer": " "}, ["--enrol", "admin"], "student, ta, instructor"),
        ({}, ["--enrol", "head-ta"], "found: head-ta"),
        ({"deployment": "x" * 256}, [], "--deployment"),
    ],
)
def test_what_cannot_be_is_refused(
    graded: Path, grader: Grader, changed: dict[str, str], more: list[str], said: str
) -> None:
    ended = grader(*add(**changed), *more)
    assert ended.code == 2 and said in ended.err
    assert json.loads(grader("lti", "list", "--json").out) == []


def test_one_deployment_is_registered_once_and_one_client_has_one_address(
    graded: Path, grader: Grader
) -> None:
    assert grader(*add()).code == 0
    twice = grader(*add("again"))
    assert twice.code == 2 and "already" in twice.err
    other = grader(*add("other", deployment="8:vision", jwks_url="https://evil.example/keys"))
    assert other.code == 2 and "as for school" in other.err
    assert grader(*add("other", deployment="8:vision"), "--course", "vision").code == 0
    assert grader("lti", "connect", "other", "77").out == "course 77 of other is vision\n"
    named = grader(*add("No Name"))
    assert named.code == 2 and "name of a platform" in named.err


def test_what_an_administrator_needs_is_shown_for_each_system(graded: Path, grader: Grader) -> None:
    at = ("--url", "https://desk.example.org")
    shown = grader("lti", "show", *at).out
    for path in ("login", "launch", "deep", "jwks"):
        assert f"https://desk.example.org/lti/{path}" in shown
    assert '"kty": "RSA"' in shown and '"d"' not in shown
    canvas = json.loads(grader("lti", "show", "--canvas", *at).out)
    assert canvas["oidc_initiation_url"] == "https://desk.example.org/lti/login"
    assert canvas["public_jwk_url"] == "https://desk.example.org/lti/jwks"
    [extension] = canvas["extensions"]
    assert extension["domain"] == "desk.example.org" and extension["privacy_level"] == "public"
    asked = {each["placement"]: each["message_type"] for each in extension["settings"]["placements"]}
    assert asked["assignment_selection"] == "LtiDeepLinkingRequest"
    moodle = grader("lti", "show", "--moodle", *at).out
    assert "Initiate login URL" in moodle and "https://desk.example.org/lti/login" in moodle
    first = json.loads(grader("lti", "show", "--json", *at).out)["jwks"]["keys"]
    assert len(first) == 1
    assert f"{first[0]['kid']} no more" in grader("lti", "rotate").out
    assert json.loads(grader("lti", "show", "--json", *at).out)["jwks"]["keys"][1:] == first


def test_an_account_is_a_platforms_person_for_good(graded: Path, grader: Grader) -> None:
    assert grader(*add()).code == 0
    for name in ("ben", "cara"):
        assert grader("account", "add", name, "--role", "ta").code == 0
    assert grader("lti", "person", "school", "17", "ben").code == 0
    for subject, name in (("17", "cara"), ("18", "ben")):
        refused = grader("lti", "person", "school", subject, name)
        assert refused.code == 2 and "something else" in refused.err
    with open_store("grader.db") as store:
        known = store.accounts.known_as("https://canvas.instructure.com", "17")
    assert known is not None and known.login == "ben"


def test_a_course_that_is_named_anew_keeps_its_platforms(graded: Path, grader: Grader) -> None:
    assert grader(*add()).code == 0
    assert grader("lti", "connect", "school", "77").code == 0
    assert grader("db", "course", "dl-2026").code == 0
    [told] = json.loads(grader("lti", "list", "--json").out)
    assert told["course"] == "dl-2026"
    assert told["connected"] == [{"context": "77", "course": "dl-2026"}]
