"""Tokens that no library would make: without a signature, or signed with what everybody knows."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from joserfc.jwk import RSAKey

__all__ = ["rsa_key", "signed_by_shared", "unsigned"]


@lru_cache
def rsa_key(name: str) -> RSAKey:
    """A key of this name, the same for all tests of a process: making one takes longer than most of them."""
    return RSAKey.generate_key(2048, {"kid": name.partition("/")[0]})


def unsigned(claims: Mapping[str, Any]) -> str:
    return f"{_encoded({'alg': 'none', 'typ': 'JWT'})}.{_encoded(claims)}."


def signed_by_shared(header: Mapping[str, Any], claims: Mapping[str, Any], secret: bytes) -> str:
    """By HS256, with a secret that may be somebody's public key."""
    said = f"{_encoded({**header, 'alg': 'HS256'})}.{_encoded(claims)}"
    return f"{said}.{_plain(hmac.digest(secret, said.encode(), hashlib.sha256))}"


def _encoded(part: Mapping[str, Any]) -> str:
    return _plain(json.dumps(part).encode())


def _plain(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
