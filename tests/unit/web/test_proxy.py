"""Behind a proxy with TLS: who connects, whose address counts, and what browsers are told."""

from __future__ import annotations

import dataclasses
import http.client
import threading
from datetime import timedelta

import pytest

from grader.errors import UsageError
from grader.web.app import create_app, routes_of
from grader.web.guards import handlers_of
from grader.web.limits import Limit
from grader.web.pages import ROUTES
from grader.web.proxy import THIS_MACHINE, BehindProxy
from grader.web.roles import Role
from grader.web.serve import Opened, listen, require_safe_place
from grader.web.sessions import Person
from grader.web.site import Place, Site
from tests.unit.web.test_routes import filled
from tests.web_client import Client

HOST = "desk.example.org"


@pytest.fixture
def encrypted(site: Site) -> Site:
    return dataclasses.replace(site, place=Place((f"https://{HOST}",)))


def ask(site: Site, *, peer: str = "127.0.0.1", proxies: tuple[str, ...] = THIS_MACHINE) -> Client:
    return Client(BehindProxy(create_app(site), proxies), address=peer)


def test_who_does_not_come_by_the_proxy_gets_nothing(encrypted: Site) -> None:
    for peer in ("192.0.2.7", "10.0.0.6", "", "::1%eth0", "::ffff:192.0.2.7"):
        answer = ask(encrypted, peer=peer, proxies=("10.0.0.5",)).get("/healthz", host=HOST)
        assert answer.status == 421, peer
    for peer in ("10.0.0.5", "::ffff:10.0.0.5"):
        assert ask(encrypted, peer=peer, proxies=("10.0.0.5",)).get("/healthz", host=HOST).status == 200


@pytest.mark.parametrize(
    ("forwarded", "counts_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        # What the browser claimed itself stands before what the proxy adds.
        ("198.51.100.1, 192.0.2.7", "192.0.2.7"),
        ("198.51.100.1, 192.0.2.7, 127.0.0.1", "192.0.2.7"),
        ("", "127.0.0.1"),
    ],
)
def test_an_address_is_what_the_last_proxy_says(
    encrypted: Site, monkeypatch: pytest.MonkeyPatch, forwarded: str, counts_as: str
) -> None:
    monkeypatch.setattr("grader.web.pages.entering.LINKS", Limit(1, timedelta(minutes=1)))
    client = ask(encrypted)
    headers = {"host": HOST, "x-forwarded-for": forwarded} if forwarded else {"host": HOST}
    assert client.ask("GET", "/login?token=guess", headers=headers).status == 401
    assert client.ask("GET", "/login?token=guess", headers=headers).status == 429
    same = {"host": HOST, "x-forwarded-for": counts_as}
    assert client.ask("GET", "/login?token=guess", headers=same).status == 429
    assert (
        client.ask("GET", "/login?token=guess", headers=same | {"x-forwarded-for": "203.0.113.9"}).status
        == 401
    )


def test_without_a_proxy_nobody_says_whose_address_theirs_is(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.web.pages.entering.LINKS", Limit(1, timedelta(minutes=1)))
    client = Client(create_app(site))
    statuses = [client.get("/login?token=guess", x_forwarded_for=f"192.0.2.{i}").status for i in range(2)]
    assert statuses == [401, 429]


def test_cookies_and_every_answer_hold_browsers_to_tls(encrypted: Site) -> None:
    client = ask(encrypted)
    token = encrypted.sessions.link_for(Person("ann", Role.INSTRUCTOR))
    [cookie] = client.get(f"/login?token={token}", host=HOST).cookies
    parts = {part.strip() for part in cookie.split(";")}
    assert cookie.startswith("__Host-grader=") and {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= parts
    assert not any(part.lower().startswith("domain") for part in parts)
    for path in [*(filled(path) for path, _ in handlers_of(routes_of(ROUTES, encrypted))), "/no/such/page"]:
        answer = client.ask("GET", path, headers={"host": HOST})
        assert answer.headers["strict-transport-security"] == "max-age=31536000", path


def test_without_tls_browsers_are_not_held_to_it(site: Site) -> None:
    assert "strict-transport-security" not in Client(create_app(site)).get("/healthz").headers


def test_a_server_that_listens_believes_its_proxy_and_nobody_else(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over a real connection, through the server that `grader serve` starts."""
    monkeypatch.setattr("grader.web.pages.entering.LINKS", Limit(1, timedelta(minutes=1)))
    for proxies, statuses in ((THIS_MACHINE, [401, 429, 401]), (("192.0.2.1",), [421] * 3)):
        with listen("127.0.0.1", 0) as listening:
            opened = Opened(site.store, site.reference, listening, f"https://{HOST}", (), proxies)
            serving = threading.Thread(target=opened.run, daemon=True)
            serving.start()
            found = [
                connected(listening.getsockname()[1], address)
                for address in ("203.0.113.7", "198.51.100.1, 203.0.113.7", "203.0.113.8")
            ]
            opened.stop()
            serving.join()
        assert found == statuses


def connected(port: int, forwarded: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/login?token=guess", headers={"Host": HOST, "X-Forwarded-For": forwarded})
    status = connection.getresponse().status
    connection.close()
    return status


SAFE_PLACE = {"host": "0.0.0.0", "url": f"https://{HOST}", "proxies": ("10.0.0.5",), "accounts": True}


@pytest.mark.parametrize(
    ("change", "lacking"),
    [
        ({"accounts": False}, "grader account add"),
        ({"url": f"http://{HOST}"}, "--url https://"),
        ({"url": ""}, "--url https://"),
        ({"proxies": ()}, "--proxy"),
        ({"proxies": ("proxy.example.org",)}, "no address of a proxy"),
    ],
)
def test_other_machines_are_listened_to_only_with_all_that_holds_them(
    change: dict[str, object], lacking: str
) -> None:
    require_safe_place(**SAFE_PLACE)  # type: ignore[arg-type]
    with pytest.raises(UsageError) as refused:
        require_safe_place(**SAFE_PLACE | change)  # type: ignore[arg-type]
    assert lacking in str(refused.value)
    for host in ("127.0.0.1", "::1", "localhost"):
        require_safe_place(host, "", (), accounts=False)
