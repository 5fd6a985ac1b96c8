"""HEAD asks for an answer without its body; of the API that is GET's."""

from __future__ import annotations

from typing import cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from grader.web.addresses import API_PATH

__all__ = ["Heads"]


class Heads:
    """Around the application.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] != "HEAD" or not _is_api(scope):
            await self._app(scope, receive, send)
            return

        async def send_no_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message["body"] = b""
            await send(message)

        await self._app(cast("Scope", {**scope, "method": "GET"}), receive, send_no_body)


def _is_api(scope: Scope) -> bool:
    return scope["path"].startswith(f"{API_PATH}/")
