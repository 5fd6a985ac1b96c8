"""What browsers are told about every answer, those of errors and unknown addresses included."""

from __future__ import annotations

from collections.abc import Sequence

from litestar.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["PAGE_POLICY", "SecureHeaders", "framed_policy", "untrusted_policy"]

#: Of our own pages: nothing but what this server packaged, and no frame around them.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "x-robots-tag": "noindex",
}
#: Behind TLS: browsers come by TLS alone from then on. Of this name, not of others below it.
_ENCRYPTED = {"strict-transport-security": "max-age=31536000"}
#: Unless an answer says otherwise itself.
_OTHERWISE = {"content-security-policy": PAGE_POLICY, "cache-control": "no-store"}


def untrusted_policy(styles: str) -> str:
    """Of what students handed in: no origin, no script, nothing fetched, our style sheet by its hash.

    Args:
        styles: The hash, as ``'sha256-...'``.
    """
    return (
        f"sandbox; default-src 'none'; img-src data:; style-src {styles}; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'self'"
    )


def framed_policy(ancestors: Sequence[str]) -> str:
    """Of the few pages that a course system may show in a frame: nothing runs there, nobody is signed in.

    Args:
        ancestors: Origins of the course system, which its registration holds; forms lead there as well.
    """
    listed = " ".join(ancestors)
    return (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
        f"form-action 'self' {listed}; frame-ancestors {listed}"
    )


class SecureHeaders:
    """Around the whole application, so that no answer gets past it.

    Args:
        app: The application.
        encrypted: Whether browsers come by TLS.
    """

    def __init__(self, app: ASGIApp, *, encrypted: bool) -> None:
        self._app = app
        self._always = _ALWAYS | (_ENCRYPTED if encrypted else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                more = self._always | {
                    name: text for name, text in _OTHERWISE.items() if name.encode() not in given
                }
                kept = [
                    (name, value) for name, value in message["headers"] if name.decode() not in self._always
                ]
                message["headers"] = kept + [(name.encode(), text.encode()) for name, text in more.items()]
            await send(message)

        await self._app(scope, receive, send_with_headers)
