"""A course system on this machine: real keys, tokens, members and columns for marks by LTI 1.3; and its lies.

It does what the specifications ask of a platform, and refuses what they let it refuse: whoever sends a
browser to it with an unknown address to come back to, or asks a service without a token of its scope.
"""

from __future__ import annotations

import html
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from tests.tokens import rsa_key, signed_by_shared, unsigned

__all__ = ["CLIENT", "CONTEXT", "DEPLOYMENT", "INSTRUCTOR", "LEARNER", "TA", "Platform", "platform"]

CLIENT, DEPLOYMENT, CONTEXT = "10000000000042", "7:dl", "course-dl"
CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/"
DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
LEARNER, INSTRUCTOR = f"{MEMBERSHIP}#Learner", f"{MEMBERSHIP}#Instructor"
#: A platform calls them an instructor as well.
TA = f"{MEMBERSHIP}/Instructor#TeachingAssistant"
_PAGE = 2


@dataclass
class Platform:
    """What it says and has; tests change it to try what is believed.

    Attributes:
        tool: Origin of the tool, whose addresses are known here.
        user: Claims of whoever is signed in here: ``sub``, ``roles`` and more.
        changed: Claims put in place of right ones.
        lacking: Claims left out.
        signs: ``own``, ``foreign`` (another's key under its own name), ``nameless``, ``none`` or ``public``
            (HS256 by the public key).
        members: Of the course, as the service for names and roles tells them.
        line_items: Columns for marks by address.
        scores: What each column was sent, in order, by its address.
        next_page: Where the list of members goes on, if not here.
        refuses: Statuses with which the service for scores answers next, by subject.
        asked: Addresses asked, in order.
    """

    origin: str = ""
    tool: str = "http://127.0.0.1:8310"
    user: dict[str, Any] = field(default_factory=dict)
    changed: dict[str, Any] = field(default_factory=dict)
    lacking: set[str] = field(default_factory=set)
    signs: str = "own"
    key: RSAKey = field(default_factory=lambda: rsa_key("first"))
    members: list[dict[str, Any]] = field(default_factory=list)
    line_items: dict[str, dict[str, Any]] = field(default_factory=dict)
    scores: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    refuses: dict[str, list[int]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    tool_keys: Callable[[], Mapping[str, Any]] = lambda: {"keys": []}
    tokens: dict[str, set[str]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    next_page: str = ""
    answers: list[dict[str, Any]] = field(default_factory=list)

    @property
    def addresses(self) -> dict[str, str]:
        """As the tool is told them when it registers this platform."""
        return {
            "issuer": self.origin,
            "client_id": CLIENT,
            "deployment": DEPLOYMENT,
            "auth_url": f"{self.origin}/auth",
            "token_url": f"{self.origin}/token",
            "jwks_url": f"{self.origin}/keys",
        }

    def initiation(self, *, deep: bool = False, **more: str) -> dict[str, str]:
        """What a browser is sent to the tool with."""
        target = f"{self.tool}/lti/{'deep' if deep else 'launch'}"
        begun = {"iss": self.origin, "client_id": CLIENT, "login_hint": "u-1", "target_link_uri": target}
        return {**begun, "lti_message_hint": "deep" if deep else "link", **more}

    def form(self, query: Mapping[str, str]) -> dict[str, str]:
        """What the browser of whoever is signed in here posts to the tool."""
        known = {f"{self.tool}/lti/launch", f"{self.tool}/lti/deep"}
        assert query["redirect_uri"] in known and query["client_id"] == CLIENT
        assert (query["response_type"], query["response_mode"]) == ("id_token", "form_post")
        assert (query["scope"], query["prompt"], query["login_hint"]) == ("openid", "none", "u-1")
        return {"state": query["state"], "id_token": self.token(query)}

    def token(self, query: Mapping[str, str]) -> str:
        now = int(time.time())
        deep = query.get("lti_message_hint") == "deep"
        right = {
            "iss": self.origin,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": query["nonce"],
            f"{CLAIM}version": "1.3.0",
            f"{CLAIM}message_type": "LtiDeepLinkingRequest" if deep else "LtiResourceLinkRequest",
            f"{CLAIM}deployment_id": DEPLOYMENT,
            f"{CLAIM}target_link_uri": f"{self.tool}/lti/launch",
            f"{CLAIM}context": {"id": CONTEXT, "title": "Deep Learning"},
            f"{NRPS}claim/namesroleservice": {
                "context_memberships_url": f"{self.origin}/members",
                "service_versions": ["2.0"],
            },
            f"{AGS}claim/endpoint": {"scope": [], "lineitems": f"{self.origin}/columns"},
            **(
                {
                    f"{DL}deep_linking_settings": {
                        "deep_link_return_url": f"{self.origin}/chosen",
                        "accept_types": ["link", "ltiResourceLink"],
                        "accept_presentation_document_targets": ["iframe", "window"],
                        "data": "as it came",
                    }
                }
                if deep
                else {f"{CLAIM}resource_link": {"id": "link-1", "title": "Lab"}}
            ),
        }
        claims = {**right, **self.user, **self.changed}
        if "roles" in claims:
            claims[f"{CLAIM}roles"] = claims.pop("roles")
        return self._signed({name: value for name, value in claims.items() if name not in self.lacking})

    def _signed(self, claims: dict[str, Any]) -> str:
        header = {"alg": "RS256", "kid": self.key.kid}
        if self.signs == "none":
            return unsigned(claims)
        if self.signs == "public":
            return signed_by_shared(header, claims, self.key.as_pem(private=False))
        if self.signs == "nameless":
            return jwt.encode({"alg": "RS256"}, claims, self.key)
        key = self.key if self.signs == "own" else rsa_key(f"{self.key.kid}/foreign")
        return jwt.encode(header, claims, key)

    def grant(self, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """A token for services, for whoever signs with a key of the tool."""
        assert form["grant_type"] == "client_credentials"
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        if form.get("client_assertion_type") != kind:
            return 400, {"error": "invalid_request"}
        known = self.tool_keys()
        if not known["keys"]:
            return 401, {"error": "invalid_client"}
        keys = KeySet.import_key_set(known)  # type: ignore[arg-type]
        said = jwt.decode(form["client_assertion"], keys, algorithms=["RS256"]).claims
        now = time.time()
        right = said["iss"] == said["sub"] == CLIENT and said["aud"] == f"{self.origin}/token"
        if (
            not right
            or not now - 60 < said["iat"] <= now + 5
            or said["exp"] < now
            or said["jti"] in self.used
        ):
            return 401, {"error": "invalid_client"}
        self.used.add(said["jti"])
        access = secrets.token_urlsafe(16)
        self.tokens[access] = set(form["scope"].split())
        return 200, {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": 3600,
            "scope": form["scope"],
        }

    def page(self, number: int) -> dict[str, Any]:
        """Some members of the course."""
        shown = self.members[number * _PAGE : (number + 1) * _PAGE]
        return {"id": f"{self.origin}/members", "context": {"id": CONTEXT}, "members": shown}

    def new_column(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        assert wanted["scoreMaximum"] > 0 and wanted["label"]
        url = f"{self.origin}/columns/{len(self.line_items) + 1}?type=9"
        self.line_items[url] = {**wanted, "id": url}
        return self.line_items[url]

    def score(self, url: str, sent: Mapping[str, Any]) -> int:
        if self.refuses.get(sent["userId"]):
            return self.refuses[sent["userId"]].pop(0)
        assert {"timestamp", "activityProgress", "gradingProgress", "userId"} <= set(sent)
        assert sent["scoreGiven"] >= 0 and sent["scoreMaximum"] > 0
        if sent["userId"] not in {each["user_id"] for each in self.members}:
            return 404
        self.scores.setdefault(url, []).append(dict(sent))
        return 200


def _handler(platform: Platform) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            platform.asked.append(f"GET {parts.path}")
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            if parts.path == "/keys":
                self._say(200, {"keys": [platform.key.as_dict(private=False)]})
            elif parts.path == "/auth":
                self._post_on(query["redirect_uri"], platform.form(query))
            elif parts.path in ("/frame", "/frame-deep"):
                begun = urlencode(platform.initiation(deep=parts.path == "/frame-deep"))
                self._page(f'<iframe src="{html.escape(f"{platform.tool}/lti/login?{begun}")}"></iframe>')
            elif parts.path == "/members":
                if self._may(f"{NRPS}scope/contextmembership.readonly"):
                    self._members(int(query.get("p", "0")))
            elif parts.path == "/columns":
                wanted, columns = query.get("resource_id"), platform.line_items.values()
                if self._may(f"{AGS}scope/lineitem"):
                    self._say(200, [each for each in columns if wanted in (None, each.get("resourceId"))])
            else:
                self._say(404, {})

        def do_POST(self) -> None:
            parts = urlsplit(self.path)
            platform.asked.append(f"POST {parts.path}")
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            if parts.path == "/token":
                self._say(*platform.grant({name: values[0] for name, values in parse_qs(body).items()}))
            elif parts.path == "/chosen":
                keys = KeySet.import_key_set(platform.tool_keys())  # type: ignore[arg-type]
                [raw] = parse_qs(body)["JWT"]
                platform.answers.append(dict(jwt.decode(raw, keys, algorithms=["RS256"]).claims))
                self._page("<h1>Linked</h1>")
            elif parts.path == "/columns":
                if self._may(f"{AGS}scope/lineitem"):
                    self._say(201, platform.new_column(json.loads(body)))
            elif parts.path.endswith("/scores"):
                if not self._may(f"{AGS}scope/score"):
                    return
                path = parts.path.removesuffix("/scores")
                url = f"{platform.origin}{path}" + (f"?{parts.query}" if parts.query else "")
                known = url in platform.line_items
                status = platform.score(url, json.loads(body)) if known else 404
                self._say(status, {}, {"retry-after": "3"} if status == 429 else {})
            else:
                self._say(404, {})

        def _may(self, scope: str) -> bool:
            """Whether the token is for this; where it is not, that is the answer."""
            access = self.headers.get("authorization", "").removeprefix("Bearer ")
            may = scope in platform.tokens.get(access, set())
            if not may:
                self._say(401, {"errors": [{"message": "Invalid access token"}]})
            return may

        def _members(self, number: int) -> None:
            more = (number + 1) * _PAGE < len(platform.members)
            if platform.next_page:
                return self._say(200, platform.page(number), {"link": f'<{platform.next_page}>; rel="next"'})
            next = {"link": f'<{platform.origin}/members?p={number + 1}>; rel="next"'} if more else {}
            return self._say(200, platform.page(number), next)

        def _post_on(self, url: str, form: Mapping[str, str]) -> None:
            """A page that posts by itself, as platforms have them."""
            fields = "".join(
                f'<input type="hidden" name="{name}" value="{html.escape(text)}">'
                for name, text in form.items()
            )
            sending = "<script>document.forms[0].submit()</script>"
            self._page(f'<form method="post" action="{html.escape(url)}">{fields}</form>{sending}')

        def _page(self, body: str) -> None:
            self._send(200, "text/html", f"<!doctype html><title>Platform</title>{body}".encode(), {})

        def _say(self, status: int, told: Any, headers: Mapping[str, str] | None = None) -> None:
            self._send(status, "application/json", json.dumps(told).encode(), headers or {})

        def _send(self, status: int, kind: str, body: bytes, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for name, text in {"content-type": kind, "content-length": str(len(body)), **headers}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@contextmanager
def platform(host: str = "127.0.0.1") -> Iterator[Platform]:
    """One that answers on this machine."""
    made = Platform()
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(made)) as server:
        made.origin = f"http://{quote(host)}:{server.server_address[1]}"
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        serving.start()
        yield made
        server.shutdown()
        serving.join()
