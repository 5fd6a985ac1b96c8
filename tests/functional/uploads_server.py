"""A server that takes files, in a process of its own for tests that attack or kill it.

Usage: uploads_server.py FOLDER. Prints where it is; answers until it is ended. It is as patient as a test can
wait, and no file may have more than 2 MiB.
"""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from grader.facts.case import Reference
from grader.store import Store, open_store
from grader.web import connections, uploads
from grader.web.serve import Opened, listen
from grader.workflows.handing_in.links import sign
from tests.web_client import BOUNDARY, form_of

MOST_BYTES = 2 * 1024**2
_FORM = f"multipart/form-data; boundary={BOUNDARY}"


@dataclass
class Served:
    """A server in a process of its own.

    Attributes:
        folder: With its database; what it puts down for a moment goes into ``folder/tmp``.
    """

    folder: Path
    process: subprocess.Popen[str] | None = None
    origin: str = ""

    def start(self) -> None:
        (self.folder / "tmp").mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.functional.uploads_server", str(self.folder)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(self.folder / "tmp")},
        )
        assert self.process.stdout is not None
        self.origin = self.process.stdout.readline().strip()
        assert self.origin

    def end(self, *, at_once: bool = False) -> None:
        assert self.process is not None
        (self.process.kill if at_once else self.process.terminate)()
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()

    @property
    def host(self) -> str:
        return urlsplit(self.origin).netloc

    def store(self) -> Store:
        return open_store(str(self.folder / "grader.db"), create=False)

    def link(self, student: str) -> str:
        with self.store() as store:
            return sign(store, student, "mini", store.clock() + timedelta(days=1))

    def connect(self) -> socket.socket:
        host, port = self.host.split(":")
        return socket.create_connection((host, int(port)), timeout=30)

    def head(self, signed: str, *lines: str) -> bytes:
        """The head of a request that hands in, up to where its body begins."""
        said = [f"POST /u/{signed}/file HTTP/1.1", f"Host: {self.host}", f"Origin: {self.origin}"]
        return "\r\n".join([*said, f"Content-Type: {_FORM}", *lines, "", ""]).encode()

    def hand_in(self, signed: str, raw: bytes, name: str = "lab.ipynb") -> tuple[int, str, str]:
        """As a browser does; gives the status, where it leads and what it says."""
        body = form_of(("form_token", None, token(signed)), ("file", name, raw))
        return self.send(signed, body)

    def send(self, signed: str, body: bytes) -> tuple[int, str, str]:
        connection = HTTPConnection(self.host, timeout=60)
        try:
            connection.request(
                "POST", f"/u/{signed}/file", body, {"origin": self.origin, "content-type": _FORM}
            )
            answer = connection.getresponse()
            return answer.status, answer.headers.get("location", ""), answer.read().decode()
        finally:
            connection.close()

    def left_behind(self) -> list[str]:
        """Files that are no part of an empty course: of uploads, of evidence."""
        own = ("grader.db", "grader.db-wal", "grader.db-shm", "whose-evidence", "mini.yaml")
        return [str(each) for each in self.folder.rglob("*") if each.is_file() and each.name not in own]


def token(signed: str) -> bytes:
    return hashlib.sha256(signed.encode()).hexdigest().encode()


def main(folder: Path) -> None:
    uploads._SILENCE_S = uploads._START_S = 1.0
    uploads._DRAINED_S = 0.5
    connections.HEAD_S = 2.0
    with open_store(str(folder / "grader.db")) as store, listen("127.0.0.1", 0) as listening:
        desk = Opened(store, Reference(), listening, places=[folder], upload_bytes=MOST_BYTES)
        sys.stdout.write(f"{desk.place.origins[0]}\n")
        sys.stdout.flush()
        desk.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
