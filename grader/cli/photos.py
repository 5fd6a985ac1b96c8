"""`grader photos`: from a class's photos to marks, and to a data set without names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import setup
from grader.cli.console import number, print_line, print_note, print_table
from grader.cli.options import Database, Evidence, Jobs, OneStudent, RubricName, User
from grader.errors import UsageError

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
    into: Annotated[
        Path, typer.Option("--into", "-i", metavar="PHOTOS", help="Folder for the photos, for you only.")
    ],
    submissions: Annotated[
        Path | None,
        typer.Argument(metavar="[SUBMISSIONS]", help="A folder or archive of zips, or one student's zip."),
    ] = None,
    handed_in: Annotated[
        str | None,
        typer.Option("--handed-in", metavar="A", help="Those that count at the server for an assignment."),
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option("--format", metavar="NAME", help="Layout of the submissions [default: auto]."),
    ] = None,
    db: Database = None,
    evidence: Evidence = None,
) -> int:
    """Take all photos out of what was handed in, byte by byte. Call it again for those who come late.

    Example: grader photos collect submissions.zip --into photos/
             grader photos collect --handed-in lab3a --into photos/
    """
    from grader.workflows.photos.collect import collect as collect_photos
    from grader.workflows.photos.collect import collect_handed_in

    if (submissions is None) == (handed_in is None):
        raise UsageError(
            "where the photos are is not said", expected="SUBMISSIONS, or --handed-in ASSIGNMENT"
        )
    if submissions is not None:
        done = collect_photos(submissions, into, format=layout)
    else:
        with setup.store(setup.settings(db=db, evidence=evidence)) as store:
            done = collect_handed_in(store, str(handed_in), into)
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


def _told(done: int, total: int) -> None:
    """A class takes minutes, so that it says now and then how far it is."""
    if done % 100 == 0 or done == total:
        print_note(f"{done} of {total} photos are measured")


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
    """Measure all photos, compare them with each other, judge them, keep the marks, write contact sheets.

    Example: grader photos check photos/ --known last-year/
    """
    from grader.cli.tables import closing_table
    from grader.workflows.marking.earlier_files import marks_on_earlier_files
    from grader.workflows.photos.check import CheckRequest, check_photos
    from grader.workflows.photos.collection import Folder
    from grader.workflows.photos.sheets import write_sheets
    from grader.workflows.regrading.rubrics import RubricShelf
    from grader.workflows.views.held import why_held

    options = setup.settings(folder, rubric=rubric, db=db, evidence=evidence, jobs=jobs, user=user)
    loaded = RubricShelf(setup.places(folder), zone=setup.zone(options)).load(options.rubric or "lab3a")
    answers = setup.reference(options)
    request = CheckRequest(Folder(folder), loaded, setup.actor(options), answers, known, options.jobs)
    with setup.store(options, create=True) as store:
        done = check_photos(request, store, tell=_told)
        index = write_sheets(store, done, request.folder)
        closing_table(done.results, marks_on_earlier_files(store, done.results))
    print_line(f"marks are in {options.db.rsplit('@', 1)[-1]}")
    print_line(f"contact sheets, to look at and to decide: {index}")
    return 1 if any(why_held(result) for result in done.results) else 0


@photos.command()
def decide(
    folder: Collected,
    student: OneStudent,
    accept: Annotated[
        str, typer.Option("--accept", metavar="TAGS", help="Photos that are all right, as A1,B2.")
    ] = "",
    doubt: Annotated[
        str,
        typer.Option("--doubt", metavar="TAGS", help="Photos that are not; they stay out of the data set."),
    ] = "",
    assignment: Annotated[
        str, typer.Option("--assignment", "-a", metavar="A", help="The assignment.")
    ] = "lab3a",
    db: Database = None,
    evidence: Evidence = None,
    user: User = None,
) -> int:
    """Say of a student's photos which are all right; criteria on which all is said are marked by it.

    Example: grader photos decide photos/ 1001234567 --accept A1,A2 --doubt B3
    """
    from grader.workflows.photos.collection import Folder
    from grader.workflows.photos.decisions import decide as decide_photos
    from grader.workflows.photos.decisions import words_for

    options = setup.settings(folder, db=db, evidence=evidence, user=user)
    with setup.store(options) as store:
        given = decide_photos(
            store, Folder(folder), assignment, student, words_for(accept, doubt), actor=setup.actor(options)
        )
    for item in given:
        print_line(
            f"{item.student}: {item.criterion} {number(item.before)} -> {number(item.after)}"
            f" of {number(item.out_of)}"
        )
    print_line("kept; contact sheets show it after the next `grader photos check`")
    return 0


@photos.command()
def consolidate(
    folder: Collected,
    consent: Annotated[
        Path, typer.Option("--consent", metavar="CSV", help="Who agreed: student,consent with yes or no.")
    ],
    size: Annotated[
        int, typer.Option("--size", metavar="PIXELS", min=16, help="Side of the pictures.")
    ] = 224,
    val: Annotated[
        float, typer.Option("--val", metavar="SHARE", help="Share of people to validate on.")
    ] = 0.2,
    test: Annotated[float, typer.Option("--test", metavar="SHARE", help="Share of people to test on.")] = 0.2,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Draws who is in which part.")] = 0,
    assignment: Annotated[
        str, typer.Option("--assignment", "-a", metavar="A", help="The assignment.")
    ] = "lab3a",
    db: Database = None,
    evidence: Evidence = None,
) -> int:
    """Choose, centre, resize and split photos by person, within PHOTOS and still by name.

    Example: grader photos consolidate photos/ --consent consent.csv
    """
    from grader.workflows.photos.collection import Folder
    from grader.workflows.photos.consolidate import consolidate as consolidate_photos
    from grader.workflows.photos.consolidate import read_consent

    options = setup.settings(folder, db=db, evidence=evidence)
    agreed = read_consent(consent)
    with setup.store(options) as store:
        made = consolidate_photos(
            store, Folder(folder), assignment, agreed, size=size, shares={"val": val, "test": test}, seed=seed
        )
    unknown = sorted(set(agreed) - set(made.students))
    if unknown:
        print_line(f"named in {consent}, and handed in no photos: {', '.join(unknown)}")
    print_line(
        f"{len(made.included)} photos of {len({each.student for each in made.included})} people;"
        f" {len(made.consenting)} of {len(made.students)} students agreed"
    )
    for reason, count in made.reasons.items():
        print_line(f"left out: {count}: {reason}")
    return 0


@photos.command()
def anonymize(
    folder: Collected,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="A new folder, as data/gestures.")],
) -> int:
    """Write what was consolidated without names, numbers or metadata, under codes that are kept nowhere.

    Example: grader photos anonymize photos/ --out data/gestures
    """
    from grader.workflows.photos.anonymize import anonymize as anonymize_photos
    from grader.workflows.photos.collection import Folder

    card = anonymize_photos(Folder(folder), out)
    print_line(f"{len(card.files)} photos of {sum(card.people.values())} people are in {out}")
    return 0


@photos.command()
def card(
    dataset: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that `anonymize` wrote.")],
) -> int:
    """Make sure that a data set is as it was written, and write its card: counts, consent, steps, hashes.

    Example: grader photos card data/gestures
    """
    from grader.cli.console import print_path
    from grader.workflows.photos.anonymize import write_card

    print_path(write_card(dataset))
    return 0
