"""A browser between a platform of the tests' own and the desk, in this process."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.lti_platform import Platform
from tests.web_client import Answer, Client

__all__ = ["IN_A_FRAME", "IN_A_TAB", "arrive", "come", "posted", "sent"]

IN_A_TAB, IN_A_FRAME = {"sec-fetch-dest": "document"}, {"sec-fetch-dest": "iframe"}


def sent(client: Client, lms: Platform, *, deep: bool = False, **told: str) -> dict[str, str]:
    """Goes to the desk as the platform says, and gives what the desk then asks the platform."""
    begun = urlencode(lms.initiation(deep=deep, **told))
    answer = client.ask("GET", f"/lti/login?{begun}", headers=IN_A_FRAME if deep else IN_A_TAB)
    assert answer.status == 303, answer.text
    parts = urlsplit(answer.headers["location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{lms.origin}/auth"
    return {name: values[0] for name, values in parse_qs(parts.query).items()}


def posted(client: Client, lms: Platform, path: str, form: Mapping[str, str]) -> Answer:
    """What a page of the platform posts, to which browsers add no cookie."""
    other = Client(client.app, address=client.address)
    own = {"origin": lms.origin, "sec-fetch-site": "cross-site", "sec-fetch-dest": "document"}
    return other.ask("POST", path, body=urlencode(form).encode(), headers=own)


def arrive(client: Client, lms: Platform, **told: str) -> Answer:
    """As far as the platform's form goes."""
    return posted(client, lms, "/lti/launch", lms.form(sent(client, lms, **told)))


def come(client: Client, lms: Platform, **told: str) -> Answer:
    """All the way; ends where the desk lets somebody in, or refuses."""
    answer = arrive(client, lms, **told)
    if answer.status != 303:
        return answer
    return client.ask("GET", answer.headers["location"], headers={"sec-fetch-site": "cross-site"})
