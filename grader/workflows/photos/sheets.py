"""Contact sheets of a collection, and the page that leads to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from grader.evidence.photos import Photo
from grader.files.named import write_text
from grader.judging.exhibits import PhotoNotes, exhibit_of
from grader.reporting.contact_sheet import Sheet, SheetLine, Shot, render_contact_sheet, render_sheets_index
from grader.store import Store
from grader.store.results import Result
from grader.workflows.photos.check import Checked
from grader.workflows.photos.collection import Folder
from grader.workflows.photos.decisions import Word, read_decisions, tags_of
from grader.workflows.views.report import file_name

__all__ = ["write_sheets"]


def write_sheets(store: Store, checked: Checked, folder: Folder) -> Path:
    """Writes a sheet for each student.

    Returns:
        The page that leads to all of them.

    Raises:
        UsageError: The folder cannot be written.
    """
    decided = read_decisions(folder)
    names = {each.student: each.name for each in checked.collection.students}
    taken: set[str] = {"index"}
    sheets = []
    for result in checked.results:
        sheet = _sheet(store, result, checked.small, decided, names.get(result.student, ""), folder)
        path = folder.sheets / file_name(result.student, taken)
        write_text(path, render_contact_sheet(sheet))
        sheets.append((path.name, sheet))
    title = checked.results[0].assignment if checked.results else "photos"
    index = folder.sheets / "index.html"
    write_text(index, render_sheets_index(sheets[0][1].title if sheets else title, sheets))
    return index


def _sheet(
    store: Store,
    result: Result,
    small: Mapping[str, bytes],
    decided: Mapping[tuple[str, str], Word],
    name: str,
    folder: Folder,
) -> Sheet:
    assert result.attempt is not None and result.mark is not None and result.rubric is not None
    photos = store.evidence(result.attempt).evidence.photos
    assert photos is not None
    noted = _noted(result)
    rows: dict[str, list[Shot]] = {}
    for tag, photo in tags_of(photos).items():
        shot = _shot(
            tag, photo, small.get(photo.sha256, b""), noted, decided.get((result.student, photo.name))
        )
        rows.setdefault("Letter not known" if tag[0] == "?" else f"Letter {tag[0]}", []).append(shot)
    mark = result.mark
    return Sheet(
        student=result.student,
        name=name,
        title=store.rubric(result.rubric).rubric.title,
        points=f"{mark.points:g} of {mark.out_of:g} points, {mark.pending:g} wait",
        lines=tuple(_lines(result)),
        rows=tuple((heading, tuple(shots)) for heading, shots in sorted(rows.items())),
        left_out=tuple((each.name, each.why) for each in photos.left_out),
        command=f"grader photos decide {folder.root} {result.student}",
    )


def _noted(result: Result) -> dict[tuple[str, bool], list[str]]:
    """What was noted on each photo, certain or not."""
    noted: dict[tuple[str, bool], list[str]] = {}
    for item in result.mark.criteria if result.mark else ():
        notes = exhibit_of(item.finding.exhibits, PhotoNotes)
        for note in notes.notes if notes else ():
            noted.setdefault((note.photo, note.certain), []).append(note.text)
    return noted


def _shot(
    tag: str,
    photo: Photo,
    small: bytes,
    noted: Mapping[tuple[str, bool], Sequence[str]],
    decision: Word | None,
) -> Shot:
    unread = (photo.why,) if photo.state == "not_read" else ()
    form = f"{photo.format}, {photo.width} x {photo.height}" if photo.state == "read" else photo.state
    return Shot(
        tag=tag,
        name=photo.name,
        small=small,
        about=", ".join([form.replace("_", " "), *photo.metadata]),
        certain=tuple(noted.get((photo.name, True), ())),
        hints=(*noted.get((photo.name, False), ()), *unread),
        decision=decision or "",
    )


def _lines(result: Result) -> list[SheetLine]:
    mark = result.mark
    assert mark is not None
    by_hand = f"grader mark {result.student} --assignment {result.assignment} --criterion"
    return [
        SheetLine(
            title=item.finding.title,
            standing=f"{item.points:g} of {item.out_of:g}"
            + (f", {item.pending:g} wait" if item.pending else ""),
            message=item.finding.message if item.decision else f"{item.finding.message} {item.finding.open}",
            command=f"{by_hand} {item.criterion} --points P" if item.pending else "",
        )
        for item in mark.criteria
    ]
