"""Addresses of other servers: whether what is asked there is protected, and whose they are."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

__all__ = ["is_encrypted", "origin_of"]


def is_encrypted(url: str) -> bool:
    """Whether TLS protects what is asked there, or nothing of it leaves this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        here = host == "localhost" or _is_loopback(host)
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and here))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def origin_of(url: str) -> str:
    """Scheme, host and port as browsers compare them; empty where it is no address of a server.

    Nothing but a plain host passes, so that an origin can stand in a header.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    plain = host.replace(".", "").replace("-", "").isalnum() and host.isascii()
    if parts.scheme not in ("http", "https") or not plain or parts.username is not None:
        return ""
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + ("" if port in (None, usual) else f":{port}")
