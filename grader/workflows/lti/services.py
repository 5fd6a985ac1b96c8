"""A platform's services: asked with a token that it gives to whoever signs with our key.

Source: https://www.imsglobal.org/spec/security/v1p0, 4; https://www.imsglobal.org/spec/lti-ags/v2p0;
https://www.imsglobal.org/spec/lti-nrps/v2p0
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode, urlsplit

from grader.store import Store
from grader.store.platforms import PlatformRecord
from grader.workflows.lti.asking import Asked, Busy, PlatformError, ask
from grader.workflows.lti.launching import is_of
from grader.workflows.lti.platforms import platform_named
from grader.workflows.lti.told import MARKS, MEMBERS, SCORES
from grader.workflows.lti.tool_keys import ToolKeys, tool_keys

__all__ = ["Services", "scores_url", "services_of"]

_MEMBERS = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
_COLUMN = "application/vnd.ims.lis.v2.lineitem+json"
_COLUMNS = "application/vnd.ims.lis.v2.lineitemcontainer+json"
_SCORE = "application/vnd.ims.lis.v1.score+json"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTED_S = 300
#: A list that has no end is none.
_PAGES = 2000
#: How often a platform that is busy is asked, and how long at most it may make us wait each time.
_TRIES = 4
_LONGEST_S = 60.0


class Services:
    """Of one platform. Not to be shared between threads.

    Args:
        platform: As it was registered; nothing but its own origins is asked.
        keys: Ours.
        clock: Gives the time in UTC.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        platform: PlatformRecord,
        keys: ToolKeys,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._platform = platform
        self._keys = keys
        self._clock = clock
        self._sleep = sleep
        self._tokens: dict[str, str] = {}

    def members(self, url: str) -> Iterator[Mapping[str, Any]]:
        """Everybody in one of the platform's courses, page by page.

        Raises:
            PlatformError: It refuses, or its answer is of another kind.
        """
        for answer in self._pages(url, MEMBERS, _MEMBERS):
            found = answer.json.get("members") if isinstance(answer.json, dict) else None
            yield from _listed(found, answer.url)

    def columns(self, url: str, resource: str) -> Iterator[Mapping[str, Any]]:
        """Columns for marks that were made for one of our assignments.

        Raises:
            PlatformError: As `members`.
        """
        joined = "&" if urlsplit(url).query else "?"
        for answer in self._pages(f"{url}{joined}{urlencode({'resource_id': resource})}", MARKS, _COLUMNS):
            yield from _listed(answer.json, answer.url)

    def make_column(self, url: str, wanted: Mapping[str, Any]) -> str:
        """Makes a column for marks.

        Returns:
            Its address.

        Raises:
            PlatformError: It refuses, or says not where the column is.
        """
        made = self._asked(url, MARKS, {"accept": _COLUMN, "content-type": _COLUMN}, wanted).json
        address = made.get("id") if isinstance(made, dict) else None
        if not isinstance(address, str) or not is_of(self._platform, address):
            raise PlatformError("the platform says not where its new column is", where=url)
        return address

    def send_score(self, column: str, score: Mapping[str, Any]) -> None:
        """Writes one student's mark into a column.

        Raises:
            PlatformError: It refuses, or is busy for too long.
        """
        self._asked(scores_url(column), SCORES, {"content-type": _SCORE}, score)

    def _pages(self, url: str, scope: str, kind: str) -> Iterator[Asked]:
        next, seen = url, 0
        while next:
            seen += 1
            if seen > _PAGES:
                raise PlatformError("the platform's list has no end", where=url)
            answer = self._asked(next, scope, {"accept": kind})
            yield answer
            next = answer.next

    def _asked(
        self, url: str, scope: str, headers: Mapping[str, str], body: Mapping[str, Any] | None = None
    ) -> Asked:
        """Asks with a token; again where it is busy, and with a new token where the one we have is over."""
        if not is_of(self._platform, url):
            raise PlatformError("this is no address of the platform as it was registered", where=url)
        for left in reversed(range(_TRIES)):
            bearer = {"authorization": f"Bearer {self._token(scope)}"}
            try:
                return ask(url, headers={**headers, **bearer}, body=body)
            except Busy as error:
                if not left:
                    raise
                self._sleep(min(error.after_s or 2.0 ** (_TRIES - left), _LONGEST_S))
            except PlatformError as error:
                if error.status != 401 or not left:
                    raise
                del self._tokens[scope]
        raise AssertionError("the last try gives or raises")

    def _token(self, scope: str) -> str:
        if scope not in self._tokens:
            form = {
                "grant_type": "client_credentials",
                "client_assertion_type": _ASSERTION,
                "client_assertion": self._assertion(),
                "scope": scope,
            }
            found = ask(self._platform.token_url, form=form).json
            token = found.get("access_token") if isinstance(found, dict) else None
            if not isinstance(token, str) or not token.isprintable():
                raise PlatformError("the platform gave no token", where=self._platform.token_url)
            self._tokens[scope] = token
        return self._tokens[scope]

    def _assertion(self) -> str:
        now = int(self._clock().timestamp())
        return self._keys.sign(
            {
                "iss": self._platform.client_id,
                "sub": self._platform.client_id,
                "aud": self._platform.token_url,
                "iat": now,
                "exp": now + _ASSERTED_S,
                "jti": secrets.token_urlsafe(24),
            }
        )


def services_of(home: Store) -> Callable[[str], Services]:
    """Services of platforms by their names, each made once.

    Args:
        home: Has platforms and our keys.
    """

    @cache
    def named(name: str) -> Services:
        return Services(platform_named(home, name), tool_keys(home), home.clock)

    return named


def scores_url(column: str) -> str:
    """Where a column takes marks: below its path, before what else its address says."""
    parts = urlsplit(column)
    return parts._replace(path=f"{parts.path.rstrip('/')}/scores").geturl()


def _listed(found: Any, url: str) -> list[Mapping[str, Any]]:
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise PlatformError("the platform's list is of another kind", where=url)
    return found
