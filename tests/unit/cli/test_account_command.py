"""`grader account`: who may come to the desk; what they can do there is tried in `tests/unit/web`."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest

from grader.store import open_store
from grader.workflows.accounts.passwords import is_right
from tests.unit.cli.conftest import Grader

GOOD = "green horse on the moon"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{GOOD}\n"))


def test_an_account_is_made_with_a_link_that_sets_its_password(graded: Path, grader: Grader) -> None:
    ended = grader("account", "add", "Ben", "--role", "ta", "--email", "Ben@Example.org")
    assert ended.code == 0
    assert "ben is ta in course" in ended.out
    [token] = re.findall(r"http://127\.0\.0\.1:8310/login\?token=(\S+)", ended.out)
    with open_store("grader.db") as store:
        comer = store.signed_in.link(token)
        assert comer is not None and comer.sets_password
        found = store.accounts.find("ben")
        assert found is not None and (found.id, found.email) == (comer.account, "ben@example.org")
        assert token not in Path("grader.db").read_bytes().decode("latin-1")


@pytest.mark.usefixtures("typed")
def test_a_password_is_kept_as_an_argon2_hash_and_signs_nobody_else_out(graded: Path, grader: Grader) -> None:
    assert grader("account", "add", "ben", "--role", "ta", "--password").code == 0
    with open_store("grader.db") as store:
        found = store.accounts.find("ben")
    assert found is not None and found.password.startswith("$argon2id$")
    assert is_right(GOOD, found.password) == (True, None)
    assert is_right(GOOD + " ", found.password) == (False, None)


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "this is ben's password", "x" * 201, ""])
def test_a_password_that_is_soon_guessed_is_refused(
    graded: Path, grader: Grader, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    assert grader("account", "add", "ben", "--role", "ta").code == 0
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    ended = grader("account", "password", "ben")
    assert ended.code == 2 and "password" in ended.err
    with open_store("grader.db") as store:
        found = store.accounts.find("ben")
        assert found is not None and found.password == ""


def test_who_is_in_which_course_is_listed_changed_and_taken_away(graded: Path, grader: Grader) -> None:
    assert "no accounts" in grader("account", "list").out
    grader("account", "add", "ben", "--role", "ta")
    grader("account", "add", "s1", "--role", "student", "--student", "S-1", "--course", "vision")
    assert grader("account", "role", "ben", "head-ta", "--course", "vision").code == 0
    listed = json.loads(grader("account", "list", "--json").out)
    assert [(each["name"], each["has_password"]) for each in listed] == [("ben", False), ("s1", False)]
    assert listed[0]["courses"] == [
        {"course": "course", "role": "ta", "student": ""},
        {"course": "vision", "role": "head-ta", "student": ""},
    ]
    assert listed[1]["courses"] == [{"course": "vision", "role": "student", "student": "S-1"}]
    assert grader("account", "remove", "ben", "--course", "vision").code == 0
    assert "ta in course" in grader("account", "list").out
    assert grader("account", "remove", "ben", "--course", "vision").code == 2
    assert grader("account", "remove", "ben").code == 0
    assert [each["name"] for each in json.loads(grader("account", "list", "--json").out)] == ["s1"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "ben", "--role", "owner"], "student, assigned-ta, ta, head-ta, instructor, auditor, admin"),
        (["add", "ben smith", "--role", "ta"], "cannot be the name"),
        (["add", "ANN", "--role", "ta"], "there is an account of this name"),
        (["role", "nobody", "ta"], "grader account add"),
        (["password", "nobody"], "there is no account"),
        (["link", "nobody"], "there is no account"),
        (["remove", "nobody"], "there is no account"),
    ],
)
def test_what_cannot_be_is_said(graded: Path, grader: Grader, arguments: list[str], said: str) -> None:
    grader("account", "add", "ann", "--role", "ta")
    ended = grader("account", *arguments)
    assert ended.code == 2 and said in ended.err


def test_a_link_names_where_the_server_was_last_found(graded: Path, grader: Grader) -> None:
    grader("account", "add", "ann", "--role", "ta")
    with open_store("grader.db") as store:
        store.keep_desk_url("https://desk.example.org")
    plain, said = (
        grader("account", "link", "ann").out,
        json.loads(grader("account", "link", "ann", "--json").out),
    )
    assert plain.startswith("https://desk.example.org/login?token=")
    assert said["name"] == "ann" and said["link"].startswith("https://desk.example.org/login?token=")
    assert said["link"] != plain.strip()
    assert grader("account", "sign-out", "ann").out == "0 sessions of ann ended\n"
    with open_store("grader.db") as store:
        assert store.signed_in.link(said["link"].partition("=")[2]) is None


def tokens_left() -> list[str]:
    with open_store("grader.db") as store:
        return [each.name for each in store.api_tokens.everyones()]


def test_who_is_signed_out_has_no_program_that_goes_on_unless_that_is_said(
    graded: Path, grader: Grader
) -> None:
    for name in ("ann", "ben"):
        grader("account", "add", name, "--role", "ta")
    for name, login in (("book", "ann"), ("night", "ann"), ("book", "ben")):
        assert grader("api", "token", name, "--account", login, "--scope", "read").code == 0
    kept = grader("account", "sign-out", "ann", "--keep-tokens")
    assert kept.code == 0 and "tokens for programs go on: book, night" in kept.err
    assert tokens_left() == ["book", "night", "book"]
    # What they are changes with the next request of a program, and no password makes a token.
    assert "tokens for programs go on: book, night" in grader("account", "role", "ann", "head-ta").err
    ended = grader("account", "sign-out", "ann")
    assert "tokens for programs ended: book, night" in ended.out and not ended.err
    assert tokens_left() == ["book"]


@pytest.mark.usefixtures("typed")
def test_a_new_password_names_the_programs_that_go_on(graded: Path, grader: Grader) -> None:
    grader("account", "add", "ben", "--role", "ta")
    grader("api", "token", "book", "--account", "ben", "--scope", "read")
    assert "tokens for programs go on: book" in grader("account", "password", "ben").err
    assert tokens_left() == ["book"]
