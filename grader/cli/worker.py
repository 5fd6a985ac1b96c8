"""`grader worker`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from grader.cli import setup
from grader.cli.console import print_line, print_note
from grader.cli.options import (
    Dask,
    DaskCa,
    DaskCert,
    DaskKey,
    DaskResources,
    Data,
    Database,
    Gpus,
    Isolation,
    Runtime,
    SandboxName,
    User,
)
from grader.errors import UsageError

__all__ = ["worker"]

worker = typer.Typer(
    help="Run notebooks for a server on another machine; and on the server, say who may.",
    invoke_without_command=True,
)

_Name = Annotated[str, typer.Argument(metavar="NAME", help="What people call the worker.")]


@worker.callback()
def run_worker(
    context: typer.Context,
    server: Annotated[str, typer.Option("--server", metavar="URL", help="The server, https://...")] = "",
    token_file: Annotated[
        Path | None, typer.Option("--token-file", metavar="F", help="File with this worker's token.")
    ] = None,
    ca: Annotated[
        Path | None, typer.Option("--ca", metavar="FILE", help="Certificates that may vouch for the server.")
    ] = None,
    pin: Annotated[
        str, typer.Option("--pin", metavar="sha256/...", help="SHA-256 of the server's certificate.")
    ] = "",
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", "-j", min=1, metavar="N", help="Notebooks at a time [default: GPUs, else cores]."
        ),
    ] = None,
    gpus: Gpus = None,
    sandbox: SandboxName = None,
    isolation: Isolation = None,
    runtime: Runtime = None,
    data: Data = None,
    dask: Dask = None,
    launch: Annotated[
        str,
        typer.Option("--launch", metavar="slurm|kubernetes|ssh", help="Launch a Dask pool to run them in."),
    ] = "",
    hosts: Annotated[
        str,
        typer.Option("--hosts", metavar="A,B,...", help="For ssh: the scheduler's host, then each worker's."),
    ] = "",
    slots: Annotated[
        int, typer.Option("--slots", min=1, metavar="N", help="Notebooks at a time on each launched worker.")
    ] = 1,
    dask_ca: DaskCa = None,
    dask_cert: DaskCert = None,
    dask_key: DaskKey = None,
    dask_resources: DaskResources = None,
) -> int:
    """Take notebooks from a server, run them here, and send back what was recorded.

    Nothing of a course is here: no rubric, no answer, no mark, no name. Ctrl-C lets what runs finish. With
    --dask or --launch the notebooks run on the hosts of a Dask pool in place of this machine.

    Example: grader worker --server https://desk.example.org --token-file worker.token --jobs 4
    """
    if context.invoked_subcommand is not None:
        return 0
    if not server or token_file is None:
        raise UsageError("a worker needs a server", expected="--server URL --token-file F")
    from grader.worker.main import Given, work

    options = setup.settings(
        data=data, sandbox=sandbox, isolation=isolation, gpus=gpus, runtime=runtime, dask=dask,
        dask_ca=dask_ca, dask_cert=dask_cert, dask_key=dask_key, dask_resources=dask_resources,
    )  # fmt: skip
    given = Given(
        server, token_file, ca, pin, jobs, options.gpus, options.sandbox, options.isolation, options.runtime,
        options.data, options.dask or "", launch, hosts, slots, options.dask_resources or "", options.dask_ca,
        options.dask_cert, options.dask_key,
    )  # fmt: skip
    work(given, print_note)
    return 0


@worker.command()
def token(
    name: _Name,
    courses: Annotated[
        list[str] | None,
        typer.Option(
            "--course",
            metavar="NAME",
            help="A course that it serves; repeatable [default: all there are].",
        ),
    ] = None,
    db: Database = None,
    user: User = None,
) -> int:
    """Let a worker in: prints its token, once.

    Example: grader worker token gpu-1 > worker.token
    """
    from grader.workflows.leasing.workers import let_in

    options = setup.settings(db=db, user=user)
    with setup.store(options) as store:
        print_line(let_in(store, name, actor=setup.actor(options), courses=courses or ()))
    return 0


@worker.command("list")
def list_workers(db: Database = None) -> int:
    """Show who may take work, and when they were last heard of.

    Example: grader worker list
    """
    with setup.store(setup.settings(db=db)) as store:
        for each in store.workers.all():
            state = "revoked" if each.revoked else "draining" if each.draining else "may work"
            seen = f"last heard of {each.seen:%d %b %Y %H:%M} UTC" if each.seen else "never heard of"
            serves = each.courses.replace("\n", ", ") or "all courses"
            about = f"{each.seats} seats  {each.host} {each.version}  {each.dashboard}"
            print_line(f"{each.name}  {state}  {serves}  {seen}  {about}".rstrip())
    return 0


@worker.command()
def revoke(name: _Name, db: Database = None, user: User = None) -> int:
    """End a worker's token for good; what it runs is free within a lease.

    Example: grader worker revoke gpu-1
    """
    options = setup.settings(db=db, user=user)
    with setup.store(options) as store:
        store.workers.revoke(name, setup.actor(options))
    return 0


@worker.command()
def drain(
    name: _Name,
    undo: Annotated[bool, typer.Option("--undo", help="Let it take work again.")] = False,
    db: Database = None,
) -> int:
    """Let a worker finish what it has, and give it nothing new.

    Example: grader worker drain gpu-1
    """
    with setup.store(setup.settings(db=db)) as store:
        store.workers.drain(name, draining=not undo)
    return 0
