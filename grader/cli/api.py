"""`grader api`: tokens by which programs use the API."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grader.cli import setup
from grader.cli.console import print_line, print_table, print_text
from grader.cli.options import Database

if TYPE_CHECKING:
    from grader.store.api_tokens import TokenRecord

__all__ = ["api"]

api = typer.Typer(
    help="Tokens by which programs use the API of `grader serve` (docs/api.md).", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="What the token is called.")]
AsJson = Annotated[bool, typer.Option("--json", help="The same for programs.")]


@api.command()
def token(
    name: Name,
    account: Annotated[str, typer.Option("--account", metavar="LOGIN", help="For whom it acts.")],
    scope: Annotated[
        list[str],
        typer.Option(
            "--scope",
            metavar="S",
            help="read, mark, remark, rubric, roster, export or audit; more than once for more.",
        ),
    ],
    course: Annotated[
        str, typer.Option("--course", metavar="C", help="The only course it is for [default: all of theirs].")
    ] = "",
    until: Annotated[
        str, typer.Option("--until", metavar="T", help="When it ends: 2026-12-31, or a moment.")
    ] = "",
    as_json: AsJson = False,
    db: Database = None,
) -> int:
    """Make a token and print it, once: only a hash of it is kept.

    Example: grader api token gradebook --account ben --scope read
    """
    from grader.workflows.accounts.tokens import make_token, read_until, scopes_named

    scopes = scopes_named(scope)
    with setup.store(setup.settings(db=db)) as store:
        end = read_until(store, until) if until else None
        made = make_token(store, name, account, scopes, course=course, until=end)
    if as_json:
        said = {
            "name": made.name,
            "account": made.login,
            "scopes": list(made.scopes),
            "course": made.course,
            "until": _moment(made.until),
            "token": made.secret,
        }
        print_text(json.dumps(said, indent=2) + "\n")
        return 0
    print_line(f"this token acts for {made.login} ({', '.join(made.scopes)}); it is shown this once:")
    print_line(f"  {made.secret}")
    return 0


@api.command("list")
def list_tokens(
    account: Annotated[str, typer.Option("--account", metavar="LOGIN", help="Only this one's.")] = "",
    as_json: AsJson = False,
    db: Database = None,
) -> int:
    """List tokens with what they are for and when they were last used.

    Example: grader api list
    """
    from grader.workflows.accounts.tokens import tokens

    with setup.store(setup.settings(db=db)) as store:
        found = tokens(store, account)
    if as_json:
        print_text(json.dumps([_plain(each) for each in found], indent=2) + "\n")
        return 0
    if not found:
        print_line("there are no tokens: `grader api token NAME --account LOGIN --scope read` makes one")
        return 0
    rows = [
        (
            each.name,
            each.login,
            ", ".join(each.scopes),
            each.course or "all of theirs",
            _day(each.until, "never"),
            _day(each.used, "never"),
        )
        for each in found
    ]
    print_table(("name", "account", "for", "course", "ends", "last used"), rows)
    return 0


@api.command()
def revoke(
    name: Name,
    account: Annotated[str, typer.Option("--account", metavar="LOGIN", help="Whose it is.")],
    db: Database = None,
) -> int:
    """Make a token worthless at once.

    Example: grader api revoke gradebook --account ben
    """
    from grader.workflows.accounts.tokens import revoke_token

    with setup.store(setup.settings(db=db)) as store:
        revoke_token(store, name, account)
    print_line(f"the token {name} of {account} is worth nothing any more")
    return 0


def _plain(token: TokenRecord) -> dict[str, Any]:
    return {
        "name": token.name,
        "account": token.login,
        "scopes": list(token.scopes),
        "course": token.course,
        "made": _moment(token.made),
        "until": _moment(token.until),
        "used": _moment(token.used),
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _day(at: datetime | None, otherwise: str) -> str:
    return otherwise if at is None else at.strftime("%Y-%m-%d %H:%M %Z")
