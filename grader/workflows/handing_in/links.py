"""Links by which one student hands in for one assignment without an account; nothing else opens by them.

A link says whom and what it is for, and until when, and is signed with a secret of the database: one that
was changed, that another course made or that is too old is none. Another secret in its place ends them all.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from grader.errors import UsageError
from grader.store import Store

__all__ = ["HandInLink", "course_claimed_by", "opened", "sign"]

_VERSION = 1
#: No link of ours is longer: what is would only cost time.
_LONGEST = 2000
_MAC_BYTES = 24


@dataclass(frozen=True)
class HandInLink:
    """What a link is for.

    Attributes:
        until: When it ends, in UTC.
        digest: SHA-256 of the link, by which the history knows what came by it.
    """

    course: str
    assignment: str
    student: str
    until: datetime
    digest: str


def sign(store: Store, student: str, assignment: str, until: datetime) -> str:
    """A link's last part.

    Args:
        store: Of the course.
        student: Whose, as the history calls them.
        assignment: For which.
        until: When it ends.

    Raises:
        UsageError: It would have ended already.
    """
    if until <= store.clock():
        raise UsageError("this link would have ended already", where="--until", found=until.isoformat())
    said = [_VERSION, store.course.name, assignment, student, int(until.timestamp())]
    body = json.dumps(said, separators=(",", ":"), ensure_ascii=True).encode("ascii")
    with store.reading() as history:
        key = history.link_key()
    return f"{_text(body)}.{_text(_mac(key, body))}"


def course_claimed_by(signed: str) -> str | None:
    """The course that a link claims to be of, whether it is one or not; None where it says nothing."""
    said = _said(signed)
    return None if said is None else said[1]


def opened(store: Store, signed: str, course: str | None = None) -> HandInLink | None:
    """What a link is for; None where it is none of this course's, was changed or has ended.

    Args:
        store: Of the course.
        signed: The link's last part.
        course: Its name, where that is at hand.
    """
    said = _said(signed)
    with store.reading() as history:
        key = history.link_key()
    written, _, mac = signed.partition(".")
    body = _bytes(written)
    right = hmac.compare_digest(_text(_mac(key, body)).encode(), mac.encode("utf-8", "replace"))
    # The same bytes can be written in other ways, which would be other links of the same student.
    if said is None or not right or written != _text(body):
        return None
    _, named, assignment, student, ends = said
    until = datetime.fromtimestamp(ends, UTC)
    if named != (course or store.course.name) or until <= store.clock():
        return None
    return HandInLink(named, assignment, student, until, hashlib.sha256(signed.encode()).hexdigest())


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, b"hand in by link\0" + body, hashlib.sha256)[:_MAC_BYTES]


def _said(signed: str) -> tuple[int, str, str, str, int] | None:
    if len(signed) > _LONGEST:
        return None
    try:
        said = json.loads(_bytes(signed.partition(".")[0]))
    except (ValueError, RecursionError):
        return None
    match said:
        case [int(version), str(course), str(assignment), str(student), int(ends)] if version == _VERSION:
            return version, course, assignment, student, ends
        case _:
            return None


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _bytes(text: str) -> bytes:
    """What `_text` was given; other text comes to other bytes, or to none."""
    try:
        return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except ValueError:
        return b""
