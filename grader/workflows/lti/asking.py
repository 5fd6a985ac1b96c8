"""Asks a platform over HTTP: by TLS, following nobody anywhere, and no more than fits into memory."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from grader.errors import ServiceError
from grader.workflows.accounts.addresses import is_encrypted

__all__ = ["Asked", "Busy", "PlatformError", "ask"]

_TIMEOUT_S = 20
_LONGEST_BYTES = 16 * 1024 * 1024
_SAID = 300


class PlatformError(ServiceError):
    """A platform did not answer, refused, or answered what cannot be believed.

    Attributes:
        status: Of its answer; 0 where there was none.
    """

    status: int = 0


class Busy(PlatformError):
    """It asks to be asked again later.

    Attributes:
        after_s: When, in seconds; None where it does not say.
    """

    after_s: float | None = None


@dataclass(frozen=True)
class Asked:
    """An answer.

    Attributes:
        json: None where there is nothing in it.
        next: Where the next page is; empty where this is the last.
    """

    url: str
    json: Any
    next: str = ""


def ask(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
) -> Asked:
    """Asks once; with a form or a body it is sent there.

    Raises:
        Busy: It is too much for the platform now.
        PlatformError: It does not answer, refuses, or what it says is no JSON.
    """
    if not is_encrypted(url):
        raise PlatformError("a platform is asked by TLS alone", where=url)
    sent = form if body is None else json.dumps(body)
    try:
        answer = requests.request(
            "GET" if sent is None else "POST",
            url,
            headers=dict(headers or {}),
            data=sent,
            timeout=_TIMEOUT_S,
            allow_redirects=False,
            stream=True,
        )
        with answer:
            raw = _read(answer)
    except requests.RequestException as error:
        raise PlatformError("the platform does not answer", where=url, found=str(error)) from error
    if answer.status_code >= 300:
        raise _refused(answer, url, raw)
    try:
        found = json.loads(raw) if raw.strip() else None
    except ValueError as error:
        raise PlatformError("the platform's answer is no JSON", where=url, found=str(error)) from error
    return Asked(url, found, answer.links.get("next", {}).get("url", ""))


def _read(answer: requests.Response) -> bytes:
    """Within a time of its own: a platform that drips keeps nobody."""
    parts, length, began = [], 0, time.monotonic()
    for part in answer.iter_content(64 * 1024):
        parts.append(part)
        length += len(part)
        if length > _LONGEST_BYTES or time.monotonic() - began > 2 * _TIMEOUT_S:
            raise requests.RequestException("its answer has no end")
    return b"".join(parts)


def _refused(answer: requests.Response, url: str, raw: bytes) -> PlatformError:
    status = answer.status_code
    kind = Busy if status == 429 or status in (502, 503, 504) else PlatformError
    said = "".join(each if each.isprintable() else " " for each in raw.decode("utf-8", "replace")[:_SAID])
    error = kind("the platform refused", where=url, found=f"{status} {answer.reason}: {said}".strip(": "))
    error.status = status
    if isinstance(error, Busy):
        told = answer.headers.get("retry-after", "")
        error.after_s = float(told) if told.isdigit() else None
    return error
