"""Sends the mails of a server's courses as they come, in a thread of its own."""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Callable, Sequence
from types import TracebackType

from grader.errors import GraderError, ServiceError, StoreError
from grader.store import Store
from grader.workflows.mailing.sending import Server, Waits, send_mails

__all__ = ["Postman"]

#: How often is looked whether a mail is due, in seconds; after a failure twice as long each time, up to so
#: long where the mail server fails, and a database.
_EVERY_S, _LONGEST_S, _LONGEST_OF_ONE_S = 5.0, 900.0, 60.0
#: So long a mail that is being sent may take when the server stops; else it is sent again by the next one.
_LAST_S = 10.0

_log = logging.getLogger("grader.mail")


class Postman:
    """Use as a context manager: mails go out inside it. Others may send at the same time.

    Args:
        stores: One a course; one that writes no mails is passed over until it does.
        server: That takes the mails.
        say: Told in one line when the mail server does not take mails, and when it does again.
        context: For TLS; the system's authorities where it is None.
        waits: How long is waited for the mail server.
        every_s: How often is looked whether a mail is due.
    """

    def __init__(
        self,
        stores: Sequence[Store],
        server: Server,
        say: Callable[[str], None],
        *,
        context: ssl.SSLContext | None = None,
        waits: Waits | None = None,
        every_s: float | None = None,
    ) -> None:
        self._stores = stores
        self._server = server
        self._say = say
        self._context = context
        self._waits = waits or Waits()
        self._every_s = _EVERY_S if every_s is None else every_s
        self._told = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._go_round, name="mails", daemon=True)

    def __enter__(self) -> Postman:
        self._thread.start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(_LAST_S)

    def _go_round(self) -> None:
        pause_s = self._every_s
        while not self._stop.wait(pause_s):
            problem, longest_s = self._round()
            pause_s = min(2 * pause_s, longest_s) if problem else self._every_s
            if problem != self._told:
                self._say(problem or "the mail server takes mails again")
                self._told = problem

    def _round(self) -> tuple[str, float]:
        """Sends what is due of each course.

        Returns:
            What is wrong, in one line, empty where nothing is; and how long may be waited for it.
        """
        problem = ""
        for store in self._stores:
            try:
                self._send(store)
            except StoreError as error:
                problem = f"mails wait: {error.what}"
            except ServiceError as error:
                # All courses send by this server: what it does not take of one it does not take of others.
                return f"mails wait: {error.what} ({error.where}: {error.found})", _LONGEST_S
            except GraderError as error:
                problem = f"mails wait: {error.what}"
            except Exception as error:  # our own mistake must not end the mails of all courses
                _log.error("mails wait", exc_info=error)
                problem = f"mails wait: {type(error).__name__}, as the log says"
        return problem, _LONGEST_OF_ONE_S

    def _send(self, store: Store) -> None:
        if store.read_only:
            return
        with store.reading() as history:
            if history.mailing() is None:
                return
        send_mails(store, self._server, context=self._context, waits=self._waits, stop=self._stop.is_set)
