"""`grader serve`."""

from __future__ import annotations

from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import setup
from grader.cli.console import print_line, print_note
from grader.cli.options import Data, Evidence, Gpus, Isolation, ReferenceFolder, Runtime, SandboxName, User
from grader.errors import SetUpError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from grader.store import Store
    from grader.workflows.serving.orders import CourseFiles
    from grader.workflows.serving.supervisor import Supervisor
    from grader.workflows.upkeep.settings import Settings

__all__ = ["serve"]

_SHORTEST = 20

Databases = Annotated[
    list[str] | None,
    typer.Option(
        "--db",
        metavar="FILE|URL",
        help="Database with the marks of a course; repeatable [default: grader.db; env: GRADER_DB].",
    ),
]


class Log(StrEnum):
    JSON = "json"
    TEXT = "text"
    NONE = "none"


def serve(
    host: Annotated[
        str, typer.Option("--host", metavar="H", help="Address of this machine to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(
            "--port", min=0, max=65535, metavar="P", help="Port [default: the first free one from 8310 on]."
        ),
    ] = None,
    url: Annotated[
        str, typer.Option("--url", metavar="URL", help="Where browsers come in, if through a proxy with TLS.")
    ] = "",
    links: Annotated[
        list[str] | None,
        typer.Option(
            "--link",
            metavar="NAME=ROLE",
            help="A link for somebody else: assigned-ta, ta, head-ta, instructor or auditor; repeatable.",
        ),
    ] = None,
    proxies: Annotated[
        list[str] | None,
        typer.Option(
            "--proxy",
            metavar="ADDR",
            help="With --url https://...: where the proxy connects from; repeatable [default: this machine].",
        ),
    ] = None,
    oidc: Annotated[
        Path | None,
        typer.Option(
            "--oidc", metavar="FILE", help="An identity provider to sign in by, as docs/desk.md shows."
        ),
    ] = None,
    metrics_token: Annotated[
        Path | None,
        typer.Option(
            "--metrics-token",
            metavar="FILE",
            help="File with the token for /metrics; without one it is for this machine alone.",
        ),
    ] = None,
    log_format: Annotated[
        Log, typer.Option("--log-format", help="How each answer is told on standard error.")
    ] = Log.NONE,
    upload_limit: Annotated[
        int, typer.Option("--upload-limit", min=1, max=512, metavar="MB", help="Largest file to hand in.")
    ] = 32,
    workers: Annotated[
        int,
        typer.Option(
            "--workers",
            min=0,
            metavar="N",
            help="Run what is handed in on this machine, so many notebooks at a time.",
        ),
    ] = 0,
    smtp: Annotated[
        str,
        typer.Option(
            "--smtp",
            metavar="URL",
            envvar="GRADER_SMTP",
            help="Send the mails of courses that write some (`grader mail on`), by smtps://USER:PASSWORD@HOST.",
        ),
    ] = "",
    data: Data = None,
    sandbox: SandboxName = None,
    isolation: Isolation = None,
    gpus: Gpus = None,
    runtime: Runtime = None,
    dbs: Databases = None,
    folders: Annotated[
        list[str] | None,
        typer.Option(
            "--folder",
            metavar="NAME=DIR",
            help="Folder with rubrics/ and reference/ of a further course; repeatable.",
        ),
    ] = None,
    evidence: Evidence = None,
    reference: ReferenceFolder = None,
    user: User = None,
) -> int:
    """Open the desk in a browser: judge what waits, criterion by criterion, by keys.

    It prints a link that signs you in once, and answers until you stop it with Ctrl-C. Each database is a
    course, below /c/NAME; `grader db course` names it.

    What is handed in waits until somebody runs it: `grader run`, or this server itself with --workers. By
    itself it runs nobody's code, so that looking at marks asks for no sandbox.

    Example: grader serve --db grader.db
    """
    try:
        from grader.web.oidc import read_oidc
        from grader.web.proxy import THIS_MACHINE
        from grader.web.roles import Role
        from grader.web.serve import Opened, listen, person_of, require_safe_place
        from grader.web.sessions import Person
        from grader.workflows.handing_in.reading import shared_readers
    except ModuleNotFoundError as error:
        raise SetUpError(
            "the web application needs packages that are not installed",
            found=str(error),
            todo="pip install 'grader[web]'",
        ) from error
    from grader.workflows.mailing.postman import Postman
    from grader.workflows.mailing.sending import server_at

    mailer = server_at(smtp) if smtp else None
    first, *rest = dbs or (None,)
    options = setup.settings(
        db=first, evidence=evidence, user=user, reference=reference, data=data, sandbox=sandbox,
        isolation=isolation, gpus=gpus, runtime=runtime,
    )  # fmt: skip
    others = [person_of(text) for text in links or ()]
    # Where nothing was said of a database, a course may begin here.
    usual = options.db == type(options).model_fields["db"].default
    is_new = usual and not Path(options.db).exists()
    require_safe_place(host, url, proxies or (), accounts=True)
    with ExitStack() as closing:
        store = closing.enter_context(setup.store(options, create=usual))
        more = [closing.enter_context(setup.store(setup.settings(db=each))) for each in rest]
        own = _own(folders or [], [each.course.name for each in more])
        accounts = store.accounts.any()
        require_safe_place(host, url, proxies or (), accounts=accounts)
        provider = None if oidc is None else read_oidc(oidc, store.clock)
        listening = closing.enter_context(listen(host, port))
        if is_new:
            print_line(f"{options.db} is new: nothing was graded in this folder yet, `grader run` begins")
        opened = Opened(
            store,
            setup.reference(options),
            listening,
            url,
            more,
            tuple(proxies or THIS_MACHINE),
            oidc=provider,
            watch_token=_token(metrics_token),
            log=log_format.value,
            places=setup.places(),
            own=own,
            upload_bytes=upload_limit * 1024**2,
        )
        # Where people have accounts and come from elsewhere, a link in a log would be one way in too many.
        usually = [] if accounts and url else [Person(setup.actor(options), Role.INSTRUCTOR)]
        linked = [*usually, *others]
        print_line(
            f"the desk is open at {opened.place.origins[0]}"
            + ("; each link signs in once:" if linked else "")
        )
        for person in linked:
            print_line(f"  {person.name} ({person.role.value}): {opened.link_for(person)}")
        print_line("Ctrl-C stops it")
        if mailer is not None:
            closing.enter_context(Postman([store, *more], mailer, print_note))
            print_line(f"mails go out by {mailer.host}")
        if workers:
            closing.enter_context(_seats(workers, options, [store, *more], own))
        shared_readers().begin()
        opened.run()
    return 0


def _own(folders: Sequence[str], courses: Sequence[str]) -> dict[str, CourseFiles]:
    """Rubrics and answers of further courses; one without a folder is judged by the bundled answers.

    Raises:
        UsageError: A folder is not there, or is said to be of no such course.
    """
    from grader.workflows.regrading.reference import bundled, load_reference
    from grader.workflows.serving.orders import CourseFiles

    own = {name: CourseFiles((), load_reference(bundled("reference"))) for name in courses}
    for text in folders:
        name, _, folder = text.partition("=")
        if name not in own or not Path(folder).is_dir():
            raise UsageError(
                "this says not where the files of a further course are",
                expected=f"NAME=FOLDER, with one of {', '.join(courses) or 'no further course'}",
                found=text,
            )
        reference = Path(folder, "reference")
        found = reference if reference.is_dir() else bundled("reference")
        own[name] = CourseFiles((Path(folder),), load_reference(found))
    return own


def _seats(
    number: int, options: Settings, stores: Sequence[Store], own: Mapping[str, CourseFiles]
) -> Supervisor:
    """The process that runs what is handed in, beside the one that answers browsers."""
    from grader.workflows.serving.child import Task
    from grader.workflows.serving.supervisor import Supervisor

    task = Task(
        databases=tuple(each.location for each in stores),
        settings=options.model_dump_json(),
        places=tuple(map(str, setup.places())),
        reference=setup.reference(options).folder,
        actor=setup.actor(options),
        seats=number,
        own={
            name: (str(files.places[0]) if files.places else "", files.reference.folder)
            for name, files in own.items()
        },
    )
    print_line(f"what is handed in runs here, {number} at a time")
    return Supervisor(task, print_note)


def _token(file: Path | None) -> str:
    """The token of a file.

    Raises:
        UsageError: It cannot be read, or is so short that it can be guessed.
    """
    if file is None:
        return ""
    try:
        token = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "the token for /metrics cannot be read", where=str(file), found=str(error)
        ) from error
    if len(token) < _SHORTEST:
        raise UsageError(
            "the token for /metrics can be guessed",
            where=str(file),
            expected=f"{_SHORTEST} characters or more",
            found=f"{len(token)} characters",
        )
    return token
