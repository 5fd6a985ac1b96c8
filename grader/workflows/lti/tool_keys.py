"""Our own keys towards platforms: made once, kept in the database, changed for new ones now and then."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from grader.store import Store

__all__ = ["ToolKeys", "make_keys", "rotate_keys", "tool_keys"]

_BITS = 2048
_ALGORITHM = "RS256"
#: The newest signs; the one before is still shown, for whoever fetched our keys a while ago.
_KEPT = 2


class ToolKeys:
    """Keys that platforms know us by.

    Args:
        keys: The newest first.
    """

    def __init__(self, keys: list[RSAKey]) -> None:
        self._keys = keys

    @property
    def are_there(self) -> bool:
        return bool(self._keys)

    def public(self) -> dict[str, Any]:
        """As `/lti/jwks` shows them (JWKS); nothing of what signs is in it."""
        return {"keys": [key.as_dict(private=False) for key in self._keys]}

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A token that whoever has our public keys can prove to be ours."""
        newest = self._keys[0]
        return jwt.encode({"alg": _ALGORITHM, "kid": newest.kid}, dict(claims), newest)


def tool_keys(store: Store) -> ToolKeys:
    """The keys that are kept; there may be none yet."""
    return _read(store.platforms.keys())


def make_keys(store: Store) -> ToolKeys:
    """The keys that are kept, made now where there are none."""
    kept = store.platforms.keys()
    return _read(kept or store.platforms.keep_keys("", _written([_new()])))


def rotate_keys(store: Store) -> ToolKeys:
    """Makes a new key, which signs from now on; of two at once, one is made."""
    kept = store.platforms.keys()
    before = json.loads(kept) if kept else []
    return _read(store.platforms.keep_keys(kept, _written([_new(), *before[: _KEPT - 1]])))


def _new() -> dict[str, Any]:
    key = RSAKey.generate_key(_BITS, {"kid": secrets.token_urlsafe(12), "use": "sig", "alg": _ALGORITHM})
    return dict(key.as_dict(private=True))


def _written(keys: list[dict[str, Any]]) -> str:
    return json.dumps(keys)


def _read(kept: str) -> ToolKeys:
    return ToolKeys([RSAKey.import_key(key) for key in json.loads(kept or "[]")])
