"""No network: connections fail at once with a clear reason instead of waiting for a name server."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from grader.collector.shims.context import Context
from grader.evidence.record import ShimKind

__all__ = ["install"]

_LOCAL = frozenset({"", "localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104 - compared, not bound


def install(context: Context) -> None:
    """Makes name look-ups fail; urllib, requests, torch.hub and torchvision all begin with one."""
    context.patches.replace(socket, "getaddrinfo", _refusing(context, socket.getaddrinfo))
    context.patches.replace(socket, "gethostbyname", _refusing(context, socket.gethostbyname))


def _refusing(context: Context, original: Callable[..., Any]) -> Callable[..., Any]:
    def look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "")
        if name in _LOCAL:
            return original(host, *args, **kwargs)
        context.log.note(ShimKind.NETWORK, f"no connection to {name}")
        raise socket.gaierror(
            socket.EAI_NONAME, f"there is no network in the grading sandbox (asked for {name})"
        )

    return look_up
