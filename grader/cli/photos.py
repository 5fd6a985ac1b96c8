"""`grader photos`: from a class's photos to marks, and to a data set without names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import setup
from grader.cli.console import print_line, print_table
from grader.cli.options import Database, Evidence, Jobs, RubricName, User

if TYPE_CHECKING:
    from grader.workflows.photos.collection import PhotosOf

__all__ = ["photos"]

photos = typer.Typer(
    help="Collect photos, check and mark them, and make a data set without names.", no_args_is_help=True
)

Collected = Annotated[
    Path, typer.Argument(metavar="PHOTOS", help="A folder that `grader photos collect` wrote.")
]


@photos.command()
def collect(
    submissions: Annotated[
        Path, typer.Argument(metavar="SUBMISSIONS", help="A folder or archive of zips, or one student's zip.")
    ],
    into: Annotated[
        Path, typer.Option("--into", "-i", metavar="PHOTOS", help="Folder for the photos, for you only.")
    ],
    layout: Annotated[
        str | None,
        typer.Option("--format", metavar="NAME", help="Layout of the submissions [default: auto]."),
    ] = None,
) -> int:
    """Take all photos out of what was handed in, byte by byte. Call it again for those who come late.

    Example: grader photos collect submissions.zip --into photos/
    """
    from grader.workflows.photos.collect import collect as collect_photos

    done = collect_photos(submissions, into, format=layout)
    rows = [
        (each.student, each.name, str(len(each.photos)), _look_at(each)) for each in done.collection.students
    ]
    print_table(("student", "name", "photos", "what to look at"), rows, right=("photos",))
    for problem in done.collection.problems:
        print_line(f"look at: {problem}")
    if done.gone:
        print_line(f"kept from before, and not among these: {', '.join(done.gone)}")
    total = sum(len(each.photos) for each in done.collection.students)
    print_line(f"{total} photos of {len(rows)} students are in {into}")
    return 0


def _look_at(student: PhotosOf) -> str:
    refused = [f"{photo.name}: {photo.why}" for photo in student.photos if photo.why]
    others = [f"{each.name}: {each.why}" for each in student.left_out]
    told = [*refused, *others]
    more = f"; and {len(told) - 3} more" if len(told) > 3 else ""
    return "; ".join(told[:3]) + more + ("; not all could be looked at" if student.cut else "")


@photos.command()
def check(
    folder: Collected,
    rubric: RubricName = None,
    known: Annotated[
        Path | None,
        typer.Option("--known", metavar="DIR", help="Pictures that the course knew before, as last year's."),
    ] = None,
    jobs: Jobs = None,
    db: Database = None,
    evidence: Evidence = None,
    user: User = None,
) -> int:
    """Measure all photos, compare them with each other, judge them and keep the marks.

    Example: grader photos check photos/ --known last-year/
    """
    from grader.cli.tables import closing_table
    from grader.workflows.marking.earlier_files import marks_on_earlier_files
    from grader.workflows.photos.check import CheckRequest, check_photos
    from grader.workflows.photos.collection import Folder
    from grader.workflows.regrading.rubrics import RubricShelf

    options = setup.settings(folder, rubric=rubric, db=db, evidence=evidence, jobs=jobs, user=user)
    loaded = RubricShelf(setup.places(folder)).load(options.rubric or "lab3a")
    request = CheckRequest(Folder(folder), loaded, setup.actor(options), known, options.jobs)
    with setup.store(options, create=True) as store:
        done = check_photos(request, store)
        closing_table(done.results, marks_on_earlier_files(store, done.results))
    print_line(f"marks are in {options.db.rsplit('@', 1)[-1]}")
    return 0
