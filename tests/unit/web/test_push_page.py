"""The page that sends released marks to a course system: first what would be sent, then what became of it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from grader.intake.roster import RosterEntry, roster_from
from grader.store import Store
from grader.store.platforms import ContextRecord
from grader.web.roles import Role
from grader.web.site import Site
from grader.workflows.desk.roster import keep_roster
from grader.workflows.lti.platforms import add_platform
from grader.workflows.lti.tool_keys import tool_keys
from grader.workflows.marking.marks import MarkOrder, give_marks
from grader.workflows.releasing.release import release_marks
from tests import web_class
from tests.lti_platform import CONTEXT, LEARNER, Platform, platform
from tests.tokens import rsa_key
from tests.unit.web.conftest import SignIn

PAGE, SEND = "/a/cats/release/push", "/a/cats/release/push/send"


@pytest.fixture
def lms(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    keep_roster(site.store, roster_from([RosterEntry("s1001", "Ada Lovelace", number="1001", line=1)]))
    with platform() as made:
        add_platform(site.store, "school", **made.addresses)
        site.store.platforms.keep_keys("", json.dumps([rsa_key("ours").as_dict(private=True)]))
        made.tool_keys = tool_keys(site.store).public
        made.members = [{"user_id": "u-1", "roles": [LEARNER], "lis_person_sourcedid": "1001"}]
        yield made


def connect(store: Store, lms: Platform) -> None:
    told = {"memberships": f"{lms.origin}/members", "line_items": f"{lms.origin}/columns"}
    store.platforms.keep_context(ContextRecord(platform="school", context=CONTEXT, course="course", **told))


def settle(store: Store) -> None:
    for criterion in (web_class.WHY, web_class.CURVES):
        give_marks(store, "cats", [MarkOrder("s1001", criterion, 3.0, "so")], actor="ben")


def release(store: Store) -> None:
    with store.reading() as history:
        newest = history.newest_row()
    release_marks(store, "cats", upto=newest, reason="", actor="ann")


def test_what_would_be_sent_is_shown_then_sent_once(site: Site, sign_in: SignIn, lms: Platform) -> None:
    client = sign_in(Role.INSTRUCTOR)
    assert "no course of a platform is connected" in client.get(PAGE).text.lower()
    connect(site.store, lms)
    assert "nothing of this assignment is released" in client.get(PAGE).text.lower()
    settle(site.store)
    release(site.store)
    assert 'href="/c/course/a/cats/release/push"' in client.get("/a/cats/release").text
    shown = client.get(PAGE)
    assert "<dt>to send</dt><dd>1</dd>" in shown.text and "A new column would be made" in shown.text
    assert "wait for a TA" in shown.text and lms.line_items == {}
    sent = client.post(SEND, ("form_token", shown.form_token))
    assert sent.status == 303
    done = client.ask("GET", sent.headers["location"])
    assert "<dt>sent</dt><dd>1</dd>" in done.text, done.text
    [[score]] = lms.scores.values()
    assert (score["userId"], score["scoreGiven"], score["scoreMaximum"]) == ("u-1", 8.0, 12.0)
    again = client.get(PAGE)
    assert "<dt>there already</dt><dd>1</dd>" in again.text and "<button" not in again.text.split("<main")[1]
    # Another's page of the same work is not theirs to see.
    other = sign_in(Role.INSTRUCTOR, "bea").ask("GET", sent.headers["location"])
    assert "<dt>to send</dt><dd>0</dd>" in other.text


def test_a_platform_that_refuses_is_told_on_the_page(site: Site, sign_in: SignIn, lms: Platform) -> None:
    connect(site.store, lms)
    settle(site.store)
    release(site.store)
    client = sign_in(Role.INSTRUCTOR)
    lms.refuses = {"u-1": [400]}
    sent = client.post(SEND, ("form_token", client.get(PAGE).form_token))
    done = client.ask("GET", sent.headers["location"])
    assert '<dt>refused</dt><dd class="bad">1</dd>' in done.text and "Try those again" in done.text
    lms.tool_keys = lambda: {"keys": []}
    assert "the platform refused" in client.get(PAGE).text.lower()
    assert client.get("/a/none/release/push").status == 404
