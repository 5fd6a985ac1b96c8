"""The page of releases: what would be shown, the release as its page showed it, and taking it back."""

from __future__ import annotations

import re

from grader.intake.roster import RosterEntry, roster_from
from grader.store import Store
from grader.web.roles import Role
from grader.web.site import Site
from grader.workflows.desk.roster import keep_roster
from grader.workflows.marking.marks import MarkOrder, give_marks
from grader.workflows.releasing.preview import preview_of
from grader.workflows.releasing.shown import shown_work
from tests import web_class
from tests.unit.web.conftest import STUDENTS, SignIn
from tests.web_client import Answer, Client


def give(store: Store, student: str, points: float, criterion: str = web_class.WHY) -> None:
    give_marks(store, "cats", [MarkOrder(student, criterion, points, f"worth {points:g}")], actor="ben")


def shown(store: Store, student: str) -> float | None:
    with store.reading() as history:
        found = shown_work(history, "cats", student)
    return None if found is None else found.result.mark.points


def send(client: Client, page: Answer, step: str, *fields: tuple[str, str]) -> Answer:
    return client.post(f"/a/cats/release/{step}", ("form_token", page.form_token), *fields)


def upto(page: Answer) -> str:
    return re.search(r'name="upto" value="(\d+)"', page.text)[1]


def test_a_release_shows_what_its_page_showed_and_not_what_came_between(site: Site, sign_in: SignIn) -> None:
    client = sign_in(Role.INSTRUCTOR)
    page = client.get("/a/cats/release")
    assert page.status == 200 and "Nothing is released" in page.text
    assert shown(site.store, "s1001") is None
    give(site.store, "s1001", 3.0)
    assert send(client, page, "now", ("upto", upto(page)), ("reason", "as announced")).status == 303
    assert shown(site.store, "s1001") == 2.0
    again = client.get("/a/cats/release")
    assert "as announced" in again.text and "released up to row" in again.text
    assert send(client, again, "now", ("upto", upto(again))).status == 303
    assert shown(site.store, "s1001") == 5.0


def test_the_page_says_what_waits_and_whose_marks_changed_by_name(site: Site, sign_in: SignIn) -> None:
    entry = RosterEntry(student="s1001", name="Ada Lovelace", line=1)
    keep_roster(site.store, roster_from([entry]))
    give(site.store, "s1002", 4.0)
    client = sign_in(Role.INSTRUCTOR)
    page = client.get("/a/cats/release")
    assert f"<dd>{STUDENTS}</dd>" in page.text and web_class.CURVES in page.text
    send(client, page, "now", ("upto", upto(page)))
    give(site.store, "s1001", 3.0)
    give(site.store, "s1002", 1.0)
    found = preview_of(site.store, "cats")
    moved = {each.student: (each.moved.value, each.before, each.after) for each in found.changes}
    assert moved == {"s1001": ("risen", 2.0, 5.0), "s1002": ("fallen", 6.0, 3.0)}
    text = client.get("/a/cats/release").text
    assert "Ada Lovelace" in text and "1 mark rose" in text and "1 mark fell" in text


def test_a_release_is_taken_back_with_a_reason(site: Site, sign_in: SignIn) -> None:
    client = sign_in(Role.INSTRUCTOR)
    page = client.get("/a/cats/release")
    send(client, page, "now", ("upto", upto(page)))
    assert send(client, page, "hide").status == 422 and shown(site.store, "s1001") == 2.0
    assert send(client, page, "hide", ("reason", "wrong rubric")).status == 303
    assert shown(site.store, "s1001") is None
    text = client.get("/a/cats/release").text
    assert "wrong rubric" in text and "took it back" in text


def test_an_older_page_does_not_take_a_release_back_by_moving_it(site: Site, sign_in: SignIn) -> None:
    client = sign_in(Role.INSTRUCTOR)
    old = client.get("/a/cats/release")
    give(site.store, "s1001", 3.0)
    new = client.get("/a/cats/release")
    send(client, new, "now", ("upto", upto(new)))
    refused = send(client, old, "now", ("upto", upto(old)))
    assert "already" in refused.text and refused.status != 303
    assert send(client, old, "now", ("upto", "999999")).status == 422
    assert shown(site.store, "s1001") == 5.0


def test_who_audits_reads_releases_and_has_no_button(sign_in: SignIn) -> None:
    page = sign_in(Role.AUDITOR).get("/a/cats/release")
    assert page.status == 200 and "Release as of now" not in page.text
