"""The server as a worker sees it: HTTPS that is trusted by the system's authorities, one file, or one pin."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import ssl
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from grader.errors import SandboxUnavailable, UsageError
from grader.evidence.parcel import MOST_BYTES
from grader.sandbox.pool.options import is_loopback

__all__ = ["Answer", "Away", "Lease", "Server", "Trust"]

_TIMEOUT_S = 60.0
#: No answer of ours but a parcel is longer.
_ANSWER_BYTES = 1024 * 1024
_PIN = "sha256/"


class Away(Exception):
    """The server does not answer, or is not well; the same may be asked again after a while."""


@dataclass(frozen=True, order=True)
class Lease:
    """A claim of a job."""

    course: str
    job: int
    token: int


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        """The JSON of it; empty where it is none."""
        with suppress(ValueError):
            found = json.loads(self.body or b"{}")
            return found if isinstance(found, dict) else {}
        return {}


@dataclass(frozen=True)
class Trust:
    """By what a server is known.

    Attributes:
        ca: File with the certificates that may vouch for it; the system's where it is None.
        pin: SHA-256 of its certificate, in base64 after ``sha256/``; empty where authorities vouch.
    """

    ca: Path | None = None
    pin: str = ""

    def context(self) -> ssl.SSLContext:
        """How connections are made.

        Raises:
            UsageError: The file or the pin is none.
        """
        if self.pin:
            self.digest()
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            # The very certificate is compared, before a byte is sent: nobody has to vouch for it.
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            return context
        try:
            return ssl.create_default_context(cafile=None if self.ca is None else str(self.ca))
        except (OSError, ssl.SSLError) as error:
            raise UsageError("no certificates can be read", where=str(self.ca), found=str(error)) from error

    def digest(self) -> bytes:
        """The pin's bytes.

        Raises:
            UsageError: It is none.
        """
        try:
            digest = base64.b64decode(self.pin.removeprefix(_PIN), validate=True)
        except ValueError:
            digest = b""
        if not self.pin.startswith(_PIN) or len(digest) != hashlib.sha256().digest_size:
            raise UsageError(
                "this is no pin",
                expected="sha256/ and the SHA-256 of the server's certificate in base64",
                found=self.pin,
            )
        return digest


class _Pinned(http.client.HTTPSConnection):
    """Ends a connection whose certificate is another one."""

    def __init__(self, host: str, port: int | None, context: ssl.SSLContext, digest: bytes) -> None:
        super().__init__(host, port, timeout=_TIMEOUT_S, context=context)
        self._digest = digest

    def connect(self) -> None:
        super().connect()
        assert isinstance(self.sock, ssl.SSLSocket)
        certificate = self.sock.getpeercert(binary_form=True) or b""
        if not hmac.compare_digest(hashlib.sha256(certificate).digest(), self._digest):
            self.close()
            raise ssl.SSLCertVerificationError("the server's certificate is not the one that was pinned")


class Server:
    """Asks one thing after another; each thread has its own.

    Args:
        url: Where it is; without TLS on this machine only.
        token: The worker's.
        trust: By what it is known.

    Raises:
        UsageError: The address is none, or would send the token through a network in the clear.
    """

    def __init__(self, url: str, token: str, trust: Trust) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            raise UsageError("this is no address of a server", expected="https://desk.example.org", found=url)
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise UsageError("a token goes to other machines by TLS only", expected="https://...", found=url)
        self._host, self._port = parts.hostname, parts.port
        self._token = token
        self._trust = trust
        self._context = trust.context() if parts.scheme == "https" else None
        self._connection: http.client.HTTPConnection | None = None

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | dict[str, Any] | None = None,
        *,
        lease: Lease | None = None,
    ) -> Answer:
        """One request below ``/worker/v1/``.

        Raises:
            Away: No answer came, or one that says to ask again later.
            SandboxUnavailable: The token is none, or the server is not the one that was meant.
        """
        raw = json.dumps(body).encode() if isinstance(body, dict) else body
        query = f"?{urlencode(vars(lease))}" if lease is not None else ""
        kind = "application/json" if isinstance(body, dict) else "application/octet-stream"
        headers = {"authorization": f"Bearer {self._token}", "content-type": kind}
        try:
            said = self._exchange(method, f"/worker/v1/{path}{query}", raw, headers)
            found = said.read(MOST_BYTES + 1 if path == "work" else _ANSWER_BYTES)
            if said.read(1):
                raise Away("an answer of the server is longer than any of ours")
        except ssl.SSLCertVerificationError as error:
            self.close()
            raise SandboxUnavailable(
                "the server is not known to be the one that was meant",
                found=str(error),
                todo="name the authority with --ca FILE, or its certificate with --pin sha256/...",
            ) from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Away(f"{type(error).__name__}: {error}") from error
        if said.status == 401:
            raise SandboxUnavailable(
                "the server takes this token not, or not any more",
                todo="`grader worker token NAME` makes one, on the server",
            )
        if said.status >= 500 or said.status in (408, 421, 429):
            raise Away(f"the server answered {said.status}")
        return Answer(said.status, found)

    def _exchange(
        self, method: str, target: str, body: bytes | None, headers: dict[str, str]
    ) -> http.client.HTTPResponse:
        """Asks, once more where the server had closed a connection that lay idle.

        To ask for anything twice is harmless: of a job that is claimed in vain the lease lapses.
        """
        if self._connection is not None:
            with suppress(ConnectionError, http.client.BadStatusLine):
                self._connection.request(method, target, body, headers)
                return self._connection.getresponse()
            self.close()
        self._connection = self._new()
        self._connection.request(method, target, body, headers)
        return self._connection.getresponse()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _new(self) -> http.client.HTTPConnection:
        if self._context is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT_S)
        if self._trust.pin:
            return _Pinned(self._host, self._port, self._context, self._trust.digest())
        return http.client.HTTPSConnection(self._host, self._port, timeout=_TIMEOUT_S, context=self._context)
