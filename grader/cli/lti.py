"""`grader lti`: course systems (Canvas, Moodle) that bring people, by LTI 1.3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grader.cli import setup
from grader.cli.console import print_line, print_table, print_text
from grader.cli.options import Assignment, Database
from grader.errors import SetUpError

if TYPE_CHECKING:
    from grader.store import Store
    from grader.store.platforms import ContextRecord, PlatformRecord

__all__ = ["lti"]

lti = typer.Typer(
    help="Let a course system (Canvas, Moodle) bring people, tell who is there and take marks, by LTI 1.3.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="What the platform is called here, as canvas.")]
Course = Annotated[
    str,
    typer.Option(
        "--course", metavar="C", help="Its short name, for a server of several [default: this database's]."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="The same for programs.")]


@lti.command()
def add(
    name: Name,
    issuer: Annotated[
        str, typer.Option("--issuer", metavar="URL", help="As the platform names itself (Platform ID).")
    ],
    client_id: Annotated[str, typer.Option("--client-id", metavar="ID", help="What it calls this tool.")],
    deployment: Annotated[
        str, typer.Option("--deployment", metavar="ID", help="The deployment; others are refused.")
    ],
    auth_url: Annotated[
        str,
        typer.Option("--auth-url", metavar="URL", help="Where it signs people in (authentication request)."),
    ],
    token_url: Annotated[
        str, typer.Option("--token-url", metavar="URL", help="Where it gives tokens for its services.")
    ],
    jwks_url: Annotated[
        str, typer.Option("--jwks-url", metavar="URL", help="Where its public keys are (public keyset).")
    ],
    origins: Annotated[
        list[str] | None,
        typer.Option(
            "--origin",
            metavar="URL",
            help="Where its pages are, if elsewhere, as https://school.instructure.com; repeatable.",
        ),
    ] = None,
    course: Course = "",
    enrols: Annotated[
        list[str] | None,
        typer.Option(
            "--enrol",
            metavar="R",
            help="Whom it may enrol: student, ta, instructor; repeatable [default: nobody].",
        ),
    ] = None,
    db: Database = None,
) -> int:
    """Register a platform. People come from those of its courses that `grader lti connect` names.

    Example: grader lti add moodle --issuer https://moodle.example.org --client-id a1 --deployment 1 ...
    """
    with _packages():
        from grader.workflows.lti.platforms import add_platform
        from grader.workflows.lti.tool_keys import make_keys
    with setup.store(setup.settings(db=db), create=True) as store:
        made = add_platform(
            store,
            name,
            issuer=issuer,
            client_id=client_id,
            deployment=deployment,
            auth_url=auth_url,
            token_url=token_url,
            jwks_url=jwks_url,
            origins=origins or (),
            course=course,
            enrols=enrols or (),
        )
        make_keys(store)
    print_line(f"{made.name} may bring people to {made.course}, and enrols {_enrols(made)}")
    print_line("open the tool from its course: the page tells what to connect with `grader lti connect`")
    return 0


@lti.command("list")
def list_platforms(as_json: AsJson = False, db: Database = None) -> int:
    """List the platforms with their courses that are connected.

    Example: grader lti list
    """
    with setup.store(setup.settings(db=db)) as store:
        found = store.platforms.all()
        contexts = store.platforms.contexts()
    if as_json:
        print_text(json.dumps([_plain(each, contexts) for each in found], indent=2) + "\n")
        return 0
    if not found:
        print_line("no platform is registered: `grader lti add NAME ...` registers one")
        return 0
    rows = [
        (each.name, each.issuer, each.deployment, each.course, _enrols(each), _connected(each.name, contexts))
        for each in found
    ]
    print_table(("name", "issuer", "deployment", "course", "enrols", "connected"), rows)
    return 0


@lti.command()
def remove(name: Name, db: Database = None) -> int:
    """Forget a platform. Whom it brought keep their accounts; nobody comes by it any more.

    Example: grader lti remove moodle
    """
    from grader.workflows.lti.platforms import remove_platform

    with setup.store(setup.settings(db=db)) as store:
        remove_platform(store, name)
    print_line(f"{name} brings nobody any more")
    return 0


@lti.command()
def connect(
    name: Name,
    context: Annotated[
        str, typer.Argument(metavar="ID", help="How the platform calls its course; its refused page says it.")
    ],
    course: Course = "",
    db: Database = None,
) -> int:
    """Say that one of the platform's courses is one of ours; launches from others are refused.

    Example: grader lti connect moodle 5
    """
    from grader.workflows.lti.platforms import connect as join

    with setup.store(setup.settings(db=db)) as store:
        made = join(store, name, context, course=course)
    print_line(f"course {made.context} of {made.platform} is {made.course}")
    return 0


@lti.command()
def person(
    name: Name,
    subject: Annotated[
        str, typer.Argument(metavar="SUBJECT", help="How the platform calls them; its refused page says it.")
    ],
    login: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Whose account that is here.")],
    db: Database = None,
) -> int:
    """Say that somebody of the platform is an account that is here already, for good.

    Example: grader lti person moodle 17 ben
    """
    from grader.workflows.lti.platforms import link_person

    with setup.store(setup.settings(db=db)) as store:
        link_person(store, name, subject, login)
    print_line(f"{name} means {login} by {subject}")
    return 0


@lti.command()
def show(
    canvas: Annotated[bool, typer.Option("--canvas", help="As JSON for a developer key of Canvas.")] = False,
    moodle: Annotated[bool, typer.Option("--moodle", help="Field by field for Moodle's form.")] = False,
    url: Annotated[
        str,
        typer.Option(
            "--url", metavar="URL", help="Where browsers find the server [default: as last served]."
        ),
    ] = "",
    as_json: AsJson = False,
    db: Database = None,
) -> int:
    """Show what whoever runs the course system needs: addresses and public keys.

    Example: grader lti show --canvas
    """
    with _packages():
        from grader.workflows.lti.told import addresses, for_canvas, for_moodle
        from grader.workflows.lti.tool_keys import make_keys
    with setup.store(setup.settings(db=db), create=True) as store:
        here, keys = (url or store.desk_url).rstrip("/"), make_keys(store).public()
    if canvas or as_json:
        told = for_canvas(here) if canvas else {**addresses(here), "jwks": keys}
        print_text(json.dumps(told, indent=2) + "\n")
        return 0
    print_table(("what", "this"), for_moodle(here) if moodle else list(addresses(here).items()))
    if not moodle:
        print_line("public keys, as the last of these shows them:")
        print_text(json.dumps(keys, indent=2) + "\n")
    return 0


@lti.command()
def rotate(db: Database = None) -> int:
    """Make a new key of our own, which signs from now on; the one before is shown beside it until the next.

    Example: grader lti rotate
    """
    with _packages():
        from grader.workflows.lti.tool_keys import rotate_keys
    with setup.store(setup.settings(db=db)) as store:
        keys = rotate_keys(store).public()["keys"]
    print_line(f"{keys[0]['kid']} signs from now on" + (f", {keys[1]['kid']} no more" if keys[1:] else ""))
    return 0


Home = Annotated[
    str | None,
    typer.Option(
        "--home", metavar="DB", help="Database with accounts, of a server of several [default: the same]."
    ),
]


@lti.command()
def roster(
    assignment: Annotated[
        str, typer.Argument(metavar="[ASSIGNMENT]", help="Only courses with a column for its marks.")
    ] = "",
    write: Annotated[bool, typer.Option("--write", help="Keep it; otherwise it is only shown.")] = False,
    home: Home = None,
    db: Database = None,
) -> int:
    """Ask the platform who is in its course, and lay that into the roster: who is new, who is gone.

    Nobody is taken off the roster, and nothing that stands in it is changed.

    Example: grader lti roster --write
    """
    with _packages():
        from grader.workflows.lti.membership import contexts_of, fetch_members, keep_members, lay_beside
        from grader.workflows.lti.services import services_of
    with _stores(home, db) as (accounts, store):
        contexts = contexts_of(accounts, store.course.name, assignment)
        found = lay_beside(store, fetch_members(contexts, services_of(accounts)))
        kept = keep_members(store, found) if write else 0
    for word, people in (
        ("new", found.new),
        ("added to", found.filled),
        ("gone there, kept here", found.gone),
    ):
        for each in people:
            print_line(f"{word}: {each.student}" + (f" ({each.name})" if each.name else ""))
    for problem in found.problems:
        print_line(f"take care: {problem}")
    print_line(f"kept: {kept} students" if write else "nothing was written: --write keeps this roster")
    return 0


@lti.command()
def push(
    assignment: Assignment,
    send: Annotated[bool, typer.Option("--send", help="Send; otherwise it is only shown.")] = False,
    home: Home = None,
    db: Database = None,
) -> int:
    """Send released marks of an assignment to the course system: each once, again where it changed.

    Who has no settled mark is left out and named; what the platform refuses is tried again the next time.

    Example: grader lti push --assignment lab2 --send
    """
    with _packages():
        from grader.workflows.lti.scores import push_scores
        from grader.workflows.lti.services import services_of
    with _stores(home, db) as (accounts, store):
        pushed = push_scores(accounts, store, assignment, services_of(accounts), send=send)
    for column in pushed.columns:
        print_line(f"a new column: {column}")
    rows = [(each.student, f"{each.points:g}", f"{each.out_of:g}") for each in pushed.sent]
    if rows:
        print_table(("student", "points", "out of"), rows, right=("points", "out of"))
    for word, people in (("left out", pushed.left_out), ("refused", pushed.failed)):
        for each in people:
            print_line(f"{word}: {each.student}: {each.why}")
    what = "sent" if send else "to send; --send does it"
    print_line(f"{len(rows)} {what}, {len(pushed.unchanged)} there already, {len(pushed.failed)} refused")
    return 1 if pushed.failed else 0


@contextmanager
def _stores(home: str | None, db: str | None) -> Iterator[tuple[Store, Store]]:
    """The one with accounts and platforms, and the course's; mostly one and the same."""
    with setup.store(setup.settings(db=db)) as store:
        if home is None:
            yield store, store
            return
        with setup.store(setup.settings(db=home)) as accounts:
            yield accounts, store


@contextmanager
def _packages() -> Iterator[None]:
    """Says what to install where the extra is not there."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise SetUpError(
            "LTI needs packages that are not installed", found=str(error), todo="pip install 'grader[web]'"
        ) from error


def _enrols(platform: PlatformRecord) -> str:
    return ", ".join(platform.enrols) or "nobody"


def _connected(name: str, contexts: list[ContextRecord]) -> str:
    return ", ".join(each.context for each in contexts if each.platform == name) or "none yet"


def _plain(platform: PlatformRecord, contexts: list[ContextRecord]) -> dict[str, Any]:
    own = [each for each in contexts if each.platform == platform.name]
    return {
        **platform.__dict__,
        "connected": [{"context": each.context, "course": each.course} for each in own],
    }
