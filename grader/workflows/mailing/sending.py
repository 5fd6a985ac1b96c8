"""The outbox goes out by SMTP: each mail once, as far as SMTP can say so.

A mail server may take a mail and the machine stop before that is noted: then it is sent again, under the same
Message-ID, by which the receiver's server knows it.
"""

from __future__ import annotations

import smtplib
import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import unquote, urlsplit

from grader.errors import ServiceError, UsageError
from grader.store import Store
from grader.store.mails import Mail, Mailing

__all__ = ["Outcome", "Server", "send_mails", "server_at"]

_AT_A_TIME = 50
_TIMEOUT_S = 30.0
#: A mail that the server refuses for now is tried so often, with twice the pause each time.
_MOST_TRIES = 8
_FIRST_PAUSE = timedelta(minutes=5)
#: Of SMTP: from here on a reply says that trying again changes nothing.
_FOR_GOOD = 500


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


def send_mails(store: Store, server: Server, *, context: ssl.SSLContext | None = None) -> Outcome:
    """Sends all mails that are due.

    Args:
        store: Whose outbox.
        server: That takes them.
        context: For TLS; the system's authorities where it is None.

    Raises:
        UsageError: The course sends no mails.
        ServiceError: The server is not there, or does not let us in; the mails wait for the next call.
    """
    with store.reading() as history:
        mailing = history.mailing()
    if mailing is None:
        raise UsageError("this course sends no mails", todo="`grader mail on --from ADDRESS`")
    states: Counter[str] = Counter()
    while taken := _begun(store):
        with _connected(store, server, taken, context) as smtp:
            states.update(_send(store, smtp, mailing, mail) for mail in taken)
    return Outcome(states["sent"], states["waiting"], states["given up"])


def _begun(store: Store) -> list[Mail]:
    with store.writing() as history:
        return history.begin_mails(store.clock(), _AT_A_TIME)


@contextmanager
def _connected(
    store: Store, server: Server, taken: list[Mail], context: ssl.SSLContext | None
) -> Iterator[smtplib.SMTP]:
    """A server that lets us in; where it is away or goes away, what is not noted waits."""
    try:
        smtp = _open(server, context or ssl.create_default_context())
    except (OSError, smtplib.SMTPException) as error:
        _leave(store, taken, str(error))
        raise ServiceError(
            "the mail server does not take mails now",
            where=f"{server.host}:{server.port}",
            found=str(error)[:200],
            todo="they wait; `grader mail send` tries again",
        ) from error
    try:
        yield smtp
    finally:
        with suppress(OSError, smtplib.SMTPException):
            smtp.quit()


def _open(server: Server, context: ssl.SSLContext) -> smtplib.SMTP:
    smtp: smtplib.SMTP
    if server.tls == "always":
        smtp = smtplib.SMTP_SSL(server.host, server.port, timeout=_TIMEOUT_S, context=context)
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=_TIMEOUT_S)
    try:
        if server.tls == "starttls":
            smtp.starttls(context=context)
        if server.user:
            smtp.login(server.user, server.password)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _send(store: Store, smtp: smtplib.SMTP, mailing: Mailing, mail: Mail) -> str:
    """Sends one mail and notes what became of it; gives its state."""
    try:
        smtp.send_message(_message(mailing, mail))
        state, error, code = "sent", "", 0
    except smtplib.SMTPRecipientsRefused as refused:
        code, said = next(iter(refused.recipients.values()), (0, b""))
        state, error = "waiting", said.decode("utf-8", "replace")
    except smtplib.SMTPResponseException as refused:
        code, state, error = refused.smtp_code, "waiting", str(refused.smtp_error)
    except (OSError, ValueError, smtplib.SMTPException) as failed:
        code, state, error = 0, "waiting", str(failed)
    if state == "waiting" and (code >= _FOR_GOOD or mail.tries >= _MOST_TRIES):
        state = "given up"
    due = store.clock() + _FIRST_PAUSE * 2 ** (mail.tries - 1)
    with store.writing() as history:
        history.note_mail(mail.id, state, error=error[:500], due=due)
    return state


def _leave(store: Store, taken: list[Mail], error: str) -> None:
    with store.writing() as history:
        for mail in taken:
            history.note_mail(mail.id, "waiting", error=error[:500], due=store.clock(), untried=True)


def _message(mailing: Mailing, mail: Mail) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = mailing.sender, mail.address, mail.subject
    message["Date"], message["Message-ID"] = mail.made, mail.message
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    return message
