"""Remark requests in the browser: what a decision would do, and that it is done only when it is sent."""

from __future__ import annotations

import re

import pytest

from grader.grading.requests import Kind, State
from grader.store import Signature
from grader.store.records import SubmissionRecord
from grader.web.roles import Role
from grader.web.site import Site
from grader.workflows.marking.marks import MarkOrder, give_marks
from grader.workflows.marking.remark import Request, find, open_request
from grader.workflows.views.show import find_result
from tests.unit.web.conftest import SignIn
from tests.web_class import WHY


def asked(site: Site, criterion: str = WHY, student: str = "s1005") -> int:
    """Opens a request by the student, who says who they are."""
    request = Request(student, "cats", criterion, Kind.JUDGEMENT, f"I, {student}, said so.", True)
    [remark] = open_request(site.store, [request], actor=student)
    return remark.id


def marked(site: Site) -> int:
    give_marks(site.store, "cats", [MarkOrder("s1005", WHY, 2.0, "too short")], actor="ben")
    return asked(site)


def test_the_queue_and_the_request_show_what_is_asked_and_what_was_found(site: Site, sign_in: SignIn) -> None:
    id = marked(site)
    client = sign_in(Role.HEAD_TA, "cara")
    assert f'href="/c/course/remarks/{id}"' in client.get("/a/cats/remarks").text
    shown = client.get(f"/remarks/{id}").text
    assert "I, s1005, said so." in shown and "too short" in shown
    assert f"/untrusted/a/cats/s/s1005/answer/{WHY}" in shown


def test_who_else_has_the_same_finding_is_named(site: Site, sign_in: SignIn) -> None:
    id = asked(site, "builtin-shadowing")
    client = sign_in(Role.INSTRUCTOR)
    shown = client.get(f"/remarks/{id}").text
    assert "The same was found of" not in shown
    give_marks(site.store, "cats", [MarkOrder("s1001", WHY, 2.0, "")], actor="ben")
    other = asked(site, "builtin-shadowing", "s1001")
    shown = client.get(f"/remarks/{other}").text
    assert "The same was found of 6 others" in shown
    assert re.findall(r"student=(s\d+)", shown) == ["s1002", "s1003", "s1004", "s1006", "s1007", "s1008"]


def test_a_request_waits_while_a_newer_file_does(site: Site, sign_in: SignIn) -> None:
    id = marked(site)
    newer = SubmissionRecord(
        student="s1005",
        assignment="cats",
        notebook="e" * 64,
        path="cats.ipynb",
        submitted_at=None,
        late=False,
        problem="",
    )
    with site.store.writing() as history:
        history.hand_in(newer, Signature("s1005", site.store.clock(), "handed in"))
    answer = sign_in(Role.INSTRUCTOR, "ann").get(f"/remarks/{id}")
    assert answer.status == 409
    assert f"newer file of s1005 for cats, handed in since request {id}" in answer.text
    blind = sign_in(Role.TA, "ben").get(f"/remarks/{id}")
    assert blind.status == 409 and "s1005" not in blind.text


def test_a_preview_says_what_would_become_of_the_mark_and_writes_nothing(site: Site, sign_in: SignIn) -> None:
    id = marked(site)
    client = sign_in(Role.HEAD_TA, "cara")
    token = client.get(f"/remarks/{id}").form_token
    fields = (("form_token", token), ("points", "4.5"), ("reason", "it is there"))
    tried = client.post(f"/remarks/{id}/settle", *fields, ("step", "preview"))
    assert tried.status == 200
    assert re.search(r"raised</strong>: 2 → 4.5 of 5", tried.text)
    assert re.search(r"whole mark: 2 → 4.5 of 12", tried.text)
    assert "it is there" in tried.text
    assert find(site.store, id).state is State.SUBMITTED
    assert client.post(f"/remarks/{id}/settle", *fields, ("step", "decide")).status == 303
    mark = find_result(site.store, "s1005", "cats").mark
    assert mark is not None and mark.points == 4.5
    assert find(site.store, id).state is State.RESOLVED


def test_what_the_rules_forbid_is_said_before_and_refused_after(site: Site, sign_in: SignIn) -> None:
    id = marked(site)
    client = sign_in(Role.HEAD_TA, "cara")
    token = client.get(f"/remarks/{id}").form_token
    fields = (("form_token", token), ("points", "7"), ("reason", "x"))
    assert (
        "It cannot be decided so" in client.post(f"/remarks/{id}/settle", *fields, ("step", "preview")).text
    )
    assert client.post(f"/remarks/{id}/settle", *fields, ("step", "decide")).status == 422
    assert find(site.store, id).state is State.SUBMITTED


@pytest.mark.parametrize(("step", "state"), [("review", State.UNDER_REVIEW), ("reject", State.REJECTED)])
def test_a_request_is_taken_up_or_rejected(site: Site, sign_in: SignIn, step: str, state: State) -> None:
    id = marked(site)
    client = sign_in(Role.HEAD_TA, "cara")
    token = client.get(f"/remarks/{id}").form_token
    answer = client.post(
        f"/remarks/{id}/settle", ("form_token", token), ("points", ""), ("reason", "no"), ("step", step)
    )
    assert answer.status == 303
    assert find(site.store, id).state is state


def test_while_a_request_is_open_the_criterion_is_decided_there(site: Site, sign_in: SignIn) -> None:
    id = marked(site)
    shown = sign_in(Role.INSTRUCTOR).get(f"/a/cats/grade/{WHY}?student=s1005").text
    assert f"/remarks/{id}" in shown
    assert 'id="give"' not in shown


def test_who_is_blind_reads_no_id_in_a_request(site: Site, sign_in: SignIn) -> None:
    id = marked(site)
    client = sign_in(Role.TA, "ben")
    for path in (f"/remarks/{id}", "/a/cats/remarks", "/a/cats/remarks?all=yes"):
        answer = client.get(path)
        assert answer.status == 200
        assert "s1005" not in answer.text and "anon-" in answer.text
