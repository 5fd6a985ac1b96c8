"""`grader receipt`: whether what a receipt says is what the history has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from grader.cli import setup
from grader.cli.console import print_line
from grader.cli.options import Database, Evidence

__all__ = ["receipt"]

receipt = typer.Typer(
    help="Check the receipts that students have of what they handed in.", no_args_is_help=True
)

_WORDS = {True: "right", False: "WRONG", None: "cannot be told"}


@receipt.callback()
def _group() -> None:
    """Check the receipts that students have of what they handed in."""


@receipt.command()
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The receipt, as the hand-in page gives it.")],
    notebook: Annotated[
        Path | None,
        typer.Argument(
            metavar="[NOTEBOOK]", help="The file that it is said to be of, or a folder of photos."
        ),
    ] = None,
    db: Database = None,
    evidence: Evidence = None,
) -> int:
    """Check a receipt: its row, its seal, every row before it, the file that is kept, and a copy of it.

    The exit code is 1 where anything is wrong.

    Example: grader receipt verify receipt-lab2-812.json lab2.ipynb --db grader.db
    """
    from grader.files.named import read_bytes
    from grader.workflows.handing_in.pictures import packed_folder
    from grader.workflows.handing_in.receipts import read_receipt
    from grader.workflows.handing_in.receipts import verify as check

    wanted = read_receipt(file)
    raw = None if notebook is None else packed_folder(notebook) if notebook.is_dir() else read_bytes(notebook)
    with setup.store(setup.settings(db=db, evidence=evidence)) as store:
        checks = check(store, wanted, raw)
    for each in checks:
        print_line(f"{_WORDS[each.right]}: {each.what}: {each.found}")
    wrong = [each for each in checks if each.right is False]
    erased = ", as far as it can be told since the student was erased"
    if wrong:
        print_line(f"this receipt does not hold: {wrong[0].what}")
    else:
        print_line(f"this receipt holds{erased if any(each.right is None for each in checks) else ''}")
    return 1 if wrong else 0
