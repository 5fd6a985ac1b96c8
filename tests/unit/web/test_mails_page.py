"""Mails that did not go out, shown to those who run the course, and tried again by instructors."""

from __future__ import annotations

from grader.store import Store
from grader.store.mails import Mailing, NewMail
from grader.web.roles import Role
from grader.web.site import Site
from tests.unit.web.conftest import SignIn


def post(store: Store, *students: str) -> None:
    with store.writing() as history:
        history.set_mailing(Mailing("course@uni.example"))
        history.post_mails(
            [
                NewMail(f"about {each}", each, f"{each}@uni.example", "cats: marks", "There.\n")
                for each in students
            ],
            store.clock(),
        )


def test_dead_letters_are_shown_with_what_the_server_said_and_tried_again(
    site: Site, sign_in: SignIn
) -> None:
    client = sign_in()
    assert "None are written" in client.get("/mails").text
    store = site.store
    post(store, "s1001", "s1002", "s1003")
    for state, error in (("given up", "no such mailbox"), ("sent", "")):
        mail = store.outbox.take()
        assert mail is not None and store.outbox.note(mail, state, error=error)
    page = client.get("/mails")
    assert page.status == 200
    for part in ("course@uni.example", "s1001@uni.example", "no such mailbox", "given up"):
        assert part in page.text
    assert "s1002@uni.example" not in page.text and "s1003@uni.example" not in page.text
    sent = client.post("/mails/retry", ("form_token", page.form_token))
    assert (sent.status, sent.headers["location"]) == (303, "/c/course/mails")
    with store.reading() as history:
        assert [each.state for each in history.mails()] == ["waiting", "sent", "waiting"]
    assert "no such mailbox" not in client.get("/mails").text


def test_auditors_read_and_tas_do_not(site: Site, sign_in: SignIn) -> None:
    post(site.store, "s1001")
    mail = site.store.outbox.take()
    assert mail is not None and site.store.outbox.note(mail, "given up", error="no such mailbox")
    auditor = sign_in(Role.AUDITOR, "olga")
    page = auditor.get("/mails").text
    assert "no such mailbox" in page and "Try all of them again" not in page
    for role in (Role.TA, Role.HEAD_TA, Role.STUDENT):
        assert sign_in(role, "ben").get("/mails").status == 403
