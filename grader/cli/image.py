"""`grader image` and `grader doctor`: what the sandbox needs."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from grader.cli import setup
from grader.cli.console import errors, plain, print_line, print_table
from grader.cli.options import Database, Evidence
from grader.sandbox.pythons import COLAB_PYTHON, DEBIAN_PYTHON, PYTHONS, said_of

__all__ = ["doctor", "image"]

image = typer.Typer(help="Build, list and remove the images that notebooks run in.", no_args_is_help=True)


@image.command()
def build(
    base: Annotated[
        Literal["auto", "registry", "debootstrap"],
        typer.Option("--base", help="Where the image below comes from: a registry, or Debian packages."),
    ] = "auto",
    torch: Annotated[Literal["cpu", "cuda"], typer.Option("--torch", help="Which PyTorch wheels.")] = "cpu",
    python: Annotated[
        str | None,
        typer.Option(
            "--python",
            metavar="VERSION",
            help=f"Python of the image, one of {', '.join(PYTHONS)} [default: Colab's, {COLAB_PYTHON}, where"
            f" a registry answers, else Debian's, {DEBIAN_PYTHON}].",
        ),
    ] = None,
) -> int:
    """Build the sandbox image; parts that are there already are not built again.

    Example: grader image build --python 3.12
    """
    from grader.sandbox.image import build_image

    built = build_image(base, torch, lambda line: errors().print(plain(line), markup=False), python=python)
    print_line(f"image {built.tag} is ready ({built.size_bytes / 1e9:.1f} GB)")
    print_line(f"its Python: {said_of(built.python)}")
    return 0


@image.command("list")
def list_all() -> int:
    """List the sandbox images of all versions.

    Example: grader image list
    """
    from grader.sandbox.image import list_images

    rows = [
        (
            item.tag,
            item.torch,
            item.python or "?",
            item.base,
            f"{item.size_bytes / 1e9:.1f} GB",
            "current" if item.current else "old",
        )
        for item in list_images()
    ]
    if rows:
        print_table(("image", "torch", "Python", "base", "size", "code"), rows, right=("size",))
    else:
        print_line("no image yet; `grader image build` makes one, and so does the first `grader run`")
    return 0


@image.command()
def prune() -> int:
    """Remove the sandbox images of other versions; evidence and marks stay, and can be judged again.

    Example: grader image prune
    """
    from grader.sandbox.image import prune_images

    removed, used = prune_images()
    for tag in removed:
        print_line(f"removed {tag}")
    for tag in used:
        print_line(f"kept {tag}: a container or another image still uses it")
    if not removed and not used:
        print_line("nothing to remove: no image of another version is there")
    return 0


def doctor(db: Database = None, evidence: Evidence = None) -> int:
    """Test each part that grading needs, and say what to do where one is missing.

    Example: grader doctor
    """
    from grader.workflows.upkeep.doctor import diagnose

    options = setup.settings(db=db, evidence=evidence)
    found = diagnose(options.db, options.evidence)
    rows = [(name, "OK" if ok else "to do", message) for name, ok, message in found]
    print_table(("part", "", "what"), rows)
    return 0 if all(ok for _, ok, _ in found) else 1
