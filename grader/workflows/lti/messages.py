"""What a platform says in a launch: the claims of its token, once signature and all that pins it are right.

Source: https://www.imsglobal.org/spec/lti/v1p3, 5.3 and 5.4;
https://www.imsglobal.org/spec/security/v1p0, 5.1.3
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from grader.errors import GraderError
from grader.store.arrivals import LtiRequest
from grader.store.platforms import PlatformRecord
from grader.workflows.lti.platform_keys import PlatformKeys

__all__ = ["DEEP", "LAUNCH", "DeepLinking", "LaunchError", "Message", "believed"]

LAUNCH = "LtiResourceLinkRequest"
DEEP = "LtiDeepLinkingRequest"

_CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
#: By how much the platform's clock and ours may differ.
_LEEWAY_S = 60
#: A token is fresh: it was made after we sent the browser, which is not that long ago.
_OLDEST_S = 600

_Name = Annotated[str, Field(min_length=1, max_length=255)]


class LaunchError(GraderError):
    """A launch that cannot be believed; why goes to the log, and to nobody's screen."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class _Context(_Part):
    id: _Name
    title: str | None = None


class _Services(_Part):
    lineitem: str | None = None
    lineitems: str | None = None


class _Memberships(_Part):
    context_memberships_url: str | None = None


class DeepLinking(_Part):
    """What a platform wants to know when somebody chooses an assignment.

    Attributes:
        data: Goes back as it came.
    """

    deep_link_return_url: str
    accept_types: list[str]
    data: str | None = None


class Message(_Part):
    """A launch, or the request to choose an assignment.

    Attributes:
        lis, ext, custom: Ids of the person, where the platform tells any.
        services, memberships: Where marks are sent and members asked for, where it tells.
    """

    iss: _Name
    sub: _Name
    aud: str | list[str]
    azp: str | None = None
    exp: FiniteFloat
    iat: FiniteFloat
    nonce: _Name
    email: str | None = None
    version: Annotated[str, Field(alias=f"{_CLAIM}version")]
    type: Annotated[str, Field(alias=f"{_CLAIM}message_type")]
    deployment: Annotated[_Name, Field(alias=f"{_CLAIM}deployment_id")]
    target: Annotated[str | None, Field(alias=f"{_CLAIM}target_link_uri")] = None
    roles: Annotated[list[str], Field(alias=f"{_CLAIM}roles")]
    context: Annotated[_Context, Field(alias=f"{_CLAIM}context")]
    link: Annotated[_Context | None, Field(alias=f"{_CLAIM}resource_link")] = None
    lis: Annotated[dict[str, Any] | None, Field(alias=f"{_CLAIM}lis")] = None
    ext: Annotated[dict[str, Any] | None, Field(alias=f"{_CLAIM}ext")] = None
    custom: Annotated[dict[str, Any] | None, Field(alias=f"{_CLAIM}custom")] = None
    services: Annotated[
        _Services | None, Field(alias="https://purl.imsglobal.org/spec/lti-ags/claim/endpoint")
    ] = None
    memberships: Annotated[
        _Memberships | None, Field(alias="https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice")
    ] = None
    deep: Annotated[
        DeepLinking | None,
        Field(alias="https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"),
    ] = None


def believed(
    raw: str,
    request: LtiRequest,
    platforms: Sequence[PlatformRecord],
    keys: PlatformKeys,
    clock: Callable[[], datetime],
) -> tuple[Message, PlatformRecord]:
    """The claims of a token, and the registration that it belongs to.

    Args:
        raw: The token as the browser brought it.
        request: What the browser was sent with, used up.
        platforms: Registrations of the issuer and client that it was sent to.
        keys: Platforms' keys.
        clock: Gives the time in UTC.

    Raises:
        LaunchError: Something of it is not right.
        PlatformError: The platform's keys cannot be had.
    """
    if not platforms:
        raise LaunchError("the platform is registered no more")
    try:
        message = Message.model_validate(_decoded(raw, platforms[0].jwks_url, keys))
    except (JoseError, ValueError) as error:
        raise LaunchError("the token cannot be believed", found=_said(error)) from error
    _require(message, request, clock().timestamp())
    for platform in platforms:
        if platform.deployment == message.deployment:
            return message, platform
    raise LaunchError("the deployment is not registered", found=message.deployment)


def _decoded(raw: str, url: str, keys: PlatformKeys) -> dict[str, Any]:
    """With a signature by RS256 alone, by a key that the token names and the platform has."""
    known = keys.of(url)
    try:
        token = jwt.decode(raw, known, algorithms=["RS256"])
    except InvalidKeyIdError:
        token = jwt.decode(raw, keys.of(url, newer=True), algorithms=["RS256"])
    if not token.header.get("kid"):
        raise ValueError("the token names no key")
    return token.claims


def _require(message: Message, request: LtiRequest, now_s: float) -> None:
    """All that pins a token to this platform, this client, this request, this moment."""
    audience = [message.aud] if isinstance(message.aud, str) else message.aud
    wanted = DEEP if request.deep else LAUNCH
    wrong = [
        (message.iss != request.issuer, "issuer", message.iss),
        (audience != [request.client_id], "audience", audience),
        (message.azp not in (None, request.client_id), "authorised party", message.azp),
        (message.nonce != request.nonce, "nonce", message.nonce),
        (message.exp + _LEEWAY_S <= now_s, "end", message.exp),
        (not -_OLDEST_S <= message.iat - now_s <= _LEEWAY_S, "time of issue", message.iat),
        (message.version != "1.3.0", "version", message.version),
        (message.type != wanted, "message type", message.type),
        (wanted == LAUNCH and message.link is None, "resource link", None),
        (wanted == DEEP and message.deep is None, "deep linking settings", None),
    ]
    for is_wrong, what, found in wrong:
        if is_wrong:
            raise LaunchError(f"the token has another {what} than this launch", found=str(found)[:200])


def _said(error: Exception) -> str:
    """Without the values, which are about a person."""
    if isinstance(error, ValidationError):
        return ", ".join(f"{each['loc'][-1]}: {each['type']}" for each in error.errors())
    return str(error)
