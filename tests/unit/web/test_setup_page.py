"""The set-up of an assignment in the browser: read by head TAs, changed by instructors, told by both."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from grader.store import Signature
from grader.store.groups import GroupFileRecord
from grader.web.roles import Role
from grader.web.site import Site
from grader.workflows.accounts.people import add_account
from grader.workflows.setting_up.sharing import who_grades_what
from tests import web_class
from tests.unit.web.conftest import SignIn
from tests.web_client import Answer, Client

SETUP = "/a/cats/setup"
WHY = ("reason", "as agreed")


def send(client: Client, action: str, *fields: tuple[str, str]) -> Answer:
    token = client.get(SETUP).form_token
    return client.post(f"{SETUP}/{action}", ("form_token", token), *fields)


def test_shares_are_made_in_each_way_and_shown(site: Site, sign_in: SignIn) -> None:
    add_account(site.store, "dan", Role.ASSIGNED_TA)
    client = sign_in()
    assert "8 students" in client.get(SETUP).text and 'value="dan"' in client.get(SETUP).text
    assert send(client, "share", ("step", "draw"), ("graders", "ben, cara")).status == 303
    assert [len(line.students) for line in who_grades_what(site.store, "cats").lines] == [4, 4]
    give = (("step", "give"), ("grader", "dan"), ("students", "s1001\ns1002"))
    assert send(client, "share", *give).status == 303
    assert send(client, "share", ("step", "table"), ("table", "student,ta\ns1003,dan\n")).status == 303
    shares = {line.grader: set(line.students) for line in who_grades_what(site.store, "cats").lines}
    assert shares["dan"] == {"s1001", "s1002", "s1003"}
    table = client.get(f"{SETUP}/shares.csv").text
    assert table.startswith("student,ta\n") and "s1003,dan" in table
    assert send(client, "share", ("step", "end"), ("grader", "dan")).status == 303
    assert {line.by for line in who_grades_what(site.store, "cats").lines} == {"ann"}


@pytest.mark.parametrize(
    "fields",
    [
        (("step", "draw"), ("graders", "")),
        (("step", "give"), ("grader", ""), ("students", "s1001")),
        (("step", "give"), ("grader", "ben"), ("students", "s9999")),
        (("step", "table"), ("table", "s1001")),
        (("step", "section"), ("section", "L1"), ("grader", "ben")),
        (("step", "end"), ("grader", "ben")),
        (("step", "else"),),
    ],
)
def test_what_cannot_be_shared_out_is_said_beside_what_was_typed(
    site: Site, sign_in: SignIn, fields: tuple[tuple[str, str], ...]
) -> None:
    answer = send(sign_in(), "share", *fields)
    assert answer.status == 422 and 'role="alert"' in answer.text
    assert all(text in answer.text for name, text in fields if name == "students")
    assert who_grades_what(site.store, "cats").lines == ()


def test_dates_are_set_by_the_courses_clock_and_told_with_their_reason(site: Site, sign_in: SignIn) -> None:
    site.store.keep_zone("Europe/Berlin")
    client = sign_in()
    assert send(client, "dates", ("due", "2026-03-10T23:59")).status == 422, "without a reason"
    assert send(client, "dates", ("due", "2026-03-10T23:59"), WHY).status == 303
    text = client.get(SETUP).text
    assert "2026-03-10 23:59 CET" in text and "by the course" in text and "as agreed" in text
    with site.store.reading() as history:
        assert history.late_policy("cats").due == datetime(2026, 3, 10, 22, 59, tzinfo=UTC)
    before = send(client, "dates", ("due", "2026-03-10T23:59"), ("until", "2026-03-01T00:00"), WHY)
    assert before.status == 422 and "before it is due" in before.text
    assert send(client, "dates", WHY).status == 303
    assert "by the course" not in client.get(SETUP).text


def test_students_are_extended_excused_and_taken_back(site: Site, sign_in: SignIn) -> None:
    client = sign_in()
    students = ("students", "s1001\r\ns1002")
    until = ("until", "2026-03-20T12:00")
    assert send(client, "allow", ("step", "extend"), students, WHY).status == 422, "without a date"
    assert send(client, "allow", ("step", "extend"), students, until, WHY).status == 303
    assert send(client, "allow", ("step", "excuse"), ("students", "s1003"), WHY).status == 303
    text = client.get(SETUP).text
    assert text.count("until 2026-03-20 12:00 UTC") >= 2 and "excused" in text
    assert "excused by ann" in client.get("/a/cats/students").text
    assert send(client, "allow", ("step", "take back"), ("students", "s1001"), WHY).status == 303
    assert send(client, "allow", ("step", "no excuse"), ("students", "s1003"), WHY).status == 303
    assert send(client, "allow", ("step", "no excuse"), ("students", "s1003"), WHY).status == 422
    with site.store.reading() as history:
        assert set(history.extensions("cats")) == {"s1002"}
        assert history.excuses("cats") == {}


def test_who_may_only_read_sees_no_form(site: Site, sign_in: SignIn) -> None:
    send(sign_in(), "share", ("step", "draw"), ("graders", "ben"))
    for role in (Role.HEAD_TA, Role.AUDITOR):
        client = sign_in(role, "cara")
        text = client.get(SETUP).text
        assert "ben" in text and "<form" not in text.partition("<main")[2]


def test_groups_are_set_by_name_and_by_table_and_a_mark_says_for_how_many_it_is(
    site: Site, sign_in: SignIn
) -> None:
    client = sign_in()
    one = (("step", "set"), ("group", "g1"), ("students", "s1001\ns1002"))
    assert "needs a reason" in send(client, "groups", *one).text
    assert send(client, "groups", *one, WHY).status == 303
    table = ("table", "student,group\ns1003,g2\ns1004,g2")
    assert send(client, "groups", ("step", "table"), table).status == 303
    shown = client.get(SETUP).text
    assert "s1001, s1002" in shown and "s1003, s1004" in shown and "do not read whom" in shown
    assert "s1003,g2\n" in client.get(f"{SETUP}/groups.csv").text
    assert send(client, "groups", ("step", "names"), ("shown", "yes")).status == 303
    assert send(client, "groups", ("step", "end"), ("group", "g2")).status == 303
    shown = client.get(SETUP).text
    assert "s1003, s1004" not in shown and "Members read whom" in shown
    grade = f"/a/cats/grade/{web_class.WHY}?student=s1001"
    # What came before there was a group stays each one's own.
    assert "Handed in by a group" not in client.get(grade).text
    with site.store.writing() as history:
        file = history.submission("s1001", "cats")
        assert file is not None
        shared = GroupFileRecord(
            assignment="cats", notebook=file.notebook, name="g1", members=("s1001", "s1002")
        )
        history.note_group_file(shared, Signature("s1001", site.store.clock(), "handed in"))
    assert "the mark is that of 1 other" in client.get(grade).text


def test_for_how_long_files_are_kept_is_told_and_set(site: Site, sign_in: SignIn) -> None:
    client = sign_in()
    before = client.get(SETUP).text
    assert "For how long it is kept" in before and "This is the course’s rule" in before
    assert send(client, "keep", ("uploads", "soon"), ("evidence", "")).status == 422
    assert send(client, "keep", ("uploads", "730"), ("evidence", "0")).status == 303
    text = client.get(SETUP).text
    assert "730 days" in text and "0 days" in text and "This is the course’s rule" not in text
    # Each work is looked at where somebody asks. All of this class waits for TAs, and so all of it stays.
    assert "points wait for a TA" not in text and "would-go=yes" in text
    assert "points wait for a TA: s1001" in client.get(f"{SETUP}?would-go=yes").text
    assert send(client, "keep", ("uploads", ""), ("evidence", "")).status == 303
    assert "730 days" not in client.get(SETUP).text
    head = sign_in(Role.HEAD_TA, "cara")
    assert "For how long it is kept" in head.get(SETUP).text and "Change how long" not in head.get(SETUP).text
