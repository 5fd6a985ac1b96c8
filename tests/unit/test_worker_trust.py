"""By what a worker knows its server, before it says its token."""

from __future__ import annotations

import base64
import hashlib
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from grader.errors import SandboxUnavailable, UsageError
from grader.worker.server import Server, Trust

TOKEN = "gw_secret"


class Host:
    """A server with a certificate of its own."""

    def __init__(self, folder: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.certificate = folder / "host.pem"
        self.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        private = folder / "host.key"
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        digest = hashlib.sha256(made.public_bytes(serialization.Encoding.DER)).digest()
        self.pin = f"sha256/{base64.b64encode(digest).decode()}"
        self.heard: list[str | None] = []
        heard = self.heard

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                heard.append(self.headers["authorization"])
                self.rfile.read(int(self.headers["content-length"]))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, private)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.server.server_port}"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path)
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def ask(host: Host, trust: Trust) -> int:
    server = Server(host.url, TOKEN, trust)
    try:
        return server.ask("POST", "claim", {}).status
    finally:
        server.close()


def test_a_pin_or_a_file_lets_a_server_be_known(host: Host) -> None:
    assert ask(host, Trust(pin=host.pin)) == 204
    assert ask(host, Trust(ca=host.certificate)) == 204
    assert host.heard == [f"Bearer {TOKEN}"] * 2


def test_another_server_never_hears_the_token(host: Host) -> None:
    other = f"sha256/{base64.b64encode(bytes(32)).decode()}"
    for trust in (Trust(), Trust(pin=other)):
        with pytest.raises(SandboxUnavailable, match="not known to be the one"):
            ask(host, trust)
    assert host.heard == []


@pytest.mark.parametrize("url", ["http://desk.example.org", "ftp://localhost", "https://", "https://a.b/c"])
def test_a_token_goes_through_no_network_in_the_clear(url: str) -> None:
    with pytest.raises(UsageError):
        Server(url, TOKEN, Trust())


@pytest.mark.parametrize("pin", ["sha256/", "sha256/AAAA", "md5/AAAA", "no base64"])
def test_what_is_no_pin_is_told(pin: str) -> None:
    with pytest.raises(UsageError, match="no pin"):
        Server("https://localhost", TOKEN, Trust(pin=pin))
