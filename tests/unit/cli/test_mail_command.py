"""`grader mail`: what is written when, to whom, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

from grader.store import open_store
from grader.store.mails import Mail

ROSTER = "student,name,email\ns1,Ann Ash,ann@uni.example\ns2,Ben,no address\n"


def outbox() -> list[Mail]:
    with open_store("grader.db") as store, store.reading() as history:
        return history.mails()


def turned_on(graded: Path, grader) -> None:
    (graded / "roster.csv").write_text(ROSTER)
    assert grader("roster", "roster.csv").code == 0
    assert (
        grader("mail", "on", "--from", "course@uni.example", "--link", "https://grader.uni.example").code == 0
    )


def test_no_mail_is_written_until_a_course_asks_for_it(graded: Path, grader) -> None:
    (graded / "roster.csv").write_text(ROSTER)
    grader("roster", "roster.csv")
    assert grader("release", "now", "-a", "mini", "--yes").code == 0
    assert outbox() == []


def test_a_release_writes_to_everybody_with_an_address_once_and_names_no_mark(graded: Path, grader) -> None:
    turned_on(graded, grader)
    assert grader("release", "now", "-a", "mini", "--yes").code == 0
    (mail,) = outbox()
    assert (mail.student, mail.address, mail.state) == ("s1", "ann@uni.example", "waiting")
    assert mail.subject == "mini: marks are released"
    assert mail.text.endswith("\n\nhttps://grader.uni.example\n")
    assert not [character for character in mail.text + mail.subject if character.isdigit()]
    assert mail.message.endswith("@uni.example>")
    grader("mark", "s1", "-a", "mini", "--criterion", "why", "--points", "1", "--comment", "x")
    grader("release", "now", "-a", "mini", "--yes")
    assert len(outbox()) == 1
    listed = grader("mail", "list")
    assert "mini: marks are released" in listed.out
    assert "waiting" in listed.out
    assert grader("mail", "off").code == 0
    assert grader("mail", "send", "--smtp", "smtp+plain://127.0.0.1:1").code == 2


def test_who_is_erased_has_no_mail_left(graded: Path, grader) -> None:
    turned_on(graded, grader)
    grader("release", "now", "-a", "mini", "--yes")
    assert len(outbox()) == 1
    assert grader("person", "erase", "s1", "--reason", "by letter", "--yes").code == 0
    assert outbox() == []
    assert grader("audit").code == 0


def test_what_cannot_be_is_refused(graded: Path, grader) -> None:
    wrong = grader("mail", "on", "--from", "course@uni.example\nBcc: all@uni.example")
    assert wrong.code == 2
    assert "this is no address" in wrong.err
    assert grader("mail", "on", "--from", "a@b.example", "--link", "javascript:1").code == 2
    assert "smtps://" in grader("mail", "send", "--smtp", "mail.example").err
    assert grader("mail", "retry").out.startswith("0 wait to be sent")
