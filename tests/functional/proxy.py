"""A socket between a client and the Docker engine that can be taken away, as if the engine restarted."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path


class EngineProxy:
    """Passes bytes between a socket of its own and the engine's, each connection in two threads.

    Args:
        path: Where to listen.
        engine: The engine's own socket.
    """

    def __init__(self, path: Path, engine: str) -> None:
        self.address = f"unix://{path}"
        self._path = path
        self._engine = engine
        self._open: list[socket.socket] = []
        self.start()

    def start(self) -> None:
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self._path))
        self._listening.listen()
        threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def stop(self) -> None:
        """Hangs up on everybody and lets nobody in."""
        self._path.unlink()
        for each in (self._listening, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._open.clear()

    def _accept(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                engine = socket.socket(socket.AF_UNIX)
                engine.connect(self._engine)
                self._open += [client, engine]
                for pair in ((client, engine), (engine, client)):
                    threading.Thread(target=_pass_on, args=pair, daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    # One direction may end before the other, as a request does before its answer.
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
