"""Deep linking: somebody who teaches chooses an assignment, and the platform gets a link to it.

Source: https://www.imsglobal.org/spec/lti-dl/v2p0, 4
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.store import Store
from grader.store.platforms import PlatformRecord
from grader.workflows.handing_in.assignments import assigned
from grader.workflows.lti.launching import is_of
from grader.workflows.lti.messages import DeepLinking, LaunchError, Message
from grader.workflows.lti.tool_keys import ToolKeys

__all__ = ["Choice", "choices", "settings_of"]

_CLAIM, _DEEP = "https://purl.imsglobal.org/spec/lti/claim/", "https://purl.imsglobal.org/spec/lti-dl/claim/"
_LINK = "ltiResourceLink"
_LASTS_S = 3600


@dataclass(frozen=True)
class Choice:
    """An assignment that can be linked.

    Attributes:
        assignment: Its name.
        title: As the rubric calls it.
        out_of: Its points.
        answer: What the platform is sent when it is chosen, signed.
    """

    assignment: str
    title: str
    out_of: float
    answer: str


def settings_of(platform: PlatformRecord, message: Message) -> DeepLinking:
    """What the platform asks for.

    Raises:
        LaunchError: It takes no links to tools, or wants the answer sent to somebody else.
    """
    settings = message.deep
    if settings is None or _LINK not in settings.accept_types:
        raise LaunchError("the platform takes no link here")
    if not is_of(platform, settings.deep_link_return_url):
        raise LaunchError("the answer would go elsewhere", found=settings.deep_link_return_url[:200])
    return settings


def choices(
    course: Store,
    places: Iterable[Path],
    here: str,
    platform: PlatformRecord,
    settings: DeepLinking,
    keys: ToolKeys,
    now_s: int,
) -> list[Choice]:
    """All assignments of a course that take notebooks, each with its answer.

    Args:
        course: Has the assignments.
        places: Folders in which the course's own rubrics may lie.
        here: Our own origin.
        platform: Gets the answer.
        settings: What it asked for.
        keys: Sign it.
        now_s: The time, in seconds since 1970.
    """
    found = []
    for each in assigned(course, places, photos=True):
        title, out_of = each.rubric.title, each.rubric.total
        answer = _answer(platform, settings, _item(here, each.assignment, title, out_of), now_s)
        found.append(Choice(each.assignment, title, out_of, keys.sign(answer)))
    return found


def _item(here: str, assignment: str, title: str, out_of: float) -> dict[str, Any]:
    return {
        "type": _LINK,
        "title": title,
        "url": f"{here}/lti/launch",
        "custom": {"assignment": assignment},
        "window": {"targetName": "_blank"},
        "lineItem": {"scoreMaximum": out_of, "label": title, "resourceId": assignment},
    }


def _answer(
    platform: PlatformRecord, settings: DeepLinking, item: dict[str, Any], now_s: int
) -> dict[str, Any]:
    answer = {
        "iss": platform.client_id,
        "aud": platform.issuer,
        "iat": now_s,
        "exp": now_s + _LASTS_S,
        "nonce": secrets.token_urlsafe(24),
        f"{_CLAIM}deployment_id": platform.deployment,
        f"{_CLAIM}message_type": "LtiDeepLinkingResponse",
        f"{_CLAIM}version": "1.3.0",
        f"{_DEEP}content_items": [item],
    }
    return answer if settings.data is None else {**answer, f"{_DEEP}data": settings.data}
