"""Contact sheets of a collection, and the page that leads to them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.evidence.photos import Photo, PhotoSet
from grader.files.named import write_text
from grader.judging.exhibits import PhotoNotes, exhibit_of
from grader.reporting.contact_sheet import Sheet, SheetLine, Shot, render_contact_sheet, render_sheets_index
from grader.store import Store
from grader.store.results import Result
from grader.workflows.photos.check import Checked
from grader.workflows.photos.collection import Folder
from grader.workflows.photos.decisions import Word, read_decisions, tags_of
from grader.workflows.views.at_hand import guides
from grader.workflows.views.report import file_name

__all__ = ["write_sheets"]


def write_sheets(store: Store, checked: Checked, folder: Folder) -> Path:
    """Writes a sheet for each student.

    Returns:
        The page that leads to all of them.

    Raises:
        UsageError: The folder cannot be written.
    """
    desk = _Desk.of(store, checked, folder)
    taken: set[str] = {"index"}
    sheets = []
    for result in checked.results:
        sheet = desk.sheet(result)
        path = folder.sheets / file_name(result.student, taken)
        write_text(path, render_contact_sheet(sheet))
        sheets.append((path.name, sheet))
    index = folder.sheets / "index.html"
    write_text(index, render_sheets_index(sheets[0][1].title if sheets else "Photos", sheets))
    return index


@dataclass(frozen=True)
class _Desk:
    """What all sheets are made from.

    Attributes:
        small: Small pictures by the photos' digests.
        names: Of students, by id.
        photos: Each student's, as they were measured.
        owners: Student and tag of each photo, by the beginning of its digest.
    """

    store: Store
    folder: Folder
    small: Mapping[str, bytes]
    decided: Mapping[tuple[str, str], Word]
    names: Mapping[str, str]
    photos: Mapping[str, PhotoSet]
    owners: Mapping[str, Sequence[tuple[str, str]]]

    @classmethod
    def of(cls, store: Store, checked: Checked, folder: Folder) -> _Desk:
        photos: dict[str, PhotoSet] = {}
        owners: dict[str, list[tuple[str, str]]] = {}
        for result in checked.results:
            evidence = None if result.attempt is None else store.evidence(result.attempt).evidence
            found = PhotoSet() if evidence is None or evidence.photos is None else evidence.photos
            photos[result.student] = found
            for tag, photo in tags_of(found).items():
                owners.setdefault(photo.sha256[:16], []).append((result.student, tag))
        names = {each.student: each.name for each in checked.collection.students}
        return cls(store, folder, checked.small, read_decisions(folder), names, photos, owners)

    def sheet(self, result: Result) -> Sheet:
        assert result.mark is not None and result.rubric is not None
        photos, noted = self.photos[result.student], _noted(result)
        rows: dict[str, list[Shot]] = {}
        for tag, photo in tags_of(photos).items():
            heading = "Letter not known" if tag[0] == "?" else f"Letter {tag[0]}"
            rows.setdefault(heading, []).append(self._shot(result.student, tag, photo, noted))
        mark = result.mark
        waits = f", {mark.pending:g} wait" if mark.pending else ""
        return Sheet(
            student=result.student,
            name=self.names.get(result.student, ""),
            title=self.store.rubric(result.rubric).rubric.title,
            points=f"{mark.points:g} of {mark.out_of:g} points{waits}",
            lines=tuple(_lines(result, guides(self.store, result.rubric))),
            rows=tuple((heading, tuple(shots)) for heading, shots in sorted(rows.items())),
            left_out=tuple((each.name, each.why) for each in photos.left_out),
            # Whoever runs it must not run what a student called a file.
            command=shlex.join(["grader", "photos", "decide", str(self.folder.root), result.student]),
        )

    def _shot(
        self, student: str, tag: str, photo: Photo, noted: Mapping[tuple[str, bool], Sequence[str]]
    ) -> Shot:
        unread = (photo.why,) if photo.state == "not_read" else ()
        form = f"{photo.format}, {photo.width} x {photo.height}" if photo.state == "read" else photo.state
        return Shot(
            tag=tag,
            name=photo.name,
            small=self.small.get(photo.sha256, b""),
            about=", ".join([form.replace("_", " "), *photo.metadata]),
            certain=tuple(noted.get((photo.name, True), ())),
            hints=(*noted.get((photo.name, False), ()), *unread, *self._whose(student, photo)),
            decision=self.decided.get((student, photo.name), ""),
        )

    def _whose(self, student: str, photo: Photo) -> list[str]:
        """Which photos of which other students it is like: for course staff alone."""
        return [
            f"like {tag} of {other}"
            for alike in photo.alike
            if alike.whose == "another"
            for other, tag in self.owners.get(alike.picture, ())
            if other != student
        ]


def _noted(result: Result) -> dict[tuple[str, bool], list[str]]:
    """What was noticed on each photo, certain or not."""
    noted: dict[tuple[str, bool], list[str]] = {}
    for item in result.mark.criteria if result.mark else ():
        notes = exhibit_of(item.finding.exhibits, PhotoNotes)
        for note in notes.notes if notes else ():
            noted.setdefault((note.photo, note.certain), []).append(note.text)
    return noted


def _lines(result: Result, guides: Mapping[str, str]) -> list[SheetLine]:
    mark = result.mark
    assert mark is not None
    who = ["grader", "mark", result.student, "--assignment", result.assignment]
    return [
        SheetLine(
            title=item.finding.title,
            standing=f"{item.points:g} of {item.out_of:g}"
            + (f", {item.pending:g} wait" if item.pending else ""),
            message=item.finding.message if item.decision else f"{item.finding.message} {item.finding.open}",
            command=shlex.join([*who, "--criterion", item.criterion, "--points", "P"])
            if item.pending
            else "",
            guide=guides.get(item.criterion, "") if item.pending else "",
        )
        for item in mark.criteria
    ]
