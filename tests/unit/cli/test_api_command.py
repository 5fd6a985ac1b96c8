"""`grader api`: tokens are made, shown once, listed and taken back."""

from __future__ import annotations

import json
import re
from pathlib import Path

from grader.store import open_store
from tests.unit.cli.conftest import Grader


def test_a_token_is_shown_once_listed_and_taken_back(graded: Path, grader: Grader) -> None:
    assert grader("account", "add", "ben", "--role", "ta").code == 0
    given = ("api", "token", "sheet", "--account", "Ben", "--scope", "mark", "--scope", "read")
    ended = grader(*given, "--until", "2099-12-31")
    assert ended.code == 0 and "acts for ben (read, mark)" in ended.out
    [secret] = re.findall(r"grader_[\w-]{43}", ended.out)
    assert secret.encode() not in Path("grader.db").read_bytes()
    with open_store("grader.db") as store:
        found = store.api_tokens.of(secret)
        assert found is not None and found.token.until is not None
        # A day is meant to its end.
        assert found.token.until.isoformat() == "2100-01-01T00:00:00+00:00"
    listed = grader("api", "list")
    assert "sheet" in listed.out and "2100-01-01 00:00 UTC" in listed.out and secret not in listed.out
    [plain] = json.loads(grader("api", "list", "--account", "ben", "--json").out)
    assert (plain["name"], plain["account"], plain["scopes"]) == ("sheet", "ben", ["read", "mark"])
    assert plain["used"] is not None
    assert grader("api", "revoke", "sheet", "--account", "ben").code == 0
    assert "there are no tokens" in grader("api", "list").out
    assert grader("api", "revoke", "sheet", "--account", "ben").code == 2


def test_a_token_that_would_open_nothing_is_refused(graded: Path, grader: Grader) -> None:
    assert grader("account", "add", "ben", "--role", "ta").code == 0
    good = {"name": "t", "--account": "ben", "--scope": "read"}
    for wrong, said in (
        ({"name": "two words"}, "cannot be the name"),
        ({"--account": "cara"}, "no account of this name"),
        ({"--scope": "everything"}, "no such scope"),
        ({"--course": "vision"}, "not in this course"),
        ({"--until": "soon"}, "is no time"),
        ({"--until": "2001-01-01"}, "ended already"),
    ):
        options = good | wrong
        ended = grader(
            "api", "token", options.pop("name"), *(text for pair in options.items() for text in pair)
        )
        assert ended.code == 2 and said in ended.err, (wrong, ended.err)
    made = json.loads(grader("api", "token", "t", "--account", "ben", "--scope", "read", "--json").out)
    assert made["token"].startswith("grader_") and made["until"] is None
    assert "token of this name" in grader("api", "token", "t", "--account", "ben", "--scope", "read").err
