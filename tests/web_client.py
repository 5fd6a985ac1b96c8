"""Asks the web application as a browser's connection would, in this process and without a network."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from litestar.types import ASGIApp

__all__ = ["BOUNDARY", "COURSE", "ORIGIN", "Answer", "Client", "form_of", "in_course"]

ORIGIN = "http://127.0.0.1:8310"
#: The name of a course that nobody named.
COURSE = "course"
BOUNDARY = "----boundary-of-tests"

_OF_THE_SERVER = ("/login", "/logout", "/static", "/healthz", "/account", "/c/", "/u/")


def in_course(path: str, course: str = COURSE) -> str:
    """Where a page of a course is, as ``/a/lab2/waiting``; what is the server's own stays."""
    if path.startswith(_OF_THE_SERVER):
        return path
    return f"/c/{course}{path}" if path != "/" else f"/c/{course}"


@dataclass(frozen=True)
class Answer:
    """What came back; `headers` by lower-case name, `cookies` as the header Set-Cookie has them."""

    status: int
    headers: Mapping[str, str]
    cookies: Sequence[str]
    text: str

    @property
    def form_token(self) -> str:
        found = re.search(r'name="form_token" value="([^"]+)"', self.text)
        assert found is not None, self.text[:500]
        return found[1]


@dataclass
class Client:
    """One browser. `get` and `post` take addresses within the course, `ask` takes any.

    Attributes:
        cookies: Kept from answer to answer.
        address: Where it is.
    """

    app: ASGIApp
    cookies: dict[str, str] = field(default_factory=dict)
    address: str = "127.0.0.1"

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", in_course(path), headers=headers)

    def post(self, path: str, *fields: tuple[str, str], **headers: str) -> Answer:
        """Sends a form as a browser does from a page of ours; `headers` with ``_`` for ``-``."""
        own = {"origin": ORIGIN, "sec-fetch-site": "same-origin"}
        given = {name.replace("_", "-"): text for name, text in headers.items()}
        return self.ask("POST", in_course(path), body=urlencode(fields).encode(), headers=own | given)

    def send_file(
        self, path: str, token: str, raw: bytes, name: str = "lab.ipynb", origin: str = ORIGIN
    ) -> Answer:
        """Sends the form on which somebody hands in, as a browser does; `path` is a whole address."""
        headers = {"origin": origin, "content-type": f"multipart/form-data; boundary={BOUNDARY}"}
        body = form_of(("form_token", None, token.encode()), ("file", name, raw))
        return self.ask("POST", path, body=body, headers=headers)

    def ask(
        self, method: str, path: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        sent = {"host": urlsplit(ORIGIN).netloc, **(headers or {})}
        if body:
            form = {"content-type": "application/x-www-form-urlencoded", "content-length": str(len(body))}
            sent = form | sent
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = asyncio.run(_exchange(self.app, method, path, sent, body, self.address))
        for cookie in answer.cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer


def form_of(*parts: tuple[str, str | None, bytes]) -> bytes:
    """A form with files as browsers write it: of each part its name, its file's name if any, its bytes."""
    made = b""
    for field_name, file, raw in parts:
        named = f'; filename="{file}"' if file is not None else ""
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field_name}"{named}\r\n'
        kind = "Content-Type: application/octet-stream\r\n" if file is not None else ""
        made += f"{head}{kind}\r\n".encode() + raw + b"\r\n"
    return made + f"--{BOUNDARY}--\r\n".encode()


async def _exchange(
    app: ASGIApp, method: str, path: str, headers: Mapping[str, str], body: bytes, address: str
) -> Answer:
    parts = urlsplit(path)
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(parts.path),
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(name.encode(), text.encode()) for name, text in headers.items()],
        "client": (address, 50000),
        "server": ("127.0.0.1", 8310),
        "state": {},
    }
    sent: list[Any] = []
    told = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Any:
        message = next(told, None)
        if message is None:
            await asyncio.Event().wait()
        return message

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)  # type: ignore[arg-type]
    start = next(message for message in sent if message["type"] == "http.response.start")
    pairs = [(name.decode().lower(), text.decode()) for name, text in start["headers"]]
    text = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    return Answer(
        start["status"],
        dict(pairs),
        [text for name, text in pairs if name == "set-cookie"],
        text.decode("utf-8", "replace"),
    )
