"""An identity provider on this machine: real keys, real signatures, the code flow with PKCE; and its lies."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from tests.tokens import rsa_key, signed_by_shared, unsigned

__all__ = ["CLIENT", "SECRET", "Provider", "provider"]

CLIENT, SECRET = "grader", "a secret that the provider gave"


@dataclass
class Provider:
    """What it says; tests change it to try what is believed.

    Attributes:
        user: Claims of whoever signs in there next.
        changed: Claims put in place of right ones.
        lacking: Claims left out.
        signs: ``own``, ``foreign`` (another's key under its own name), ``none``, ``public`` (HS256 by the
            public key) or ``secret`` (HS256 by the client's secret).
        apart: Claims that only the userinfo endpoint tells.
        asked: Addresses asked, in order.
    """

    issuer: str = ""
    user: dict[str, Any] = field(default_factory=dict)
    changed: dict[str, Any] = field(default_factory=dict)
    lacking: set[str] = field(default_factory=set)
    signs: str = "own"
    apart: dict[str, Any] = field(default_factory=dict)
    described: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    key: RSAKey | ECKey = field(default_factory=lambda: rsa_key("first"))
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)

    def authorize(self, query: Mapping[str, str]) -> str:
        """Where a browser is sent that signed in here."""
        assert query["response_type"] == "code" and query["client_id"] == CLIENT
        assert query["code_challenge_method"] == "S256" and "openid" in query["scope"].split()
        code = secrets.token_urlsafe(16)
        self.codes[code] = {**query, "sub": self.user["sub"]}
        told = {"code": code, "state": query["state"], "iss": self.issuer}
        return f"{query['redirect_uri']}?{urlencode(told)}"

    def token(self, form: Mapping[str, str], basic: str) -> tuple[int, dict[str, Any]]:
        """Trades a code, once, for whoever proves to be the client and to have sent the browser."""
        name, _, secret = base64.b64decode(basic).decode().partition(":")
        if (unquote(name), unquote(secret)) != (CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        asked = self.codes.pop(form.get("code", ""), None)
        proof = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode()
        if (
            asked is None
            or proof.rstrip("=") != asked["code_challenge"]
            or form["redirect_uri"] != asked["redirect_uri"]
        ):
            return 400, {"error": "invalid_grant"}
        access = secrets.token_urlsafe(16)
        self.tokens[access] = {"sub": self.user["sub"], **self.apart}
        return 200, {"access_token": access, "token_type": "Bearer", "id_token": self._id_token(asked)}

    def _id_token(self, asked: Mapping[str, str]) -> str:
        now = int(time.time())
        right = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims = {**right, **self.user, **self.changed}
        claims = {name: value for name, value in claims.items() if name not in self.lacking}
        alg = "ES256" if isinstance(self.key, ECKey) else "RS256"
        header = {"alg": alg, "kid": self.key.kid}
        if self.signs == "none":
            return unsigned(claims)
        if self.signs in ("public", "secret"):
            known = self.key.as_pem(private=False) if self.signs == "public" else SECRET.encode()
            return signed_by_shared(header, claims, known)
        key = self.key if self.signs == "own" else rsa_key(f"{self.key.kid}/foreign")
        return jwt.encode(header, claims, key)

    def describe(self) -> dict[str, Any]:
        paths = {
            "authorization_endpoint": "/authorize",
            "token_endpoint": "/token",
            "jwks_uri": "/keys",
            "userinfo_endpoint": "/userinfo",
        }
        return {
            "issuer": self.issuer,
            **{name: self.issuer + path for name, path in paths.items()},
            **self.described,
        }


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            provider.asked.append(parts.path)
            if parts.path == "/authorize":
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self.send_response(302)
                self.send_header("location", provider.authorize(query))
                self.end_headers()
            elif parts.path == "/userinfo":
                bearer = self.headers.get("authorization", "").removeprefix("Bearer ")
                self._say(200 if bearer in provider.tokens else 401, provider.tokens.get(bearer, {}))
            elif parts.path == "/keys":
                self._say(200, {"keys": [provider.key.as_dict(private=False)]})
            elif parts.path == "/.well-known/openid-configuration":
                self._say(200, provider.describe())
            else:
                self._say(404, {})

        def do_POST(self) -> None:
            provider.asked.append(self.path)
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._say(*provider.token(form, self.headers.get("authorization", "").removeprefix("Basic ")))

        def _say(self, status: int, told: dict[str, Any]) -> None:
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@contextmanager
def provider() -> Iterator[Provider]:
    """One that answers on this machine."""
    made = Provider()
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(made)) as server:
        made.issuer = f"http://127.0.0.1:{server.server_address[1]}"
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        serving.start()
        yield made
        server.shutdown()
        serving.join()
