"""A program that asks the API by a token, in this process and without a network."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from litestar.types import ASGIApp

from grader.store import Store
from grader.web.roles import Role
from grader.workflows.accounts.people import add_account
from grader.workflows.accounts.tokens import Scope, make_token
from tests.web_client import Answer, Client

__all__ = ["API", "Program", "program"]

API = "/api/v1"


@dataclass
class Program:
    """Asks for paths below the API.

    Attributes:
        secret: Its token; empty to bring none.
    """

    app: ASGIApp
    secret: str = ""

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, **headers)

    def post(self, path: str, sent: Any = None, **headers: str) -> Answer:
        """Sends JSON; bytes as they are. Headers with ``_`` for ``-``."""
        raw = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
        return self.ask("POST", path, raw, **{"content_type": "application/json"} | headers)

    def ask(self, method: str, path: str, raw: bytes = b"", **headers: str) -> Answer:
        given = {name.replace("_", "-"): text for name, text in headers.items()}
        if self.secret:
            given.setdefault("authorization", f"Bearer {self.secret}")
        return Client(self.app).ask(method, API + path, body=raw, headers=given)


def program(
    app: ASGIApp,
    home: Store,
    role: Role,
    *scopes: Scope,
    course: str = "course",
    only: str = "",
    name: str = "ben",
    student: str = "",
) -> Program:
    """A program of somebody who is in a course, with a token for these scopes, all where none is named."""
    account = home.accounts.find(name) or add_account(home, name, role, course=course, student=student)
    number = len(home.api_tokens.everyones(account.id))
    made = make_token(home, f"token-{number}", name, scopes or tuple(Scope), course=only)
    return Program(app, made.secret)
