"""Coming from a course system by LTI 1.3: who gets in as what, and what is not believed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from litestar import post

from grader.errors import SetUpError
from grader.intake.roster import RosterEntry, roster_from
from grader.store import Store
from grader.store.store import utc_now
from grader.web.app import create_app
from grader.web.guards import permits
from grader.web.headers import PAGE_POLICY
from grader.web.pages import ROUTES
from grader.web.roles import Permission, Role
from grader.web.site import Server, Site
from grader.workflows.accounts.people import add_account, enrol
from grader.workflows.desk.roster import keep_roster
from grader.workflows.lti.platforms import add_platform, connect, link_person
from grader.workflows.lti.tool_keys import make_keys, rotate_keys, tool_keys
from tests.lti_browser import IN_A_FRAME, IN_A_TAB, arrive, come, posted, sent
from tests.lti_platform import (
    CLAIM,
    CLIENT,
    CONTEXT,
    DL,
    INSTRUCTOR,
    LEARNER,
    MEMBERSHIP,
    TA,
    Platform,
    platform,
)
from tests.tokens import rsa_key
from tests.unit.web.test_entering import Clock
from tests.web_client import Answer, Client

ADA = {"sub": "u-1", "roles": [LEARNER], f"{CLAIM}lis": {"person_sourcedid": "1001"}}
BEN = {"sub": "u-2", "roles": [TA, INSTRUCTOR]}
CARA = {"sub": "u-3", "roles": [INSTRUCTOR]}


@pytest.fixture
def lms(monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with platform() as made:
        made.user = dict(ADA)
        yield made


@pytest.fixture
def store(site: Site, lms: Platform) -> Store:
    """A course that knows the platform, its course and who is on the roster."""
    site.store.keep_desk_url("http://127.0.0.1:8310")
    roster(site.store)
    add_platform(site.store, "school", **lms.addresses, enrols=["student", "ta", "instructor"])
    connect(site.store, "school", CONTEXT)
    site.store.platforms.keep_keys("", json.dumps([rsa_key("ours").as_dict(private=True)]))
    lms.tool_keys = lambda: tool_keys(site.store).public()
    return site.store


def roster(store: Store, *more: RosterEntry) -> None:
    ada = RosterEntry("s1001", "Ada Lovelace", email="ada@x.org", number="1001", login="ada", line=1)
    bob = RosterEntry("s1002", "Bob Byte", email="bob@x.org", number="1002", login="bob", line=2)
    keep_roster(store, roster_from([ada, bob, *more]))


@pytest.fixture
def client(site: Site, store: Store) -> Client:
    return Client(create_app(site))


def enrolled(store: Store, subject: str, lms: Platform, course: str = "course") -> tuple[str, str]:
    account = store.accounts.known_as(lms.origin, subject)
    assert account is not None
    each = store.accounts.enrolments(account.id)[course]
    return each.role, each.student


def test_a_student_of_the_roster_comes_in_as_that_student(
    client: Client, store: Store, lms: Platform
) -> None:
    answer = come(client, lms)
    assert (answer.status, answer.headers["location"]) == (303, "/c/course")
    assert enrolled(store, "u-1", lms) == ("student", "s1001")
    session = client.cookies["grader-8310"]
    found = store.signed_in.of(session)
    assert found is not None and found.name == "ada"
    lms.changed = {f"{CLAIM}custom": {"assignment": "cats"}}
    assert come(Client(client.app), lms).headers["location"] == "/c/course/my/cats/hand-in"
    # Known by the subject from now on, whatever else the platform says.
    lms.user = {"sub": "u-1", "roles": [INSTRUCTOR], "email": "new@x.org"}
    assert come(Client(client.app), lms).status == 303
    assert enrolled(store, "u-1", lms) == ("student", "s1001")
    assert len(store.accounts.everybody()) == 1


def test_who_teaches_comes_to_the_assignment_that_the_link_is_about(
    client: Client, store: Store, lms: Platform
) -> None:
    lms.user = {**BEN, f"{CLAIM}custom": {"assignment": "cats", "login": "ben17"}}
    answer = come(client, lms)
    assert answer.headers["location"] == "/c/course/a/cats/waiting"
    assert ">ben17</a><span" in client.get("/a/cats/waiting").text
    assert enrolled(store, "u-2", lms) == ("ta", "")
    lms.user = dict(CARA)
    lms.changed = {f"{CLAIM}target_link_uri": "http://127.0.0.1:8310/lti/launch?assignment=cats"}
    other = Client(client.app)
    assert come(other, lms).headers["location"] == "/c/course/a/cats/waiting"
    assert enrolled(store, "u-3", lms) == ("instructor", "")


@pytest.mark.parametrize(
    ("claims", "student"),
    [
        ({f"{CLAIM}lis": {"person_sourcedid": "1001"}}, "s1001"),
        ({f"{CLAIM}ext": {"user_username": "bob"}}, "s1002"),
        ({f"{CLAIM}custom": {"number": "1002", "login": "$User.username"}}, "s1002"),
        ({f"{CLAIM}custom": {"canvas_id": 77}}, "s1003"),
        ({"email": "Bob@X.org"}, "s1002"),
    ],
)
def test_a_student_is_found_by_what_the_platform_tells(
    client: Client, store: Store, lms: Platform, claims: dict[str, Any], student: str
) -> None:
    roster(store, RosterEntry("s1003", canvas_id="77", line=3))
    lms.user = {"sub": "u-9", "roles": [LEARNER], **claims}
    assert come(client, lms).status == 303
    assert enrolled(store, "u-9", lms) == ("student", student)


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ({"roles": [LEARNER]}, "class list"),
        ({"roles": [LEARNER], "email": "bob@elsewhere.org"}, "class list"),
        ({"roles": [LEARNER], f"{CLAIM}custom": {"number": "$Canvas.user.sisSourceId"}}, "class list"),
        ({"roles": [LEARNER], f"{CLAIM}lis": {"person_sourcedid": "Ada Lovelace"}}, "class list"),
        (
            {
                "roles": [LEARNER],
                f"{CLAIM}lis": {"person_sourcedid": "1001"},
                f"{CLAIM}ext": {"user_username": "bob"},
            },
            "several students",
        ),
        ({"roles": []}, "does not say that you are in this course"),
        ({"roles": [f"{MEMBERSHIP}#Mentor"]}, "does not say"),
        # What somebody is in the institution is nothing in this course.
        ({"roles": ["http://purl.imsglobal.org/vocab/lis/v2/institution/person#Instructor"]}, "does not say"),
        ({"roles": ["http://purl.imsglobal.org/vocab/lis/v2/system/person#Administrator"]}, "does not say"),
    ],
)
def test_who_cannot_be_told_is_told_what_to_do(
    client: Client, store: Store, lms: Platform, user: dict[str, Any], said: str
) -> None:
    lms.user = {"sub": "u-9", **user}
    answer = come(client, lms)
    assert answer.status == 403 and said in answer.text and "Bob" not in answer.text
    assert "calls you u-9" in answer.text
    assert "grader-8310" not in client.cookies and store.accounts.everybody() == []


def test_a_platform_enrols_whom_its_registration_lets_it(site: Site, lms: Platform) -> None:
    add_platform(site.store, "school", **lms.addresses, enrols=["ta"])
    connect(site.store, "school", CONTEXT)
    roster(site.store)
    client = Client(create_app(site))
    for user, said in ((ADA, "a student"), (CARA, "an instructor")):
        lms.user = dict(user)
        answer = come(client, lms)
        assert answer.status == 403 and said in answer.text
    # Whoever is both may what the lesser may.
    lms.user = {**BEN, "roles": [TA, INSTRUCTOR]}
    assert come(client, lms).status == 303
    assert enrolled(site.store, "u-2", lms)[0] == "ta"


def test_nobody_becomes_anything_else_by_what_the_platform_calls_them(
    client: Client, store: Store, lms: Platform
) -> None:
    add_account(store, "ben", Role.AUDITOR)
    link_person(store, "school", "u-2", "ben")
    lms.user = {**BEN, "roles": [INSTRUCTOR]}
    assert come(client, lms).status == 303
    assert enrolled(store, "u-2", lms)[0] == "auditor"
    # An account of the same name is not theirs because of its name, nor because of an address.
    add_account(store, "cara", Role.ADMIN, email="cara@x.org")
    lms.user = {**CARA, "email": "cara@x.org", f"{CLAIM}ext": {"user_username": "cara"}}
    assert come(client, lms).status == 303
    account = store.accounts.known_as(lms.origin, "u-3")
    assert account is not None and account.login == "cara@x.org"


def test_an_account_from_before_is_the_students_by_a_firm_id_and_not_by_an_address(
    client: Client, store: Store, lms: Platform
) -> None:
    before = add_account(store, "ada-l", Role.STUDENT, student="s1001")
    lms.user = {"sub": "u-8", "roles": [LEARNER], "email": "ada@x.org"}
    answer = come(client, lms)
    assert answer.status == 403 and "Another account" in answer.text
    lms.user = dict(ADA)
    assert come(client, lms).status == 303
    account = store.accounts.known_as(lms.origin, "u-1")
    assert account is not None and account.id == before.id
    # A second subject with the same number is not them.
    lms.user = {**ADA, "sub": "u-7"}
    assert come(Client(client.app), lms).status == 403


def test_an_account_that_is_in_other_courses_is_not_given_to_a_platform(
    client: Client, store: Store, lms: Platform
) -> None:
    add_account(store, "ada", Role.STUDENT, student="s1001")
    enrol(store, "ada", Role.INSTRUCTOR, course="vision")
    assert come(client, lms).status == 403
    assert store.accounts.known_as(lms.origin, "u-1") is None


def test_who_is_in_one_course_is_nobody_in_another(both: Server, lms: Platform) -> None:
    home, vision = both.home.store, both.sites["vision"].store
    roster(home)
    add_platform(home, "school", **lms.addresses, enrols=["student"])
    connect(home, "school", CONTEXT)
    client = Client(create_app(both))
    assert come(client, lms).status == 303
    assert enrolled(home, "u-1", lms) == ("student", "s1001")
    assert client.ask("GET", "/c/vision").status == 404
    # The platform's other course, in which she is not on the roster, and which nobody has connected before.
    lms.changed = {f"{CLAIM}context": {"id": "course-vision"}}
    refused = come(client, lms)
    assert refused.status == 403 and "grader lti connect school course-vision" in refused.text
    connect(home, "school", "course-vision", course="vision")
    assert come(client, lms).status == 403
    roster(vision)
    assert come(client, lms).headers["location"] == "/c/vision"
    assert {*home.accounts.enrolments(1)} == {"course", "vision"}


@pytest.mark.parametrize("signs", ["none", "foreign", "public", "nameless"])
def test_what_the_platform_did_not_sign_is_not_believed(
    client: Client, store: Store, lms: Platform, signs: str
) -> None:
    lms.signs = signs
    assert_refused(client, store, come(client, lms))
    lms.signs = "own"
    assert come(client, lms).status == 303


def assert_refused(client: Client, store: Store, answer: Answer) -> None:
    assert answer.status == 401 and "cannot be believed" in answer.text, answer.text
    assert "grader-8310" not in client.cookies and store.accounts.everybody() == []


NOW = int(time.time())


@pytest.mark.parametrize(
    ("changed", "lacking"),
    [
        ({"iss": "https://evil.example"}, set()),
        ({"aud": "another"}, set()),
        ({"aud": [CLIENT, "another"], "azp": CLIENT}, set()),
        ({"aud": []}, set()),
        ({"azp": "another"}, set()),
        ({"exp": 1_000_000_000}, set()),
        ({"iat": NOW - 3600}, set()),
        ({"iat": NOW + 3600}, set()),
        ({"exp": "never"}, set()),
        ({"nonce": "another"}, set()),
        ({"sub": ""}, set()),
        ({"sub": 17}, set()),
        ({f"{CLAIM}version": "1.1"}, set()),
        ({f"{CLAIM}message_type": "LtiSubmissionReviewRequest"}, set()),
        ({f"{CLAIM}message_type": "LtiDeepLinkingRequest"}, set()),
        ({f"{CLAIM}deployment_id": "8:vision"}, set()),
        ({f"{CLAIM}context": {"id": ""}}, set()),
        *(
            ({}, {name})
            for name in (
                "iss", "aud", "sub", "exp", "iat", "nonce", f"{CLAIM}version", f"{CLAIM}message_type",
                f"{CLAIM}deployment_id", f"{CLAIM}resource_link", f"{CLAIM}context", f"{CLAIM}roles",
            )
        ),
    ],
)  # fmt: skip
def test_a_token_for_somebody_or_something_else_is_not_believed(
    client: Client, store: Store, lms: Platform, changed: dict[str, Any], lacking: set[str]
) -> None:
    lms.changed = changed
    lms.lacking = lacking
    if f"{CLAIM}roles" in lacking:
        lms.user = {name: value for name, value in ADA.items() if name != "roles"}
    assert_refused(client, store, come(client, lms))


def test_a_token_without_end_or_with_a_number_that_is_none_is_not_believed(
    client: Client, store: Store, lms: Platform
) -> None:
    for value in (float("nan"), float("inf"), None):
        lms.changed = {"exp": value}
        assert_refused(client, store, come(client, lms))


def test_a_launch_works_once_in_the_browser_that_was_sent_and_for_ten_minutes(
    client: Client, store: Store, lms: Platform
) -> None:
    clock = Clock()
    clock.now = utc_now()
    store.clock = clock
    form = lms.form(sent(client, lms))
    on = posted(client, lms, "/lti/launch", form).headers["location"]
    # The whole form again, and its token with another state.
    assert posted(client, lms, "/lti/launch", form).status == 401
    mixed = {**form, "state": sent(client, lms)["state"]}
    assert posted(client, lms, "/lti/launch", mixed).status == 401
    # Who has the address and not the cookie; then nobody any more.
    assert Client(client.app).ask("GET", on).status == 401
    assert client.ask("GET", on).status == 401
    on, kept = arrive(client, lms).headers["location"], dict(client.cookies)
    assert client.ask("GET", on).status == 303
    client.cookies = kept
    assert client.ask("GET", on).status == 401
    late = lms.form(sent(client, lms))
    clock.now += timedelta(minutes=10)
    assert posted(client, lms, "/lti/launch", late).status == 401


def test_what_another_browser_began_is_of_no_use(client: Client, store: Store, lms: Platform) -> None:
    """Somebody's own launch put into another's browser would sign them in as somebody else."""
    mine, theirs = client, Client(client.app)
    sent(theirs, lms)
    on = arrive(mine, lms).headers["location"]
    assert theirs.ask("GET", on).status == 401
    assert "grader-8310" not in theirs.cookies


def test_two_tabs_at_once_both_arrive(client: Client, lms: Platform, store: Store) -> None:
    first, second = lms.form(sent(client, lms)), lms.form(sent(client, lms))
    for form in (second, first):
        on = posted(client, lms, "/lti/launch", form).headers["location"]
        assert client.ask("GET", on).status == 303


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/steal",
        "//evil.example",
        "http://127.0.0.1:8310@evil.example/lti/launch?assignment=cats",
        "javascript:alert(1)",
        "http://127.0.0.1:8310/lti/launch?assignment=//evil.example",
        "http://127.0.0.1:8310/lti/launch?assignment=..%2F..%2Flogout",
    ],
)
def test_where_the_link_leads_sends_nobody_elsewhere(
    client: Client, store: Store, lms: Platform, target: str
) -> None:
    lms.user = dict(CARA)
    lms.changed = {f"{CLAIM}target_link_uri": target}
    location = come(client, lms, target_link_uri=target).headers["location"]
    parts = urlsplit(location)
    assert (parts.scheme, parts.netloc) == ("", "") and location.startswith("/c/course")
    assert "/../" not in location and "//" not in location


def test_keys_are_asked_for_where_the_platform_was_registered_and_not_at_every_try(
    site: Site, store: Store, lms: Platform
) -> None:
    clock = Clock()
    clock.now = utc_now()
    store.clock = clock
    client = Client(create_app(site))
    assert come(client, lms).status == 303
    lms.key = rsa_key("second")
    assert come(client, lms).status == 401
    assert lms.asked.count("GET /keys") == 1
    clock.now += timedelta(minutes=1)
    assert come(client, lms).status == 303
    assert lms.asked.count("GET /keys") == 2
    # A token that says where its key is: nobody is asked there.
    query = sent(client, lms)
    claims = jwt.decode(lms.token(query), KeySet([lms.key]), algorithms=["RS256"]).claims
    evil = rsa_key("evil")
    header = {
        "alg": "RS256", "kid": "evil", "jku": f"{lms.origin}/evil", "jwk": evil.as_dict(private=False),
    }  # fmt: skip
    raw = jwt.encode(header, claims, evil)
    answer = posted(client, lms, "/lti/launch", {"state": query["state"], "id_token": raw})
    assert answer.status == 401 and "GET /evil" not in lms.asked


def test_a_platform_that_does_not_answer_lets_nobody_in(site: Site, lms: Platform) -> None:
    nowhere = {**lms.addresses, "jwks_url": "http://127.0.0.1:9/keys"}
    add_platform(site.store, "school", **nowhere, enrols=["student"])
    connect(site.store, "school", CONTEXT)
    assert come(Client(create_app(site)), lms).status == 401


@pytest.mark.parametrize(
    "told",
    [
        {"iss": "https://evil.example"},
        {"client_id": "another"},
        {"login_hint": ""},
    ],
)
def test_whom_nobody_registered_begins_nothing(
    client: Client, store: Store, lms: Platform, told: dict[str, str]
) -> None:
    for method, path in (("GET", f"/lti/login?{urlencode(lms.initiation(**told))}"), ("POST", "/lti/login")):
        body = urlencode(lms.initiation(**told)).encode() if method == "POST" else b""
        answer = client.ask(method, path, body=body, headers={**IN_A_TAB, "origin": lms.origin})
        assert answer.status == 404 and "location" not in answer.headers
    assert client.cookies == {}


def test_a_login_may_be_posted_and_names_what_the_platform_has_to_know(
    client: Client, store: Store, lms: Platform
) -> None:
    body = urlencode(lms.initiation()).encode()
    answer = client.ask("POST", "/lti/login", body=body, headers={**IN_A_TAB, "origin": lms.origin})
    assert answer.status == 303
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert query["redirect_uri"] == ["http://127.0.0.1:8310/lti/launch"]
    assert query["lti_message_hint"] == ["link"]
    assert len(query["nonce"][0]) >= 40 and len(query["state"][0]) >= 40
    [cookie] = answer.cookies
    parts = {part.strip() for part in cookie.split(";")}
    assert cookie.startswith("grader-8310-lti=") and {"HttpOnly", "SameSite=lax", "Path=/"} <= parts


@pytest.mark.parametrize("headers", [IN_A_FRAME, {}], ids=["frame", "silent"])
def test_in_a_frame_a_tab_is_opened_and_only_the_platform_may_frame_it(
    client: Client, store: Store, lms: Platform, headers: dict[str, str]
) -> None:
    answer = client.ask("GET", f"/lti/login?{urlencode(lms.initiation())}", headers=headers)
    assert answer.status == 200 and answer.cookies == []
    assert 'target="_blank"' in answer.text and "/lti/login?iss=" in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.endswith(f"frame-ancestors {lms.origin}") and "script-src" not in policy
    # Nothing else can be framed, what comes after it included.
    refused = arrive(client, lms)
    assert client.ask("GET", refused.headers["location"]).headers["content-security-policy"] == PAGE_POLICY
    assert client.get("/").headers["content-security-policy"] == PAGE_POLICY


def deep(client: Client, lms: Platform) -> Answer:
    return posted(client, lms, "/lti/deep", lms.form(sent(client, lms, deep=True)))


def test_who_teaches_chooses_an_assignment_in_the_frame(client: Client, store: Store, lms: Platform) -> None:
    lms.user = dict(CARA)
    answer = deep(client, lms)
    assert answer.status == 200 and answer.cookies == [] and client.cookies == {}
    assert f'action="{lms.origin}/chosen"' in answer.text
    assert answer.headers["content-security-policy"].endswith(f"frame-ancestors {lms.origin}")
    [raw] = [each.partition('"')[0] for each in answer.text.split('name="JWT" value="')[1:]]
    keys = KeySet.import_key_set(lms.tool_keys())  # type: ignore[arg-type]
    said = jwt.decode(raw, keys, algorithms=["RS256"]).claims
    assert (said["iss"], said["aud"]) == (CLIENT, lms.origin)
    assert said[f"{CLAIM}message_type"] == "LtiDeepLinkingResponse" and said[f"{DL}data"] == "as it came"
    [item] = said[f"{DL}content_items"]
    assert item["custom"] == {"assignment": "cats"} and item["url"] == "http://127.0.0.1:8310/lti/launch"
    assert item["lineItem"]["resourceId"] == "cats" and item["lineItem"]["scoreMaximum"] > 0


def test_a_student_chooses_no_assignment_and_no_answer_goes_elsewhere(
    client: Client, store: Store, lms: Platform
) -> None:
    answer = deep(client, lms)
    assert answer.status == 403 and "JWT" not in answer.text
    lms.user = dict(CARA)
    for settings in (
        {"deep_link_return_url": "https://evil.example/", "accept_types": ["ltiResourceLink"]},
        {"deep_link_return_url": f"{lms.origin}/chosen", "accept_types": ["file"]},
    ):
        lms.changed = {f"{DL}deep_linking_settings": settings}
        assert deep(client, lms).status == 401


def test_what_was_asked_for_one_purpose_serves_no_other(client: Client, store: Store, lms: Platform) -> None:
    """No cookie binds the choice of an assignment to a browser: so it signs nobody in."""
    query = sent(client, lms, deep=True)
    assert posted(client, lms, "/lti/launch", lms.form(query)).status == 401
    query = sent(client, lms, deep=True)
    launched = {"state": query["state"], "id_token": lms.token({**query, "lti_message_hint": "link"})}
    assert posted(client, lms, "/lti/deep", launched).status == 401
    assert posted(client, lms, "/lti/deep", lms.form(sent(client, lms))).status == 401
    assert "grader-8310" not in client.cookies


def test_new_keys_of_ours_are_shown_beside_the_old_one(client: Client, store: Store) -> None:
    [first] = tool_keys(store).public()["keys"]
    assert make_keys(store).public()["keys"] == [first]
    rotate_keys(store)
    shown = client.ask("GET", "/lti/jwks")
    keys = json.loads(shown.text)["keys"]
    assert [key["kid"] for key in keys][1:] == [first["kid"]] and len(keys) == 2
    assert all(set(key) <= {"kty", "kid", "n", "e", "use", "alg"} for key in keys)
    signed = tool_keys(store).sign({"iss": "x"})
    assert jwt.decode(signed, KeySet.import_key_set(json.loads(shown.text))).header["kid"] == keys[0]["kid"]
    rotate_keys(store)
    assert first not in tool_keys(store).public()["keys"]


def test_a_platform_that_was_removed_brings_nobody_not_even_who_is_on_the_way(
    client: Client, store: Store, lms: Platform
) -> None:
    form = lms.form(sent(client, lms))
    store.platforms.remove("school")
    assert posted(client, lms, "/lti/launch", form).status == 401


def test_guessing_is_limited_and_a_lab_of_strangers_locks_nobody_out(
    client: Client, store: Store, lms: Platform
) -> None:
    lms.user = {"sub": "u-9", "roles": [LEARNER]}
    assert [come(client, lms).status for _ in range(12)] == [403] * 12
    lms.user = dict(ADA)
    assert come(client, lms).status == 303
    guesses = [posted(client, lms, "/lti/launch", {"state": str(i)}).status for i in range(11)]
    assert guesses == [401] * 10 + [429]


def test_a_route_for_a_session_takes_no_form_of_another_site(site: Site) -> None:
    @post("/open", opt=permits(Permission.MARK, from_elsewhere=True), sync_to_thread=False)
    def open_to_all() -> str:
        return "everything"

    with pytest.raises(SetUpError, match="takes forms of other sites"):
        create_app(site, [*ROUTES, open_to_all])
