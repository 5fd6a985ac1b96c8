"""`grader lti roster` and `grader lti push` against a platform of the tests' own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.errors import UsageError
from grader.store import Store, open_store
from grader.store.platforms import ContextRecord
from grader.workflows.lti.asking import Busy, PlatformError
from grader.workflows.lti.platforms import add_platform, connect, platform_named
from grader.workflows.lti.scores import push_scores
from grader.workflows.lti.services import Services, scores_url
from grader.workflows.lti.tool_keys import tool_keys
from tests.lti_platform import CONTEXT, INSTRUCTOR, LEARNER, TA, Platform, platform
from tests.tokens import rsa_key
from tests.unit.cli.conftest import Grader

ROSTER = "student,name,login,number,email\ns1,Jane Doe,doejane,1001,jane@x.org\ns2,John Smith,smithj,1002,\n"


def member(subject: str, **told: Any) -> dict[str, Any]:
    return {"status": "Active", "user_id": subject, "roles": [LEARNER], **told}


@pytest.fixture
def lms(graded: Path, grader: Grader, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    """A platform in whose course the two students are, connected with a course that was graded."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (graded / "roster.csv").write_text(ROSTER)
    assert grader("roster", "roster.csv").code == 0
    with platform() as made, open_store("grader.db") as store:
        add_platform(store, "school", **made.addresses)
        store.platforms.keep_keys("", json.dumps([rsa_key("ours").as_dict(private=True)]))
        connect(store, "school", CONTEXT)
        made.tool_keys = tool_keys(store).public
        made.members = [
            member("u-1", lis_person_sourcedid="1001"),
            member("u-2", ext_user_username="smithj"),
            member("u-3", roles=[TA, INSTRUCTOR], name="Ben"),
        ]
        yield made


def launched(lms: Platform, **changed: str) -> None:
    """What the first launch tells of the course."""
    told = {"memberships": f"{lms.origin}/members", "line_items": f"{lms.origin}/columns"} | changed
    with open_store("grader.db") as store:
        store.platforms.keep_context(
            ContextRecord(platform="school", context=CONTEXT, course="course", **told)
        )


def mark(grader: Grader, points: str, student: str = "s1") -> None:
    """Gives points, and shows students their marks."""
    decide(grader, points, student)
    assert grader("release", "now", "-a", "mini", "--yes").code == 0


def decide(grader: Grader, points: str, student: str = "s1") -> None:
    given = ("--criterion", "why", "--points", points, "--comment", "so")
    assert grader("mark", student, "-a", "mini", *given).code == 0


def test_a_mark_is_sent_once_and_again_where_it_changed(lms: Platform, grader: Grader) -> None:
    launched(lms)
    decide(grader, "2")
    refused = grader("lti", "push", "-a", "mini", "--send")
    assert refused.code == 2 and "nothing of this assignment is released" in refused.err
    assert grader("release", "now", "-a", "mini", "--yes").code == 0
    shown = grader("lti", "push", "-a", "mini")
    assert shown.code == 0 and "1 to send" in shown.out and "a new column: school" in shown.out
    assert "left out: s2: " in shown.out and "wait for a TA" in shown.out
    assert "POST /columns" not in lms.asked and lms.scores == {}
    assert "1 sent, 0 there already" in grader("lti", "push", "-a", "mini", "--send").out
    [(column, [first])] = lms.scores.items()
    made = lms.line_items[column]
    assert made["resourceId"] == "mini" and made["scoreMaximum"] == first["scoreMaximum"]
    assert (first["userId"], first["gradingProgress"]) == ("u-1", "FullyGraded")
    again = grader("lti", "push", "-a", "mini", "--send").out
    assert "0 sent, 1 there already" in again and "a new column" not in again
    assert len(lms.scores[column]) == 1 and len(lms.line_items) == 1
    decide(grader, "1")
    # What students are not shown yet is not sent either.
    assert "0 sent, 1 there already" in grader("lti", "push", "-a", "mini", "--send").out
    mark(grader, "2", "s2")
    assert "2 sent, 0 there already" in grader("lti", "push", "-a", "mini", "--send").out
    sent = [(each["userId"], each["scoreGiven"]) for each in lms.scores[column]]
    assert sent[1] == ("u-1", first["scoreGiven"] - 1) and sent[2][0] == "u-2"
    assert lms.scores[column][1]["timestamp"] > first["timestamp"]


def test_a_column_that_is_there_is_taken_and_strangers_are_named(lms: Platform, grader: Grader) -> None:
    launched(lms)
    there = lms.new_column({"label": "Lab", "scoreMaximum": 7.0, "resourceId": "mini"})["id"]
    lms.new_column({"label": "Other", "scoreMaximum": 7.0, "resourceId": "other"})
    lms.members = lms.members[1:]
    mark(grader, "2")
    mark(grader, "2", "s2")
    ended = grader("lti", "push", "-a", "mini", "--send")
    assert "left out: s1: is in no course of the platform" in ended.out
    assert [each["userId"] for each in lms.scores[there]] == ["u-2"] and len(lms.line_items) == 2


@pytest.fixture
def store(lms: Platform) -> Iterator[Store]:
    with open_store("grader.db") as store:
        yield store


def test_what_is_refused_is_listed_and_tried_again(lms: Platform, grader: Grader, store: Store) -> None:
    launched(lms)
    mark(grader, "2")
    mark(grader, "2", "s2")
    waited: list[float] = []
    services = Services(platform_named(store, "school"), tool_keys(store), store.clock, waited.append)
    lms.refuses = {"u-1": [429, 503], "u-2": [422]}
    pushed = push_scores(store, store, "mini", lambda _: services, send=True)
    # It waits as long as the platform asks for, else ever longer; the student is not lost.
    assert waited == [3.0, 4.0] and [each.student for each in pushed.sent] == ["s1"]
    [failed] = pushed.failed
    assert failed.student == "s2" and "422" in failed.why
    pushed = push_scores(store, store, "mini", lambda _: services, send=True)
    assert (pushed.unchanged, [each.student for each in pushed.sent]) == (["s1"], ["s2"])
    ended = grader("lti", "push", "-a", "mini", "--send")
    assert ended.code == 0 and "0 sent, 2 there already, 0 refused" in ended.out
    lms.refuses = {"u-1": [429] * 4}
    with pytest.raises(Busy):
        services.send_score(next(iter(lms.scores)), {"userId": "u-1"})


def test_a_command_with_a_refusal_ends_with_one(lms: Platform, grader: Grader) -> None:
    launched(lms)
    mark(grader, "2")
    lms.refuses = {"u-1": [400]}
    ended = grader("lti", "push", "-a", "mini", "--send")
    assert ended.code == 1 and "refused: s1: the platform refused" in ended.out


def test_tokens_are_asked_for_once_and_anew_where_they_are_over(lms: Platform, store: Store) -> None:
    services = Services(platform_named(store, "school"), tool_keys(store), store.clock)
    assert [each["user_id"] for each in services.members(f"{lms.origin}/members")] == ["u-1", "u-2", "u-3"]
    list(services.members(f"{lms.origin}/members"))
    assert lms.asked.count("POST /token") == 1
    lms.tokens.clear()
    list(services.members(f"{lms.origin}/members"))
    assert lms.asked.count("POST /token") == 2


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/members", "file:///etc/passwd", "https://evil.example/"])
def test_nothing_but_the_platform_is_asked(lms: Platform, store: Store, url: str) -> None:
    services = Services(platform_named(store, "school"), tool_keys(store), store.clock)
    with pytest.raises(PlatformError, match="no address of the platform"):
        list(services.members(url))
    lms.next_page = url
    with pytest.raises(PlatformError, match="no address of the platform"):
        list(services.members(f"{lms.origin}/members"))
    assert "POST /token" in lms.asked


def test_a_roster_is_shown_then_kept_and_nobody_is_taken_off(lms: Platform, grader: Grader) -> None:
    launched(lms)
    lms.members = [
        member("u-1", lis_person_sourcedid="1001", email="other@x.org"),
        member(
            "u-4", ext_user_username="new", name="Nina New", email="nina@x.org", lis_person_sourcedid="1004"
        ),
        member("u-5", name="Nobody Named"),
        member("u-6", status="Inactive", ext_user_username="left"),
        member("u-7", roles=[TA, INSTRUCTOR], ext_user_username="ben"),
        member("u-8", lis_person_sourcedid="1001", name="Jane Twice"),
        member("u-9", email="late@x.org", name="Lee Late"),
    ]
    before = grader("roster").out
    shown = grader("lti", "roster")
    for line in (
        "new: new (Nina New)",
        "gone there, kept here: s2 (John Smith)",
        "take care: Nobody Named has no number",
        "take care: Jane Twice may be several",
        "nothing was written",
    ):
        assert line in shown.out, shown.out
    assert "left" not in shown.out and "ben" not in shown.out
    assert grader("roster").out == before
    assert "kept: 4 students" in grader("lti", "roster", "--write").out
    kept = grader("roster").out
    # What stands in the roster stays as it is.
    assert "s2" in kept and "nina@x.org" in kept and "late@x.org" in kept and "other@x.org" not in kept
    assert "new: " not in grader("lti", "roster").out


def test_what_is_lacking_is_said(lms: Platform, grader: Grader) -> None:
    for command in (("lti", "roster"), ("lti", "roster", "mini")):
        ended = grader(*command)
        assert ended.code == 2 and "open the tool" in ended.err
    mark(grader, "2")
    launched(lms, line_items="")
    ended = grader("lti", "push", "-a", "mini")
    assert ended.code == 2 and "Assignment and Grade Services" in ended.err
    with open_store("grader.db") as store:
        store.platforms.remove("school")
        with pytest.raises(UsageError, match="no course of a platform"):
            push_scores(store, store, "mini", lambda _: pytest.fail("asks a platform"))


def test_marks_go_below_the_path_of_a_column() -> None:
    assert scores_url("https://x.org/columns/1?type=9") == "https://x.org/columns/1/scores?type=9"
    assert scores_url("https://x.org/columns/1/") == "https://x.org/columns/1/scores"
