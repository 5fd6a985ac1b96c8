"""The outbox goes out by SMTP: each mail once, as far as SMTP can say so.

A mail server may take a mail and the machine, or the connection, stop before that is known here: then it is
sent again, under the same Message-ID, by which the receiver's server knows it.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any
from urllib.parse import unquote, urlsplit

from grader.errors import ServiceError, UsageError
from grader.store import Store
from grader.store.mails import Mail, Mailing

__all__ = ["Outcome", "Server", "Waits", "send_mails", "server_at"]

#: For one answer of the server, and for all that is said about a mail: far less than a sender has a mail for.
_TIMEOUT_S = 30.0
_MOST_S = 90.0
#: A mail that the server refuses for now is tried so often, with twice the pause each time.
_MOST_TRIES = 8
_FIRST_PAUSE = timedelta(minutes=5)
#: Of SMTP: from here on a reply says that trying again changes nothing; and with which a server leaves.
_FOR_GOOD = 500
_LEAVES = 421
#: One mail may make a server break off; after two in a row it is the server.
_MOST_LOST = 2


@dataclass(frozen=True)
class Server:
    """A mail server.

    Attributes:
        tls: ``always`` from the first byte, ``starttls`` from a command on, or ``none``, without a password.
    """

    host: str
    port: int
    tls: str
    user: str = ""
    password: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of the mails that were due.

    Attributes:
        later: Tried again by the next call that comes late enough.
        given_up: For good; `grader mail retry` begins anew.
    """

    sent: int = 0
    later: int = 0
    given_up: int = 0


def server_at(url: str) -> Server:
    """A mail server by its address: ``smtps://``, ``smtp://`` with STARTTLS, ``smtp+plain://`` without.

    Raises:
        UsageError: It is none, or would send a password in the clear.
    """
    parts = urlsplit(url)
    kinds = {"smtps": ("always", 465), "smtp": ("starttls", 587), "smtp+plain": ("none", 25)}
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in kinds or not parts.hostname or port == -1:
        raise UsageError(
            "this is no address of a mail server",
            expected="smtps://USER:PASSWORD@HOST, smtp://... (STARTTLS) or smtp+plain://HOST",
            todo="give it in GRADER_SMTP, so that no password stands in a list of processes",
        )
    tls, usual = kinds[parts.scheme]
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if tls == "none" and password:
        raise UsageError("a password would go out in the clear", todo="smtps:// or smtp://")
    return Server(parts.hostname, port or usual, tls, user, password)


@dataclass(frozen=True)
class Waits:
    """How long is waited for a server.

    Attributes:
        answer_s: For one answer.
        most_s: For all that is said to it at a stretch, since a server may also be slow letter by letter.
    """

    answer_s: float = _TIMEOUT_S
    most_s: float = _MOST_S


_WAITS = Waits()


def send_mails(
    store: Store,
    server: Server,
    *,
    context: ssl.SSLContext | None = None,
    waits: Waits = _WAITS,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Sends all mails that are due, one after another; several processes may do so at once.

    Args:
        store: Whose outbox.
        server: That takes them.
        context: For TLS; the system's authorities where it is None.
        waits: How long is waited for the server.
        stop: Asked before each mail whether to leave it at that.

    Raises:
        UsageError: The course sends no mails.
        ServiceError: The server is not there, does not let us in or breaks off; the mails wait for the next
            call.
    """
    with store.reading() as history:
        mailing = history.mailing()
    if mailing is None:
        raise UsageError("this course sends no mails", todo="`grader mail on --from ADDRESS`")
    states: Counter[str] = Counter()
    lost = 0
    with _Line(server, context or ssl.create_default_context(), waits) as line:
        while not stop() and (mail := store.outbox.take()) is not None:
            sent = _send(store, line, mailing, mail)
            states[sent.state] += 1
            lost = lost + 1 if sent.lost else 0
            if lost >= _MOST_LOST:
                raise _away(server, sent.error)
    return Outcome(states["sent"], states["waiting"], states["given up"])


def _away(server: Server, error: str) -> ServiceError:
    return ServiceError(
        "the mail server does not take mails now",
        where=f"{server.host}:{server.port}",
        found=error[:200],
        todo="they wait; the server, or `grader mail send`, tries again",
    )


class _Line:
    """A connection that is opened when it is needed, and again where it was lost."""

    def __init__(self, server: Server, context: ssl.SSLContext, waits: Waits) -> None:
        self.server = server
        self._context = context
        self._waits = waits
        self._smtp: smtplib.SMTP | None = None

    def __enter__(self) -> _Line:
        return self

    def __exit__(self, *_: object) -> None:
        if self._smtp is not None:
            with suppress(OSError, smtplib.SMTPException), _within(self._smtp, self._waits.most_s):
                self._smtp.quit()
        self.drop()

    def drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    def open(self) -> None:
        """Opens it, unless it is.

        Raises:
            OSError, SMTPException: The server is away, or does not let us in.
        """
        if self._smtp is not None:
            return
        server, options = self.server, {"timeout": self._waits.answer_s}
        smtp: smtplib.SMTP
        if server.tls == "always":
            smtp = _BoundedTls(self._waits.most_s, server, context=self._context, **options)
        else:
            smtp = _Bounded(self._waits.most_s, server, **options)
        try:
            with _within(smtp, self._waits.most_s):
                if server.tls == "starttls":
                    smtp.starttls(context=self._context)
                # Else it would be said over the first mail, whose try it would cost.
                smtp.ehlo_or_helo_if_needed()
                if server.user:
                    smtp.login(server.user, server.password)
        except BaseException:
            smtp.close()
            raise
        self._smtp = smtp

    def send(self, message: EmailMessage) -> None:
        """Sends one.

        Raises:
            OSError, SMTPException: It was not taken, or nobody knows.
        """
        assert self._smtp is not None
        with _within(self._smtp, self._waits.most_s):
            self._smtp.send_message(message)


class _Bounded(smtplib.SMTP):
    """Ends the greeting, too, when it takes too long as a whole."""

    def __init__(self, most_s: float, server: Server, **options: Any) -> None:
        self._most_s = most_s
        super().__init__(server.host, server.port, **options)

    def connect(self, *where: Any, **how: Any) -> tuple[int, bytes]:
        with _within(self, self._most_s):
            return super().connect(*where, **how)


class _BoundedTls(_Bounded, smtplib.SMTP_SSL):
    """As `_Bounded`, with TLS from the first byte."""


@contextmanager
def _within(smtp: smtplib.SMTP, most_s: float) -> Iterator[None]:
    """Cuts the connection once that has passed: each answer may come in time, letter by letter, for ever."""
    timer = threading.Timer(most_s, _cut, (smtp,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _cut(smtp: smtplib.SMTP) -> None:
    connection = getattr(smtp, "sock", None)
    if connection is not None:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True)
class _Sent:
    """What became of one mail.

    Attributes:
        state: As it was noted.
        lost: Whether the connection ended before the server answered.
        tried: Whether the server was shown the mail.
    """

    state: str
    error: str = ""
    lost: bool = False
    tried: bool = True


def _send(store: Store, line: _Line, mailing: Mailing, mail: Mail) -> _Sent:
    """Sends one mail and notes what became of it.

    Raises:
        ServiceError: It is the server's affair and not this mail's.
    """
    try:
        line.open()
    except (OSError, smtplib.SMTPException) as error:
        store.outbox.note(mail, "waiting", error=str(error)[:500], tried=False)
        raise _away(line.server, str(error)) from error
    if not store.outbox.keep(mail):
        return _Sent("another's")
    made = _said(line, mailing, mail)
    due = store.clock() + _FIRST_PAUSE * 2 ** (mail.tries - 1) if made.tried else None
    store.outbox.note(mail, made.state, error=made.error[:500], due=due, tried=made.tried)
    if not made.tried:
        raise _away(line.server, made.error)
    return made


def _said(line: _Line, mailing: Mailing, mail: Mail) -> _Sent:
    """What the server says of one mail."""
    last = mail.tries >= _MOST_TRIES
    try:
        message = _message(mailing, mail)
    except ValueError as unfit:
        return _Sent("given up", f"this is no mail that can be sent: {unfit}")
    try:
        line.send(message)
        return _Sent("sent")
    except smtplib.SMTPRecipientsRefused as refused:
        code, said = next(iter(refused.recipients.values()), (0, b""))
        error = said.decode("utf-8", "replace")
    except smtplib.SMTPSenderRefused as refused:
        # Who mails come from is the course's affair: no mail of it is given up for that.
        line.drop()
        return _Sent("waiting", f"from {refused.sender}: {_text(refused)}", tried=False)
    except smtplib.SMTPResponseException as refused:
        code, error = refused.smtp_code, _text(refused)
    except (OSError, smtplib.SMTPServerDisconnected) as lost:
        line.drop()
        error = f"the connection ended before the server had answered; it may have arrived ({lost})"
        return _Sent("given up" if last else "waiting", error, lost=True)
    except smtplib.SMTPException as failed:
        line.drop()
        code, error = 0, str(failed)
    if code == _LEAVES:
        line.drop()
        return _Sent("waiting", error, tried=False)
    return _Sent("given up" if code >= _FOR_GOOD or last else "waiting", error)


def _text(refused: smtplib.SMTPResponseException) -> str:
    said = refused.smtp_error
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def _message(mailing: Mailing, mail: Mail) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = mailing.sender, mail.address, mail.subject
    message["Date"], message["Message-ID"] = mail.made, mail.message
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    return message
