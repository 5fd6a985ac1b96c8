"""Connections that begin a request and do not go on with it are cut off, so that nobody can hold them all.

A head of a request that is too long is refused by the parser itself, at 64 KiB; one that comes too slowly
would be waited for without end. Slow bodies are for whoever reads them, as `uploads` does.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["HEAD_S", "Connection"]

#: So long may the head of a request take, from the first moment at which it could be sent.
HEAD_S = 20.0


class Connection(H11Protocol):
    """One connection of a browser or a program."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def _watch(self) -> None:
        """Waits for a head while no request is being answered, and for nothing meanwhile."""
        if self._is_answering() or self.transport.is_closing():
            self._stop_waiting()
        elif self._waiting is None:
            self._waiting = self.loop.call_later(HEAD_S, self._cut_off)

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _cut_off(self) -> None:
        self._waiting = None
        if not self._is_answering() and not self.transport.is_closing():
            self.transport.close()
