"""The outbox against a mail server on loopback: each mail once, whatever happens in between."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import Message
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as Kept
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from grader.errors import ServiceError, UsageError
from grader.store import Store, open_store
from grader.store.mails import Mailing, NewMail
from grader.workflows.mailing.sending import Outcome, Server, send_mails, server_at

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Inbox(Kept):
    """Takes mails, but not for everybody."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[Message] = []

    def handle_message(self, message: Message) -> None:
        self.mails.append(message)

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:
        if address.startswith("nobody"):
            return "550 no such mailbox"
        if address.startswith("later"):
            return "451 come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    with open_store(str(tmp_path / "grader.db"), create=True) as opened:
        opened.clock = clock  # type: ignore[misc]
        with opened.writing() as history:
            history.set_mailing(Mailing("course@uni.example"))
        yield opened


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


Serve = Callable[..., int]


@pytest.fixture
def serve(inbox: Inbox) -> Iterator[Serve]:
    """Starts a mail server; gives its port."""
    running: list[Controller] = []

    def start(**options: object) -> int:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        controller = Controller(inbox, hostname="127.0.0.1", port=port, **options)
        controller.start()
        running.append(controller)
        return port

    yield start
    for each in running:
        each.stop()


def plain(port: int) -> Server:
    return Server("127.0.0.1", port, "none")


def post(store: Store, *addresses: str) -> None:
    new = [NewMail(f"about {each}", each, each, "lab2: marks", "They are there.\n") for each in addresses]
    with store.writing() as history:
        history.post_mails(new, store.clock())


def states(store: Store) -> list[str]:
    with store.reading() as history:
        return [each.state for each in history.mails()]


def test_each_mail_goes_out_once_with_its_own_message_id(store: Store, inbox: Inbox, serve: Serve) -> None:
    post(store, "ann@uni.example", "ben@uni.example")
    port = serve()
    assert send_mails(store, plain(port)) == Outcome(sent=2)
    assert send_mails(store, plain(port)) == Outcome()
    assert [each["To"] for each in inbox.mails] == ["ann@uni.example", "ben@uni.example"]
    assert len({each["Message-ID"] for each in inbox.mails}) == 2
    assert inbox.mails[0]["From"] == "course@uni.example"
    assert inbox.mails[0]["Auto-Submitted"] == "auto-generated"


def test_about_one_thing_there_is_one_mail(store: Store) -> None:
    post(store, "ann@uni.example")
    post(store, "ann@uni.example")
    assert states(store) == ["waiting"]


def test_a_refused_address_is_given_up_and_stops_nobody(store: Store, inbox: Inbox, serve: Serve) -> None:
    post(store, "nobody@uni.example", "ben@uni.example")
    assert send_mails(store, plain(serve())) == Outcome(sent=1, given_up=1)
    assert states(store) == ["given up", "sent"]
    with store.reading() as history:
        assert "no such mailbox" in history.mails()[0].error


def test_what_is_refused_for_now_comes_again_later_and_not_for_ever(
    store: Store, clock: Clock, serve: Serve
) -> None:
    post(store, "later@uni.example")
    server = plain(serve())
    assert send_mails(store, server) == Outcome(later=1)
    assert send_mails(store, server) == Outcome()
    for _ in range(6):
        clock.now += timedelta(days=1)
        assert send_mails(store, server) == Outcome(later=1)
    clock.now += timedelta(days=1)
    assert send_mails(store, server) == Outcome(given_up=1)
    with store.writing() as history:
        assert history.retry_mails(clock.now) == 1
    assert send_mails(store, server) == Outcome(later=1)


def test_a_server_that_is_down_costs_no_try(store: Store, serve: Serve) -> None:
    post(store, "ann@uni.example")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ServiceError, match="does not take mails now"):
        send_mails(store, plain(port))
    with store.reading() as history:
        assert (history.mails()[0].state, history.mails()[0].tries) == ("waiting", 0)
    assert send_mails(store, plain(serve())) == Outcome(sent=1)


def test_a_stop_between_sending_and_noting_repeats_the_same_message_id(
    store: Store, clock: Clock, inbox: Inbox, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(store, "ann@uni.example")
    server = plain(serve())

    class Stopped(Exception):
        pass

    def stop(*_: object, **__: object) -> None:
        raise Stopped

    with monkeypatch.context() as patched:
        patched.setattr("grader.store.writable_history.WritableHistory.note_mail", stop)
        with pytest.raises(Stopped):
            send_mails(store, server)
    # While its sender may still be at it nobody else sends it.
    assert send_mails(store, server) == Outcome()
    clock.now += timedelta(minutes=11)
    assert send_mails(store, server) == Outcome(sent=1)
    first, again = inbox.mails
    assert first["Message-ID"] == again["Message-ID"]


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Of a server on loopback, and of a client that knows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cafile=str(path))


def allowed(server: SMTP, session: object, envelope: object, mechanism: str, data: object) -> AuthResult:
    return AuthResult(success=getattr(data, "password", b"") == b"sesame")


def test_a_password_goes_out_after_starttls_alone(
    store: Store, inbox: Inbox, serve: Serve, tmp_path: Path
) -> None:
    theirs, ours = certificate(tmp_path)
    port = serve(tls_context=theirs, require_starttls=True, authenticator=allowed, auth_required=True)
    right = Server("127.0.0.1", port, "starttls", "course", "sesame")
    post(store, "ann@uni.example")
    with pytest.raises(ServiceError):
        send_mails(store, right)  # The system's authorities do not know this server.
    with pytest.raises(ServiceError):
        send_mails(store, replace(right, password="wrong"), context=ours)
    assert not inbox.mails
    assert send_mails(store, right, context=ours) == Outcome(sent=1)


def test_a_server_without_starttls_is_told_nothing(store: Store, inbox: Inbox, serve: Serve) -> None:
    post(store, "ann@uni.example")
    with pytest.raises(ServiceError):
        send_mails(store, Server("127.0.0.1", serve(), "starttls", "course", "sesame"))
    assert states(store) == ["waiting"]
    assert not inbox.mails


def test_nothing_ends_a_line_of_the_head(store: Store, inbox: Inbox, serve: Serve) -> None:
    bad = NewMail("a", "s1", "ann@uni.example", "lab2\r\nBcc: all@uni.example", "x\n")
    with store.writing() as history:
        history.post_mails([bad], store.clock())
    send_mails(store, plain(serve()))
    assert not inbox.mails
    assert states(store) == ["waiting"]


def test_addresses_of_servers() -> None:
    assert server_at("smtps://me:a%40b@mail.example") == Server("mail.example", 465, "always", "me", "a@b")
    assert server_at("smtp://mail.example:25").tls == "starttls"
    assert server_at("smtp+plain://127.0.0.1:2525") == Server("127.0.0.1", 2525, "none")
    for wrong in ("mail.example", "http://mail.example", "smtp+plain://me:secret@mail.example", "smtp://h:x"):
        with pytest.raises(UsageError) as caught:
            server_at(wrong)
        assert "secret" not in str(caught.value)


def test_a_course_that_sends_none_says_how_to_begin(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "other.db"), create=True) as other:
        post(other, "ann@uni.example")
        assert states(other) == []
        with pytest.raises(UsageError, match="sends no mails"):
            send_mails(other, Server("127.0.0.1", 1, "none"))
