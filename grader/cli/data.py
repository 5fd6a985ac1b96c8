"""`grader data` and `grader demo`: things to try the grader on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from grader.cli.console import print_line, print_path

__all__ = ["data", "demo"]


def data(
    name: Annotated[
        Literal["cifar10", "mnist", "gestures"],
        typer.Argument(metavar="SET", help="cifar10, mnist, gestures."),
    ],
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder of data sets, for `grader run --data`.")
    ],
    size: Annotated[
        str | None,
        typer.Option(
            "--size",
            metavar="TRAIN,TEST",
            help="Pictures in each part; `real` for as many as the real set has. Photos: TRAIN,VAL,TEST.",
        ),
    ] = None,
) -> int:
    """Write a stand-in for a data set, in the real one's on-disk format: small, or of the size given.

    Example: grader data mnist data/ --size 60000,10000
    """
    from grader.samples.datasets import read_sizes, write_stand_in

    sizes = None if size is None else read_sizes(name, size)
    print_path(write_stand_in(name, folder, sizes))
    return 0


def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
) -> int:
    """Write a sample course: a rubric, data, submissions good and bad.

    Example: grader demo demo/
    """
    from grader.samples.demo import ASSIGNMENTS, write_demo

    write_demo(folder)
    print_path(folder)
    for assignment in ASSIGNMENTS:
        print_line(f"grade it with: cd {folder} && grader run submissions/{assignment}")
    print_line(f"judge what waits for a person with: cd {folder} && grader serve")
    return 0
