"""The outbox against a mail server on loopback: each mail once, whatever happens in between."""

from __future__ import annotations

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from ipaddress import ip_address
from pathlib import Path
from typing import BinaryIO, NoReturn

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as Kept
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import update

from grader.errors import ServiceError, StoreUnavailable, UsageError
from grader.store import Store, open_store
from grader.store.mail_tables import MailRow
from grader.store.mails import Mailing, NewMail
from grader.workflows.mailing.postman import Postman
from grader.workflows.mailing.sending import Outcome, Server, Waits, send_mails, server_at

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
    assert store.outbox.retry() == 1
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


class Stopped(Exception):
    pass


def stop(*_: object, **__: object) -> None:
    raise Stopped


def let_lapse(store: Store) -> None:
    """As if five minutes had passed by the database's clock."""
    with store.database.queueing() as session:
        session.execute(update(MailRow).values(lease_until=0.0))


def test_a_stop_between_sending_and_noting_repeats_the_same_message_id(
    store: Store, inbox: Inbox, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(store, "ann@uni.example")
    server = plain(serve())
    with monkeypatch.context() as patched:
        patched.setattr("grader.store.outbox.Outbox.note", stop)
        with pytest.raises(Stopped):
            send_mails(store, server)
    # While its sender may still be at it nobody else sends it, whatever the time is here.
    assert send_mails(store, server) == Outcome()
    let_lapse(store)
    assert send_mails(store, server) == Outcome(sent=1)
    first, again = inbox.mails
    assert first["Message-ID"] == again["Message-ID"]


def test_who_comes_back_after_their_lease_neither_sends_nor_notes(
    store: Store, inbox: Inbox, serve: Serve
) -> None:
    post(store, "ann@uni.example")
    slow = store.outbox.take()
    assert slow is not None and store.outbox.take() is None
    let_lapse(store)
    assert send_mails(store, plain(serve())) == Outcome(sent=1)
    assert not store.outbox.keep(slow)
    assert not store.outbox.note(slow, "waiting", error="slow")
    assert states(store) == ["sent"]
    assert len(inbox.mails) == 1


@pytest.mark.parametrize("processes", [4])
def test_several_senders_at_once_send_each_mail_once(
    database: str, tmp_path: Path, inbox: Inbox, serve: Serve, processes: int
) -> None:
    addresses = [f"s{number}@uni.example" for number in range(40)]
    opened = [open_store(database, evidence=tmp_path / "evidence") for _ in range(processes)]
    with opened[0].writing() as history:
        history.set_mailing(Mailing("course@uni.example"))
    post(opened[0], *addresses)
    server = plain(serve())
    with ThreadPoolExecutor(processes) as pool:
        made = list(pool.map(lambda store: send_mails(store, server), opened))
    assert sum(each.sent for each in made) == len(addresses)
    assert sorted(each["To"] for each in inbox.mails) == sorted(addresses)
    assert set(states(opened[0])) == {"sent"}
    for each in opened:
        each.close()


class Rude:
    """A mail server that does one thing wrong, as long as it is told to."""

    def __init__(self, does: str) -> None:
        self.does = does
        self.taken: list[bytes] = []
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with suppress(OSError), connection, connection.makefile("rb") as lines:
            if self.does == "refuses":
                connection.sendall(b"554 not you\r\n")
                return
            if self.does == "drips":
                while True:
                    connection.sendall(b"2")
                    time.sleep(0.02)
            connection.sendall(b"220 here\r\n")
            for line in lines:
                if not self._answer(connection, lines, line.split()[0].upper().decode()):
                    return

    def _answer(self, connection: socket.socket, lines: BinaryIO, verb: str) -> bool:
        """Answers one command; says whether it goes on."""
        if self.does == f"hangs at {verb}":
            lines.read()
            return False
        if self.does == f"leaves at {verb}":
            connection.sendall(b"421 later\r\n")
            return False
        if self.does == f"refuses {verb}":
            connection.sendall(b"550 not from there\r\n")
            return True
        if verb == "DATA":
            connection.sendall(b"354 go on\r\n")
            body = b""
            while not body.endswith(b"\r\n.\r\n"):
                body += lines.readline()
            self.taken.append(body)
            if self.does == "drops after DATA":
                return False
        connection.sendall(b"221 bye\r\n" if verb == "QUIT" else b"250 fine\r\n")
        return verb != "QUIT"


@pytest.fixture
def rude() -> Iterator[Callable[[str], Rude]]:
    made: list[Rude] = []

    def start(does: str) -> Rude:
        made.append(Rude(does))
        return made[-1]

    yield start
    for each in made:
        each.close()


#: aiosmtpd says nothing more to whom its certificate does not please.
PATIENT = Waits(answer_s=5.0, most_s=10.0)
SOON = Waits(answer_s=0.2, most_s=0.4)


@pytest.mark.parametrize(
    "does",
    [
        "refuses",
        "drips",
        "hangs at EHLO",
        "leaves at MAIL",
        "leaves at RCPT",
        "leaves at DATA",
        "refuses MAIL",
    ],
)
def test_what_is_the_servers_affair_costs_no_mail_a_try_and_waits(
    store: Store, rude: Callable[[str], Rude], does: str
) -> None:
    post(store, "ann@uni.example", "ben@uni.example")
    server = rude(does)
    with pytest.raises(ServiceError, match="does not take mails now"):
        send_mails(store, plain(server.port), waits=SOON)
    with store.reading() as history:
        found = history.mails()
    assert [(each.state, each.tries) for each in found] == [("waiting", 0)] * 2
    assert found[0].error and server.connections == 1
    server.does = ""
    assert send_mails(store, plain(server.port)) == Outcome(sent=2)


@pytest.mark.parametrize("does", ["hangs at MAIL", "hangs at DATA", "drops after DATA"])
def test_a_connection_that_is_lost_over_a_mail_leaves_it_for_later_and_the_same_message_id(
    store: Store, clock: Clock, rude: Callable[[str], Rude], does: str
) -> None:
    post(store, "ann@uni.example", "ben@uni.example", "cay@uni.example")
    server = rude(does)
    with pytest.raises(ServiceError, match="does not take mails now"):
        send_mails(store, plain(server.port), waits=SOON)
    with store.reading() as history:
        found = history.mails()
    # One may be the mail's fault; after a second one it is the server's, and the third mail is not tried.
    assert [(each.state, each.tries) for each in found] == [("waiting", 1), ("waiting", 1), ("waiting", 0)]
    assert "may have arrived" in found[0].error
    before, server.does = list(server.taken), ""
    assert send_mails(store, plain(server.port)) == Outcome(sent=1)
    clock.now += timedelta(minutes=6)
    assert send_mails(store, plain(server.port)) == Outcome(sent=2)
    if before:
        assert message_ids(before) == message_ids(server.taken[-2:])


def message_ids(bodies: list[bytes]) -> set[str]:
    return {message_from_bytes(each)["Message-ID"] for each in bodies}


def test_the_postman_sends_as_mails_come_waits_for_a_server_and_says_so_once(
    store: Store, inbox: Inbox, serve: Serve, rude: Callable[[str], Rude]
) -> None:
    said: queue.Queue[str] = queue.Queue()
    server = rude("refuses")
    with Postman([store], plain(server.port), said.put, waits=SOON, every_s=0.02):
        post(store, "ann@uni.example")
        assert "does not take mails now" in said.get(timeout=60)
        server.does = ""
        assert said.get(timeout=60) == "the mail server takes mails again"
        post(store, "ben@uni.example")
        until(lambda: states(store) == ["sent", "sent"])
    assert said.empty()
    assert len(server.taken) == 2


def test_the_postman_leaves_courses_alone_that_write_no_mails_and_mends_no_broken_one(
    store: Store, tmp_path: Path, inbox: Inbox, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: queue.Queue[str] = queue.Queue()
    with open_store(str(tmp_path / "other.db"), create=True) as other:
        post(store, "ann@uni.example")

        def broken(self: Store) -> NoReturn:
            raise StoreUnavailable("the database is locked by another program")

        monkeypatch.setattr(other, "reading", lambda: broken(other))
        with Postman([other, store], plain(serve()), said.put, every_s=0.02):
            until(lambda: states(store) == ["sent"])
            assert said.get(timeout=60) == "mails wait: the database is locked by another program"


def until(holds: Callable[[], bool]) -> None:
    """Waits until something holds; the test runner's own limit ends what never does."""
    while not holds():
        time.sleep(0.02)


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
        send_mails(store, right, waits=PATIENT)  # The system's authorities do not know this server.
    with pytest.raises(ServiceError):
        send_mails(store, replace(right, password="wrong"), context=ours, waits=PATIENT)
    assert not inbox.mails
    assert send_mails(store, right, context=ours, waits=PATIENT) == Outcome(sent=1)


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
    assert send_mails(store, plain(serve())) == Outcome(given_up=1)
    assert not inbox.mails
    assert states(store) == ["given up"]


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
