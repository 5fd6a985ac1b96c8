"""`grader serve`: what it prints, and what it refuses; what it serves is in `tests/unit/web`."""

from __future__ import annotations

import builtins
import re
import shutil
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from grader.store import open_store
from grader.store.mails import Mailing, NewMail
from grader.web.serve import Opened, listen, place_of
from tests.unit.cli.conftest import Grader


@pytest.fixture
def never_answers(monkeypatch: pytest.MonkeyPatch) -> list[Opened]:
    """The server is put together and listens, and ends before it answers."""
    opened: list[Opened] = []
    monkeypatch.setattr(Opened, "run", lambda self: opened.append(self))
    return opened


def test_it_prints_a_link_for_each_that_signs_in_once(
    graded: Path, grader: Grader, never_answers: list[Opened]
) -> None:
    ended = grader("serve", "--port", "0", "--link", "ben=ta")
    assert ended.code == 0
    [opened] = never_answers
    links = re.findall(r"  (\w+) \(([\w-]+)\): (http://127\.0\.0\.1:\d+)/login\?token=(\S+)", ended.out)
    assert [link[:3] for link in links] == [
        ("ta", "instructor", opened.place.origins[0]),
        ("ben", "ta", opened.place.origins[0]),
    ]
    for name, role, _, token in links:
        session = opened.sessions.of(opened.sessions.enter(token))
        assert session is not None
        assert (session.name, session.role_in("course")) == (name, role)
        assert opened.sessions.enter(token) is None


def test_a_link_can_name_where_a_proxy_lets_people_in(
    graded: Path, grader: Grader, never_answers: list[Opened]
) -> None:
    ended = grader("serve", "--port", "0", "--url", "https://desk.example.org")
    assert "ta (instructor): https://desk.example.org/login?token=" in ended.out
    [opened] = never_answers
    assert opened.place.cookie == "__Host-grader"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "0.0.0.0"], "on this machine only"),
        (["--host", "192.168.1.4"], "SSH tunnel"),
        (["--link", "ben"], "ta, head-ta, instructor, auditor"),
        (["--link", "=ta"], "NAME=ROLE"),
        (["--link", "ben=owner"], "found: ben=owner"),
        (["--url", "desk.example.org"], "no address of a server"),
        (["--url", "https://desk.example.org/grader"], "no address of a server"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_listens(
    graded: Path, grader: Grader, never_answers: list[Opened], arguments: list[str], said: str
) -> None:
    ended = grader("serve", "--port", "0", *arguments)
    assert ended.code == 2
    assert said in ended.err
    assert never_answers == []


def test_a_port_that_is_taken_is_named(graded: Path, grader: Grader, never_answers: list[Opened]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = grader("serve", "--port", str(port))
    assert ended.code == 2
    assert f"127.0.0.1:{port}: this port cannot be taken" in ended.err


def test_in_a_folder_where_nothing_was_graded_it_opens_an_empty_desk(
    lab: Path, grader: Grader, never_answers: list[Opened]
) -> None:
    ended = grader("serve", "--port", "0")
    assert ended.code == 0
    assert ended.out.startswith(
        "grader.db is new: nothing was graded in this folder yet, `grader run` begins"
    )
    assert len(never_answers) == 1
    again = grader("serve", "--port", "0")
    assert again.out.startswith("the desk is open at ")


def test_a_database_that_was_named_and_is_not_there_is_not_made(lab: Path, grader: Grader) -> None:
    ended = grader("serve", "--port", "0", "--db", "gradre.db")
    assert ended.code == 2
    assert "grader run" in ended.err
    assert not Path("gradre.db").exists()


def test_without_its_packages_it_says_which_to_install(
    graded: Path, grader: Grader, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported = builtins.__import__

    def without_web(name: str, *more: Any) -> Any:
        if name.startswith("grader.web"):
            raise ModuleNotFoundError("No module named 'litestar'")
        return imported(name, *more)

    monkeypatch.setattr(builtins, "__import__", without_web)
    ended = grader("serve")
    assert ended.code == 2
    assert "pip install 'grader[web]'" in ended.err


def test_other_names_of_this_machine_are_known() -> None:
    with listen("::1", 0) as listening:
        port = listening.getsockname()[1]
        assert place_of(listening, "").hosts == (f"[::1]:{port}", f"localhost:{port}")


def test_no_part_of_an_answer_waits_until_the_browser_has_the_one_before() -> None:
    with listen("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()[:2]):
        ours, _ = listening.accept()
        with ours:
            assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_each_database_is_a_course(
    graded: Path, grader: Grader, never_answers: list[Opened], tmp_path: Path
) -> None:
    other = tmp_path / "other.db"
    shutil.copy("grader.db", other)
    refused = grader("serve", "--port", "0", "--db", "grader.db", "--db", str(other))
    assert refused.code == 2 and "grader db course NAME" in refused.err
    named = grader("db", "course", "dl-2026", "--title", "Deep Learning", "--db", str(other))
    assert named.out == "dl-2026: Deep Learning\n"
    assert grader("db", "course").out == "course: course\n"
    again = grader("db", "course", "dl-2027", "--db", str(other), "--home", "grader.db")
    assert again.out == "0 enrolments of grader.db go along\ndl-2027: dl-2027\n"
    ended = grader("serve", "--port", "0", "--db", "grader.db", "--db", str(other))
    assert ended.code == 0 and len(never_answers) == 1


def test_where_people_have_accounts_no_link_is_printed_that_nobody_asked_for(
    graded: Path, grader: Grader, never_answers: list[Opened]
) -> None:
    arguments = ("serve", "--port", "0", "--host", "0.0.0.0", "--url", "https://desk.example.org")
    behind = (*arguments, "--proxy", "10.0.0.5")
    refused = grader(*behind)
    assert refused.code == 2 and "grader account add" in refused.err and never_answers == []
    made = grader("account", "add", "ben", "--role", "ta")
    assert made.code == 0
    refused = grader(*arguments)
    assert refused.code == 2 and "--proxy" in refused.err and never_answers == []
    ended = grader(*behind)
    assert ended.code == 0 and "token=" not in ended.out
    assert "the desk is open at https://desk.example.org\n" in ended.out
    assert "  cara (head-ta): https://" in grader(*behind, "--link", "cara=head-ta").out
    assert grader("account", "link", "ben").out.startswith("https://desk.example.org/login?token=")


def test_an_identity_provider_is_read_before_anything_listens(
    graded: Path, grader: Grader, never_answers: list[Opened], tmp_path: Path
) -> None:
    file, secret = tmp_path / "oidc.toml", tmp_path / "oidc.secret"
    file.write_text('issuer = "https://login.example.org"\nclient_id = "grader"\n')
    refused = grader("serve", "--port", "0", "--oidc", file)
    assert refused.code == 2 and "client_secret_file" in refused.err and never_answers == []
    file.write_text(file.read_text() + 'client_secret_file = "oidc.secret"\n')
    secret.write_text("of the provider")
    secret.chmod(0o600)
    assert grader("serve", "--port", "0", "--oidc", file).code == 0
    assert len(never_answers) == 1


def test_mails_go_out_where_a_mail_server_is_named_and_nowhere_else(
    graded: Path, grader: Grader, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bytes] = []

    class Inbox:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            sent.append(envelope.content)
            return "250 OK"

    with open_store("grader.db") as store, store.writing() as history:
        history.set_mailing(Mailing("course@uni.example"))
        history.post_mails([NewMail("a", "s1", "ann@uni.example", "marks", "There.\n")], store.clock())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    inbox = Controller(Inbox(), hostname="127.0.0.1", port=port)
    inbox.start()

    def until_sent(_: Opened) -> None:
        while not sent:
            time.sleep(0.05)

    try:
        with monkeypatch.context() as patch:
            patch.setattr(Opened, "run", lambda _: None)
            assert "mails go out" not in grader("serve", "--port", "0").out
            assert sent == []
            patch.setattr("grader.workflows.mailing.postman._EVERY_S", 0.05)
            patch.setattr(Opened, "run", until_sent)
            patch.setenv("GRADER_SMTP", f"smtp+plain://127.0.0.1:{port}")
            assert "mails go out by 127.0.0.1" in grader("serve", "--port", "0").out
            refused = grader("serve", "--smtp", "http://mail.example")
            assert refused.code == 2 and "no address of a mail server" in refused.err
    finally:
        inbox.stop()
    [mail] = sent
    assert b"To: ann@uni.example" in mail
