"""Listens, to this machine alone unless people have accounts and come by a proxy with TLS."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import uvicorn
from litestar.types import ControllerRouterHandler

from grader.errors import UsageError
from grader.facts.case import Reference
from grader.store import Store
from grader.web.app import create_app
from grader.web.collecting import fewer_collections
from grader.web.connections import Connection
from grader.web.observed import LogFormat, set_up_log
from grader.web.oidc import Oidc
from grader.web.pages import ROUTES
from grader.web.presence import Presence
from grader.web.proxy import THIS_MACHINE, BehindProxy, networks_of
from grader.web.roles import Role
from grader.web.sessions import Person, Sessions
from grader.web.site import Place, Server, Site, is_loopback
from grader.workflows.handing_in.taking import MOST_BYTES
from grader.workflows.serving.orders import CourseFiles, files_of

__all__ = ["PORT", "Opened", "is_loopback", "listen", "person_of", "place_of", "require_safe_place"]

PORT = 8310
#: Where the usual port is taken, so many after it are tried.
_PORTS = 20


class Opened:
    """A server that listens and answers as soon as it is told to.

    Args:
        store: The history of a course.
        reference: The course's own networks, shown beside the students'.
        listening: The socket.
        url: Where browsers reach it through a proxy; empty where they come directly.
        more: Histories of further courses.
        proxies: Addresses that the proxy connects from, where it has TLS.
        oidc: An identity provider to sign in by.
        pages: Routes of a course beside those of the desk.
        watch_token: What whoever reads the metrics has to bring; without one they are for this machine.
        log: How answers are told on standard error.
        places: Folders in which the first course's own rubrics may lie.
        own: Rubrics and reference answers of further courses, by name.
        upload_bytes: No file that somebody hands in may be longer.

    Raises:
        UsageError: Two of them are of one course.

    Attributes:
        courses: What it shows.
    """

    def __init__(
        self,
        store: Store,
        reference: Reference,
        listening: socket.socket,
        url: str = "",
        more: Sequence[Store] = (),
        proxies: Sequence[str] = THIS_MACHINE,
        oidc: Oidc | None = None,
        *,
        pages: Sequence[ControllerRouterHandler] = (),
        watch_token: str = "",
        log: LogFormat = "none",
        places: Sequence[Path] = (),
        own: Mapping[str, CourseFiles] = MappingProxyType({}),
        upload_bytes: int = MOST_BYTES,
    ) -> None:
        set_up_log(log)
        self._socket = listening
        self.place = place_of(listening, url)
        self.sessions = Sessions(store)
        store.keep_desk_url(self.place.origins[0])
        stores = [store, *more]
        self.courses = Server(
            [
                Site(
                    each,
                    self.sessions,
                    self.place,
                    files.reference,
                    Presence(each.clock),
                    each.course,
                    places=files.places,
                )
                for each, files in zip(stores, files_of(stores, reference, places, own), strict=True)
            ],
            oidc,
            watch_token=watch_token,
            upload_bytes=upload_bytes,
        )
        app = create_app(self.courses, (*ROUTES, *pages))
        config = uvicorn.Config(
            BehindProxy(app, proxies) if self.place.is_encrypted else app,
            access_log=False,
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            lifespan="on",
            http=Connection,
            timeout_graceful_shutdown=3,
        )
        self._server = uvicorn.Server(config)

    def link_for(self, person: Person) -> str:
        """A link that signs this person in once."""
        return f"{self.place.origins[0]}/login?token={self.sessions.link_for(person)}"

    def run(self) -> None:
        """Answers until it is stopped, by a signal or by `stop`."""
        with fewer_collections():
            self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """Ends `run`, which another thread is in, once what is being answered is answered."""
        self._server.should_exit = True


def require_safe_place(host: str, url: str, proxies: Sequence[str], *, accounts: bool) -> None:
    """Lets a server listen to other machines only behind a proxy with TLS, and where people have accounts.

    Args:
        host: To listen on, as ``127.0.0.1``.
        url: Where browsers come in; empty where they come directly.
        proxies: Where the proxy connects from, as it was said; empty where it was not.
        accounts: Whether anybody can sign in as an account.

    Raises:
        UsageError: Something of it is lacking.
    """
    networks_of(proxies)
    if is_loopback(host):
        return
    lacking = [
        (not accounts, "accounts (`grader account add NAME --role ROLE`)"),
        (not url.startswith("https://"), "--url https://..., where browsers come in by TLS"),
        (not proxies, "--proxy, the address that the proxy with TLS connects from"),
    ]
    if any(lacks for lacks, _ in lacking):
        raise UsageError(
            "without accounts and a proxy with TLS this server listens on this machine only",
            expected=", ".join(what for lacks, what in lacking if lacks),
            found=f"--host {host}",
            todo="leave --host out, and let a proxy with TLS on this machine or an SSH tunnel"
            " (ssh -L 8310:127.0.0.1:8310) bring others here",
        )


def listen(host: str, port: int | None) -> socket.socket:
    """Takes a port.

    Args:
        host: An address or name of this machine, as ``127.0.0.1``.
        port: The only one to take; where it is None the first free one from 8310 on.

    Raises:
        UsageError: The port is taken, or this is no address of this machine.
    """
    wanted = range(PORT, PORT + _PORTS) if port is None else [port]
    problem: OSError | None = None
    for number in wanted:
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listening = socket.create_server((host, number), family=family, backlog=128)
            # Each connection inherits it. Head and body of an answer go in two packets, and the second one
            # would wait until the browser says that it has the first, which takes it 40 ms.
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return listening
        except OSError as error:
            problem = error
    raise UsageError(
        "this port cannot be taken",
        where=f"{host}:{wanted[0]}",
        found=str(problem),
        todo="stop what listens there, or give another --port",
    )


def place_of(listening: socket.socket, url: str) -> Place:
    """Where browsers reach a socket.

    Raises:
        UsageError: The URL is none, or has a path.
    """
    if url:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/") or parts.query:
            raise UsageError(
                "this is no address of a server", expected="--url https://desk.example.org", found=url
            )
        return Place((f"{parts.scheme}://{parts.netloc.lower()}",))
    host, port = listening.getsockname()[:2]
    names = [f"[{host}]" if ":" in host else host, "localhost"]
    return Place(tuple(f"http://{name}:{port}" for name in names))


def person_of(text: str) -> Person:
    """Who a link is for, as ``ann=ta``.

    Raises:
        UsageError: No name, or no such role.
    """
    name, _, role = text.partition("=")
    roles: Sequence[str] = [each.value for each in Role]
    if not name.strip() or role not in roles:
        raise UsageError(
            "this says not who a link is for",
            expected=f"NAME=ROLE, with one of {', '.join(roles)}",
            found=text,
        )
    return Person(name.strip(), Role(role))
