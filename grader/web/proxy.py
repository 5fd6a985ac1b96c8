"""Behind a proxy with TLS: nobody gets past it, and what it says of who asks is believed of it alone."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any, cast

from litestar.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from grader.errors import UsageError

__all__ = ["THIS_MACHINE", "BehindProxy", "networks_of"]

#: Where the proxy is, unless somebody says otherwise.
THIS_MACHINE = ("127.0.0.0/8", "::1/128")

_REFUSED = b"This server is reached through its proxy alone.\n"


def networks_of(texts: Sequence[str]) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Addresses and networks as they are typed.

    Raises:
        UsageError: One is none.
    """
    found = []
    for text in texts:
        try:
            found.append(ipaddress.ip_network(text))
        except ValueError as error:
            raise UsageError(
                "this is no address of a proxy", expected="--proxy 10.0.0.5, or a network", found=str(error)
            ) from None
    return found


class BehindProxy:
    """Around the whole application.

    Who connects has to be the proxy; a request's own address is then the last one in ``X-Forwarded-For``
    that is no proxy's. What others wrote before it into that header is not looked at.

    Args:
        app: The application.
        proxies: Where the proxy, or each of several in a row, connects from.
    """

    def __init__(self, app: ASGIApp, proxies: Sequence[str]) -> None:
        self._networks = networks_of(proxies)
        trusted = [str(network) for network in self._networks]
        self._app = cast("ASGIApp", ProxyHeadersMiddleware(cast("Any", app), trusted))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Starting and stopping come from nobody.
        if "client" in scope and not self._is_proxy(scope["client"]):
            headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(_REFUSED)).encode())]
            await send({"type": "http.response.start", "status": 421, "headers": headers})
            await send({"type": "http.response.body", "body": _REFUSED, "more_body": False})
            return
        await self._app(scope, receive, send)

    def _is_proxy(self, client: tuple[str, int] | None) -> bool:
        try:
            address = ipaddress.ip_address(client[0] if client else "")
        except ValueError:
            return False
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return any((mapped or address) in network for network in self._networks)
