"""Signing in by an identity provider: OpenID Connect, the code flow with PKCE.

Source: https://openid.net/specs/openid-connect-core-1_0.html, 3.1; RFC 7636; RFC 9207
"""

from __future__ import annotations

import threading
import tomllib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import get_well_known_url
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ConfigDict, ValidationError

from grader.errors import ServiceError, UsageError
from grader.workflows.accounts.addresses import is_encrypted
from grader.workflows.accounts.identities import Identity, Match

__all__ = ["Oidc", "OidcError", "OidcSettings", "read_oidc"]

#: Signatures by a key that only the provider has. `none` is no signature, and HS256 one of whoever has the
#: public key or our secret.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_TIMEOUT_S = 10
#: By how much the provider's clock and ours may differ.
_LEEWAY_S = 60
_KEPT = timedelta(hours=12)
#: Keys that are not known are not looked for more often.
_KEYS_EVERY = timedelta(minutes=1)


class OidcError(ServiceError):
    """The provider did not answer, or answered what cannot be believed."""


class OidcSettings(BaseModel):
    """What the file after ``--oidc`` says, in TOML.

    Attributes:
        issuer: Address of the provider, as it names itself.
        client_id: What the provider calls this server.
        client_secret_file: Where the secret is that it gave; beside this file, if it is no whole path.
        name: What the page that signs in calls it.
        match: How somebody's account is found the first time: by the e-mail address that the provider has
            verified, or by the claim `login_claim`, where nobody can choose it for themselves.
        login_claim: Which claim is the login.
        client_auth: How the secret is sent.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str
    client_id: str
    client_secret_file: Path
    name: str = "the university's login"
    match: Match = Match.EMAIL
    login_claim: str = "preferred_username"
    client_auth: Literal["client_secret_basic", "client_secret_post"] = "client_secret_basic"


def read_oidc(path: Path, clock: Callable[[], datetime]) -> Oidc:
    """A provider as a file describes it; the provider itself is not asked yet.

    Raises:
        UsageError: The file or the secret cannot be read, is incomplete, or open to everybody here.
    """
    try:
        settings = OidcSettings.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        secret_file = path.parent / settings.client_secret_file
        secret = secret_file.read_text(encoding="utf-8").strip()
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise UsageError(
            "this does not describe an identity provider",
            where=f"{path}: {key}",
            found=first["msg"],
            todo="docs/desk.md shows such a file",
        ) from None
    except (OSError, ValueError) as error:
        raise UsageError(
            "the identity provider's file or its secret cannot be read", where=str(path), found=str(error)
        ) from None
    if not secret or secret_file.stat().st_mode & 0o004:
        raise UsageError(
            "the secret for the identity provider is empty"
            if not secret
            else "everybody here can read the secret",
            where=str(secret_file),
            todo="" if not secret else f"chmod o-r {secret_file}",
        )
    if not is_encrypted(settings.issuer):
        raise UsageError(
            "an identity provider is asked by TLS alone",
            where=f"{path}: issuer",
            expected="https://...",
            found=settings.issuer,
        )
    return Oidc(settings, secret, clock)


class Oidc:
    """One identity provider. Safe to share between threads.

    Args:
        settings: Of it.
        secret: That it gave to this server.
        clock: Gives the time in UTC.
    """

    def __init__(self, settings: OidcSettings, secret: str, clock: Callable[[], datetime]) -> None:
        self.settings = settings
        self._secret = secret
        self._clock = clock
        self._lock = threading.Lock()
        self._described: tuple[datetime, Mapping[str, Any]] | None = None
        self._keys: tuple[datetime, KeySet] | None = None

    def way_out(self, back: str, *, state: str, nonce: str, verifier: str) -> str:
        """Where to send a browser.

        Args:
            back: Where the provider sends it afterwards; it has to know this address.
            state: What it brings back.
            nonce: What the provider has to name in its answer.
            verifier: Known to us alone; the provider gets its hash now.

        Raises:
            OidcError: The provider does not answer.
        """
        session = self._session(back)
        url, _ = session.create_authorization_url(
            self._described_as()["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
        )
        return str(url)

    def who(self, back: str, *, code: str, nonce: str, verifier: str) -> Identity:
        """Who came back with this code, which works once.

        Raises:
            OidcError: The provider does not know the code, or what it says cannot be believed.
        """
        described = self._described_as()
        try:
            token = self._session(back).fetch_token(
                described["token_endpoint"],
                grant_type="authorization_code",
                code=code,
                code_verifier=verifier,
                timeout=_TIMEOUT_S,
                allow_redirects=False,
            )
        except (OAuthError, requests.RequestException, ValueError) as error:
            raise OidcError("the identity provider gave nothing for this code", found=str(error)) from error
        claims = self._believed(token, nonce)
        if self._lacks(claims) and "userinfo_endpoint" in described:
            claims = {**self._told(described["userinfo_endpoint"], token, claims["sub"]), **claims}
        return self._identity(claims)

    def is_own(self, issuer: str) -> bool:
        """Whether an answer names this provider, where it names one: not that of another one's, mixed in."""
        return issuer in ("", self.settings.issuer)

    def _believed(self, token: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        """The claims of an answer whose signature, issuer, audience, times and nonce are right."""
        raw = token.get("id_token")
        if not isinstance(raw, str):
            raise OidcError("the identity provider's answer says not who it is about")
        try:
            decoded = self._decoded(raw)
            options = {
                "iss": {"essential": True, "value": self.settings.issuer},
                "aud": {"essential": True, "value": self.settings.client_id},
                "sub": {"essential": True},
            }
            expected = {
                "nonce": nonce,
                "client_id": self.settings.client_id,
                "access_token": token.get("access_token"),
            }
            claims = CodeIDToken(decoded.claims, decoded.header, options, expected)
            claims.validate(now=int(self._clock().timestamp()), leeway=_LEEWAY_S)
        except (JoseError, ValueError) as error:
            raise OidcError("the identity provider's answer cannot be believed", found=str(error)) from error
        return dict(claims)

    def _decoded(self, raw: str) -> jwt.Token:
        """With a signature by one of the provider's keys, which may be newer than those that we know."""
        keys = self._known_keys()
        try:
            return jwt.decode(raw, keys, algorithms=_ALGORITHMS)
        except InvalidKeyIdError:
            return jwt.decode(raw, self._known_keys(newer=True), algorithms=_ALGORITHMS)

    def _lacks(self, claims: Mapping[str, Any]) -> bool:
        wanted = "email" if self.settings.match is Match.EMAIL else self.settings.login_claim
        return wanted not in claims

    def _told(self, url: str, token: Mapping[str, Any], subject: str) -> Mapping[str, Any]:
        """What the provider says of somebody elsewhere than in its answer, if it is about them."""
        headers = {"authorization": f"Bearer {token.get('access_token', '')}"}
        told: dict[str, Any] = self._fetched(url, headers)
        if told.get("sub") != subject:
            raise OidcError("the identity provider tells of somebody else than who signed in")
        return told

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        login, email = claims.get(self.settings.login_claim), claims.get("email")
        verified = claims.get("email_verified") is True
        return Identity(
            issuer=self.settings.issuer,
            subject=claims["sub"],
            email=email if verified and isinstance(email, str) else "",
            login=login if isinstance(login, str) else "",
        )

    def _session(self, back: str) -> OAuth2Session:
        return OAuth2Session(
            self.settings.client_id,
            self._secret,
            token_endpoint_auth_method=self.settings.client_auth,
            scope="openid email profile",
            redirect_uri=back,
            code_challenge_method="S256",
        )

    def _described_as(self) -> Mapping[str, Any]:
        """Where the provider's pages are, as it says itself."""
        with self._lock:
            if self._described is None or self._described[0] + _KEPT <= self._clock():
                found = self._fetched(get_well_known_url(self.settings.issuer, external=True))
                if found.get("issuer") != self.settings.issuer:
                    raise OidcError(
                        "the identity provider calls itself by another name",
                        expected=self.settings.issuer,
                        found=str(found.get("issuer")),
                    )
                named = ("authorization_endpoint", "token_endpoint", "jwks_uri")
                bare = [name for name in named if not is_encrypted(str(found.get(name, "")))]
                if bare:
                    raise OidcError("the identity provider would be asked without TLS", found=", ".join(bare))
                self._described = self._clock(), found
            return self._described[1]

    def _known_keys(self, *, newer: bool = False) -> KeySet:
        url = self._described_as()["jwks_uri"]
        with self._lock:
            kept = _KEYS_EVERY if newer else _KEPT
            if self._keys is None or self._keys[0] + kept <= self._clock():
                self._keys = self._clock(), KeySet.import_key_set(self._fetched(url))
            return self._keys[1]

    def _fetched(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        try:
            answer = requests.get(url, headers=headers, timeout=_TIMEOUT_S, allow_redirects=False)
            answer.raise_for_status()
            found = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise OidcError("the identity provider does not answer", where=url, found=str(error)) from error
        if not isinstance(found, dict):
            raise OidcError("the identity provider's answer is of another kind", where=url)
        return found
