"""`grader export`: marks for course systems."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import setup
from grader.cli.console import errors, plain, print_line, print_path, print_text
from grader.cli.options import Assignment, Database, Evidence, RosterFile
from grader.errors import UsageError
from grader.exports import FORMATS

if TYPE_CHECKING:
    from grader.exports import Export, LeftOut
    from grader.store import Store
    from grader.store.results import Result

__all__ = ["export"]

#: Characters.
_COPIED_AT_ONCE = 2**16
_FORMS = ("json", "csv", *FORMATS)
_FILLABLE = [form.name for form in FORMATS.values() if form.fill]


def _known(form: str) -> str:
    if form not in _FORMS:
        raise typer.BadParameter(f"'{form}' is not one of {', '.join(_FORMS)}.")
    return form


def _forms(incomplete: str) -> list[str]:
    return [form for form in _FORMS if form.startswith(incomplete)]


def export(
    form: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT", help=f"One of {', '.join(_FORMS)}.", callback=_known, autocompletion=_forms
        ),
    ],
    assignment: Assignment,
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="FILE", help="File to write (gradescope: a folder); - for the screen."
        ),
    ],
    into: Annotated[
        Path | None,
        typer.Option(
            "--into",
            metavar="GRADEBOOK",
            help=f"Fill in this file, as one of {', '.join(_FILLABLE)} exported it.",
        ),
    ] = None,
    column: Annotated[
        str | None,
        typer.Option("--column", metavar="NAME", help="The gradebook's column [default: by the title]."),
    ] = None,
    roster: RosterFile = None,
    only_changed: Annotated[
        bool,
        typer.Option("--only-changed", help="Leave away rows whose mark the gradebook has already."),
    ] = False,
    include_pending: Annotated[
        bool,
        typer.Option("--include-pending", help="Also marks of which points still wait for a TA."),
    ] = False,
    db: Database = None,
    evidence: Evidence = None,
) -> int:
    """Write the marks of an assignment to a file, for people or for a course system.

    Course systems get settled marks only; who is left out is listed with the reason.

    Example: grader export canvas --assignment lab2 --into gradebook.csv --out upload.csv
    """
    from grader.workflows.views.show import each_result

    if only_changed and into is None:
        raise UsageError("--only-changed compares with a gradebook", todo="give the gradebook with --into")
    options = setup.settings(db=db, evidence=evidence)
    with setup.store(options) as store:
        found = each_result(store, assignment, with_dropped=True)
        if form in ("json", "csv"):
            return _plain(form, found, out)
        made = _for_system(
            form, store, assignment, found, into=into, column=column, roster=roster,
            only_changed=only_changed, include_pending=include_pending,
        )  # fmt: skip
    return _write(made, out)


def _plain(form: str, found: Iterable[Result], out: Path) -> int:
    """All submissions as they stand, pending points and all."""
    from grader.files.named import write_text_in_parts
    from grader.workflows.views.export import as_csv, as_json

    # Results are gone through once, as all of a large class are more than a machine should hold.
    said: list[str] = []
    counting = _counting(found, said)
    parts = as_json(counting) if form == "json" else (as_csv(counting),)
    if str(out) == "-":
        _print_whole(parts)
    else:
        write_text_in_parts(out, parts)
        print_path(out)
    for line in said:
        _line(line, to_errors=str(out) == "-")
    return 0


def _counting(found: Iterable[Result], said: list[str]) -> Iterator[Result]:
    """What counts; what there is to say of others is added to `said`."""
    from grader.grading.held import parted
    from grader.workflows.views.dropped import why_dropped
    from grader.workflows.views.held import why_held

    for item in found:
        if item.damaged:
            said.append(f"left out: {item.student}: {item.damaged}")
        elif item.dropped:
            said.append(f"left out: {item.student}: {why_dropped(item)}")
        elif reason := why_held(item):
            said.append(f"no points yet: {item.student}: could not be taken: {parted(reason)[0]}")
        if not item.dropped:
            yield item


def _print_whole(parts: Iterable[str]) -> None:
    """Prints once all is there, so that nobody reads half of it where the rest fails."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="surrogatepass", newline="") as whole:
        whole.writelines(parts)
        whole.seek(0)
        while text := whole.read(_COPIED_AT_ONCE):
            print_text(text)


def _for_system(
    form: str,
    store: Store,
    assignment: str,
    found: Iterable[Result],
    *,
    into: Path | None,
    column: str | None,
    roster: Path | None,
    only_changed: bool,
    include_pending: bool,
) -> Export:
    from grader.exports import Gradebook
    from grader.files.named import read_bytes
    from grader.workflows.views.course_formats import (
        class_marks,
        course_of,
        excused_without_work,
        make_export,
    )

    people = setup.people(store, roster)
    gradebook = Gradebook(read_bytes(into), into.name, column, only_changed) if into else None
    told = store if form == "gradescope" else None
    of_class = class_marks(found, people, messages_from=told)
    marks = [*of_class.marks, *excused_without_work(store, assignment, of_class.students, people)]
    made = make_export(
        form, course_of(store, assignment), marks, into=gradebook, include_pending=include_pending
    )
    return made if people is None else made.joined(of_class.handed_in_nothing, people.problems)


def _write(made: Export, out: Path) -> int:
    from grader.workflows.views.course_formats import save_export

    if str(out) == "-":
        for raw in made.files.values():
            print_text(raw.decode("utf-8-sig", "replace"))
    else:
        paths = save_export(made, out)
        if len(paths) == 1:
            print_path(paths[0])
        else:
            print_line(f"{len(paths)} files are in {out}")
    _tell(made, to_errors=str(out) == "-")
    return 0


def _tell(made: Export, *, to_errors: bool) -> None:
    """How many marks were written, who is left out and why, and what to know before uploading."""
    lines = [_count(len(made.written)), *map(_who, made.left_out), *(f"note: {note}" for note in made.notes)]
    for line in lines:
        _line(line, to_errors=to_errors)


def _line(line: str, *, to_errors: bool) -> None:
    if to_errors:
        errors().print(plain(line), markup=False)
    else:
        print_line(line)


def _count(number: int) -> str:
    return "1 mark was written" if number == 1 else f"{number} marks were written"


def _who(left_out: LeftOut) -> str:
    return f"left out: {left_out.student}: {left_out.why}"
