"""`grader account`: who may come to the desk, and as what."""

from __future__ import annotations

import getpass
import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grader.cli import setup
from grader.cli.console import print_line, print_note, print_table, print_text
from grader.cli.options import Database
from grader.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grader.store import Store
    from grader.store.accounts import AccountRecord

__all__ = ["account"]

account = typer.Typer(
    help="Say who may come to the desk and as what, with passwords and links that sign in once.",
    no_args_is_help=True,
)

_ROLES = "student, assigned-ta (within a share of the class), ta, head-ta, instructor, auditor or admin."

Name = Annotated[str, typer.Argument(metavar="NAME", help="As they sign in and as the history names them.")]
Course = Annotated[
    str,
    typer.Option(
        "--course", metavar="C", help="Its short name, for a server of several [default: this database's]."
    ),
]
Student = Annotated[
    str,
    typer.Option("--student", metavar="ID", help="Of a student: what they hand in under [default: NAME]."),
]
AsJson = Annotated[bool, typer.Option("--json", help="The same for programs.")]


@account.command()
def add(
    name: Name,
    role: Annotated[
        str,
        typer.Option("--role", metavar="R", help=_ROLES),
    ],
    course: Course = "",
    email: Annotated[
        str,
        typer.Option("--email", metavar="E", help="By which an identity provider (--oidc) knows them."),
    ] = "",
    student: Student = "",
    password: Annotated[
        bool, typer.Option("--password", help="Ask for a password now, in place of a link.")
    ] = False,
    as_json: AsJson = False,
    db: Database = None,
) -> int:
    """Make an account that is in one course, and print a link by which they choose a password, once.

    Example: grader account add ben --role ta
    """
    from grader.workflows.accounts.passwords import require_good
    from grader.workflows.accounts.people import add_account, make_link, role_named, set_password

    wanted = role_named(role)
    secret = _typed(name) if password else ""
    if password:
        require_good(secret, name)
    with setup.store(setup.settings(db=db), create=True) as store:
        made = add_account(store, name, wanted, course=course, email=email, student=student)
        said = {"name": made.login, "course": course or store.course.name, "role": wanted.value}
        if password:
            set_password(store, made, secret)
        else:
            said["link"] = _link(store, make_link(store, made, sets_password=True))
    if as_json:
        print_text(json.dumps(said, indent=2) + "\n")
        return 0
    print_line(f"{said['name']} is {said['role']} in {said['course']}")
    if not password:
        print_line(f"this link lets {made.login} choose a password, once, within two days:")
        print_line(f"  {said['link']}")
    return 0


@account.command("list")
def list_accounts(as_json: AsJson = False, db: Database = None) -> int:
    """List all accounts, with what they are in which course.

    Example: grader account list
    """
    from grader.workflows.accounts.people import who_is_in

    with setup.store(setup.settings(db=db)) as store:
        people = who_is_in(store)
    if as_json:
        print_text(json.dumps([_plain(person) for person in people], indent=2) + "\n")
        return 0
    if not people:
        print_line("there are no accounts: `grader account add NAME --role ROLE` makes one")
        return 0
    rows = [
        (
            person.login,
            ", ".join(f"{each.role} in {each.course}" for each in person.enrolments) or "in no course",
            "password" if person.has_password else "no password yet",
            person.email,
        )
        for person in people
    ]
    print_table(("name", "role", "signs in by", "email"), rows)
    return 0


@account.command()
def remove(name: Name, course: Course = "", db: Database = None) -> int:
    """Erase an account and sign it out; with --course, only take it out of that course.

    Marks keep the name of who gave them.

    Example: grader account remove ben
    """
    from grader.workflows.accounts.people import remove_account

    with setup.store(setup.settings(db=db)) as store:
        remove_account(store, name, course=course)
    print_line(f"{name} is no longer in {course}" if course else f"{name} has no account any more")
    return 0


@account.command()
def password(name: Name, db: Database = None) -> int:
    """Give an account a new password, typed here or from standard input, and sign it out everywhere.

    Example: grader account password ben
    """
    from grader.workflows.accounts.people import account_of, set_password, tokens_of

    with setup.store(setup.settings(db=db)) as store:
        found = account_of(store, name)
        set_password(store, found, _typed(found.login))
        kept = tokens_of(store, found)
    print_line(f"{found.login} has a new password")
    _say_what_goes_on(kept)
    return 0


@account.command()
def role(
    name: Name,
    role: Annotated[
        str,
        typer.Argument(metavar="ROLE", help=_ROLES),
    ],
    course: Course = "",
    student: Student = "",
    db: Database = None,
) -> int:
    """Say what somebody is in a course, and sign them out, so that nothing of what they were goes on.

    Example: grader account role ben head-ta
    """
    from grader.workflows.accounts.people import account_of, enrol, role_named, tokens_of

    wanted = role_named(role)
    with setup.store(setup.settings(db=db)) as store:
        enrolment = enrol(store, name, wanted, course=course, student=student)
        kept = tokens_of(store, account_of(store, name))
    print_line(f"{name} is {enrolment.role} in {enrolment.course}")
    _say_what_goes_on(kept)
    return 0


@account.command()
def link(
    name: Name,
    sets_password: Annotated[
        bool, typer.Option("--password", help="They choose a new password with it.")
    ] = False,
    as_json: AsJson = False,
    db: Database = None,
) -> int:
    """Print a link that signs somebody in once, within two days.

    Example: grader account link ben --password
    """
    from grader.workflows.accounts.people import account_of, make_link

    with setup.store(setup.settings(db=db)) as store:
        found: AccountRecord = account_of(store, name)
        made = _link(store, make_link(store, found, sets_password=sets_password))
    print_text(json.dumps({"name": found.login, "link": made}, indent=2) + "\n" if as_json else f"{made}\n")
    return 0


@account.command("sign-out")
def sign_out(
    name: Name,
    keep_tokens: Annotated[
        bool, typer.Option("--keep-tokens", help="Let programs go on that come by a token of theirs.")
    ] = False,
    db: Database = None,
) -> int:
    """End all by which somebody comes in: sessions, unused links, and tokens for programs (`grader api`).

    Example: grader account sign-out ben
    """
    from grader.workflows.accounts.people import sign_out as end

    with setup.store(setup.settings(db=db)) as store:
        ended = end(store, name, keep_tokens=keep_tokens)
    print_line(f"{ended.sessions} session{'' if ended.sessions == 1 else 's'} of {name} ended")
    if ended.tokens:
        print_line(f"tokens for programs ended: {', '.join(ended.tokens)}")
    _say_what_goes_on(ended.kept)
    return 0


def _say_what_goes_on(tokens: Sequence[str]) -> None:
    """Sessions end by more than one command; a program's token only where somebody says so."""
    if tokens:
        print_note(f"tokens for programs go on: {', '.join(tokens)} (`grader api revoke` ends one)")


def _link(store: Store, token: str) -> str:
    return f"{store.desk_url}/login?token={token}"


def _plain(person: Any) -> dict[str, Any]:
    return {
        "name": person.login,
        "email": person.email,
        "has_password": person.has_password,
        "courses": [
            {"course": each.course, "role": each.role, "student": each.student} for each in person.enrolments
        ],
    }


def _typed(name: str) -> str:
    """A password from whoever sits here, twice; else the first line of standard input.

    Raises:
        UsageError: It was typed in two ways.
    """
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass(f"Password of {name}: ")
    if getpass.getpass("The same again: ") != first:
        raise UsageError("these are two passwords", todo="write one twice")
    return first
