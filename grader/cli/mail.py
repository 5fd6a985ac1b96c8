"""`grader mail`: mails to students, off until a course turns them on."""

from __future__ import annotations

from typing import Annotated

import typer

from grader.cli import setup
from grader.cli.console import print_line, print_table
from grader.cli.options import Database, Evidence
from grader.errors import UsageError

__all__ = ["mail"]

mail = typer.Typer(help="Tell students by mail: off until it is turned on.", no_args_is_help=True)

Smtp = Annotated[
    str,
    typer.Option(
        "--smtp",
        metavar="URL",
        envvar="GRADER_SMTP",
        help="smtps://USER:PASSWORD@HOST, smtp://... (STARTTLS), smtp+plain://HOST.",
    ),
]


@mail.command()
def on(
    sender: Annotated[str, typer.Option("--from", metavar="ADDRESS", help="Who the mails come from.")],
    link: Annotated[
        str, typer.Option("--link", metavar="URL", help="Where students read what a mail is about.")
    ] = "",
    db: Database = None,
    evidence: Evidence = None,
) -> int:
    """Write mails from now on: a file came, marks are released, a remark request is answered.

    Example: grader mail on --from course@uni.example --link https://grader.uni.example
    """
    from grader.reporting.letter import mail_address
    from grader.store.mails import Mailing

    if mail_address(sender) is None:
        raise UsageError("this is no address", where="--from", found=sender)
    if link and not link.startswith(("https://", "http://")):
        raise UsageError("this is no link", where="--link", found=link, expected="https://...")
    with setup.store(setup.settings(db=db, evidence=evidence)) as store, store.writing() as history:
        history.set_mailing(Mailing(sender, link))
    print_line(
        f"mails are written from now on, from {sender}; `grader serve --smtp` sends them,"
        " or `grader mail send`"
    )
    return 0


@mail.command()
def off(db: Database = None, evidence: Evidence = None) -> int:
    """Write no mails from now on. What waits in the outbox stays there, unsent.

    Example: grader mail off
    """
    with setup.store(setup.settings(db=db, evidence=evidence)) as store, store.writing() as history:
        history.set_mailing(None)
    print_line("no mails are written from now on")
    return 0


@mail.command("list")
def list_(db: Database = None, evidence: Evidence = None) -> int:
    """Show the outbox: to whom, about what, and whether it went.

    Example: grader mail list
    """
    with setup.store(setup.settings(db=db, evidence=evidence)) as store, store.reading() as history:
        rows = [
            (each.student, each.subject, each.state, str(each.tries), each.error) for each in history.mails()
        ]
    print_table(("student", "subject", "state", "tries", "the server said"), rows, right=("tries",))
    return 0


@mail.command()
def send(smtp: Smtp, db: Database = None, evidence: Evidence = None) -> int:
    """Send what is due, where no `grader serve --smtp` does: called from cron, say. Both may run at once.

    Example: grader mail send, with GRADER_SMTP=smtps://course:secret@mail.uni.example in its environment
    """
    from grader.workflows.mailing.sending import send_mails, server_at

    server = server_at(smtp)
    with setup.store(setup.settings(db=db, evidence=evidence)) as store:
        made = send_mails(store, server)
    print_line(f"{made.sent} sent, {made.later} later, {made.given_up} given up")
    return 1 if made.given_up else 0


@mail.command()
def retry(db: Database = None, evidence: Evidence = None) -> int:
    """Make everything due that was not sent, also what was given up.

    Example: grader mail retry
    """
    with setup.store(setup.settings(db=db, evidence=evidence)) as store:
        count = store.outbox.retry()
    print_line(f"{count} wait to be sent")
    return 0
