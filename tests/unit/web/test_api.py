"""The API as a program meets it: marks read and given, what is new, what is refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from litestar.types import ASGIApp

from grader.web import bearers
from grader.web.api.problems import KINDS
from grader.web.app import create_app
from grader.web.limits import Limit
from grader.web.roles import Role
from grader.web.site import Server, Site
from grader.workflows.accounts.people import add_account, enrol
from grader.workflows.accounts.tokens import Scope, make_token, revoke_token
from grader.workflows.marking.marks import MarkOrder, give_marks
from grader.workflows.views.export import as_plain
from grader.workflows.views.show import find_results
from tests import web_class
from tests.api_client import Program, program
from tests.web_client import Answer

CATS = "/courses/course/assignments/cats"
WHY = f"{CATS}/submissions/s1001/criteria/{web_class.WHY}"

Ask = Callable[..., Program]


@pytest.fixture
def app(both: Server) -> ASGIApp:
    return create_app(both)


@pytest.fixture
def asks(app: ASGIApp, both: Server) -> Ask:
    def asks(role: Role = Role.INSTRUCTOR, *scopes: Scope, **given: str) -> Program:
        return program(app, both.home.store, role, *scopes, **given)

    return asks


def told(answer: Answer, status: int = 200) -> Any:
    assert answer.status == status, answer.text
    return json.loads(answer.text)


def problem(answer: Answer, name: str) -> Any:
    kind = KINDS[name]
    found = told(answer, kind.status)
    assert (found["type"], found["title"], found["status"]) == (kind.type, kind.title, kind.status)
    assert answer.headers["content-type"] == "application/problem+json"
    return found


def test_marks_are_those_of_the_export(asks: Ask, site: Site) -> None:
    found = told(asks().get(f"{CATS}/marks"))
    assert found["next"] is None
    wanted = json.loads(json.dumps([as_plain(each) for each in find_results(site.store, "cats")]))
    for item in found["items"]:
        for line in item["criteria"]:
            del line["title"], line["seen"]
    assert found["items"] == wanted


def test_a_list_is_walked_page_by_page_while_others_hand_in(asks: Ask) -> None:
    for role in (Role.INSTRUCTOR, Role.TA):
        who = asks(role, name=role.value)
        whole = [each["student"] for each in told(who.get(f"{CATS}/submissions"))["items"]]
        assert whole == sorted(whole) and len(whole) == 8
        seen, path = [], f"{CATS}/submissions?limit=3"
        for size in (3, 3, 2):
            answer = who.get(path)
            page = told(answer)
            seen += [each["student"] for each in page["items"]]
            assert len(page["items"]) == size
            if page["next"]:
                assert answer.headers["link"].endswith('; rel="next"')
                path = answer.headers["link"][len("</api/v1") : -len('>; rel="next"')]
                assert page["next"] in path and "limit=3" in path
        assert seen == whole and page["next"] is None and "link" not in answer.headers


def test_who_grades_blind_meets_pseudonyms_alone(asks: Ask) -> None:
    who = asks(Role.TA)
    [student, *_] = [each["student"] for each in told(who.get(f"{CATS}/submissions"))["items"]]
    assert student.startswith("anon-")
    for path in (
        "marks",
        "submissions",
        "pending",
        f"submissions/{student}",
        f"submissions/{student}/history",
    ):
        answer = who.get(f"{CATS}/{path}")
        assert answer.status == 200
        assert not any(f"s100{number}" in answer.text for number in range(10))
    problem(who.get(f"{CATS}/submissions/s1001"), "not-found")


def test_only_submissions_in_a_state_are_listed(asks: Ask) -> None:
    who = asks()
    assert len(told(who.get(f"{CATS}/submissions?state=waiting"))["items"]) == 8
    assert told(who.get(f"{CATS}/submissions?state=dropped"))["items"] == []
    [wrong] = problem(who.get(f"{CATS}/submissions?state=odd"), "malformed")["errors"]
    assert "odd" in wrong["what"] or wrong["where"]


def test_what_waits_is_listed_by_student_and_criterion(asks: Ask) -> None:
    who = asks()
    found = told(who.get(f"{CATS}/pending?criterion={web_class.WHY}&limit=5"))
    assert [each["criterion"] for each in found["items"]] == [web_class.WHY] * 5 and found["next"]
    problem(who.get(f"{CATS}/pending?criterion=none"), "not-found")


def test_a_mark_is_given_by_whoever_saw_what_stands(asks: Ask, site: Site) -> None:
    who = asks(Role.INSTRUCTOR, Scope.READ, Scope.MARK)
    answer = who.get(WHY)
    assert answer.headers["etag"] == f'"{told(answer)["seen"]}"'
    given = who.post(f"{WHY}/mark", {"points": 3, "comment": "so"}, if_match=answer.headers["etag"])
    body = told(given)
    assert (body["before"], body["after"], body["out_of"]) == (0.0, 3.0, 5.0)
    now = who.get(WHY)
    assert given.headers["etag"] == now.headers["etag"] == f'"{body["seen"]}"'
    assert (told(now)["status"], told(now)["decision"]["by"], told(now)["decision"]["why"]) == (
        "MARKED",
        "ben",
        "so",
    )
    # The body says the same as the header.
    back = told(who.post(f"{WHY}/mark", {"points": None, "seen": body["seen"]}))
    assert back["after"] == 0.0
    result = find_results(site.store, "cats", ["s1001"])[0]
    assert [each.points for each in result.decisions] == [3.0, None]


def test_nobodys_mark_is_replaced_unseen(asks: Ask, site: Site) -> None:
    who = asks()
    seen = told(who.get(WHY))["seen"]
    give_marks(site.store, "cats", [MarkOrder("s1001", web_class.WHY, 1.0, "first")], actor="ann")
    found = problem(who.post(f"{WHY}/mark", {"points": 3}, if_match=f'"{seen}"'), "changed")
    assert "1 points, ann" in found["stands"] and "no mark; verdict" in found["seen"]
    assert problem(who.post(f"{WHY}/mark", {"points": 3, "seen": seen}), "changed")["now"] == found["now"]
    problem(who.post(f"{WHY}/mark", {"points": 3}), "unseen")
    problem(who.post(f"{WHY}/mark", {"points": 3}, if_match="*"), "unseen")
    problem(who.post(f"{WHY}/mark", {"points": 3, "seen": "9+9"}, if_match='"8+8"'), "malformed")
    assert told(who.get(WHY))["points"] == 1.0
    assert told(who.post(f"{WHY}/mark", {"points": 3, "seen": found["now"]}))["before"] == 1.0


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ({"points": 6, "seen": "SEEN"}, "refused"),
        ({"points": -1, "seen": "SEEN"}, "malformed"),
        ({"points": "3", "seen": "SEEN"}, "malformed"),
        ({"points": 3, "seen": "SEEN", "more": 1}, "malformed"),
        ({"points": 3, "seen": "SEEN", "comment": "x" * 10_001}, "malformed"),
        ({"points": None, "seen": "SEEN"}, "refused"),
        ({"points": 3, "seen": "1"}, "invalid"),
        (b"[" * 40 + b"]" * 40, "malformed"),
        (b'{"points": 3, "comment": "' + b"x" * 300_000 + b'"}', "too-large"),
        (b'{"points": NaN}', "malformed"),
        (b"\xff", "malformed"),
        (b"", "malformed"),
    ],
)
def test_what_cannot_be_a_mark_is_refused_in_words(asks: Ask, site: Site, sent: Any, name: str) -> None:
    who = asks()
    if isinstance(sent, dict) and sent["seen"] == "SEEN":
        sent = sent | {"seen": told(who.get(WHY))["seen"]}
    found = problem(who.post(f"{WHY}/mark", sent), name)
    assert name == "too-large" or found["detail"]
    assert find_results(site.store, "cats", ["s1001"])[0].decisions == ()


@pytest.mark.parametrize(
    "place", ["submissions/s9999/criteria/why-validation", "submissions/s1001/criteria/none"]
)
def test_a_mark_for_nobody_is_not_found(asks: Ask, place: str) -> None:
    assert "detail" not in problem(
        asks().post(f"{CATS}/{place}/mark", {"points": 1, "seen": "1"}), "not-found"
    )


def test_what_is_not_new_is_not_sent_again(asks: Ask, site: Site) -> None:
    who = asks()
    for path in (
        "",
        "/submissions",
        "/marks",
        "/pending",
        "/submissions/s1001",
        "/submissions/s1001/history",
    ):
        answer = who.get(CATS + path)
        again = who.get(CATS + path, if_none_match=f'"x", W/{answer.headers["etag"]}')
        assert (again.status, again.text, again.headers["etag"]) == (304, "", answer.headers["etag"])
    lines = who.get(f"{CATS}/submissions")
    give_marks(site.store, "cats", [MarkOrder("s1001", web_class.WHY, 1.0, "")], actor="ann")
    assert who.get(f"{CATS}/submissions", if_none_match=lines.headers["etag"]).status == 200
    # Others see it otherwise.
    now = who.get(f"{CATS}/submissions").headers["etag"]
    blind = asks(Role.TA, name="cara")
    assert blind.get(f"{CATS}/submissions", if_none_match=now).status == 200


def test_what_is_sent_twice_is_done_once(asks: Ask, site: Site) -> None:
    who = asks()
    sent = {"points": 3, "comment": "so", "seen": told(who.get(WHY))["seen"]}
    first = who.post(f"{WHY}/mark", sent, idempotency_key="k1")
    again = who.post(f"{WHY}/mark", sent, idempotency_key="k1")
    assert (again.status, again.text) == (first.status, first.text) and first.status == 200
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["idempotency-replayed"] == "true" and "idempotency-replayed" not in first.headers
    problem(who.post(f"{WHY}/mark", sent | {"points": 2}, idempotency_key="k1"), "key-used")
    # A refusal is answered again as well, and another token has keys of its own.
    refused = who.post(f"{WHY}/mark", sent, idempotency_key="k2")
    assert problem(refused, "changed") == problem(
        who.post(f"{WHY}/mark", sent, idempotency_key="k2"), "changed"
    )
    problem(asks().post(f"{WHY}/mark", sent, idempotency_key="k1"), "changed")
    problem(who.post(f"{WHY}/mark", sent, idempotency_key="é" * 3), "malformed")
    assert len(find_results(site.store, "cats", ["s1001"])[0].decisions) == 1


def test_a_mistake_of_ours_gives_the_key_back(asks: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    who = asks()
    sent = {"points": 3, "seen": told(who.get(WHY))["seen"]}
    with monkeypatch.context() as patch:
        patch.setattr("grader.web.api.marks.give_marks", lambda *_, **__: 1 / 0)
        problem(who.post(f"{WHY}/mark", sent, idempotency_key="k"), "failed")
    assert told(who.post(f"{WHY}/mark", sent, idempotency_key="k"))["after"] == 3.0


def test_forms_of_requests_that_are_none_of_ours(asks: Ask) -> None:
    who = asks()
    problem(who.post(f"{WHY}/mark", {"points": 1}, content_type="text/plain"), "wrong-type")
    problem(who.get(f"{CATS}/marks", accept="text/html"), "not-acceptable")
    assert who.get(f"{CATS}/marks", accept="text/html, */*;q=0.1").status == 200
    problem(who.get("/nothing"), "not-found")
    problem(who.ask("DELETE", f"{CATS}/marks"), "no-such-method")
    assert "GET" in who.ask("DELETE", f"{CATS}/marks").headers["allow"]
    problem(who.get(f"{CATS}/marks", host="evil.example"), "wrong-host")
    options = who.ask("OPTIONS", f"{CATS}/marks")
    assert options.status == 204 and "GET" in options.headers["allow"]
    got, head = who.get(f"{CATS}/marks"), who.ask("HEAD", f"{CATS}/marks")
    assert (head.status, head.text, head.headers["etag"]) == (200, "", got.headers["etag"])
    assert head.headers["content-length"] == got.headers["content-length"]
    assert got.headers["cache-control"] == "no-store" and "authorization" in got.headers["vary"]
    for limit in ("0", "201", "x"):
        problem(who.get(f"{CATS}/marks?limit={limit}"), "malformed")
    deep = base64.urlsafe_b64encode(b"[" * 50_000).decode()
    for cursor in ("x", "é", "bnVsbA", "WzFd", "W10", deep):
        problem(who.get(f"{CATS}/marks?cursor={cursor}"), "malformed")


def test_a_token_that_is_none_opens_nothing(asks: Ask, both: Server, app: ASGIApp) -> None:
    store = both.home.store
    who = asks(Role.INSTRUCTOR)
    for given in ("Bearer x", "Bearer", "Basic eDp4", f"Bearer {who.secret}x", who.secret):
        answer = Program(app).get("/me", authorization=given)
        problem(answer, "no-token")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    problem(Program(app).get("/me"), "no-token")
    assert told(who.get("/me"))["account"] == "ben"
    revoke_token(store, "token-0", "ben")
    problem(who.get("/me"), "no-token")
    ended = make_token(store, "short", "ben", [Scope.READ], until=store.clock().replace(year=2099))
    assert told(Program(app, ended.secret).get("/me"))["until"].startswith("2099-")
    later = store.clock().replace(year=2100)
    store.clock = lambda: later
    problem(Program(app, ended.secret).get("/me"), "no-token")


def test_a_token_for_one_course_does_not_know_others(asks: Ask, both: Server) -> None:
    store = both.home.store
    add_account(store, "ben", Role.INSTRUCTOR)
    enrol(store, "ben", Role.INSTRUCTOR, course="vision")
    everywhere, only = asks(), asks(only="course")
    path = CATS.replace("/course/", "/vision/")
    assert everywhere.get(path).status == 200 and only.get(CATS).status == 200
    assert problem(only.get(path), "not-found") == problem(
        only.get(path.replace("/vision/", "/none/")), "not-found"
    )
    assert [each["course"] for each in told(only.get("/courses"))["items"]] == ["course"]


def test_guesses_and_greed_wait(asks: Ask, app: ASGIApp, monkeypatch: pytest.MonkeyPatch) -> None:
    who = asks()
    monkeypatch.setattr(bearers, "ASKED", Limit(2, bearers.ASKED.within))
    assert [who.get("/me").status for _ in range(3)] == [200, 200, 429]
    assert 1 <= int(who.get("/me").headers["retry-after"]) <= 60
    assert asks().get("/me").status == 200
    monkeypatch.setattr(bearers, "TOKENS", Limit(2, bearers.TOKENS.within))
    assert [Program(app, "x").get("/me").status for _ in range(3)] == [401, 401, 429]


def test_a_browser_reads_and_does_not_write(sign_in: Any) -> None:
    browser = sign_in(Role.INSTRUCTOR)
    assert browser.ask("GET", f"/api/v1{WHY}").status == 200
    answer = browser.ask(
        "POST",
        f"/api/v1{WHY}/mark",
        body=b'{"points": 1, "seen": "1"}',
        headers={"content-type": "application/json", "origin": "http://127.0.0.1:8310"},
    )
    problem(answer, "no-token")


def test_a_token_opens_no_page(asks: Ask) -> None:
    who = asks()
    answer = who.ask("GET", "/../../c/course/a/cats/waiting")
    assert answer.status in (401, 404)
