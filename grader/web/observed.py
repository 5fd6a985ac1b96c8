"""Every answer counted, timed and told to the log, with nothing in it of whom it was about.

A request goes by the template of its route (``/c/{course}/a/{assignment}/s/{student}``): no
address, query, token, cookie or name of a student is written anywhere. Who asked is an account's number.
"""

from __future__ import annotations

import hashlib
import logging
import sys
import time
import traceback
import uuid
from typing import Any, Literal

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from grader.web.metrics import Metrics, method_of
from grader.web.sessions import Session
from grader.web.site import session_in

__all__ = ["LogFormat", "Observed", "log_failure", "set_up_log"]

LogFormat = Literal["json", "text", "none"]

_REQUEST = "grader_request"


class Observed:
    """Around the whole application, so that no answer gets past it.

    Args:
        app: What answers.
        metrics: Counts it.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        self._log = structlog.get_logger("grader.web")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        asked: Any = scope
        request, status, began = uuid.uuid4().hex[:16], 0, time.perf_counter()
        asked.setdefault("state", {})[_REQUEST] = request

        async def send_and_see(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_and_see)
        finally:
            seconds = time.perf_counter() - began
            # A route that nobody declared has no template; addresses that somebody made up are one.
            route = str(asked.get("path_template") or "none")
            # Where nothing was sent, the server answers for us.
            status = status or 500
            self._metrics.answered(asked["method"], route, status, seconds)
            self._log.info(
                "answered",
                request=request,
                method=method_of(asked["method"]),
                route=route,
                status=status,
                ms=round(1000 * seconds, 1),
                who=_who(session_in(scope)),
            )


def _who(session: Session | None) -> str:
    """A token for whoever is signed in: the account's number, or a digest of a name that a link gave."""
    if session is None:
        return ""
    if session.account is not None:
        return f"account-{session.account}"
    return f"link-{hashlib.sha256(session.name.encode()).hexdigest()[:8]}"


def log_failure(scope: Scope, error: BaseException) -> None:
    """Tells the log of a mistake of ours: what kind and where in the code.

    Its words are left out, since they may quote a student.
    """
    frames = traceback.extract_tb(error.__traceback__)
    structlog.get_logger("grader.web").error(
        "failed",
        request=scope["state"].get(_REQUEST, ""),
        route=str(scope.get("path_template") or "none"),
        error=type(error).__name__,
        where=[
            f"{frame.filename.rpartition('site-packages/')[2]}:{frame.lineno} {frame.name}"
            for frame in frames
        ][-12:],
    )


def set_up_log(format: LogFormat) -> None:
    """Says how lines are written to standard error, and whether answers are among them.

    Args:
        format: ``json``: a line of JSON each; ``text``: to be read; ``none``: failures alone, to be read.
    """
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: Any = structlog.processors.JSONRenderer()
    if format != "json":
        last = structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.ERROR if format == "none" else logging.INFO
        ),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
