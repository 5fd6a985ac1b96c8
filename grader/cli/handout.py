"""`grader handout`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from grader.cli import setup
from grader.cli.console import print_line, print_note, print_path
from grader.cli.options import Data, SandboxName
from grader.errors import UsageError

__all__ = ["handout"]


def handout(
    solution: Annotated[Path, typer.Argument(metavar="SOLUTION", help="A solved notebook, with marks.")],
    name: Annotated[
        str | None,
        typer.Option(
            "--name", "-n", help="Of the assignment [default: after the file: lab4 of lab4_solved.ipynb]."
        ),
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="Of the assignment, in words.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The course's folder.")] = Path(),
    reads: Annotated[
        list[str] | None,
        typer.Option("--reads", metavar="SET", help="A data set that it reads: cifar10, mnist, gestures."),
    ] = None,
    data: Data = None,
    sandbox: SandboxName = None,
) -> int:
    """Make a handout and a first rubric from a solution.

    Takes out what is marked: lines between `### BEGIN SOLUTION` and `### END SOLUTION`, lines that end with
    `# SOLUTION`, cells with the tag `solution`. Runs the solution once to find criteria.

    Example: grader handout lab4_solved.ipynb --name lab4 --title "Lab 4: Edges"
    """
    from grader.files.named import write_bytes, write_text
    from grader.workflows.authoring.handout import new_lab

    parsed = _parsed(solution)
    chosen = name or _name_of(solution)
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", chosen):
        raise UsageError(
            "this cannot be the name of an assignment", found=chosen, todo="name one with --name"
        )
    files = {
        "handout": out / f"{chosen}.ipynb",
        "rubric": out / "rubrics" / f"{chosen}.yaml",
        "description": out / "rubrics" / "handouts" / f"{chosen}.json",
        "solution": out / f"{chosen}_solution.ipynb",
    }
    _refuse_present(files)
    options = setup.settings(data=data, sandbox=sandbox)
    box = setup.sandbox(options)
    print_note("running the solution")
    try:
        lab = new_lab(parsed, name=chosen, title=title or chosen, sandbox=box, data=reads or ())
    finally:
        box.close()
    write_bytes(files["handout"], lab.handout)
    write_bytes(files["solution"], lab.solution)
    write_text(files["description"], lab.description)
    write_text(files["rubric"], lab.rubric)
    for path in files.values():
        print_path(path)
    print_line(f"{lab.criteria} criteria are drafted, 1 point each: read and weigh them, then")
    print_line(
        f"grader rubric try {files['rubric']} --solution {files['solution']} --blank {files['handout']}"
    )
    return 0


def _name_of(solution: Path) -> str:
    """The assignment's name after the file's, as ``lab4`` of ``Lab4_solved.ipynb``."""
    words = re.findall(r"[a-z0-9]+", solution.stem.casefold())
    return "-".join(word for word in words if word not in ("solved", "solution", "solutions"))


def _refuse_present(files: dict[str, Path]) -> None:
    present = [str(path) for path in files.values() if path.exists()]
    if present:
        raise UsageError(
            "these files are there already, and are not written over",
            where=", ".join(present),
            todo="choose another --name or --out, or move them away",
        )


def _parsed(path: Path) -> Any:
    from grader.files.named import read_bytes

    raw = read_bytes(path)
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise UsageError("the solution is no notebook", where=str(path), found=str(error)[:200]) from error
