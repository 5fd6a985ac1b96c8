"""Signing in by an identity provider of the tests' own: who gets in, and what is not believed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from joserfc.jwk import ECKey, RSAKey

from grader.errors import UsageError
from grader.store import Store
from grader.store.store import utc_now
from grader.web.app import create_app
from grader.web.limits import LINKS
from grader.web.oidc import read_oidc
from grader.web.roles import Role
from grader.web.site import Server, Site
from grader.workflows.accounts.people import add_account, remove_account
from tests.oidc_provider import CLIENT, SECRET, Provider, provider
from tests.unit.web.test_entering import Clock
from tests.web_client import Answer, Client

BEN = {"sub": "u-17", "email": "Ben@example.org", "email_verified": True, "preferred_username": "ben17"}


@pytest.fixture
def idp(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with provider() as made:
        made.user = dict(BEN)
        yield made


@pytest.fixture
def store(site: Site) -> Store:
    return site.store


Serve = Callable[..., Client]


@pytest.fixture
def serve(site: Site, idp: Provider, tmp_path: Path) -> Serve:
    """A browser before a server that signs people in by that provider."""

    def serve(**settings: str) -> Client:
        file = described(tmp_path, idp.issuer, **settings)
        return Client(create_app(Server([site], read_oidc(file, site.store.clock))))

    return serve


def described(folder: Path, provider: str, *, mode: int = 0o600, **settings: str) -> Path:
    secret = folder / "oidc.secret"
    secret.write_text(SECRET + "\n")
    secret.chmod(mode)
    given = {"issuer": provider, "client_id": CLIENT, "client_secret_file": "oidc.secret"} | settings
    file = folder / "oidc.toml"
    file.write_text("".join(f'{name} = "{value}"\n' for name, value in given.items()))
    return file


def way_back(client: Client, next: str = "/") -> str:
    """Goes to the provider, signs in there, and says where it sends the browser."""
    sent = client.ask("GET", f"/oidc/start?next={next}")
    assert sent.status == 303, sent.text
    answer = requests.get(sent.headers["location"], allow_redirects=False, timeout=10)
    parts = urlsplit(answer.headers["location"])
    assert f"{parts.scheme}://{parts.netloc}" == "http://127.0.0.1:8310"
    return f"{parts.path}?{parts.query}"


def come(client: Client, next: str = "/") -> Answer:
    return client.ask("GET", way_back(client, next))


def test_who_is_enrolled_comes_in_and_goes_on_to_where_they_wanted(store: Store, serve: Serve) -> None:
    add_account(store, "ben", Role.TA, email="ben@example.org")
    client = serve(name="Example University")
    asked = client.get("/a/cats/waiting")
    assert asked.status == 401 and "Sign in by Example University" in asked.text
    assert 'href="/oidc/start?next=/c/course/a/cats/waiting"' in asked.text
    answer = come(client, "/c/course/a/cats/waiting")
    assert (answer.status, answer.headers["location"]) == (303, "/c/course/a/cats/waiting")
    assert ">ben</a><span" in client.get("/a/cats/waiting").text


def test_once_known_somebody_is_known_by_the_subject_alone(store: Store, serve: Serve, idp: Provider) -> None:
    ben = add_account(store, "ben", Role.TA, email="ben@example.org")
    client = serve()
    assert come(client).status == 303
    # A new address, which now is somebody else's account: it stays who it was.
    add_account(store, "cara", Role.INSTRUCTOR, email="new@example.org")
    idp.user |= {"email": "new@example.org"}
    assert come(client).status == 303 and ">ben</a><span" in client.get("/").text
    # Another subject with the old address, as where addresses are given out again: not ben.
    idp.user |= {"sub": "u-18", "email": "ben@example.org"}
    assert come(serve()).status == 403
    remove_account(store, "ben")
    idp.user |= {"sub": "u-17", "email": "ben@example.org"}
    assert store.accounts.known_as(idp.issuer, "u-17") is None
    again = add_account(store, "ben", Role.TA, email="ben@example.org")
    assert come(serve()).status == 303
    known = store.accounts.known_as(idp.issuer, "u-17")
    assert known is not None and known.id == again.id and ben.login == again.login


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "nobody@example.org"},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email": ""},
        {"email": ["ben@example.org"]},
        {"email": "two@example.org"},
        {"email": "free@example.org"},
    ],
)
def test_who_is_not_enrolled_or_not_verified_stays_out(
    store: Store, serve: Serve, idp: Provider, claims: dict[str, object]
) -> None:
    add_account(store, "ben", Role.TA, email="ben@example.org")
    for name in ("cara", "dora"):
        add_account(store, name, Role.TA, email="two@example.org")
    add_account(store, "eve", Role.TA, email="free@example.org")
    remove_account(store, "eve", course="course")
    idp.user |= claims
    client = serve()
    answer = come(client)
    assert answer.status == 403 and "no course of this server knows you" in answer.text
    assert "grader-8310" not in client.cookies


def test_a_lab_full_of_strangers_locks_nobody_out(store: Store, serve: Serve, idp: Provider) -> None:
    add_account(store, "ben", Role.TA, email="ben@example.org")
    client = serve()
    idp.user = {"sub": "stranger"}
    assert [come(client).status for _ in range(LINKS.most + 1)] == [403] * (LINKS.most + 1)
    idp.user = dict(BEN)
    assert come(client).status == 303
    guesses = [client.ask("GET", f"/oidc/back?code=x&state={i}").status for i in range(LINKS.most + 1)]
    assert guesses == [401] * LINKS.most + [429]


def test_a_course_may_go_by_the_login_instead(store: Store, serve: Serve, idp: Provider) -> None:
    add_account(store, "ben17", Role.TA)
    assert come(serve()).status == 403
    assert come(serve(match="login")).status == 303
    idp.user = {"sub": "u-20", "uid": "CARA"}
    add_account(store, "cara", Role.TA)
    assert come(serve(match="login")).status == 403
    assert come(serve(match="login", login_claim="uid")).status == 303
    idp.user = {"sub": "u-21", "uid": 7}
    assert come(serve(match="login", login_claim="uid")).status == 403


def test_what_only_the_userinfo_endpoint_tells_counts_if_it_is_about_them(
    store: Store, serve: Serve, idp: Provider
) -> None:
    add_account(store, "ben", Role.TA, email="ben@example.org")
    idp.user = {"sub": "u-17"}
    idp.apart = {"email": "ben@example.org", "email_verified": True, "sub": "u-99"}
    assert come(serve()).status == 401
    idp.apart["sub"] = "u-17"
    assert come(serve()).status == 303


@pytest.mark.parametrize("signs", ["none", "foreign", "public", "secret"])
def test_what_the_provider_did_not_sign_is_not_believed(
    store: Store, serve: Serve, idp: Provider, signs: str
) -> None:
    add_account(store, "ben", Role.TA, email="ben@example.org")
    idp.signs = signs
    client = serve()
    answer = come(client)
    assert answer.status == 401 and "did not go through" in answer.text
    assert "grader-8310" not in client.cookies
    idp.signs = "own"
    assert come(client).status == 303


@pytest.mark.parametrize(
    ("changed", "lacking"),
    [
        ({"iss": "https://evil.example"}, set()),
        ({"aud": "another"}, set()),
        ({"aud": [CLIENT, "another"]}, set()),
        ({"aud": [CLIENT, "another"], "azp": "another"}, set()),
        ({"exp": 1_000_000_000}, set()),
        ({"nbf": 4_000_000_000}, set()),
        ({"nonce": "another"}, set()),
        ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, set()),
        ({}, {"nonce"}),
        ({}, {"exp"}),
        ({}, {"iat"}),
        ({}, {"aud"}),
        ({}, {"iss"}),
        ({}, {"sub"}),
        ({"sub": ""}, set()),
        ({"sub": 17}, set()),
    ],
)
def test_a_token_for_somebody_or_something_else_is_not_believed(
    store: Store, serve: Serve, idp: Provider, changed: dict[str, object], lacking: set[str]
) -> None:
    add_account(store, "ben", Role.TA, email="ben@example.org")
    idp.changed, idp.lacking = changed, lacking
    assert come(serve()).status == 401


def test_a_way_back_works_once_in_the_browser_that_was_sent_and_for_ten_minutes(
    store: Store, serve: Serve, idp: Provider
) -> None:
    add_account(store, "ben", Role.TA, email="ben@example.org")
    clock = Clock()
    clock.now = utc_now()
    store.clock = clock
    client = serve()
    back = way_back(client)
    stolen = Client(client.app)
    assert stolen.ask("GET", back).status == 401
    # It is used up, so that whoever it was stolen from is not signed in by it either.
    assert client.ask("GET", back).status == 401
    back, kept = way_back(client), dict(client.cookies)
    assert client.ask("GET", back).status == 303
    client.cookies = kept
    assert client.ask("GET", back).status == 401
    late = way_back(client)
    clock.now += timedelta(minutes=10)
    assert client.ask("GET", late).status == 401


def test_what_was_changed_on_the_way_back_is_refused(store: Store, serve: Serve, idp: Provider) -> None:
    add_account(store, "ben", Role.TA, email="ben@example.org")
    for change in (
        lambda query: query | {"state": "guessed"},
        lambda query: query | {"code": "guessed"},
        lambda query: query | {"iss": "https://evil.example"},
        lambda query: {"state": query["state"], "error": "access_denied"},
    ):
        client = serve()
        query = {name: values[0] for name, values in parse_qs(urlsplit(way_back(client)).query).items()}
        changed = "&".join(f"{name}={value}" for name, value in change(query).items())
        assert client.ask("GET", f"/oidc/back?{changed}").status == 401
        assert "grader-8310" not in client.cookies


def test_another_browsers_code_is_of_no_use(store: Store, serve: Serve, idp: Provider) -> None:
    """A code put into somebody else's way back: the provider sees by PKCE that it was not sent for."""
    add_account(store, "ben", Role.TA, email="ben@example.org")
    client, other = serve(), serve()
    mine, theirs = (parse_qs(urlsplit(way_back(each)).query) for each in (client, other))
    answer = client.ask("GET", f"/oidc/back?code={theirs['code'][0]}&state={mine['state'][0]}")
    assert answer.status == 401


def test_new_keys_are_looked_for_but_not_at_every_try(store: Store, serve: Serve, idp: Provider) -> None:
    clock = Clock()
    clock.now = utc_now()
    store.clock = clock
    add_account(store, "ben", Role.TA, email="ben@example.org")
    client = serve()
    assert come(client).status == 303
    idp.key = ECKey.generate_key("P-256", {"kid": "second"})
    assert come(client).status == 401
    assert idp.asked.count("/keys") == 1
    clock.now += timedelta(minutes=1)
    assert come(client).status == 303
    assert idp.asked.count("/keys") == 2
    idp.key = RSAKey.generate_key(2048, {"kid": "second"})
    assert come(client).status == 401


@pytest.mark.parametrize(
    "described",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://192.0.2.7/token"},
        {"jwks_uri": "http://192.0.2.7/keys"},
        {"authorization_endpoint": ""},
    ],
)
def test_a_provider_that_describes_another_one_or_asks_without_tls_is_not_used(
    serve: Serve, idp: Provider, described: dict[str, str]
) -> None:
    idp.described = described
    assert serve().ask("GET", "/oidc/start").status == 401
    assert "/authorize" not in idp.asked


def test_a_provider_that_does_not_answer_lets_nobody_in_and_stops_nothing_else(
    site: Site, tmp_path: Path
) -> None:
    file = described(tmp_path, "http://127.0.0.1:9")
    client = Client(create_app(Server([site], read_oidc(file, site.store.clock))))
    assert client.ask("GET", "/oidc/start").status == 401
    assert client.get("/login").status == 200


def test_without_a_provider_there_are_no_such_pages(sign_in: Callable[..., Client]) -> None:
    for path in ("/oidc/start", "/oidc/back?code=1&state=2"):
        assert sign_in(None).ask("GET", path).status == 404


@pytest.mark.parametrize(
    ("settings", "mode", "said"),
    [
        ({"issuer": "http://idp.example.org"}, 0o600, "by TLS alone"),
        ({"client_secret_file": "nowhere"}, 0o600, "cannot be read"),
        ({"match": "name"}, 0o600, "match"),
        ({"secret": "x"}, 0o600, "secret"),
        ({}, 0o644, "everybody here can read"),
    ],
)
def test_a_description_that_cannot_be_used_is_said(
    tmp_path: Path, settings: dict[str, str], mode: int, said: str
) -> None:
    file = described(tmp_path, "https://idp.example.org", mode=mode, **settings)
    with pytest.raises(UsageError) as refused:
        read_oidc(file, utc_now)
    assert said in str(refused.value)
    assert SECRET not in str(refused.value)


def test_the_cookie_of_the_way_there_is_held_as_the_session_is(
    site: Site, idp: Provider, tmp_path: Path
) -> None:
    encrypted = dataclasses.replace(
        site, place=dataclasses.replace(site.place, origins=("https://desk.example.org",))
    )
    file = described(tmp_path, idp.issuer)
    client = Client(create_app(Server([encrypted], read_oidc(file, site.store.clock))))
    sent = client.ask("GET", "/oidc/start", headers={"host": "desk.example.org"})
    [cookie] = sent.cookies
    assert cookie.startswith("__Host-grader-oidc=")
    assert {"Secure", "HttpOnly", "SameSite=lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    query = parse_qs(urlsplit(sent.headers["location"]).query)
    assert query["redirect_uri"] == ["https://desk.example.org/oidc/back"]
    assert query["code_challenge_method"] == ["S256"] and len(query["nonce"][0]) >= 40
